"""Predictions of an ensemble: the contract between training and the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# what is kept of each prediction, in the order of the record's files
FIELDS = ("log_p_given", "log_p_other", "predicted", "squared_distance")


@dataclass(frozen=True)
class Predictions:
    """E members' predictions of N images in C classes after each of T epochs.

    Predictions are softmax outputs p[e, t, i, c] on the un-augmented image in evaluation mode.

    Attributes:
        log_p_given: (E, T, N) log-probability of the given label, finite, 0 at most.
        log_p_other: (E, T, N) highest log-probability of any other class, likewise.
        predicted: (E, T, N) the most probable class, a whole number in any dtype.
        squared_distance: (E, T, N) squared L2 distance between prediction and one-hot given label,
            0 to 2.
        mean: (N, C) mean over members of the prediction after the last epoch.
        squares: (N, C) sum over members of the squared difference from ``mean``.
        labels: (N,) int64 given labels.
    """

    log_p_given: NDArray[np.floating]
    log_p_other: NDArray[np.floating]
    predicted: NDArray[np.floating]
    squared_distance: NDArray[np.floating]
    mean: NDArray[np.floating]
    squares: NDArray[np.floating]
    labels: NDArray[np.int64]

    @property
    def n_members(self) -> int:
        """E."""
        return len(self.log_p_given)

    @property
    def n_epochs(self) -> int:
        """T."""
        return int(self.log_p_given.shape[1])

    @property
    def right(self) -> NDArray[np.bool_]:
        """(E, T, N) whether the prediction was the given label."""
        return np.asarray(self.predicted == self.labels)

    @property
    def margin(self) -> NDArray[np.floating]:
        """(E, T, N) log-probability of the given label minus the highest other; below 0: wrong."""
        return self.log_p_given - self.log_p_other

    @classmethod
    def from_probabilities(cls, probabilities: ArrayLike, labels: ArrayLike) -> Predictions:
        """Predictions from whole softmax arrays of networks that were trained elsewhere.

        Args:
            probabilities: (E, T, N, C), rows summing to 1.
            labels: (N,) given labels, 0 .. C-1.

        Raises:
            ValueError: shapes do not fit, C < 2, or a label or probability is out of range.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        y = np.asarray(labels)
        if p.ndim != 4 or y.shape != p.shape[2:3] or 0 in p.shape:
            raise ValueError(
                f"probabilities {p.shape} must be (members, epochs, images, classes), none of them "
                f"0, and labels {y.shape} (images,)"
            )
        if y.dtype.kind not in "iu":
            raise ValueError(f"labels are {y.dtype}, must be whole numbers")
        y = y.astype(np.int64)
        if p.shape[3] < 2 or y.min() < 0 or y.max() >= p.shape[3]:
            raise ValueError(f"labels must be 0 to {p.shape[3] - 1}, of at least 2 classes")
        if not (np.isfinite(p).all() and p.min() >= 0 and np.allclose(p.sum(-1), 1, atol=1e-3)):
            raise ValueError("probabilities must be 0 to 1 and sum to 1 over the classes")
        column = y[None, None, :, None]
        others = p.copy()
        np.put_along_axis(others, np.broadcast_to(column, (*p.shape[:3], 1)), 0.0, axis=3)
        given = np.take_along_axis(p, np.broadcast_to(column, (*p.shape[:3], 1)), axis=3)[..., 0]
        smallest = np.finfo(np.float64).tiny  # 0 would make the margin of 0 against 1 infinite
        log_given = np.log(np.maximum(given, smallest))
        log_other = np.log(np.maximum(others.max(-1), smallest))
        last = p[:, -1]
        return cls(
            log_p_given=log_given,
            log_p_other=log_other,
            predicted=p.argmax(-1),
            squared_distance=(1 - given) ** 2 + (others**2).sum(-1),
            mean=last.mean(0),
            squares=((last - last.mean(0)) ** 2).sum(0),
            labels=y,
        )
