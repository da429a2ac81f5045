"""Mean predicted probabilities of a finished run, from its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.errors import RunError
from noisefind.utils.arrays import DamagedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.runs.folder import RunFolder


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
    from noisefind.training.record import Record, n_recorded  # imports torch

    summary = run.read_summary()
    folders = [run.record / network for network in summary.recipes]
    if not folders or not all(n_recorded(folder) for folder in folders):
        raise RunError(f"{run.record} lacks the predictions of the members; score the data again")
    ids, n_classes = sorted(run.read_ranking().ids), len(summary.classes)
    mean = np.mean([Record(folder, len(ids), n_classes).mean for folder in folders], axis=0)
    if not np.isfinite(mean).all():
        raise DamagedError(run.record, "has predictions that are not finite")
    return MeanPredictions(ids, summary.classes, mean)
