"""Duplicates that suggest each other's label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from noisefind import find_label_issues
from noisefind.detection.duplicate_labels import without_swaps


def test_of_two_labels_that_would_be_swapped_the_likelier_stays() -> None:
    """The copies of the likelier label stay too; a third class changes nothing."""
    labels = np.array([0, 1, 0, 0, 1, 0, 1])
    suggested = np.array([1, 0, 1, 2, 0, 1, 0])
    group = np.array([1, 1, 1, 2, 2, 0, 0])
    score = np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.1, 0.2])
    probs = np.full((7, 3), 1 / 3)
    before = replace(
        find_label_issues(labels, probs),
        suggested=suggested, suggested_prob=1 - score, label_score=score, margin=score,
        is_label_issue=np.ones(7, np.bool_),
    )  # fmt: skip
    after = without_swaps(before, group)
    assert after.is_label_issue.tolist() == [False, True, False, True, True, True, True]
    assert after.suggested.tolist() == [0, 0, 0, 2, 0, 1, 0]
    np.testing.assert_allclose(after.suggested_prob, [0.1, 0.8, 0.3, 0.9, 0.8, 0.9, 0.8])
    np.testing.assert_array_equal(after.label_score, score)
