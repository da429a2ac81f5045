"""How well a score finds wrong labels; pure numpy, with ties, and many bootstrap draws at once.

Everything is read from one curve: how many wrong labels there are among the k most suspicious
images. Images with equal suspicion form one step, within which the wrong ones are taken to be
spread evenly: that is the expectation over all orders of the tied images. The images are sorted
once; a bootstrap draw then only counts how many of its images fall into each step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MAX_CELLS = 4_000_000  # images times draws in memory at once: 32 MB


class Curve(NamedTuple):
    """Images reviewed and wrong labels among them, most suspicious first, in B draws.

    (B, S + 1) each, from 0 to all. A step is a tie that holds wrong labels, or a stretch of images
    between two such ties, which holds none.
    """

    n_reviewed: Floats
    n_found: Floats

    @property
    def n_images(self) -> Floats:
        """(B,) all images."""
        return self.n_reviewed[:, -1]

    @property
    def n_wrong(self) -> Floats:
        """(B,) all wrong labels."""
        return self.n_found[:, -1]


class Steps(NamedTuple):
    """Where each image stands on the curve."""

    step: Ints  # (N,) 0 .. n - 1, most suspicious first
    is_wrong: Bools  # (N,)
    n: int


def steps(is_wrong: Bools, suspicion: Floats) -> Steps:
    """Sort the images into the steps of their curve.

    Args:
        is_wrong: (N,) whether the label is wrong; N is 1 at least.
        suspicion: (N,) finite, HIGH means suspicious.
    """
    order = np.argsort(-suspicion, kind="stable")
    values = suspicion[order]
    is_new = np.concatenate(([True], values[1:] != values[:-1]))
    has_wrong = np.logical_or.reduceat(is_wrong[order], np.flatnonzero(is_new))
    # ties without a wrong label next to each other are one step
    is_start = has_wrong | np.concatenate(([True], has_wrong[:-1]))
    step_of_tie = np.cumsum(is_start) - 1
    step = np.empty(len(order), np.int64)
    step[order] = step_of_tie[np.cumsum(is_new) - 1]
    return Steps(step, is_wrong, int(is_start.sum()))


def curve(steps: Steps, draws: Ints | None = None) -> Curve:
    """The curve of a ranking, in each of B draws.

    Args:
        steps: from ``steps``.
        draws: (B, M) rows of the images in each draw; None: one draw of every image once.
    """
    draws = np.arange(len(steps.step))[None] if draws is None else draws
    # right and wrong labels of all steps of all draws are counted in one pass
    bins = (2 * steps.step + steps.is_wrong)[draws]
    bins += 2 * steps.n * np.arange(len(draws))[:, None]
    counts = np.bincount(bins.ravel(), minlength=2 * steps.n * len(draws))
    n_right, n_wrong = np.moveaxis(counts.reshape(len(draws), steps.n, 2), 2, 0)
    return Curve(_sums(n_right + n_wrong), _sums(n_wrong))


def auroc(curve: Curve) -> Floats:
    """(B,) chance that a wrong label is more suspicious than a right one, half of it where equal.

    0.5 for a ranking by chance; NaN where all labels are right or all are wrong.
    """
    n_false = curve.n_reviewed - curve.n_found
    found = (curve.n_found[:, 1:] + curve.n_found[:, :-1]) / 2
    area = (np.diff(n_false) * found).sum(1)
    return _ratio(area, curve.n_wrong * n_false[:, -1])


def average_precision(curve: Curve) -> Floats:
    """(B,) precision at each step, weighted by the recall that it adds (as scikit-learn has it).

    The share of wrong labels for a ranking by chance; NaN where none is wrong.
    """
    gained = np.diff(curve.n_found)
    precision = curve.n_found[:, 1:] / np.maximum(curve.n_reviewed[:, 1:], 1)
    return _ratio((gained * precision).sum(1), curve.n_wrong)


def precision_at(curve: Curve, share: float) -> Floats:
    """(B,) share of wrong labels among the ``round(share * N)`` most suspicious, 1 image at least.

    In expectation where the cut goes through a tie.
    """
    n_reviewed = np.maximum(np.round(share * curve.n_images), 1)
    return _ratio(_found_at(curve, n_reviewed), n_reviewed)


def f1_at_n(curve: Curve) -> Floats:
    """(B,) F1 when exactly as many are flagged as are wrong; precision and recall are equal then.

    In expectation where the cut goes through a tie; NaN where none is wrong.
    """
    return _ratio(_found_at(curve, curve.n_wrong), curve.n_wrong)


def best_f1(curve: Curve) -> Floats:
    """(B,) the highest F1 that any cut of the ranking reaches; NaN where none is wrong."""
    f1 = 2 * curve.n_found / np.maximum(curve.n_reviewed + curve.n_wrong[:, None], 1)
    best: Floats = np.where(curve.n_wrong > 0, f1.max(1), np.nan)
    return best


class FlagMetrics(NamedTuple):
    """What a yes or no for each image is worth: (B,) each, NaN where it is not defined."""

    precision: Floats  # share of the flagged that are wrong
    recall: Floats  # share of the wrong that are flagged
    f1: Floats  # 2 x both / (flagged + wrong)
    share: Floats  # share of all images that are flagged


def flag_metrics(is_wrong: Bools, is_flagged: Bools, draws: Ints | None = None) -> FlagMetrics:
    """Judge flags.

    Args:
        is_wrong: (N,) whether the label is wrong.
        is_flagged: (N,) whether it is said to be wrong.
        draws: (B, M) rows of the images in each draw; None: one draw of every image once.
    """
    both = n_drawn(is_wrong & is_flagged, draws)
    n_wrong, n_flagged = n_drawn(is_wrong, draws), n_drawn(is_flagged, draws)
    return FlagMetrics(
        precision=_ratio(both, n_flagged),
        recall=_ratio(both, n_wrong),
        f1=_ratio(2 * both, n_flagged + n_wrong),
        share=_ratio(n_flagged, n_drawn(np.ones_like(is_wrong), draws)),
    )


def n_drawn(chosen: Bools, draws: Ints | None = None) -> Floats:
    """(B,) how many of the ``chosen`` (N,) images are in each draw."""
    drawn = chosen[None] if draws is None else chosen[draws]
    numbers: Floats = drawn.sum(1, dtype=np.float64)
    return numbers


def share_of(part: Bools, whole: Bools, draws: Ints | None = None) -> Floats:
    """(B,) share of ``whole`` (N,) that is ``part`` (N,) too; NaN where ``whole`` is empty."""
    return _ratio(n_drawn(part & whole, draws), n_drawn(whole, draws))


def bootstrap_draws(n_images: int, n_draws: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Rows of N images drawn with replacement out of N: (b, N), b in all ``n_draws``.

    In chunks of so many draws that none takes much memory; the draws do not depend on it.
    """
    n_at_once = max(1, MAX_CELLS // n_images)
    for start in range(0, n_draws, n_at_once):
        yield rng.integers(0, n_images, (min(n_at_once, n_draws - start), n_images))


def _found_at(curve: Curve, n_reviewed: Floats) -> Floats:
    """(B,) wrong labels among the first ``n_reviewed`` (B,); evenly spread within a step.

    By bisection of all draws at once: with one search per draw, many small classes take minutes.
    """
    draws = np.arange(len(n_reviewed))
    low = np.zeros(len(draws), np.int64)
    high = np.full(len(draws), curve.n_reviewed.shape[1] - 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        is_below = curve.n_reviewed[draws, middle] < n_reviewed
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    start, end = curve.n_reviewed[draws, low], curve.n_reviewed[draws, high]
    part = np.clip((n_reviewed - start) / np.maximum(end - start, 1), 0, 1)
    found, found_then = curve.n_found[draws, low], curve.n_found[draws, high]
    expected: Floats = found + part * (found_then - found)
    return expected


def _sums(numbers: Ints) -> Floats:
    """(B, S) numbers per step to (B, S + 1) sums from 0 on."""
    sums = np.zeros((len(numbers), numbers.shape[1] + 1))
    np.cumsum(numbers, axis=1, out=sums[:, 1:])
    return sums


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
