"""The scores: by hand, against their formulas written out over whole softmax arrays, and by law."""

from __future__ import annotations

import math
from dataclasses import fields
from itertools import chain, pairwise
from statistics import fmean, pstdev, stdev
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.scores import SCORES, difficulty, forgetting
from noisefind.scores.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COMPUTED = {name: score.compute for name, score in SCORES.items() if score.compute}


class Case(NamedTuple):
    """Some images as an ensemble saw them."""

    p: Floats  # (E, T, N, C)
    y: NDArray[np.int64]  # (N,)

    def score(self, name: str) -> Floats:
        return COMPUTED[name](Predictions.from_probabilities(self.p, self.y))

    def rows(self, rows: NDArray[np.int64] | slice) -> Case:
        return Case(self.p[:, :, rows], self.y[rows])


# The formulas, each for one image with p (E, T, C) and given label y.


def best(p: Floats) -> int:
    values: list[float] = p.tolist()
    return values.index(max(values))


def right(p: Floats, y: int) -> list[list[bool]]:
    return [[best(epoch) == y for epoch in member] for member in p]


def el2n(p: Floats, y: int) -> float:
    onehot = [float(c == y) for c in range(p.shape[2])]
    return fmean(math.dist(member[-1], onehot) for member in p)


def ensemble_std(p: Floats, _y: int) -> float:
    return sum(stdev(p[:, -1, c]) for c in range(p.shape[2])) if len(p) > 1 else 0.0


def pred_sum(p: Floats, y: int) -> float:
    return sum(member[-1] for member in right(p, y))


def forgetting_events(p: Floats, y: int) -> float:
    return fmean(
        sum(a and not b for a, b in pairwise(r)) if any(r) else len(r) for r in right(p, y)
    )


def flips(p: Floats, _y: int) -> float:
    return fmean(sum(best(a) != best(b) for a, b in pairwise(member)) for member in p)


def aum(p: Floats, y: int) -> float:
    return fmean(math.log(q[y]) - math.log(max(np.delete(q, y))) for q in p.reshape(-1, p.shape[2]))


def loss(p: Floats, y: int) -> float:
    return fmean(-math.log(q) for q in p[:, :, y].flat)


def confidence(p: Floats, y: int) -> float:
    return fmean(p[:, :, y].flat)


def variability(p: Floats, y: int) -> float:
    return fmean(pstdev(member[:, y]) for member in p)


def correctness(p: Floats, y: int) -> float:
    return fmean(chain.from_iterable(right(p, y)))


DEFINITION: dict[str, Callable[[Floats, int], float]] = {
    "el2n": el2n,
    "ensemble_std": ensemble_std,
    "pred_sum": pred_sum,
    "forgetting": forgetting_events,
    "flips": flips,
    "aum": aum,
    "loss": loss,
    "confidence": confidence,
    "variability": variability,
    "correctness": correctness,
}

# (members, epochs, classes) -> lowest and highest possible value
RANGE: dict[str, Callable[[int, int, int], tuple[float, float]]] = {
    "el2n": lambda _e, _t, _c: (0, math.sqrt(2)),
    "ensemble_std": lambda _e, _t, c: (0, math.sqrt(c)),
    "pred_sum": lambda e, _t, _c: (0, e),
    "forgetting": lambda _e, t, _c: (0, t),
    "flips": lambda _e, t, _c: (0, t - 1),
    "aum": lambda _e, _t, _c: (-math.inf, math.inf),
    "loss": lambda _e, _t, _c: (0, math.inf),
    "confidence": lambda _e, _t, _c: (0, 1),
    "variability": lambda _e, _t, _c: (0, 0.5),
    "correctness": lambda _e, _t, _c: (0, 1),
}

# what the scores say of an image that wavers, beside one that every member always gets right and
# one that every member always gets wrong: these do not tell the two apart
OF_CHANGE = ("ensemble_std", "flips", "variability")


@st.composite
def cases(draw: st.DrawFn, ties: bool = True) -> Case:
    """Up to 9 images; one member, one epoch or two classes are among them, and so are ties."""
    e, t = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    n, c = draw(st.integers(1, 9)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    logits = rng.normal(0, draw(st.sampled_from([0.1, 1, 20])), (e, t, n, c))
    if ties and draw(st.booleans()):
        logits = np.round(logits)
    return Case(softmax(logits), rng.integers(0, c, n))


@st.composite
def certain_cases(draw: st.DrawFn) -> Case:
    """Every prediction is exactly 1 for one class and 0 for the others."""
    case = draw(cases())
    return Case(np.eye(case.p.shape[3])[case.p.argmax(3)], case.y)


def softmax(logits: Floats) -> Floats:
    p: Floats = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return p


def one_image(*members: Sequence[Sequence[float]], y: int = 0) -> Case:
    """One image from each member's list of distributions, one per epoch."""
    return Case(np.array(members)[:, :, None, :], np.array([y]))


law = settings(max_examples=20, deadline=None)
each = pytest.mark.parametrize("name", COMPUTED)


# By hand


def test_every_score_has_a_definition_and_a_range_here() -> None:
    """A score added to the table is not left out of the laws."""
    assert list(DEFINITION) == list(COMPUTED) == list(RANGE)
    assert sorted(SCORES) == sorted([*COMPUTED, "km_distance"])


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "el2n": (math.sqrt(0.06) + math.sqrt(0.98)) / 2,  # from the corner: .2 .1 .1 and .7 .7 0
        "ensemble_std": (0.5 + 0.6 + 0.1) / math.sqrt(2),  # two numbers: their distance / sqrt 2
        "pred_sum": 1,
        "forgetting": (1 + 3) / 2,  # the second was never right
        "flips": (2 + 1) / 2,
        "aum": math.log(0.5 / 0.4 * 0.4 / 0.5 * 0.8 / 0.1 * 0.2 / 0.5 * 0.1 / 0.7 * 0.3 / 0.7) / 6,
        "loss": -math.log(0.5 * 0.4 * 0.8 * 0.2 * 0.1 * 0.3) / 6,
        "confidence": 2.3 / 6,
        "variability": (math.sqrt(0.26 / 9) + math.sqrt(0.02 / 3)) / 2,
        "correctness": 2 / 6,
    }.items(),
)
def test_two_members_and_three_epochs_by_hand(name: str, value: float) -> None:
    """Each score of an image of class 0 that one member learns and the other does not."""
    case = one_image(
        [[0.5, 0.4, 0.1], [0.4, 0.5, 0.1], [0.8, 0.1, 0.1]],
        [[0.2, 0.3, 0.5], [0.1, 0.7, 0.2], [0.3, 0.7, 0.0]],
    )
    assert case.score(name) == pytest.approx([value])


@pytest.mark.parametrize(
    ("predicted", "top", "zero"),
    [
        ("00000", 0, 0),
        ("11110", 0, 0),  # late, but never forgotten
        ("01010", 2, 2),
        ("00111", 1, 1),
        ("12121", 5, 0),  # never learned: more than the two that five epochs allow
        ("1", 1, 0),
        ("0", 0, 0),
    ],
)
def test_forgetting_by_hand(predicted: str, top: int, zero: int) -> None:
    """What was never learned counts as many events as epochs, or none with ``zero``."""
    case = one_image([[0.1 + 0.7 * (c == int(k)) for c in range(3)] for k in predicted])
    predictions = Predictions.from_probabilities(case.p, case.y)
    assert forgetting(predictions).tolist() == [top]
    assert forgetting(predictions, never_learned="zero").tolist() == [zero]
    with pytest.raises(ValueError, match="must be 'top' or 'zero'"):
        forgetting(predictions, never_learned="none")


@pytest.mark.parametrize("doubt", [1e-3, 1e-5, 1e-8, 1e-11])
def test_el2n_keeps_its_easy_end(doubt: float) -> None:
    """An image that is almost certain has the small el2n that it has, not 0."""
    score = one_image([[1 - doubt, doubt]]).score("el2n")
    assert score == pytest.approx([math.sqrt(2) * doubt], rel=1e-4)


@pytest.mark.parametrize(
    ("name", "turned"), [("el2n", 3.0), ("km_distance", 3.0), ("aum", -3.0), ("label_score", -3.0)]
)
def test_difficulty_points_up(name: str, turned: float) -> None:
    """Scores that are high on easy images change their sign, and so does the label score."""
    assert difficulty(name, np.array([3.0])).tolist() == [turned]


def test_difficulty_of_an_unknown_score_is_refused() -> None:
    """A name that is no score has no direction: ValueError."""
    with pytest.raises(ValueError, match="'margin' is no score: one of el2n, "):
        difficulty("margin", np.array([3.0]))


# Laws


@each
@law
@given(case=cases())
def test_a_score_is_what_its_definition_says(name: str, case: Case) -> None:
    """Loops over the whole softmax arrays, written from the literature, give the same numbers."""
    defined = [DEFINITION[name](case.p[:, :, i], y) for i, y in enumerate(case.y.tolist())]
    np.testing.assert_allclose(case.score(name), defined, rtol=1e-9, atol=1e-12)


@each
@law
@given(case=cases())
def test_a_score_is_one_finite_float_per_image_within_its_range(name: str, case: Case) -> None:
    """(N,) float64, finite where no probability is 0, within the range of its docstring."""
    score = case.score(name)
    members, epochs, _, classes = case.p.shape
    low, high = RANGE[name](members, epochs, classes)
    assert score.shape == case.y.shape
    assert score.dtype == np.float64
    assert np.isfinite(score).all()
    assert low - 1e-12 <= score.min()
    assert score.max() <= high + 1e-12


@each
@law
@given(case=certain_cases())
def test_a_score_of_certain_predictions_is_a_number(name: str, case: Case) -> None:
    """Where probabilities are exactly 0 and 1 no score is NaN, and each is within its range."""
    score = case.score(name)
    members, epochs, _, classes = case.p.shape
    low, high = RANGE[name](members, epochs, classes)
    assert not np.isnan(score).any()
    assert low - 1e-12 <= score.min()
    assert score.max() <= high + 1e-12


@each
@law
@given(case=cases(), data=st.data())
def test_images_in_another_order_have_the_same_scores(
    name: str, case: Case, data: st.DataObject
) -> None:
    """A permutation of the images permutes the scores, to the bit."""
    order = np.array(data.draw(st.permutations(range(len(case.y)))))
    assert case.rows(order).score(name).tolist() == case.score(name)[order].tolist()


@each
@law
@given(case=cases(), data=st.data())
def test_members_have_no_order(name: str, case: Case, data: st.DataObject) -> None:
    """A permutation of the members changes nothing."""
    order = data.draw(st.permutations(range(len(case.p))))
    np.testing.assert_allclose(
        Case(case.p[order], case.y).score(name), case.score(name), rtol=1e-9, atol=1e-12
    )


@each
@law
@given(case=cases(ties=False), data=st.data())
def test_classes_have_no_order(name: str, case: Case, data: st.DataObject) -> None:
    """Numbering the classes otherwise changes nothing, where no two are equally probable."""
    order = np.array(data.draw(st.permutations(range(case.p.shape[3]))))
    renumbered = Case(case.p[..., order], np.argsort(order)[case.y])
    np.testing.assert_allclose(renumbered.score(name), case.score(name), rtol=1e-9, atol=1e-12)


@each
@law
@given(case=cases(), data=st.data())
def test_an_image_has_its_score_in_any_company(name: str, case: Case, data: st.DataObject) -> None:
    """Images scored in blocks of any size, down to one alone, have the scores of the whole."""
    size = data.draw(st.integers(1, len(case.y)))
    blocks = [
        case.rows(slice(start, start + size)).score(name) for start in range(0, len(case.y), size)
    ]
    np.testing.assert_allclose(np.concatenate(blocks), case.score(name), rtol=1e-12, atol=1e-12)


@each
@law
@given(crowd=cases())
def test_a_score_points_the_way_that_the_table_says(name: str, crowd: Case) -> None:
    """Of three images beside a crowd, the learned one is the easiest in every score.

    The hardest is the one never learned; or, for the scores of change, that which wavers between
    members and epochs.
    """
    members, epochs, _, classes = crowd.p.shape
    at = np.arange(members)[:, None] + np.arange(epochs)
    predicted = np.stack([0 * at, 0 * at + 1, at % 2], axis=2)
    p = np.concatenate([crowd.p * 0.9, np.eye(classes)[predicted] * (1 - 1e-9)], axis=2)
    case = Case(p + (1 - p.sum(3, keepdims=True)) / classes, np.append(crowd.y, [0, 0, 0]))
    hard = difficulty(name, case.score(name))
    learned, never_learned, wavering = hard[-3:]
    assert learned <= hard.min() + 1e-9
    if name not in OF_CHANGE:
        assert never_learned > learned
        assert never_learned >= hard.max() - 1e-9
    else:
        assert never_learned == pytest.approx(learned)
        needs = {"ensemble_std": members, "flips": epochs, "variability": epochs}
        assert needs[name] == 1 or wavering > learned + 0.4


# Predictions


def test_predictions_by_hand() -> None:
    """What is kept of whole softmax arrays: two members, one epoch, one image of class 2."""
    kept = Predictions.from_probabilities([[[[0.5, 0.3, 0.2]]], [[[0.1, 0.3, 0.6]]]], [2])
    expected = {
        "log_p_given": [[[math.log(0.2)]], [[math.log(0.6)]]],
        "log_p_other": [[[math.log(0.5)]], [[math.log(0.3)]]],
        "predicted": [[[0]], [[2]]],
        "squared_distance": [[[0.25 + 0.09 + 0.64]], [[0.01 + 0.09 + 0.16]]],
        "mean": [[0.3, 0.3, 0.4]],
        "squares": [[0.08, 0.0, 0.08]],
        "labels": [2],
    }
    assert [field.name for field in fields(kept)] == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(kept, name), np.array(value), atol=1e-15)
    assert (kept.n_members, kept.n_epochs) == (2, 1)
    assert kept.right.tolist() == [[[False]], [[True]]]
    np.testing.assert_allclose(kept.margin, np.log([[[0.4]], [[2.0]]]))


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.full((1, 1, 3), 1 / 3), [0], r"pred_probs \(1, 1, 3\) must be \(members"),
        (np.full((1, 1, 2, 2), 1 / 2), [0], r"labels \(1,\) \(images,\)"),
        (np.full((1, 1, 0, 2), 1 / 2), [], "none of them 0"),
        (np.ones((1, 1, 1, 1)), [0], "at least 2 classes"),
        (np.full((1, 1, 1, 2), 1 / 2), [2], "labels must be 0 to 1"),
        (np.full((1, 1, 1, 2), 1 / 2), [-1], "labels must be 0 to 1"),
        (np.full((1, 1, 1, 2), 0.6), [0], "sum to 1"),
        (np.array([[[[1.5, -0.5]]]]), [0], "must be 0 to 1"),
        (np.array([[[[np.nan, 1.0]]]]), [0], "must be 0 to 1"),
    ],
)
def test_predictions_refuse_what_is_none(
    probabilities: Floats, labels: list[int], message: str
) -> None:
    """Shapes that do not fit, labels out of range and what is no distribution raise ValueError."""
    with pytest.raises(ValueError, match=message):
        Predictions.from_probabilities(probabilities, labels)


def test_predictions_leave_their_input_alone() -> None:
    """The caller's arrays are as they were, and lists or float32 arrays do as well."""
    p = softmax(np.random.default_rng(0).normal(size=(2, 3, 4, 5))).astype(np.float32)
    before, y = p.copy(), np.array([0, 1, 2, 4])
    kept = Predictions.from_probabilities(p, y)
    assert p.tobytes() == before.tobytes()
    again = Predictions.from_probabilities(p.tolist(), y.tolist())
    assert again.squared_distance.tolist() == kept.squared_distance.tolist()
