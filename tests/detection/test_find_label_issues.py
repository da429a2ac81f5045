"""``find_label_issues``: planted errors found, laws, and every array that does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from noisefind import find_label_issues

if TYPE_CHECKING:
    from numpy.typing import NDArray

N, C = 600, 4
NAMES = ["ant", "bee", "cow", "dog"]


class Case:
    """Clear clusters of four classes with 30 wrong labels, and out-of-sample probabilities."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.true = rng.integers(0, C, N)
        self.features = rng.normal(size=(C, 20))[self.true] * 2 + rng.normal(size=(N, 20)) * 0.5
        self.labels = self.true.copy()
        self.wrong = rng.choice(N, 30, replace=False)
        self.labels[self.wrong] = (self.labels[self.wrong] + rng.integers(1, C, 30)) % C
        logits = 4 * np.eye(C)[self.true] + rng.normal(size=(3, N, C))
        self.probs: NDArray[Any] = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)


CASE = Case()


@pytest.mark.parametrize("given", ["pred_probs", "models", "features", "both"])
def test_planted_errors_are_found(given: str) -> None:
    """From probabilities, from features and from both: flagged, ranked first, rightly suggested."""
    arrays = {
        "pred_probs": {"pred_probs": CASE.probs[0]},
        "models": {"pred_probs": CASE.probs},
        "features": {"features": CASE.features},
        "both": {"pred_probs": CASE.probs, "features": CASE.features},
    }[given]
    issues = find_label_issues(CASE.labels, **arrays)
    is_wrong = np.isin(np.arange(N), CASE.wrong)
    f1 = 2 * (issues.is_label_issue & is_wrong).sum() / (issues.is_label_issue.sum() + 30)
    assert f1 > (0.85 if given == "pred_probs" else 0.95)
    assert is_wrong[issues.ranked()[:20]].all()
    found = issues.is_label_issue & is_wrong
    assert (issues.suggested_label == CASE.true)[found].mean() > 0.9
    assert issues.noise_rate.low < 0.05 < issues.noise_rate.high
    assert issues.joint.sum() == pytest.approx(N)
    assert list(issues.noise_rate_per_class) == list(range(C))


def test_names_and_numbers_give_the_same() -> None:
    """Names in sorted order, names with class_names in another order, and numbers agree."""
    numbers = find_label_issues(CASE.labels, CASE.probs[0], CASE.features)
    names = np.array(NAMES)[CASE.labels]
    sorted_names = find_label_issues(names, CASE.probs[0], CASE.features)
    np.testing.assert_array_equal(numbers.label_score, sorted_names.label_score)
    assert sorted_names.suggested_label.tolist() == [NAMES[k] for k in numbers.suggested_label]
    other = [2, 0, 3, 1]
    renamed = find_label_issues(
        names, CASE.probs[0][:, other], CASE.features, class_names=[NAMES[k] for k in other]
    )
    np.testing.assert_allclose(renamed.label_score, numbers.label_score, atol=1e-5)
    assert renamed.suggested_label.tolist() == sorted_names.suggested_label.tolist()
    by_number = find_label_issues(CASE.labels, CASE.probs[0], class_names=NAMES)
    assert set(by_number.given_label) == set(NAMES)


def test_any_numbers_are_labels_where_features_are_given_alone() -> None:
    """Labels 10, 20, 30, 40 come back as they were."""
    issues = find_label_issues(10 * (CASE.labels + 1), features=CASE.features)
    assert set(issues.suggested_label.tolist()) == {10, 20, 30, 40}


def test_memorised_probabilities_are_found_out_by_features() -> None:
    """Probabilities that repeat every label are not used; without features nobody can know."""
    memorised = np.full((N, C), 0.001) + 0.996 * np.eye(C)[CASE.labels]
    with_features = find_label_issues(CASE.labels, memorised, CASE.features)
    assert with_features.memorised is True
    alone = find_label_issues(CASE.labels, features=CASE.features)
    np.testing.assert_array_equal(with_features.label_score, alone.label_score)
    assert find_label_issues(CASE.labels, memorised).memorised is None
    assert find_label_issues(CASE.labels, CASE.probs, CASE.features).memorised is False


def test_copies_that_share_a_wrong_label_vouch_for_each_other_unless_they_are_a_group() -> None:
    """Eight copies of each picture under one wrong label: only groups show that it is wrong."""
    case = Case(1)
    rows = np.repeat(np.arange(N), np.where(np.isin(np.arange(N), case.wrong), 8, 1))
    labels, features = case.labels[rows], case.features[rows]
    is_wrong = np.isin(rows, case.wrong)
    apart = find_label_issues(labels, features=features)
    together = find_label_issues(labels, features=features, groups=rows)
    assert apart.is_label_issue[is_wrong].mean() < 0.5
    assert together.is_label_issue[is_wrong].mean() > 0.9
    assert together.is_label_issue[~is_wrong].mean() < 0.02
    named = find_label_issues(labels, features=features, groups=[f"p{row}" for row in rows])
    np.testing.assert_allclose(named.label_score, together.label_score, atol=1e-4)


def test_groups_of_one_are_no_groups() -> None:
    """Every example in a group of its own changes nothing but rounding."""
    one = find_label_issues(CASE.labels, features=CASE.features)
    two = find_label_issues(CASE.labels, features=CASE.features, groups=np.arange(N)[::-1])
    np.testing.assert_allclose(one.label_score, two.label_score, atol=1e-4)


def test_to_pandas_has_a_row_per_example() -> None:
    """In the order of the labels."""
    pytest.importorskip("pandas")
    issues = find_label_issues(np.array(NAMES)[CASE.labels], CASE.probs[0])
    frame = issues.to_pandas()
    assert len(frame) == len(issues) == N
    assert frame["given_label"].tolist() == [NAMES[k] for k in CASE.labels]
    assert frame["is_label_issue"].sum() == issues.is_label_issue.sum()


def test_same_seed_same_result() -> None:
    """Bit for bit."""
    one, two = (find_label_issues(CASE.labels, CASE.probs, CASE.features) for _ in range(2))
    np.testing.assert_array_equal(one.label_score, two.label_score)
    np.testing.assert_array_equal(one.ranked(), two.ranked())


NAN = np.full((N, 3), np.nan)
FAULTS: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "nothing": ((CASE.labels,), {}, "needs pred_probs, features or both"),
    "empty": (([], np.ones((1, 1))), {}, "labels have shape"),
    "two-dimensional": ((np.eye(3), np.eye(3)), {}, "labels have shape"),
    "floats": ((CASE.labels + 0.5, CASE.probs[0]), {}, "labels are float64"),
    "missing": (([None, "a"], np.eye(2)), {}, "labels are object"),
    "rows": ((CASE.labels[1:], CASE.probs[0]), {}, "pred_probs have 600 rows for 599 labels"),
    "rows of features": ((CASE.labels, None, NAN[1:]), {}, "features have 599 rows for 600"),
    "logits": ((CASE.labels, np.log(CASE.probs[0])), {}, "logits need a softmax"),
    "nan": ((CASE.labels, NAN), {}, "row 0 is"),
    "one-dimensional": ((CASE.labels, CASE.labels), {}, "must be numbers"),
    "columns": ((np.array(NAMES)[CASE.labels], CASE.probs[0][:, :3]), {}, "row 0 is"),
    "names": ((CASE.labels, CASE.probs[0]), {"class_names": NAMES[:3]}, "4 columns for 3 classes"),
    "twice": ((CASE.labels, CASE.probs[0]), {"class_names": ["a", "a", "b", "c"]}, "must differ"),
    "strange": ((["yak"] * N, CASE.probs[0]), {"class_names": NAMES}, "hold 'yak', must be one"),
    "too high": ((CASE.labels + 1, CASE.probs[0]), {}, "hold 4, must be one of 0, 1, 2, 3"),
    "one class": ((["a"] * N, None, CASE.features), {}, "must be of at least 2"),
    "features with nan": ((CASE.labels, None, NAN), {}, "features must be finite"),
    "texts": ((CASE.labels, None, [["a"]] * N), {}, "features are <U1"),
    "groups": ((CASE.labels, None, CASE.features), {"groups": [1]}, "groups have 1 rows"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_is_refused_in_one_line(fault: str) -> None:
    """A ValueError that names the array and the rule."""
    arguments, options, words = FAULTS[fault]
    with pytest.raises(ValueError, match=words) as raised:
        find_label_issues(*arguments, **options)
    assert "\n" not in str(raised.value)
