"""Scores from the members' predictions after the last epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.scores.predictions import Predictions


def el2n(predictions: Predictions) -> NDArray[np.float64]:
    """Mean over members of || p - onehot(given label) ||, L2, after the last epoch.

    Paul, Ganguli, Dziugaite 2021, "Deep Learning on a Data Diet". Returns (N,), 0 to sqrt(2);
    HIGH is hard or wrong.
    """
    last = predictions.squared_distance[:, -1].astype(np.float64)
    return np.asarray(np.sqrt(last).mean(0))


def ensemble_std(predictions: Predictions) -> NDArray[np.float64]:
    """Sum over classes of the standard deviation over members (ddof 1) after the last epoch.

    The thesis' own. Returns (N,), 0 up to about sqrt(C); HIGH is hard: the members disagree. With
    one member there is nothing to disagree with: all 0.
    """
    if predictions.n_members == 1:
        return np.zeros(len(predictions.labels))
    variance = predictions.squares.astype(np.float64) / (predictions.n_members - 1)
    return np.asarray(np.sqrt(variance).sum(1))


def pred_sum(predictions: Predictions) -> NDArray[np.float64]:
    """Number of members that predict the given label after the last epoch.

    The thesis' own. Returns (N,), whole numbers 0 to E; HIGH is EASY.
    """
    return np.asarray(predictions.right[:, -1].sum(0), np.float64)
