"""Label noise with known truth; pure numpy, every draw from the Generator that is handed in.

Each function changes exactly ``n_changed`` labels, each to another class, and says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class Noise(NamedTuple):
    """Labels with errors in them."""

    labels: Ints  # (N,) the noisy labels
    is_changed: NDArray[np.bool_]  # (N,) where they differ from the ones that were given


def pair_matrix(n_classes: int) -> Floats:
    """(C, C) for ``by_matrix``: each class is taken for the next, the last for the first."""
    return np.roll(np.eye(n_classes), 1, axis=1)


def uniform_matrix(n_classes: int) -> Floats:
    """(C, C) for ``by_matrix``: each class is taken for any other with equal chance."""
    return (1 - np.eye(n_classes)) / max(1, n_classes - 1)


def symmetric(labels: Ints, n_classes: int, n_changed: int, rng: np.random.Generator) -> Noise:
    """Change labels of images chosen uniformly, each to one of the other classes uniformly.

    Args:
        labels: (N,) 0 .. C-1.
        n_classes: C, 2 at least.
        n_changed: 0 .. N.
        rng: where chance comes from.

    Raises:
        ValueError: ``n_changed`` or ``n_classes`` is out of range.
    """
    if n_classes < 2:
        raise ValueError(f"n_classes is {n_classes}, must be 2 at least")
    _check_count(n_changed, len(labels))
    rows = rng.choice(len(labels), n_changed, replace=False)
    steps = rng.integers(1, n_classes, n_changed)  # never 0: always to another class
    return _changed(labels, rows, (labels[rows] + steps) % n_classes)


def quotas(labels: Ints, matrix: Floats, n_changed: int, rng: np.random.Generator) -> Ints:
    """How many labels each class gives to ``by_matrix``: (C,), adding up to ``n_changed``.

    In proportion to its size times the sum of its off-diagonal row, by largest remainder, equal
    remainders by chance. A quota exceeds the size of its class where too much is asked; all are 0
    where no class of ``labels`` has anything off the diagonal.
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
    """Change ``counts[c]`` labels of each class c, to other classes by chance as its row says.

    With ``uniform_matrix`` and ``quotas`` this is symmetric noise with equal shares of all classes.

    Args:
        labels: (N,) true labels, 0 .. C-1.
        matrix: (C, C), 0 at least; row: true class, column: given class. Only the proportions of
            what is off the diagonal count.
        counts: (C,) from ``quotas``.
        rng: where chance comes from.

    Raises:
        ValueError: a class would have to give more images than it has.
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
    probabilities: NDArray[np.floating], labels: Ints
) -> tuple[Ints, NDArray[np.floating]]:
    """The most probable class besides the label, and its probability: (N,) each.

    Args:
        probabilities: (N, C), C 2 at least.
        labels: (N,) 0 .. C-1.
    """
    rows = np.arange(len(labels))
    others = probabilities.copy()
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
    """Instance-dependent noise: change labels to ``other``, the likelier the greater the weight.

    Sampled one after another without replacement, each time with chance in proportion to weight,
    as the largest of log(weight) plus Gumbel noise (Efraimidis and Spirakis 2006; Kool et al.
    2019). So most of the images that look like another class are hit, and some that do not.

    Args:
        labels: (N,) true labels.
        other: (N,) the class that each image would be taken for; never its label.
        weights: (N,) 0 at least; 0 counts as the smallest number above it.
        n_changed: 0 .. N.
        rng: where chance comes from.

    Raises:
        ValueError: ``n_changed`` is out of range, or ``other`` is somewhere the label.
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
