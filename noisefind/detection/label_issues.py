"""The verdict on each label, from held-out witnesses and the members of the ensemble."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MEMBERS_WEIGHT = 1.5  # of their margin beside the held-out log-odds; 1 to 3 differ by .002 AP
LEAST_SUSPICION = 0.3  # no label is suspected that is wrong with a smaller probability
MEMORISED_SHARE = 0.5  # of the labels that held-out witnesses doubt, repeated by the members
MEMORISED_LEAST = 10  # with fewer doubted labels nothing is said


class Evidence(NamedTuple):
    """What is known of N labels before the verdict.

    Attributes:
        p_given: (N,) held-out probability that the given label is right, 0 to 1.
        aum: (N,) the members' mean margin of the given label.
        member_class: (N,) the class that the members predict on average.
        other: (N,) the class other than the given label that all witnesses together favour most.
        other_share: (N,) its probability if the given label is wrong.
    """

    p_given: Floats
    aum: Floats
    member_class: Ints
    other: Ints
    other_share: Floats


class Verdict(NamedTuple):
    """What is thought of each label."""

    label_score: Floats  # (N,) 0 to 1: probability that the given label is right; LOWER IS WORSE
    is_label_issue: Bools  # (N,)
    predicted: Ints  # (N,) the suggested class; of a suspected label never the given one
    predicted_prob: Floats  # (N,) probability of the suggestion
    margin: Floats  # (N,) any real number; what label_score is computed from, without its rounding
    memorised_share: float  # see memorised_share(); NaN where too few labels are doubted
    members_count: bool  # False where the members have memorised the labels


def judge(evidence: Evidence, labels: Ints) -> Verdict:
    """Join the witnesses, and suspect the labels that pay to look at.

    The margin is the held-out log-odds of the given label plus 1.5 times the members' margin. Where
    the members have memorised the labels, theirs is no evidence and is left out. ``label_score`` is
    a logistic function of the margin, fitted to the held-out probabilities, so that it reads as the
    probability that the label is right and adds up to as many right labels. Suspected are those
    whose number makes the expected F1 the highest, if each is wrong with probability .3 or more.

    Args:
        evidence: of N labels.
        labels: (N,) given labels.
    """
    repeated = memorised_share(evidence, labels)
    members_count = not repeated > MEMORISED_SHARE
    margin = log_odds(evidence.p_given)
    if members_count:
        margin = margin + MEMBERS_WEIGHT * evidence.aum
    label_score = calibrated(margin, evidence.p_given)
    is_issue = suspected(1 - label_score)
    p_other = (1 - label_score) * evidence.other_share
    is_other = is_issue | (p_other > label_score)
    return Verdict(
        label_score=label_score,
        is_label_issue=is_issue,
        predicted=np.where(is_other, evidence.other, labels),
        predicted_prob=np.where(is_other, p_other, label_score),
        margin=margin,
        memorised_share=repeated,
        members_count=members_count,
    )


def memorised_share(evidence: Evidence, labels: Ints) -> float:
    """Of the labels that are wrong by held-out witnesses, the share that the members repeat.

    Members that still learn repeat few of them; members that were trained until they know every
    label by heart repeat nearly all. NaN where fewer than ten labels are doubted.
    """
    is_doubted = evidence.p_given < 0.5
    if is_doubted.sum() < MEMORISED_LEAST:
        return float("nan")
    return float((evidence.member_class == labels)[is_doubted].mean())


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
        step *= min(
            1.0, 2.0 / (float(np.abs(step).max()) or 1.0)
        )  # far from the goal it overshoots
        weights = weights + step
        weights[0] = max(weights[0], 1e-3)
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(np.exp(-np.logaddexp(0, -(x @ weights))))


def suspected(p_wrong: Floats) -> Bools:
    """(N,) the labels to suspect, from calibrated probabilities (N,) that they are wrong.

    The first k of them for which the expected 2 x found / (k + wrong) is highest; of probabilities
    that are right no cut is expected to have a better F1 (Lipton, Elkan and Naryanaswamy 2014).
    """
    order = np.sort(p_wrong)[::-1]
    expected_f1 = 2 * np.cumsum(order) / (np.arange(1, len(order) + 1) + order.sum())
    cut = order[expected_f1.argmax()]
    return np.asarray(p_wrong >= max(cut, LEAST_SUSPICION))


def worst_first(label_score: Floats, margin: Floats, shuffle: NDArray[np.uint64]) -> Ints:
    """Row numbers by rising ``label_score``, then ``margin``, then a seeded ``shuffle``, (N,)."""
    return np.lexsort((shuffle, margin, label_score)).astype(np.int64)
