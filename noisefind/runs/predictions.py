"""Mean predicted probabilities of a finished run, from its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.errors import RunError
from noisefind.utils.arrays import DamagedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.runs.folder import RunFolder
    from noisefind.training.record import Record


class MeanPredictions(NamedTuple):
    """The N ids, sorted; the C classes, sorted; (N, C) mean probabilities over the members."""

    ids: list[str]
    classes: list[str]
    probabilities: NDArray[np.float32]


def mean_predictions(run: RunFolder) -> MeanPredictions:
    """The mean after the last epoch; every kind of member counts the same.

    Raises:
        RunError: the run is not finished, or its record is missing.
    """
    records = open_records(run)
    mean = np.mean([record.mean for record in records.values()], axis=0)
    if not np.isfinite(mean).all():
        raise DamagedError(run.record, "has predictions that are not finite")
    return MeanPredictions(sorted(run.read_ranking().ids), run.read_summary().classes, mean)


def open_records(run: RunFolder) -> dict[str, Record]:
    """Kind of member -> its record, memory-mapped; rows are in the order of sorted ids.

    Raises:
        RunError: the run is not finished, or its record is missing or damaged.
    """
    from noisefind.training.record import Record, n_recorded  # imports torch

    summary = run.read_summary()
    folders = {kind: run.record / kind for kind in summary.recipes}
    if not folders or not all(n_recorded(folder) for folder in folders.values()):
        raise RunError(f"{run.record} lacks the predictions of the members; score the data again")
    shape = summary.n_images, len(summary.classes)
    return {kind: Record(folder, *shape) for kind, folder in folders.items()}
