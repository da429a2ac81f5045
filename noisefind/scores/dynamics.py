"""Scores of training dynamics: how predictions change over the epochs.

E members, T epochs, N images, C classes; ``p[e, t, i, c]`` are predicted probabilities and ``y[i]``
is the given label. ``predicted[e, t, i]`` is the class of the highest probability.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.scores.predictions import Predictions


def forgetting(predictions: Predictions, *, never_learned: str = "top") -> NDArray[np.float64]:
    """Number of times that a right prediction turned wrong in the next epoch, mean over members.

    ``mean over e of #{t < T : predicted[e, t, i] = y[i] and predicted[e, t + 1, i] != y[i]}``.
    Toneva et al. 2019, "An Empirical Study of Example Forgetting during Deep Neural Network
    Learning".

    Args:
        predictions: of E members after T epochs, N images.
        never_learned: what a member counts that never predicted the given label. ``"top"``: T,
            which is more than any member that learned the image can reach. ``"zero"``: 0.

    Returns:
        (N,) float64, number of events, 0 to T; HIGH is hard. With one epoch it is 0, or 1 for a
        member that is wrong (``"top"``).

    Raises:
        ValueError: ``never_learned`` is neither ``"top"`` nor ``"zero"``.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, forgetting
        >>> p = np.array([[0.6, 0.4], [0.2, 0.4], [0.9, 0.1]])  # of class 0: 3 epochs, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[None], [0, 0])
        >>> forgetting(predictions).tolist()
        [1.0, 3.0]
        >>> forgetting(predictions, never_learned="zero").tolist()
        [1.0, 0.0]
    """
    if never_learned not in ("top", "zero"):
        raise ValueError(f"never_learned is {never_learned!r}, must be 'top' or 'zero'")
    right = predictions.right
    events = (right[:, :-1] & ~right[:, 1:]).sum(1).astype(np.float64)
    if never_learned == "top":
        events[~right.any(1)] = predictions.n_epochs
    return np.asarray(events.mean(0))


def flips(predictions: Predictions) -> NDArray[np.float64]:
    """Number of times that the predicted class changed in the next epoch, mean over members.

    ``mean over e of #{t < T : predicted[e, t, i] != predicted[e, t + 1, i]}``. The given label does
    not matter. This score was introduced in the thesis behind this package.

    Args:
        predictions: of E members after T epochs, N images.

    Returns:
        (N,) float64, number of changes, 0 to T - 1; HIGH is hard. All are 0 with one epoch.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, flips
        >>> p = np.array([[0.6, 0.4], [0.2, 0.4], [0.9, 0.1]])  # of class 0: 3 epochs, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[None], [0, 0])
        >>> flips(predictions).tolist()
        [2.0, 0.0]
    """
    changed = predictions.predicted[:, 1:] != predictions.predicted[:, :-1]
    return np.asarray(changed.sum(1).mean(0), np.float64)


def aum(predictions: Predictions) -> NDArray[np.float64]:
    """Area under the margin: mean margin of the given label over the most probable other class.

    ``mean over e, t of log p[e, t, i, y[i]] - max over c != y[i] of log p[e, t, i, c]``. The
    difference of log-probabilities is the difference of logits. Pleiss et al. 2020, "Identifying
    Mislabeled Data using the Area Under the Margin Ranking".

    Args:
        predictions: of E members after T epochs, N images.

    Returns:
        (N,) float64 in nats, any real number; HIGH is EASY. Below 0, another class was more
        probable on average.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, aum
        >>> p = np.array([[0.6, 0.4], [0.2, 0.4], [0.9, 0.1]])  # of class 0: 3 epochs, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[None], [0, 0])
        >>> aum(predictions).round(3).tolist()
        [0.405, -1.003]
    """
    return _mean(predictions.margin)


def loss(predictions: Predictions) -> NDArray[np.float64]:
    """Mean over members and epochs of the cross-entropy of the given label.

    ``mean over e, t of -log p[e, t, i, y[i]]``. See Arpit et al. 2017, "A Closer Look at
    Memorization in Deep Networks": networks learn regular images before they memorise wrong labels.

    Args:
        predictions: of E members after T epochs, N images.

    Returns:
        (N,) float64 in nats, 0 at least; HIGH is hard or wrong.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, loss
        >>> p = np.array([[0.6, 0.4], [0.2, 0.4], [0.9, 0.1]])  # of class 0: 3 epochs, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[None], [0, 0])
        >>> loss(predictions).round(3).tolist()
        [0.742, 1.378]
    """
    return 0.0 - _mean(predictions.log_p_given)  # never -0.0


def confidence(predictions: Predictions) -> NDArray[np.float64]:
    """Mean over members and epochs of the probability of the given label.

    ``mean over e, t of p[e, t, i, y[i]]``. Swayamdipta et al. 2020, "Dataset Cartography".

    Args:
        predictions: of E members after T epochs, N images.

    Returns:
        (N,) float64, a probability, 0 to 1; HIGH is EASY.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, confidence
        >>> p = np.array([[0.6, 0.4], [0.2, 0.4], [0.9, 0.1]])  # of class 0: 3 epochs, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[None], [0, 0])
        >>> confidence(predictions).round(3).tolist()
        [0.567, 0.3]
    """
    return _mean(np.exp(predictions.log_p_given))


def variability(predictions: Predictions) -> NDArray[np.float64]:
    """Standard deviation over epochs of the probability of the given label, mean over members.

    ``mean over e of std over t of p[e, t, i, y[i]]``, with ddof 0. Swayamdipta et al. 2020,
    "Dataset Cartography".

    Args:
        predictions: of E members after T epochs, N images.

    Returns:
        (N,) float64, a probability, 0 to 0.5; HIGH is ambiguous. Both easy images and wrong labels
        are low. All are 0 with one epoch.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, variability
        >>> p = np.array([[0.6, 0.4], [0.2, 0.4], [0.9, 0.1]])  # of class 0: 3 epochs, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[None], [0, 0])
        >>> variability(predictions).round(3).tolist()
        [0.287, 0.141]
    """
    return np.asarray(np.exp(predictions.log_p_given.astype(np.float64)).std(1).mean(0))


def correctness(predictions: Predictions) -> NDArray[np.float64]:
    """Share of predictions, over members and epochs, that are the given label.

    ``mean over e, t of [predicted[e, t, i] = y[i]]``. Swayamdipta et al. 2020, "Dataset
    Cartography".

    Args:
        predictions: of E members after T epochs, N images.

    Returns:
        (N,) float64, a share, 0 to 1; HIGH is EASY.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import Predictions, correctness
        >>> p = np.array([[0.6, 0.4], [0.2, 0.4], [0.9, 0.1]])  # of class 0: 3 epochs, 2 images
        >>> predictions = Predictions.from_probabilities(np.stack([p, 1 - p], -1)[None], [0, 0])
        >>> correctness(predictions).round(3).tolist()
        [0.667, 0.0]
    """
    return _mean(predictions.right)


def _mean(values: NDArray[Any]) -> NDArray[np.float64]:
    """The mean over members and epochs, added up in float64."""
    return np.asarray(values.mean((0, 1), dtype=np.float64))
