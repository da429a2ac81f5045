"""Predictions of an ensemble: the input of every score but ``km_distance``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from noisefind.utils.text import card

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# what is kept of each prediction, in the order of the record's files
FIELDS = ("log_p_given", "log_p_other", "predicted", "squared_distance")


@dataclass(frozen=True)
class Predictions:
    """Predictions of E members for N images in C classes after each of T epochs.

    Build it with ``Predictions.from_probabilities``. It keeps of all predicted probabilities (E, T,
    N, C) what the scores need. These are softmax outputs in evaluation mode for images without
    augmentation.

    Attributes:
        log_p_given: (E, T, N) float, log-probability of the given label in nats, finite, 0 at most.
        log_p_other: (E, T, N) float, highest log-probability of any other class, likewise.
        predicted: (E, T, N) the most probable class, a whole number in any dtype.
        squared_distance: (E, T, N) float, squared L2 distance between the predicted probabilities
            and the one-hot given label, 0 to 2.
        mean: (N, C) float, mean over members of the probabilities after the last epoch, 0 to 1.
        squares: (N, C) float, sum over members of the squared difference from ``mean``, 0 at least.
        labels: (N,) int64, given labels, 0 .. C-1.

    Examples:
        >>> from noisefind.scores import Predictions
        >>> pred_probs = [[[[0.9, 0.1], [0.2, 0.8]]]]  # 1 member, 1 epoch, 2 images, 2 classes
        >>> predictions = Predictions.from_probabilities(pred_probs, labels=[0, 0])
        >>> predictions.n_members, predictions.n_epochs
        (1, 1)
        >>> predictions.right.tolist()
        [[[True, False]]]
    """

    log_p_given: NDArray[np.floating]
    log_p_other: NDArray[np.floating]
    predicted: NDArray[np.floating]
    squared_distance: NDArray[np.floating]
    mean: NDArray[np.floating]
    squares: NDArray[np.floating]
    labels: NDArray[np.int64]

    def __repr__(self) -> str:
        n_images, n_classes = self.mean.shape
        return card(
            "Predictions",
            members=self.n_members,
            epochs=self.n_epochs,
            images=f"{n_images:,} in {n_classes:,} classes",
        )

    @property
    def n_members(self) -> int:
        """E, the number of members."""
        return len(self.log_p_given)

    @property
    def n_epochs(self) -> int:
        """T, the number of epochs."""
        return int(self.log_p_given.shape[1])

    @property
    def right(self) -> NDArray[np.bool_]:
        """(E, T, N) bool, the predicted class is the given label."""
        return np.asarray(self.predicted == self.labels)

    @property
    def margin(self) -> NDArray[np.floating]:
        """(E, T, N) float, ``log_p_given - log_p_other`` in nats; below 0: wrong."""
        return self.log_p_given - self.log_p_other

    @classmethod
    def from_probabilities(cls, pred_probs: ArrayLike, labels: ArrayLike) -> Predictions:
        """Predictions from whole arrays of predicted probabilities, of any model and any data.

        A probability of 0 counts as the smallest float64 above 0, so all logarithms are finite.

        Args:
            pred_probs: (E, T, N, C) float, predicted probabilities of E members (models) after each
                of T epochs; 0 to 1, each row has the sum 1 to within 0.001. With one model and one
                epoch of (N, C): ``pred_probs[None, None]``.
            labels: (N,) int, given labels, 0 .. C-1.

        Returns:
            The predictions in float64. The arguments are not changed.

        Raises:
            ValueError: shapes do not fit, C is below 2, or a label or probability is out of range.

        Examples:
            >>> import numpy as np
            >>> from noisefind.scores import Predictions, aum
            >>> pred_probs = np.array([[0.9, 0.1], [0.2, 0.8]])  # one model: 2 images, 2 classes
            >>> predictions = Predictions.from_probabilities(pred_probs[None, None], [0, 0])
            >>> aum(predictions).round(3).tolist()
            [2.197, -1.386]
        """
        p = np.asarray(pred_probs, dtype=np.float64)
        y = np.asarray(labels)
        if p.ndim != 4 or y.shape != p.shape[2:3] or 0 in p.shape:
            raise ValueError(
                f"pred_probs {p.shape} must be (members, epochs, images, classes), none of them "
                f"0, and labels {y.shape} (images,)"
            )
        if y.dtype.kind not in "iu":
            raise ValueError(f"labels are {y.dtype}, must be whole numbers")
        y = y.astype(np.int64)
        if p.shape[3] < 2 or y.min() < 0 or y.max() >= p.shape[3]:
            raise ValueError(f"labels must be 0 to {p.shape[3] - 1}, of at least 2 classes")
        if not (np.isfinite(p).all() and p.min() >= 0 and np.allclose(p.sum(-1), 1, atol=1e-3)):
            raise ValueError("pred_probs must be 0 to 1 and sum to 1 over the classes")
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
