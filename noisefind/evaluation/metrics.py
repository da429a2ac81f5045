"""Metrics of wrong-label detection and rank correlation; pure numpy.

All metrics of a ranking come from one curve: the number of wrong labels among the k images with the
highest scores. Images with equal scores form one step. Within a step wrong labels are taken to be
uniformly spread, which is the expectation over all orders of the tied images. The images are sorted
once for all bootstrap draws; a draw only counts how many of its images are in each step.

``curve(steps(is_wrong, noise_score))`` gives the curve of one ranking. Metrics have shape (B,): one
value per draw.
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


class DetectionCurve(NamedTuple):
    """Numbers of images reviewed, most likely wrong first, and of wrong labels found, in B draws.

    (B, S + 1) float64 each, from 0 to all. A step is a tie that holds wrong labels, or a stretch of
    images between two such ties, which holds none.
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
    """The step of the curve that each image belongs to."""

    step: Ints  # (N,) 0 .. n - 1, most likely wrong first
    is_wrong: Bools  # (N,)
    n: int


def steps(is_wrong: Bools, noise_score: Floats) -> Steps:
    """Sort the images into the steps of their curve.

    Args:
        is_wrong: (N,) bool, ground truth: the label is wrong. N is 1 at least.
        noise_score: (N,) float, finite; HIGH means likely wrong.

    Returns:
        The steps, for ``curve``.

    Examples:
        >>> steps(np.array([True, False, False]), np.array([0.9, 0.5, 0.1])).step.tolist()
        [0, 1, 1]
    """
    order = np.argsort(-noise_score, kind="stable")
    values = noise_score[order]
    is_new = np.concatenate(([True], values[1:] != values[:-1]))
    has_wrong = np.logical_or.reduceat(is_wrong[order], np.flatnonzero(is_new))
    # ties without a wrong label next to each other are one step
    is_start = has_wrong | np.concatenate(([True], has_wrong[:-1]))
    step_of_tie = np.cumsum(is_start) - 1
    step = np.empty(len(order), np.int64)
    step[order] = step_of_tie[np.cumsum(is_new) - 1]
    return Steps(step, is_wrong, int(is_start.sum()))


def curve(steps: Steps, draws: Ints | None = None) -> DetectionCurve:
    """The detection curve of a ranking, in each of B bootstrap draws.

    Args:
        steps: from ``steps``.
        draws: (B, M) int64, rows of the images in each draw; None: one draw of every image once.

    Returns:
        The curve, for ``auroc``, ``average_precision``, ``precision_at``, ``f1_at_n``, ``best_f1``.

    Examples:
        >>> found = curve(steps(np.array([True, False, True]), np.array([0.9, 0.5, 0.1])))
        >>> found.n_reviewed.tolist(), found.n_found.tolist()
        ([[0.0, 1.0, 2.0, 3.0]], [[0.0, 1.0, 1.0, 2.0]])
    """
    draws = np.arange(len(steps.step))[None] if draws is None else draws
    # right and wrong labels of all steps of all draws are counted in one pass
    bins = (2 * steps.step + steps.is_wrong)[draws]
    bins += 2 * steps.n * np.arange(len(draws))[:, None]
    counts = np.bincount(bins.ravel(), minlength=2 * steps.n * len(draws))
    n_right, n_wrong = np.moveaxis(counts.reshape(len(draws), steps.n, 2), 2, 0)
    return DetectionCurve(_sums(n_right + n_wrong), _sums(n_wrong))


def auroc(curve: DetectionCurve) -> Floats:
    """Area under the ROC curve of a ranking.

    ``P(s_wrong > s_right) + P(s_wrong = s_right) / 2`` for a random wrong and a random right label
    (Hanley and McNeil 1982); the same as scikit-learn's ``roc_auc_score``.

    Returns:
        (B,) float64, 0 to 1, high is good; 0.5 for a random ranking; NaN where all labels are right
        or all are wrong.

    Examples:
        >>> auroc(curve(steps(np.array([True, False, True]), np.array([0.9, 0.5, 0.1])))).tolist()
        [0.5]
    """
    n_false = curve.n_reviewed - curve.n_found
    found = (curve.n_found[:, 1:] + curve.n_found[:, :-1]) / 2
    area = (np.diff(n_false) * found).sum(1)
    return _ratio(area, curve.n_wrong * n_false[:, -1])


def average_precision(curve: DetectionCurve) -> Floats:
    """Average precision of a ranking.

    ``AP = sum over steps n of (R_n - R_{n-1}) P_n``, with precision P and recall R; ties form one
    step. The same as scikit-learn's ``average_precision_score``.

    Returns:
        (B,) float64, 0 to 1, high is good; the share of wrong labels for a random ranking; NaN
        where no label is wrong.

    Examples:
        >>> is_wrong = np.array([True, False, True, False])
        >>> found = curve(steps(is_wrong, np.array([4.0, 3.0, 2.0, 1.0])))
        >>> average_precision(found).round(4).tolist()
        [0.8333]
    """
    gained = np.diff(curve.n_found)
    precision = curve.n_found[:, 1:] / np.maximum(curve.n_reviewed[:, 1:], 1)
    return _ratio((gained * precision).sum(1), curve.n_wrong)


def precision_at(curve: DetectionCurve, share: float) -> Floats:
    """Precision among the ``round(share * N)`` images most likely wrong, 1 image at least.

    ``wrong labels among them / images among them``; the expected value where the cut divides a tie.

    Args:
        curve: from ``curve``.
        share: 0 to 1, of all images.

    Returns:
        (B,) float64, 0 to 1, high is good.

    Examples:
        >>> is_wrong = np.array([True, False, True, False])
        >>> precision_at(curve(steps(is_wrong, np.array([4.0, 3.0, 2.0, 1.0]))), 0.5).tolist()
        [0.5]
    """
    n_reviewed = np.maximum(np.round(share * curve.n_images), 1)
    return _ratio(_found_at(curve, n_reviewed), n_reviewed)


def f1_at_n(curve: DetectionCurve) -> Floats:
    """F1 score when as many images are flagged as labels are wrong (R-precision).

    Precision, recall and F1 are equal at this cut: ``wrong among the first n_wrong / n_wrong``. It
    is the expected value where the cut divides a tie. See Manning et al. 2008, "Introduction to
    Information Retrieval", section 8.4.

    Returns:
        (B,) float64, 0 to 1, high is good; NaN where no label is wrong.

    Examples:
        >>> is_wrong = np.array([True, False, True, False])
        >>> f1_at_n(curve(steps(is_wrong, np.array([4.0, 3.0, 2.0, 1.0])))).tolist()
        [0.5]
    """
    return _ratio(_found_at(curve, curve.n_wrong), curve.n_wrong)


def best_f1(curve: DetectionCurve) -> Floats:
    """The highest F1 score of any cut of the ranking that does not divide a tie.

    ``max over cuts of 2 * found / (reviewed + wrong)``.

    Returns:
        (B,) float64, 0 to 1, high is good; NaN where no label is wrong.

    Examples:
        >>> is_wrong = np.array([True, False, True, False])
        >>> best_f1(curve(steps(is_wrong, np.array([4.0, 3.0, 2.0, 1.0])))).tolist()
        [0.8]
    """
    f1 = 2 * curve.n_found / np.maximum(curve.n_reviewed + curve.n_wrong[:, None], 1)
    best: Floats = np.where(curve.n_wrong > 0, f1.max(1), np.nan)
    return best


class FlagMetrics(NamedTuple):
    """Quality of flags, one per image: (B,) float64 each, 0 to 1; NaN where not defined."""

    precision: Floats  # wrong and flagged / flagged
    recall: Floats  # wrong and flagged / wrong
    f1: Floats  # 2 x wrong and flagged / (flagged + wrong)
    share: Floats  # flagged / all images


def flag_metrics(is_wrong: Bools, is_flagged: Bools, draws: Ints | None = None) -> FlagMetrics:
    """Precision, recall and F1 score of flags, and the share of flagged images.

    Args:
        is_wrong: (N,) bool, ground truth: the label is wrong.
        is_flagged: (N,) bool, the label is flagged as wrong.
        draws: (B, M) int64, rows of the images in each draw; None: one draw of every image once.

    Returns:
        (B,) float64 each.

    Examples:
        >>> found = flag_metrics(np.array([True, True, False]), np.array([True, False, False]))
        >>> found.precision.tolist(), found.recall.tolist()
        ([1.0], [0.5])
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
    """(B,) how many of the ``chosen`` (N,) images each draw holds.

    Examples:
        >>> n_drawn(np.array([True, False]), np.array([[0, 0], [0, 1]])).tolist()
        [2.0, 1.0]
    """
    drawn = chosen[None] if draws is None else chosen[draws]
    numbers: Floats = drawn.sum(1, dtype=np.float64)
    return numbers


def share_of(part: Bools, whole: Bools, draws: Ints | None = None) -> Floats:
    """(B,) share of ``whole`` (N,) that is ``part`` (N,) too; NaN where ``whole`` is empty.

    Examples:
        >>> share_of(np.array([True, False, True]), np.array([True, True, False])).tolist()
        [0.5]
    """
    return _ratio(n_drawn(part & whole, draws), n_drawn(whole, draws))


def pearson(values: Floats) -> Floats:
    """Pearson correlation of every two rows.

    ``r = cov(x, y) / (std(x) std(y))``.

    Args:
        values: (S, N) float, one row per variable.

    Returns:
        (S, S) float64, -1 to 1; NaN where one of the two rows is constant.

    Examples:
        >>> pearson(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])).round(6).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    centred = values - values.mean(axis=1, keepdims=True)
    centred[np.ptp(values, axis=1) == 0] = 0  # removes what rounding left
    lengths = np.sqrt((centred**2).sum(axis=1))
    units = centred / np.where(lengths > 0, lengths, np.nan)[:, None]
    matrix: Floats = np.clip(units @ units.T, -1, 1)
    np.fill_diagonal(matrix, np.where(lengths > 0, 1, np.nan))
    return matrix


def spearman(values: Floats) -> Floats:
    """Spearman rank correlation of every two rows: ``pearson`` of the ranks.

    Equal values have the mean of their ranks; shapes and range are those of ``pearson``.

    Examples:
        >>> spearman(np.array([[1.0, 2.0, 30.0], [1.0, 5.0, 6.0]])).round(6).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    return pearson(np.stack([_ranks(row) for row in values]))


def bootstrap_draws(n_images: int, n_draws: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Bootstrap samples of images (Efron 1979), in chunks that need little memory.

    Args:
        n_images: N.
        n_draws: how many samples in all.
        rng: source of chance.

    Yields:
        (b, N) int64, rows drawn with replacement from N; the draws do not depend on the chunks.

    Examples:
        >>> [draws.shape for draws in bootstrap_draws(4, 10, np.random.default_rng(0))]
        [(10, 4)]
    """
    n_at_once = max(1, MAX_CELLS // n_images)
    for start in range(0, n_draws, n_at_once):
        yield rng.integers(0, n_images, (min(n_at_once, n_draws - start), n_images))


def _found_at(curve: DetectionCurve, n_reviewed: Floats) -> Floats:
    """(B,) wrong labels among the first ``n_reviewed`` (B,); uniformly spread within a step.

    It bisects all draws at once: with one search per draw, many small classes take minutes.
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


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)


def _sums(numbers: Ints) -> Floats:
    """(B, S) numbers per step to (B, S + 1) sums from 0 on."""
    sums = np.zeros((len(numbers), numbers.shape[1] + 1))
    np.cumsum(numbers, axis=1, out=sums[:, 1:])
    return sums


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
