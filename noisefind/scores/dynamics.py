"""Scores from the predictions over the epochs (training dynamics)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.scores.predictions import Predictions


def forgetting(predictions: Predictions, *, never_learned: str = "top") -> NDArray[np.float64]:
    """Number of times that a right prediction turned wrong in the next epoch, mean over members.

    Toneva et al. 2019, "An Empirical Study of Example Forgetting". Returns (N,), 0 to T; HIGH is
    hard. A member that never predicted the given label counts T (``"top"``), more than any
    that learned it can reach, or 0 (``"zero"``, as the thesis counted).
    """
    right = predictions.right
    events = (right[:, :-1] & ~right[:, 1:]).sum(1).astype(np.float64)
    if never_learned == "top":
        events[~right.any(1)] = predictions.n_epochs
    return np.asarray(events.mean(0))


def flips(predictions: Predictions) -> NDArray[np.float64]:
    """Number of times that the predicted class changed in the next epoch, mean over members.

    A score of the thesis; it does not use the given label. Returns (N,), 0 to T-1; HIGH is hard.
    """
    changed = predictions.predicted[:, 1:] != predictions.predicted[:, :-1]
    return np.asarray(changed.sum(1).mean(0), np.float64)


def aum(predictions: Predictions) -> NDArray[np.float64]:
    """Area under the margin: mean over members and epochs of log p[given] - log max other p.

    Pleiss et al. 2020, "Identifying Mislabeled Data using the Area Under the Margin Ranking"; the
    difference of log-probabilities is that of logits. Returns (N,), any real number; HIGH is
    EASY, below 0 other classes were preferred on average.
    """
    return _mean(predictions.margin)


def loss(predictions: Predictions) -> NDArray[np.float64]:
    """Mean over members and epochs of the cross-entropy -log p[given], in nats.

    Returns (N,), 0 upwards; HIGH is hard or wrong.
    """
    return 0.0 - _mean(predictions.log_p_given)  # never -0.0


def confidence(predictions: Predictions) -> NDArray[np.float64]:
    """Mean over members and epochs of p[given].

    Swayamdipta et al. 2020, "Dataset Cartography". Returns (N,), 0 to 1; HIGH is EASY.
    """
    return _mean(np.exp(predictions.log_p_given))


def variability(predictions: Predictions) -> NDArray[np.float64]:
    """Standard deviation over epochs (ddof 0) of p[given], mean over members.

    Swayamdipta et al. 2020: HIGH is ambiguous; both the easy and the wrong are low. Returns (N,),
    0 to 0.5.
    """
    return np.asarray(np.exp(predictions.log_p_given.astype(np.float64)).std(1).mean(0))


def correctness(predictions: Predictions) -> NDArray[np.float64]:
    """Share of members and epochs that predicted the given label.

    Swayamdipta et al. 2020. Returns (N,), 0 to 1; HIGH is EASY.
    """
    return _mean(predictions.right)


def _mean(values: NDArray[Any]) -> NDArray[np.float64]:
    """The mean over members and epochs, added up in float64."""
    return np.asarray(values.mean((0, 1), dtype=np.float64))
