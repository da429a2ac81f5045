"""Noise transition matrices: row is the true class, column is the given class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from noisefind.utils.text import cut, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# how far from 1 the sum of a row may be: 100 numbers rounded to 4 digits are off by .005 at most
TOLERANCE = 0.01


def class_map_matrix(class_map: Mapping[str, str], classes: Sequence[str]) -> NDArray[np.float64]:
    """Transition matrix of a class map: each class is given as one other class.

    ``T[true, given]`` is 1 where ``class_map[true] == given``. A class without an entry stays as it
    is: its diagonal is 1.

    Args:
        class_map: true class -> given class.
        classes: C class names, which number rows and columns.

    Returns:
        (C, C) float64, 0 or 1; each row has the sum 1.

    Raises:
        ValueError: a class is unknown, or is mapped to itself.

    Examples:
        >>> class_map_matrix({"cat": "dog"}, ["bird", "cat", "dog"]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """
    matrix = np.eye(len(classes))
    for true, given in class_map.items():
        require_known_class(true, classes)
        require_known_class(given, classes)
        if true == given:
            raise ValueError(f"{shortened(true)} is mapped to itself")
        row = classes.index(true)
        matrix[row] = 0
        matrix[row, classes.index(given)] = 1
    return matrix


def check_matrix(matrix: NDArray[np.float64], classes: Sequence[str]) -> None:
    """Check that each row of a transition matrix is a probability distribution.

    Args:
        matrix: (C, C) float64.
        classes: C class names, for the messages.

    Raises:
        ValueError: the shape is not (C, C), a number is negative or not finite, or the sum of a row
            differs from 1 by more than ``TOLERANCE``.

    Examples:
        >>> check_matrix(np.array([[0.9, 0.1], [0.2, 0.7]]), ["cat", "dog"])
        Traceback (most recent call last):
        ...
        ValueError: row of class 'dog' adds up to 0.9; it must be 1
    """
    n_classes = len(classes)
    if matrix.shape != (n_classes, n_classes):
        raise ValueError(f"shape is {matrix.shape}, must be {(n_classes, n_classes)}")
    for name, row in zip(classes, matrix, strict=True):
        if not (np.isfinite(row).all() and (row >= 0).all()):
            raise ValueError(f"row of class {shortened(name)}: numbers must be 0 to 1")
        if abs(row.sum() - 1) > TOLERANCE:
            raise ValueError(
                f"row of class {shortened(name)} adds up to {row.sum():.4g}; it must be 1"
            )


def require_known_class(name: object, classes: Sequence[str]) -> None:
    """ValueError where ``name`` is not one of ``classes``; the message lists the first of them."""
    if name not in classes:
        shown = ", ".join(cut(known, 40) for known in classes[:8])
        shown += ", …" if len(classes) > 8 else ""
        raise ValueError(f"{shortened(name)} is no class of the data: {shown}")
