"""From points to curves, each training found in the cache or done and kept there at once."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from noisefind.experiments.subsets import Point, job
from noisefind.training.subsets import Curve, SubsetJob
from noisefind.utils.cache import cache_key
from noisefind.utils.files import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from noisefind.experiments.context import Bench
    from noisefind.utils.progress import Progress

FORMAT = 1  # of what is kept; raise it when the same job gives another curve


class CurveCache:
    """A small file per training, named by all that decides what comes out of it."""

    def __init__(self, folder: Path, key: str) -> None:
        """``key`` names the data, the network and the machine; the jobs are the rest."""
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


def train_points(
    points: Sequence[Point],
    seeds: Sequence[int],
    bench: Bench,
    *,
    equal: str,
    restart: bool = False,
    progress: Progress,
) -> dict[str, list[Curve]]:
    """Name of each point -> a curve for each seed.

    Args:
        points: what to train on.
        seeds: of the trainings.
        bench: the data and the trainer.
        equal: ``steps`` or ``epochs``; see ``points.job``.
        restart: the schedule begins anew with each stage.
        progress: told how much there is to do.
    """
    places = [(point.name, number) for point in points for number in range(len(seeds))]
    jobs = [
        job(
            point.stages(number), point.labels, seed, n_full=len(bench.images.rows),
            batch_size=bench.batch_size, equal=equal, restart=restart,
        )
        for point in points for number, seed in enumerate(seeds)
    ]  # fmt: skip
    cache = CurveCache(bench.cache, bench.key)
    found = {place: cache.get(job_) for place, job_ in zip(places, jobs, strict=True)}
    missing = [n for n, place in enumerate(places) if found[place] is None]
    kept = f", {len(jobs) - len(missing):,} are in the cache" if len(missing) < len(jobs) else ""
    progress.say(f"{len(points):,} points x {len(seeds)} seeds: {len(missing):,} trainings{kept}")
    if missing:
        n_epochs = sum(phase.epochs for n in missing for phase in jobs[n].phases)
        progress.stage(f"Training {bench.network} on subsets", n_epochs)
        for number, curve in bench.trainer([jobs[n] for n in missing]):
            cache.put(jobs[missing[number]], curve)
            found[places[missing[number]]] = curve
    curves: dict[str, list[Curve]] = {}
    for (name, _), curve_ in found.items():
        if curve_ is None:
            raise ValueError(f"the trainer left out {name}")
        curves.setdefault(name, []).append(curve_)
    return curves
