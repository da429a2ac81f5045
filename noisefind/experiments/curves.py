"""Training of all subsets; each finished curve goes into the cache at once."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from noisefind.experiments.subsets import Subset, job
from noisefind.training.subsets import Curve, SubsetJob
from noisefind.utils.cache import cache_key, forget
from noisefind.utils.files import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from noisefind.experiments.context import SweepContext
    from noisefind.utils.progress import Progress

FORMAT = 2  # of the files; raise it when the same job gives another curve


class CurveCache:
    """A small file per training; its name is a hash of everything that the curve depends on."""

    def __init__(self, folder: Path, key: str, say: Callable[[str], None]) -> None:
        """The curves in ``folder``.

        Args:
            folder: of the files.
            key: identifies the data, the network and the device; the rest is in each job.
            say: receives one line for each damaged file.
        """
        self._folder, self._key, self._say = folder, key, say

    def get(self, job: SubsetJob) -> Curve | None:
        """The curve of a job that was trained before; a damaged file is removed."""
        file = self._file(job)
        if not os.path.lexists(file):
            return None
        with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
            values = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
            curve = {name: values[name] for name in Curve._fields}
            if values["checksum"] == cache_key(file.name, curve):
                return Curve(**{name: np.array(value) for name, value in curve.items()})
        self._say(f"{file} in the cache is damaged; the subset is trained again")
        forget(file)
        return None

    def put(self, job: SubsetJob, curve: Curve) -> None:
        """Keep a curve, with a checksum of its name and values."""
        file = self._file(job)
        self._folder.mkdir(parents=True, exist_ok=True)
        values = {name: v.tolist() for name, v in curve._asdict().items()}
        write_json(file, values | {"checksum": cache_key(file.name, values)})

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
        job(
            subset.phases(number), subset.labels, seed, n_full=len(context.images.rows),
            batch_size=context.batch_size, equal=equal, restart=restart,
        )
        for subset in subsets for number, seed in enumerate(seeds)
    ]  # fmt: skip
    cache = CurveCache(context.cache, context.key, progress.say)
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
