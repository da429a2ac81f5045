"""label_score, flags and order: by hand, and their laws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.detection.label_issues import LabelIssues, Members, judge
from noisefind.detection.label_quality import (
    calibrated,
    log_odds,
    memorised_share,
    suspected,
    worst_first,
)
from noisefind.detection.leave_one_out import LeaveOneOut
from noisefind.detection.noise_mixture import NoiseMixture
from noisefind.detection.noise_model import NoiseModel
from noisefind.detection.noise_rate import LabelNoise, NoiseRate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

law = settings(max_examples=100, deadline=None)
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=40)


class Known(NamedTuple):
    """Predictions for labels that are all 0, of two classes."""

    p_given: Sequence[float]
    aum: Sequence[float]

    def judged(self, order: NDArray[np.int64] | None = None) -> LabelIssues:
        """With a noise model that passes the leave-one-out probabilities on as they are."""
        rows = np.arange(len(self.p_given)) if order is None else order
        p = np.array(self.p_given)[rows]
        with np.errstate(divide="ignore"):
            scores = np.log(np.stack([p, 1 - p], axis=1))
        rate = NoiseRate(0.0, 0.0, 0.0)
        noise = LabelNoise(rate, [rate, rate], np.eye(2))
        model = NoiseModel(1.0, np.full((2, 2), 0.5))
        aum = np.array(self.aum)[rows]
        mean = 1 / (1 + np.exp(-np.stack([aum, -aum], axis=1)))
        members = Members(aum, lambda part: mean[part])
        models = NoiseMixture(model, model, 1.0, model)
        loo = LeaveOneOut(np.maximum(scores, -700), models, noise, weights=np.ones(2))
        return judge(zeros(len(rows)), ("cat", "dog"), loo, members)


def zeros(n: int) -> NDArray[np.int64]:
    """(N,) labels 0."""
    return np.zeros(n, np.int64)


def random_case(seed: int, n: int = 200) -> Known:
    """A tenth of the labels are doubted by leave-one-out predictions and members."""
    rng = np.random.default_rng(seed)
    is_wrong = rng.random(n) < 0.1
    p = np.where(is_wrong, rng.beta(1, 9, n), rng.beta(9, 1, n))
    return Known(p.tolist(), rng.normal(np.where(is_wrong, -2, 2)).tolist())


def test_evidence_of_both_kinds_against_a_label_makes_it_an_issue() -> None:
    """The doubted label is flagged, its suggestion is the other class, all else is right."""
    issues = Known([0.99] * 9 + [0.01], [3.0] * 9 + [-3.0]).judged()
    assert issues.is_label_issue.tolist() == [False] * 9 + [True]
    assert issues.suggested_label.tolist() == ["cat"] * 9 + ["dog"]
    assert issues.label_score[-1] < 0.05 < 0.95 < issues.label_score[0]
    np.testing.assert_allclose(issues.suggested_prob[-1], 1 - issues.label_score[-1])
    np.testing.assert_allclose(issues.margin[0], math.log(99) + 1.5 * 3)


@law
@given(st.integers(0, 10_000))
def test_label_score_adds_up_to_the_expected_right_labels(seed: int) -> None:
    """The mean of label_score is the mean leave-one-out probability: it reads as a probability."""
    issues = random_case(seed).judged()
    np.testing.assert_allclose(
        issues.label_score.mean(), issues.evidence.loo_prob.mean(), atol=1e-3
    )


@law
@given(st.integers(0, 10_000))
def test_a_permutation_of_the_rows_changes_nothing(seed: int) -> None:
    """Every image keeps its result wherever its row is."""
    case, order = random_case(seed), np.random.default_rng(seed).permutation(200)
    one, two = case.judged(), case.judged(order)
    np.testing.assert_allclose(one.label_score[order], two.label_score, atol=1e-9)
    assert (one.is_label_issue[order] == two.is_label_issue).all()


def test_members_that_repeat_doubted_labels_are_left_out() -> None:
    """Members sure of every label are no evidence; the leave-one-out predictions alone count."""
    issues = Known([0.02] * 20 + [0.98] * 80, [9.0] * 100).judged()
    assert issues.memorised_share == 1.0
    assert issues.memorised
    assert issues.is_label_issue.tolist() == [True] * 20 + [False] * 80
    np.testing.assert_allclose(issues.margin, log_odds(issues.evidence.loo_prob))


def test_members_that_still_learn_count() -> None:
    """Where most doubted labels are not repeated, or few are doubted, the members count."""
    learning = Known([0.02] * 20 + [0.98] * 80, [-1.0] * 20 + [2.0] * 80).judged()
    assert learning.memorised is False
    few = Known([0.02] * 9 + [0.98] * 80, [2.0] * 89).judged()
    assert few.memorised is None
    np.testing.assert_allclose(few.margin, log_odds(few.evidence.loo_prob) + 1.5 * 2)
    assert math.isnan(memorised_share(few.evidence.loo_prob, zeros(89), zeros(89)))


@pytest.mark.parametrize(
    ("p_wrong", "expected"),
    [
        # expected F1 of the first k: .643, .895, .75
        ([0.9, 0.8, 0.1], [True, True, False]),
        # .667, .857, .9: the third pays too
        ([0.9, 0.9, 0.6], [True, True, True]),
        ([0.2, 0.1], [False, False]),  # the best cut, but too improbable
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
    """Tried one by one, no other number of suspected labels has a better expected F1."""
    p = np.array(values)
    chosen = suspected(p)
    best = max(2 * np.sort(p)[::-1][:k].sum() / (k + p.sum()) for k in range(1, len(p) + 1))
    got = 2 * p[chosen].sum() / (chosen.sum() + p.sum()) if chosen.any() else 0.0
    assert got >= best - 1e-9 or p[~chosen].max(initial=0) < 0.3


def test_calibrated_is_a_rising_function_of_the_margin() -> None:
    """Equal margins get equal scores, higher ones higher scores, whatever the targets."""
    margin = np.array([-3.0, -1.0, -1.0, 0.0, 2.0])
    score = calibrated(margin, np.array([0.9, 0.1, 0.4, 0.3, 0.1]))  # targets that fall
    assert score[1] == score[2]
    assert (np.diff(score) >= 0).all()


def test_calibrated_with_one_margin_for_all_is_the_mean() -> None:
    """Where margins are all equal the score is the share of right labels."""
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


def test_flagged_is_more_likely_wrong_than_right() -> None:
    """Of the suspected labels those below a half are issues; the rest is worth a look."""
    issues = random_case(0).judged()

    below = issues.label_score < 0.5
    assert (issues.is_label_issue <= below).all()
    assert not (issues.is_worth_a_look & below).any()
    expected = suspected(1 - issues.label_score)
    np.testing.assert_array_equal(issues.is_label_issue | issues.is_worth_a_look, expected)
    assert issues.is_worth_a_look.any()


def test_a_model_that_doubts_more_gives_labels_that_are_worth_a_look() -> None:
    """Labels that only the pair model doubts are worth a look, and none of them is flagged."""
    n = 100
    scores = np.zeros((n, 2), np.float32)
    doubted = np.arange(n) < 10
    sure, rate = np.where(doubted, 0.9, 0.99), NoiseRate(0.0, 0.0, 0.0)
    model = NoiseModel(1.0, np.full((2, 2), 0.5))
    loo = LeaveOneOut(
        np.log(np.stack([sure, 1 - sure], 1)).astype(np.float32) + scores,
        NoiseMixture(model, model, 1.0, model), LabelNoise(rate, [rate, rate], np.eye(2)),
        weights=np.ones(2),
    )  # fmt: skip
    alone = judge(zeros(n), ("cat", "dog"), loo, None)

    both = judge(zeros(n), ("cat", "dog"), loo._replace(p_pair=np.where(doubted, 0.4, 0.99)), None)

    assert not alone.is_worth_a_look.any()
    np.testing.assert_array_equal(both.is_worth_a_look, doubted)
    assert not both.is_label_issue.any()
