"""Classes of few examples: evidence counts less, and below 13 examples nothing is flagged."""

from __future__ import annotations

import numpy as np
import pytest

from noisefind import find_label_issues


@pytest.mark.parametrize("sizes", [[3] * 3, [1] * 5, [12] * 4])
def test_classes_too_small_to_judge_have_no_flag_and_no_extreme_score(sizes: list[int]) -> None:
    """Features that say nothing of the labels: no flag, no alarm, no label_score near 0."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    features = np.random.default_rng(0).normal(size=(len(labels), 8))
    issues = find_label_issues(labels, features=features)
    assert not issues.is_label_issue.any()
    assert issues.label_score.min() > 0.3
    assert issues.noise_rate.low < 0.05


def test_tiny_classes_among_larger_ones_are_not_the_first_ranks() -> None:
    """Two images of a class of their own are behind a wrong label of a class of 40."""
    rng = np.random.default_rng(0)
    true = np.repeat([0, 1, 2], [40, 40, 2])
    features = rng.normal(size=(82, 8)) + 4 * np.eye(8)[true]
    labels = true.copy()
    labels[0] = 1
    assert find_label_issues(labels, features=features).ranked()[0] == 0
