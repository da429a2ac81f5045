"""From evidence on N labels to label_score, flags and the order of the ranking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_PROBABILITY = 0.3  # no label is worth a look that is wrong with a smaller probability
MEMORISED_SHARE = 0.5  # of the labels that leave-one-out predictions doubt, repeated by the members
MEMORISED_LEAST = 10  # with fewer doubted labels there is no check


def memorised_share(p_given: Floats, member_class: Ints, labels: Ints) -> float:
    """Of the labels that are wrong by leave-one-out predictions, the share that members predict.

    Members that still learn predict few of them. Members that were trained until they know every
    label predict nearly all of them. NaN where fewer than ten labels are doubted.

    Args:
        p_given: (N,) leave-one-out probability that the given label is right.
        member_class: (N,) the class that the members predict on average.
        labels: (N,) given labels.
    """
    is_doubted = p_given < 0.5
    if is_doubted.sum() < MEMORISED_LEAST:
        return float("nan")
    return float((member_class == labels)[is_doubted].mean())


def log_odds(p: Floats) -> Floats:
    """log p - log(1 - p), finite."""
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(p) - np.log1p(-p))


def calibrated(margin: Floats, target: Floats) -> Floats:
    """The logistic function of ``margin`` nearest to ``target`` by cross-entropy, both (N,).

    Platt 1999, with probabilities for targets. It rises with the margin, and its mean is that of
    the target.
    """
    scale = float(np.std(margin)) or 1.0
    x = np.stack([margin / scale, np.ones_like(margin)], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -500, 500)))
        gradient = x.T @ (target - p)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        # far from the optimum Newton's step is too long
        step *= min(1.0, 2.0 / (float(np.abs(step).max()) or 1.0))
        weights = weights + step
        weights[0] = max(weights[0], 1e-3)
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(np.exp(-np.logaddexp(0, -(x @ weights))))


def suspected(p_wrong: Floats) -> Bools:
    """(N,) the labels that a reviewer should see.

    ``p_wrong`` (N,) are calibrated probabilities that they are wrong. Suspected are the first k of
    them for which the expected 2 x found / (k + wrong) is highest. For probabilities that are
    right, no other cut has a better expected F1 (Lipton, Elkan and Naryanaswamy 2014).
    """
    order = np.sort(p_wrong)[::-1]
    expected_f1 = 2 * np.cumsum(order) / (np.arange(1, len(order) + 1) + order.sum())
    cut = order[expected_f1.argmax()]
    return np.asarray(p_wrong >= max(cut, LEAST_PROBABILITY))


def worst_first(label_score: Floats, margin: Floats, shuffle: NDArray[np.uint64]) -> Ints:
    """Row numbers by rising ``label_score``, then ``margin``, then a seeded ``shuffle``, (N,)."""
    return np.lexsort((shuffle, margin, label_score)).astype(np.int64)
