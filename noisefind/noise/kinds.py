"""Kinds of label noise: functions of labels that return noisy labels and a mask of the errors.

Each function changes exactly ``n_changed`` labels, each to another class. All chance comes from the
Generator that the caller passes, so the same seed gives the same labels. No argument is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.utils.text import card, counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class Noise(NamedTuple):
    """Labels with injected errors, and the ground truth about them."""

    labels: Ints  # (N,) the noisy labels
    is_changed: NDArray[np.bool_]  # (N,) where they differ from the labels before

    def __repr__(self) -> str:
        n_labels, n_changed = len(self.labels), int(self.is_changed.sum())
        return card("Noise", labels=n_labels, changed=counted(n_changed, n_labels))


def symmetric(labels: Ints, n_classes: int, n_changed: int, rng: np.random.Generator) -> Noise:
    """Symmetric (uniform) noise: any images, each changed to any other class, all equally likely.

    ``P(given = j | true = i, changed) = 1 / (C - 1)`` for ``j != i``. See Patrini et al. 2017,
    "Making deep neural networks robust to label noise".

    Args:
        labels: (N,) int64, 0 .. C-1.
        n_classes: C, 2 at least.
        n_changed: 0 .. N.
        rng: source of chance.

    Returns:
        (N,) noisy labels and (N,) mask.

    Raises:
        ValueError: ``n_changed`` or ``n_classes`` is out of range.

    Examples:
        >>> labels = np.array([0, 1, 2, 0, 1, 2])
        >>> noise = symmetric(labels, 3, 2, np.random.default_rng(0))
        >>> noise.is_changed.tolist()
        [False, False, False, True, True, False]
        >>> noise.labels.tolist()
        [0, 1, 2, 1, 2, 2]
    """
    if n_classes < 2:
        raise ValueError(f"n_classes is {n_classes}, must be 2 at least")
    _check_count(n_changed, len(labels))
    rows = rng.choice(len(labels), n_changed, replace=False)
    steps = rng.integers(1, n_classes, n_changed)  # never 0: always to another class
    return _changed(labels, rows, (labels[rows] + steps) % n_classes)


def moved(labels: Ints, n_classes: int, n_changed: int, rng: np.random.Generator) -> Noise:
    """Symmetric noise with the same share of each class, exact to less than one image.

    The same as ``asymmetric`` with ``uniform_matrix(n_classes)``; arguments, result and errors are
    those of ``symmetric``.

    Examples:
        >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> noise = moved(labels, 2, 4, np.random.default_rng(0))
        >>> np.bincount(labels[noise.is_changed]).tolist()
        [2, 2]
    """
    return asymmetric(labels, uniform_matrix(n_classes), n_changed, rng)


def pair(labels: Ints, n_classes: int, n_changed: int, rng: np.random.Generator) -> Noise:
    """Pair-flip noise: class c becomes c + 1, the last class becomes the first.

    The same share of each class changes. The same as ``asymmetric`` with
    ``pair_matrix(n_classes)``; arguments, result and errors are those of ``symmetric``. See Han et
    al. 2018, "Co-teaching".

    Examples:
        >>> pair(np.array([0, 1, 2]), 3, 3, np.random.default_rng(0)).labels.tolist()
        [1, 2, 0]
    """
    return asymmetric(labels, pair_matrix(n_classes), n_changed, rng)


def asymmetric(labels: Ints, matrix: Floats, n_changed: int, rng: np.random.Generator) -> Noise:
    """Asymmetric (class-conditional) noise that follows a transition matrix.

    ``P(given = j | true = i, changed) = T[i, j] / sum over k != i of T[i, k]``. How many labels
    each class loses: see ``quotas``. See Patrini et al. 2017.

    Args:
        labels: (N,) int64, 0 .. C-1.
        matrix: (C, C) float64 transition matrix T, 0 at least; row: true class, column: given
            class. Only the proportions off the diagonal count.
        n_changed: 0 .. N.
        rng: source of chance.

    Returns:
        (N,) noisy labels and (N,) mask.

    Raises:
        ValueError: ``n_changed`` is out of range, no class of ``labels`` has anything off the
            diagonal, or a class would lose more images than it has.

    Examples:
        >>> matrix = np.array([[0.5, 0.5], [0.0, 1.0]])
        >>> asymmetric(np.array([0, 0, 1, 1]), matrix, 2, np.random.default_rng(0)).labels.tolist()
        [1, 1, 1, 1]
    """
    _check_count(n_changed, len(labels))
    counts = quotas(labels, matrix, n_changed, rng)
    if counts.sum() != n_changed:
        raise ValueError("no class of labels has anything off the diagonal of the matrix")
    return by_matrix(labels, matrix, counts, rng)


def confusion(
    labels: Ints, pred_probs: NDArray[np.floating], n_changed: int, rng: np.random.Generator
) -> Noise:
    """Instance-dependent noise: images that a model confuses change most often.

    Each label changes to its most probable other class, and images are drawn in proportion to that
    probability: ``most_plausible_other`` followed by ``by_plausibility``.

    Args:
        labels: (N,) int64, 0 .. C-1.
        pred_probs: (N, C) float, predicted probabilities, 0 to 1; C is 2 at least.
        n_changed: 0 .. N.
        rng: source of chance.

    Returns:
        (N,) noisy labels and (N,) mask.

    Raises:
        ValueError: ``n_changed`` is out of range.

    Examples:
        >>> pred_probs = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
        >>> confusion(np.array([0, 1, 1]), pred_probs, 1, np.random.default_rng(0)).labels.tolist()
        [0, 2, 1]
    """
    other, weights = most_plausible_other(pred_probs, labels)
    return by_plausibility(labels, other, weights, n_changed=n_changed, rng=rng)


def pair_matrix(n_classes: int) -> Floats:
    """(C, C) float64 transition matrix: each class becomes the next, the last the first.

    Examples:
        >>> pair_matrix(3).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return np.roll(np.eye(n_classes), 1, axis=1)


def uniform_matrix(n_classes: int) -> Floats:
    """(C, C) float64 transition matrix: each class becomes any other with equal chance.

    Examples:
        >>> uniform_matrix(3).tolist()
        [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    """
    return (1 - np.eye(n_classes)) / max(1, n_classes - 1)


def quotas(labels: Ints, matrix: Floats, n_changed: int, rng: np.random.Generator) -> Ints:
    """Number of labels of each class for ``by_matrix`` to change.

    Class i gets a share of ``n_changed`` in proportion to ``n_i * sum over j != i of T[i, j]``,
    rounded by the largest-remainder method; chance decides between equal remainders.

    Args:
        labels: (N,) int64, 0 .. C-1.
        matrix: (C, C) float64 transition matrix T.
        n_changed: 0 .. N.
        rng: source of chance.

    Returns:
        (C,) int64 with the sum ``n_changed``. A number exceeds the size of its class where
        ``n_changed`` is too large. All are 0 where no class of ``labels`` has anything off the
        diagonal.

    Examples:
        >>> quotas(np.array([0, 0, 0, 1]), uniform_matrix(2), 4, np.random.default_rng(0)).tolist()
        [3, 1]
    """
    weights: Floats = np.bincount(labels, minlength=len(matrix)) * _off_diagonal(matrix).sum(1)
    if not weights.any():
        return np.zeros(len(matrix), np.int64)
    shares = n_changed * weights / weights.sum()
    counts: Ints = np.floor(shares).astype(np.int64)
    order = np.lexsort((rng.random(len(shares)), counts - shares))
    counts[order[: n_changed - counts.sum()]] += 1
    return counts


def by_matrix(labels: Ints, matrix: Floats, counts: Ints, rng: np.random.Generator) -> Noise:
    """Change ``counts[c]`` labels of each class c, to random classes by its row of the matrix.

    Args:
        labels: (N,) int64, true labels, 0 .. C-1.
        matrix: (C, C) float64 transition matrix, 0 at least. Only the proportions off the diagonal
            count.
        counts: (C,) int64, from ``quotas``.
        rng: source of chance.

    Returns:
        (N,) noisy labels and (N,) mask.

    Raises:
        ValueError: a class would lose more images than it has.

    Examples:
        >>> counts = np.array([0, 1])
        >>> by_matrix(
        ...     np.array([0, 0, 1]), pair_matrix(2), counts, np.random.default_rng(0)
        ... ).labels.tolist()
        [0, 0, 0]
    """
    if (counts > np.bincount(labels, minlength=len(matrix))).any():
        raise ValueError("a class has fewer images than it would have to give")
    targets = _off_diagonal(matrix)
    rows, classes = [], []
    for label in np.flatnonzero(counts).tolist():
        chances = targets[label] / targets[label].sum()
        rows.append(rng.choice(np.flatnonzero(labels == label), counts[label], replace=False))
        classes.append(rng.choice(len(chances), counts[label], p=chances))
    if not rows:
        return _changed(labels, np.zeros(0, np.int64), np.zeros(0, np.int64))
    return _changed(labels, np.concatenate(rows), np.concatenate(classes))


def most_plausible_other(
    pred_probs: NDArray[np.floating], labels: Ints
) -> tuple[Ints, NDArray[np.floating]]:
    """The most probable class besides the label, and its probability.

    ``other[n] = argmax over c != labels[n] of pred_probs[n, c]``; the first of equal classes.

    Args:
        pred_probs: (N, C) float, predicted probabilities, 0 to 1; C is 2 at least.
        labels: (N,) int64, 0 .. C-1.

    Returns:
        (N,) int64 classes and (N,) probabilities.

    Examples:
        >>> other, weights = most_plausible_other(np.array([[0.7, 0.2, 0.1]]), np.array([0]))
        >>> other.tolist(), weights.tolist()
        ([1], [0.2])
    """
    rows = np.arange(len(labels))
    others = pred_probs.copy()
    others[rows, labels] = -1  # below any probability
    classes = others.argmax(1).astype(np.int64)
    return classes, others[rows, classes]


def by_plausibility(
    labels: Ints,
    other: Ints,
    weights: NDArray[np.floating],
    n_changed: int,
    rng: np.random.Generator,
) -> Noise:
    """Change labels to ``other``; the greater the weight of an image, the likelier it changes.

    Images are drawn without replacement, each time with probability in proportion to the weight:
    the largest ``log(weight) + Gumbel noise`` win (Efraimidis and Spirakis 2006, "Weighted random
    sampling with a reservoir"; Kool et al. 2019, "Stochastic beams and where to find them").

    Args:
        labels: (N,) int64, true labels.
        other: (N,) int64, the class that each image would be given; never its label.
        weights: (N,) float, 0 at least; 0 counts as the smallest number above it.
        n_changed: 0 .. N.
        rng: source of chance.

    Returns:
        (N,) noisy labels and (N,) mask.

    Raises:
        ValueError: ``n_changed`` is out of range, or ``other`` is equal to the label of an image.

    Examples:
        >>> labels, other = np.array([0, 0, 0]), np.array([1, 2, 1])
        >>> weights = np.array([0.0, 1.0, 0.0])
        >>> by_plausibility(labels, other, weights, 1, np.random.default_rng(0)).labels.tolist()
        [0, 2, 0]
    """
    _check_count(n_changed, len(labels))
    if (other == labels).any():
        raise ValueError("other must differ from labels everywhere")
    smallest = np.finfo(np.float64).tiny
    keys = np.log(np.maximum(weights.astype(np.float64), smallest)) + rng.gumbel(size=len(labels))
    rows = np.argsort(-keys, kind="stable")[:n_changed]
    return _changed(labels, rows, other[rows])


def _changed(labels: Ints, rows: Ints, classes: Ints) -> Noise:
    noisy = labels.copy()
    noisy[rows] = classes
    is_changed = np.zeros(len(labels), dtype=np.bool_)
    is_changed[rows] = True
    return Noise(noisy, is_changed)


def _off_diagonal(matrix: Floats) -> Floats:
    return np.where(np.eye(len(matrix), dtype=np.bool_), 0.0, matrix)


def _check_count(n_changed: int, n_labels: int) -> None:
    if not 0 <= n_changed <= n_labels:
        raise ValueError(f"n_changed is {n_changed}, must be 0 to {n_labels}")
