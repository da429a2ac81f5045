"""Duplicates under different labels: at least one of the labels is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def conflicting_groups(
    group: NDArray[np.int64], labels: NDArray[np.int64], counts: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(N,) the group of each image in a group whose labels differ; 0 for all others.

    Args:
        group: (N,) groups of duplicates, 0 for none.
        labels: (N,) class numbers.
        counts: (N,) the images that are compared; the others get 0.
    """
    rows = np.flatnonzero((group > 0) & counts)
    found = np.zeros_like(group)
    different = np.unique(np.stack((group[rows], labels[rows]), 1), axis=0)
    numbers, n_labels = np.unique(different[:, 0], return_counts=True)
    conflicting = rows[np.isin(group[rows], numbers[n_labels > 1])]
    found[conflicting] = group[conflicting]
    return found


def is_undecided(
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    alive: NDArray[np.bool_],
    is_issue: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """(N,) the images of groups with different labels in which every label is an issue."""
    conflicting = conflicting_groups(groups, labels, alive)
    trusted = np.unique(conflicting[~is_issue])
    return (conflicting > 0) & ~np.isin(conflicting, trusted)
