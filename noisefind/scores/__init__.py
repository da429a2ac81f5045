"""Predictions or features go in; one float per image and score comes out.

``SCORES`` has the direction of each score. To add a score: write its function in
``ensemble.py`` or ``dynamics.py``, add a line to the table, and describe it in
docs/reference/scores.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from noisefind.scores.distance import Clusters, find_clusters, km_distance
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
from noisefind.scores.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


class Score(NamedTuple):
    """A score: its function, its direction and one line about it."""

    compute: Callable[[Predictions], NDArray[np.float64]] | None  # None: it needs features
    high_is_hard: bool
    summary: str
    needs: str = ""  # "members" or "epochs": more than one of them; "features"

    def is_known(self, *, n_members: int, n_epochs: int) -> bool:
        """Whether predictions of so many members and epochs say anything about it."""
        return not (self.needs == "members" and n_members < 2) and not (
            self.needs == "epochs" and n_epochs < 2
        )


# in the order of the columns of scores.csv
SCORES: dict[str, Score] = {
    "el2n": Score(el2n, True, "distance between prediction and label after the last epoch"),
    "ensemble_std": Score(ensemble_std, True, "disagreement of the members", "members"),
    "pred_sum": Score(pred_sum, False, "members that predict the given label"),
    "forgetting": Score(forgetting, True, "times that a right prediction turned wrong", "epochs"),
    "flips": Score(flips, True, "times that the predicted class changed", "epochs"),
    "km_distance": Score(None, True, "distance to the nearest cluster of features", "features"),
    "aum": Score(aum, False, "mean margin of the given label over the best other"),
    "loss": Score(loss, True, "mean cross-entropy of the given label"),
    "confidence": Score(confidence, False, "mean probability of the given label"),
    "variability": Score(variability, True, "spread of that probability over the epochs", "epochs"),
    "correctness": Score(correctness, False, "share of epochs that predict the given label"),
}


def difficulty(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values of a score with the sign that makes HIGH hard.

    ``values`` where the score is high for hard images, ``-values`` where it is high for easy ones.

    Args:
        name: a key of ``SCORES``, or ``"label_score"``, which is high for easy images.
        values: (N,) float64, values of that score.

    Returns:
        (N,) float64 in the unit of the score; HIGH is hard.

    Raises:
        ValueError: there is no such score.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import difficulty
        >>> difficulty("el2n", np.array([0.1, 1.2])).tolist()
        [0.1, 1.2]
        >>> difficulty("aum", np.array([2.0, -1.5])).tolist()
        [-2.0, 1.5]
    """
    if name == "label_score":
        return -values
    if name not in SCORES:
        raise ValueError(f"{name!r} is no score: one of {', '.join([*SCORES, 'label_score'])}")
    return values if SCORES[name].high_is_hard else -values


__all__ = [
    "SCORES",
    "Clusters",
    "Predictions",
    "Score",
    "aum",
    "confidence",
    "correctness",
    "difficulty",
    "el2n",
    "ensemble_std",
    "find_clusters",
    "flips",
    "forgetting",
    "km_distance",
    "loss",
    "pred_sum",
    "variability",
]
