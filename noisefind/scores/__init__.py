"""Predictions or features go in; one float per image and score comes out; pure numpy.

``SCORES`` has the direction of each score. To add a score: write its function in
``ensemble.py`` or ``dynamics.py``, add a line to the table, and describe it in
docs/reference/scores.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from noisefind.scores.distance import km_distance
from noisefind.scores.dynamics import (
    aum,
    confidence,
    correctness,
    flips,
    forgetting,
    loss,
    variability,
)
from noisefind.scores.ensemble import el2n, ensemble_std, pred_sum

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from noisefind.scores.predictions import Predictions


class Score(NamedTuple):
    """The function of a score, its direction and a short description."""

    compute: Callable[[Predictions], NDArray[np.float64]] | None  # None: from features
    high_is_hard: bool
    summary: str


# in the order of the columns of scores.csv
SCORES: dict[str, Score] = {
    "el2n": Score(el2n, True, "distance between prediction and label after the last epoch"),
    "ensemble_std": Score(ensemble_std, True, "disagreement of the members"),
    "pred_sum": Score(pred_sum, False, "members that predict the given label"),
    "forgetting": Score(forgetting, True, "times that a right prediction turned wrong"),
    "flips": Score(flips, True, "times that the predicted class changed"),
    "km_distance": Score(None, True, "distance to the nearest cluster of features"),
    "aum": Score(aum, False, "mean margin of the given label over the best other"),
    "loss": Score(loss, True, "mean cross-entropy of the given label"),
    "confidence": Score(confidence, False, "mean probability of the given label"),
    "variability": Score(variability, True, "spread of that probability over the epochs"),
    "correctness": Score(correctness, False, "share of epochs that predict the given label"),
}


def difficulty(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values of one score turned so that HIGH is hard; ``label_score`` counts as easy."""
    high_is_hard = name in SCORES and SCORES[name].high_is_hard
    return values if high_is_hard else -values


__all__ = [
    "SCORES",
    "Score",
    "aum",
    "confidence",
    "correctness",
    "difficulty",
    "el2n",
    "ensemble_std",
    "flips",
    "forgetting",
    "km_distance",
    "loss",
    "pred_sum",
    "variability",
]
