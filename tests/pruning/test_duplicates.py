"""Duplicates under different labels, by hand."""

from __future__ import annotations

import numpy as np

from noisefind.pruning.duplicates import conflicting_groups, is_undecided

GROUP = np.array([1, 1, 0, 2, 2, 3, 3, 0])
LABELS = np.array([0, 1, 0, 1, 1, 0, 2, 1])
EVERY = np.ones(8, np.bool_)


def test_groups_whose_labels_differ() -> None:
    """Group 2 has one label; without one of its two images a group has one label too."""
    assert conflicting_groups(GROUP, LABELS, EVERY).tolist() == [1, 1, 0, 0, 0, 3, 3, 0]
    left = np.arange(8) != 6
    assert conflicting_groups(GROUP, LABELS, left).tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert conflicting_groups(GROUP * 0, LABELS, EVERY).tolist() == [0] * 8


def test_only_groups_in_which_every_label_is_an_issue_are_undecided() -> None:
    """Of the first group one label is trusted, so the other is decided."""
    is_issue = np.array([True, False, True, True, True, True, True, True])
    found = is_undecided(GROUP, LABELS, EVERY, is_issue)
    assert np.flatnonzero(found).tolist() == [5, 6]
