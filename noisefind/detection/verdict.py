"""The verdict on each label, from the margin and the mean prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Verdict(NamedTuple):
    """What is thought of each label."""

    label_score: NDArray[np.float64]  # (N,) 0 to 1, LOWER IS WORSE
    is_label_issue: NDArray[np.bool_]  # (N,)
    predicted: NDArray[np.int64]  # (N,) the class that the ensemble suggests
    predicted_prob: NDArray[np.float64]  # (N,) its mean probability


def judge(
    aum: NDArray[np.float64], mean: NDArray[np.floating], labels: NDArray[np.int64]
) -> Verdict:
    """Suspect the labels against which the ensemble speaks, on average and at its end.

    Args:
        aum: (N,) mean margin.
        mean: (N, C) mean prediction.
        labels: (N,) given labels.

    Returns:
        ``label_score`` = 1 / (1 + exp(-aum)); a label is an issue where the mean prediction
        is another class and ``aum`` < 0.
    """
    predicted = mean.argmax(1).astype(np.int64)
    return Verdict(
        label_score=np.exp(-np.logaddexp(0, -aum)),
        is_label_issue=(predicted != labels) & (aum < 0),
        predicted=predicted,
        predicted_prob=mean.max(1).astype(np.float64),
    )


def worst_first(
    label_score: NDArray[np.float64], aum: NDArray[np.float64], shuffle: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Row numbers by rising ``label_score``, then ``aum``, then a seeded ``shuffle``, all (N,)."""
    return np.lexsort((shuffle, aum, label_score)).astype(np.int64)
