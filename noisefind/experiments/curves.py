"""Training of all subsets; each finished curve goes into the cache at once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from noisefind.experiments.subsets import Subset, job
from noisefind.training.subsets import Curve, SubsetJob
from noisefind.utils.cache import cache_key
from noisefind.utils.files import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from noisefind.experiments.context import SweepContext
    from noisefind.utils.progress import Progress

FORMAT = 1  # of the files; raise it when the same job gives another curve


class CurveCache:
    """A small file per training; its name is a hash of everything that the curve depends on."""

    def __init__(self, folder: Path, key: str) -> None:
        """``key`` identifies the data, the network and the device; the rest is in each job."""
        self._folder, self._key = folder, key

    def get(self, job: SubsetJob) -> Curve | None:
        """The curve of a job that was trained before."""
        try:
            values = json.loads(self._file(job).read_text(encoding="utf-8"))
            return Curve(np.array(values["validation"]), np.array(values["test"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, job: SubsetJob, curve: Curve) -> None:
        """Keep a curve."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_json(self._file(job), {name: v.tolist() for name, v in curve._asdict().items()})

    def _file(self, job: SubsetJob) -> Path:
        digest = hashlib.sha256()
        for phase in job.phases:
            for array in (phase.rows, job.labels[phase.rows]):
                digest.update(np.ascontiguousarray(array, "<i8").tobytes())
        name = cache_key(FORMAT, self._key, job.seed, job.shape, digest.hexdigest())
        return self._folder / f"{name}.json"


def train_subsets(
    subsets: Sequence[Subset],
    seeds: Sequence[int],
    context: SweepContext,
    *,
    equal: str,
    restart: bool = False,
    progress: Progress,
) -> dict[str, list[Curve]]:
    """Name of each subset -> a curve for each seed.

    Args:
        subsets: rows and labels to train on.
        seeds: of the trainings.
        context: the data and the trainer.
        equal: ``steps`` or ``epochs``; see ``subsets.job``.
        restart: the schedule starts again with each phase.
        progress: receives the number of epochs.
    """
    places = [(subset.name, number) for subset in subsets for number in range(len(seeds))]
    jobs = [
        replace(
            job(
                subset.phases(number), subset.labels, seed, n_full=len(context.images.rows),
                batch_size=context.batch_size, equal=equal, restart=restart,
            ),
            name=f"{subset.name}, seed {seed}",
        )
        for subset in subsets for number, seed in enumerate(seeds)
    ]  # fmt: skip
    cache = CurveCache(context.cache, context.key)
    found = {place: cache.get(job_) for place, job_ in zip(places, jobs, strict=True)}
    missing = [n for n, place in enumerate(places) if found[place] is None]
    kept = f", {len(jobs) - len(missing):,} are in the cache" if len(missing) < len(jobs) else ""
    progress.say(f"{len(subsets):,} subsets x {len(seeds)} seeds: {len(missing):,} trainings{kept}")
    if missing:
        n_epochs = sum(phase.epochs for n in missing for phase in jobs[n].phases)
        progress.stage(f"Training {context.network} on subsets", n_epochs)
        for number, curve in context.trainer([jobs[n] for n in missing]):
            cache.put(jobs[missing[number]], curve)
            found[places[missing[number]]] = curve
    curves: dict[str, list[Curve]] = {}
    for (name, _), curve_ in found.items():
        if curve_ is None:
            raise ValueError(f"the trainer left out {name}")
        curves.setdefault(name, []).append(curve_)
    return curves
