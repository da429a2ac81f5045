"""The verdict on each label: by hand, and its laws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.detection.verdict import Verdict, judge, worst_first

if TYPE_CHECKING:
    from collections.abc import Sequence

margins = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)
law = settings(max_examples=100, deadline=None)


def judge_margins(aum: Sequence[float]) -> Verdict:
    """The verdict on images of class 0 of which the mean prediction says class 1."""
    return judge(np.array(aum), np.tile([0.4, 0.6], (len(aum), 1)), np.zeros(len(aum), np.int64))


def ranked(rows: Sequence[tuple[float, float, int]]) -> list[int]:
    """Row numbers, worst first, of (label_score, aum, shuffle) rows."""
    label_score, aum, shuffle = zip(*rows, strict=True)
    order = worst_first(np.array(label_score), np.array(aum), np.array(shuffle, np.uint64))
    assert order.dtype == np.int64
    rows_worst_first: list[int] = order.tolist()
    return rows_worst_first


def test_verdict_by_hand() -> None:
    """Three classes; the label score is the margin through the logistic function."""
    verdict = judge(
        np.array([math.log(3), -math.log(3)]),
        np.array([[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]], np.float32),
        np.array([1, 0]),
    )
    np.testing.assert_allclose(verdict.label_score, [0.75, 0.25])
    assert verdict.is_label_issue.tolist() == [False, True]
    assert verdict.predicted.tolist() == [1, 2]
    np.testing.assert_allclose(verdict.predicted_prob, [0.5, 0.7], rtol=1e-6)
    assert [values.dtype for values in verdict] == [np.float64, np.bool_, np.int64, np.float64]


@pytest.mark.parametrize(
    ("aum", "p_given", "is_issue"),
    [
        (-1.0, 0.2, True),
        (-1.0, 0.8, False),  # learned by the end
        (1.0, 0.2, False),  # lost at the end only
        (0.0, 0.2, False),
        (1.0, 0.8, False),
        (-1.0, 0.5, False),  # of equally probable classes the first, here the given one
    ],
)
def test_an_issue_needs_both_witnesses(aum: float, p_given: float, is_issue: bool) -> None:
    """The mean prediction must be another class and the mean margin below 0."""
    verdict = judge(np.array([aum]), np.array([[p_given, 1 - p_given]]), np.array([0]))
    assert verdict.is_label_issue.tolist() == [is_issue]


def test_the_label_score_of_extreme_margins() -> None:
    """No margin overflows; the far ends are exactly 0 and 1."""
    score = judge_margins([-math.inf, -1e6, -1e3, 0.0, 1e3, 1e6, math.inf]).label_score
    np.testing.assert_allclose(score, [0, 0, 0, 0.5, 1, 1, 1])


@law
@given(margins)
def test_the_label_score_rises_with_the_margin(aum: list[float]) -> None:
    """A higher margin never has a lower label score, and all are 0 to 1."""
    score = judge_margins(sorted(aum)).label_score
    assert (np.diff(score) >= 0).all()
    assert 0 <= score.min() <= score.max() <= 1


@law
@given(margins)
def test_the_label_score_is_the_logistic_function(aum: list[float]) -> None:
    """As by math.exp on the side where it cannot overflow; for -aum it is the rest to 1."""
    defined = [1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a)) for a in aum]
    score = judge_margins(aum).label_score
    np.testing.assert_allclose(score, defined, rtol=1e-12)
    np.testing.assert_allclose(judge_margins([-a for a in aum]).label_score, 1 - score, atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        ([(0.5, 9, 0), (0.1, 9, 1), (0.9, 9, 2)], [1, 0, 2]),
        ([(1.0, 50, 0), (1.0, 40, 1), (1.0, 60, 2)], [1, 0, 2]),  # the score has saturated
        ([(0.5, 0, 2**63), (0.5, 0, 2**64 - 1), (0.5, 0, 7)], [2, 0, 1]),
        ([(0.5, 0, 0), (0.1, 5, 9), (0.5, -1, 5)], [1, 2, 0]),
    ],
)
def test_worst_first_by_hand(rows: list[tuple[float, float, int]], order: list[int]) -> None:
    """By label score, then by margin, then by the shuffle, never by where an image stands."""
    assert ranked(rows) == order


@law
@given(st.permutations(range(12)), st.integers(0, 99))
def test_worst_first_whatever_the_order(permutation: list[int], seed: int) -> None:
    """The same images come out on top when the rows are shuffled, for all their ties."""
    rng = np.random.default_rng(seed)
    rows = [
        (float(score), float(aum), shuffle)
        for shuffle, (score, aum) in enumerate(rng.integers(0, 3, (12, 2)))
    ]
    expected = [rows[row] for row in ranked(rows)]
    shuffled = [rows[row] for row in permutation]
    assert [shuffled[row] for row in ranked(shuffled)] == expected == sorted(rows)
