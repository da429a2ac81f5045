"""Scores of the members' predictions after the last epoch.

E members, N images, C classes; ``p[e, i, c]`` are predicted probabilities after the last epoch and
``y[i]`` is the given label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.scores.predictions import Predictions


def el2n(predictions: Predictions) -> NDArray[np.float64]:
    """L2 norm of the error of the predicted probabilities, mean over members.

    ``mean over e of ||p[e, i] - onehot(y[i])||_2``. Paul, Ganguli, Dziugaite 2021, "Deep Learning
    on a Data Diet".

    Args:
        predictions: of E members, N images; the last epoch counts.

    Returns:
        (N,) float64, 0 to sqrt(2); HIGH is hard or wrong.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, el2n
        >>> p = np.array([[0.9, 0.2], [0.8, 0.6]])  # of class 0: 2 members, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[:, None], [0, 0])
        >>> el2n(predictions).round(3).tolist()
        [0.212, 0.849]
    """
    last = predictions.squared_distance[:, -1].astype(np.float64)
    return np.asarray(np.sqrt(last).mean(0))


def ensemble_std(predictions: Predictions) -> NDArray[np.float64]:
    """Sum over classes of the standard deviation of predicted probabilities over members.

    ``sum over c of std over e of p[e, i, c]``, with ddof 1. The given label does not matter. This
    score was introduced in the thesis behind this package.

    Args:
        predictions: of E members, N images; the last epoch counts.

    Returns:
        (N,) float64, 0 to about sqrt(C); HIGH is hard, because the members disagree. All
        are 0 with one member.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, ensemble_std
        >>> p = np.array([[0.9, 0.2], [0.8, 0.6]])  # of class 0: 2 members, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[:, None], [0, 0])
        >>> ensemble_std(predictions).round(3).tolist()
        [0.141, 0.566]
    """
    if predictions.n_members == 1:
        return np.zeros(len(predictions.labels))
    variance = predictions.squares.astype(np.float64) / (predictions.n_members - 1)
    return np.asarray(np.sqrt(variance).sum(1))


def pred_sum(predictions: Predictions) -> NDArray[np.float64]:
    """Number of members that predict the given label.

    ``#{e : argmax over c of p[e, i, c] = y[i]}``. This score was introduced in the thesis behind
    this package.

    Args:
        predictions: of E members, N images; the last epoch counts.

    Returns:
        (N,) float64, whole numbers 0 to E; HIGH is EASY.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, pred_sum
        >>> p = np.array([[0.9, 0.2], [0.8, 0.6]])  # of class 0: 2 members, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[:, None], [0, 0])
        >>> pred_sum(predictions).tolist()
        [2.0, 1.0]
    """
    return np.asarray(predictions.right[:, -1].sum(0), np.float64)
