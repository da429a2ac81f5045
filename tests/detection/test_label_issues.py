"""The verdict on each label: by hand, and its laws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.detection.label_issues import (
    Evidence,
    calibrated,
    judge,
    log_odds,
    memorised_share,
    suspected,
    worst_first,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

law = settings(max_examples=100, deadline=None)
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def heard(p_given: Sequence[float], aum: Sequence[float], member_class: Sequence[int]) -> Evidence:
    """On labels that are all 0, of two classes."""
    n = len(p_given)
    return Evidence(
        np.array(p_given), np.array(aum), np.array(member_class), np.ones(n, np.int64), np.ones(n)
    )


def zeros(n: int) -> NDArray[np.int64]:
    """(N,) labels 0."""
    return np.zeros(n, np.int64)


def random_evidence(seed: int, n: int = 200) -> Evidence:
    """A tenth of the labels are doubted by witness and members."""
    rng = np.random.default_rng(seed)
    is_wrong = rng.random(n) < 0.1
    p = np.where(is_wrong, rng.beta(1, 9, n), rng.beta(9, 1, n))
    aum = rng.normal(np.where(is_wrong, -2, 2))
    return heard(p.tolist(), aum.tolist(), (aum < 0).astype(np.int64).tolist())


def test_both_witnesses_against_a_label_make_it_an_issue() -> None:
    """The doubted label is suspected, its suggestion is the other class, all else is right."""
    said = heard([0.99] * 9 + [0.01], [3.0] * 9 + [-3.0], [0] * 9 + [1])
    verdict = judge(said, zeros(10))
    assert verdict.is_label_issue.tolist() == [False] * 9 + [True]
    assert verdict.predicted.tolist() == [0] * 9 + [1]
    assert verdict.label_score[-1] < 0.05 < 0.95 < verdict.label_score[0]
    np.testing.assert_allclose(verdict.predicted_prob[-1], 1 - verdict.label_score[-1])
    np.testing.assert_allclose(verdict.margin[0], math.log(99) + 1.5 * 3)


@law
@given(st.integers(0, 10_000))
def test_label_score_adds_up_to_the_right_labels_that_witnesses_expect(seed: int) -> None:
    """The mean of label_score is the mean held-out probability: it reads as a probability."""
    said = random_evidence(seed)
    verdict = judge(said, zeros(200))
    np.testing.assert_allclose(verdict.label_score.mean(), said.p_given.mean(), atol=1e-3)


@law
@given(st.integers(0, 10_000))
def test_a_permutation_of_the_rows_changes_nothing(seed: int) -> None:
    """Every image keeps its verdict wherever it stands."""
    said, order = random_evidence(seed), np.random.default_rng(seed).permutation(200)
    shuffled = Evidence(*(np.asarray(values)[order] for values in said))  # type: ignore[arg-type]
    one, two = judge(said, zeros(200)), judge(shuffled, zeros(200))
    np.testing.assert_allclose(one.label_score[order], two.label_score, atol=1e-9)
    assert (one.is_label_issue[order] == two.is_label_issue).all()


def test_members_that_repeat_doubted_labels_are_left_out() -> None:
    """Members sure of every label are no evidence; the held-out witness alone then speaks."""
    doubted, sure = [0.02] * 20, [0.98] * 80
    said = heard(doubted + sure, [9.0] * 100, [0] * 100)
    verdict = judge(said, zeros(100))
    assert memorised_share(said, zeros(100)) == 1.0
    assert not verdict.members_count
    assert verdict.is_label_issue.tolist() == [True] * 20 + [False] * 80
    np.testing.assert_allclose(verdict.margin, log_odds(said.p_given))


def test_members_that_still_learn_are_heard() -> None:
    """Where most doubted labels are not repeated, or few are doubted, the members count."""
    learning = heard([0.02] * 20 + [0.98] * 80, [-1.0] * 20 + [2.0] * 80, [1] * 20 + [0] * 80)
    assert judge(learning, zeros(100)).members_count
    few = heard([0.02] * 9 + [0.98] * 80, [2.0] * 89, [0] * 89)
    assert judge(few, zeros(89)).members_count
    assert math.isnan(memorised_share(few, zeros(89)))


@pytest.mark.parametrize(
    ("p_wrong", "expected"),
    [
        # expected F1 of the first k: .643, .895, .75
        ([0.9, 0.8, 0.1], [True, True, False]),
        # .667, .857, .9: the third pays too
        ([0.9, 0.9, 0.6], [True, True, True]),
        ([0.2, 0.1], [False, False]),  # the best cut, but too weak a suspicion
        ([0.31, 0.1], [True, False]),
        ([0.0, 0.0], [False, False]),
    ],
)
def test_suspected_by_hand(p_wrong: list[float], expected: list[bool]) -> None:
    """As many are suspected as make the expected F1 the highest."""
    assert suspected(np.array(p_wrong)).tolist() == expected


@law
@given(probabilities)
def test_no_cut_has_a_better_expected_f1(values: list[float]) -> None:
    """Tried one by one, no other number of suspected labels is expected to do better."""
    p = np.array(values)
    flagged = suspected(p)
    best = max(2 * np.sort(p)[::-1][:k].sum() / (k + p.sum()) for k in range(1, len(p) + 1))
    got = 2 * p[flagged].sum() / (flagged.sum() + p.sum()) if flagged.any() else 0.0
    assert got >= best - 1e-9 or p[~flagged].max(initial=0) < 0.3


def test_calibrated_is_a_rising_function_of_the_margin() -> None:
    """Equal margins get equal scores, higher ones higher scores, whatever the targets."""
    margin = np.array([-3.0, -1.0, -1.0, 0.0, 2.0])
    score = calibrated(margin, np.array([0.9, 0.1, 0.4, 0.3, 0.1]))  # targets that fall
    assert score[1] == score[2]
    assert (np.diff(score) >= 0).all()


def test_calibrated_with_one_margin_for_all_is_the_mean() -> None:
    """Where margins say nothing the score is the share of right labels."""
    np.testing.assert_allclose(
        calibrated(np.full(4, 2.0), np.array([1.0, 1.0, 1.0, 0.0])), 0.75, atol=1e-3
    )


def test_worst_first_by_score_then_margin_then_shuffle() -> None:
    """Ties of label_score are broken by the margin, and those by the seeded shuffle."""
    order = worst_first(
        np.array([0.5, 0.1, 0.1, 0.1]),
        np.array([0.0, 2.0, 1.0, 1.0]),
        np.array([0, 0, 9, 3], np.uint64),
    )
    assert order.tolist() == [3, 2, 1, 0]
