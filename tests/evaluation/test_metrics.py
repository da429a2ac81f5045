"""Detection metrics: against scikit-learn, by hand where it has none, and bootstrap draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
)

from noisefind.evaluation import metrics

# few different values, so that most images are tied
rankings = st.lists(
    st.tuples(st.booleans(), st.integers(-3, 3).map(float)), min_size=2, max_size=60
)


def arrays(ranking: list[tuple[bool, float]]) -> tuple[metrics.Bools, metrics.Floats]:
    is_wrong, noise_score = (np.array(column) for column in zip(*ranking, strict=True))
    return is_wrong.astype(np.bool_), noise_score.astype(np.float64)


def curve_of(is_wrong: object, noise_score: object, draws: object = None) -> metrics.DetectionCurve:
    steps = metrics.steps(np.array(is_wrong, np.bool_), np.array(noise_score, np.float64))
    return metrics.curve(steps, None if draws is None else np.array(draws))


@settings(max_examples=80, deadline=None)
@given(rankings)
def test_as_scikit_learn_has_it_with_ties(ranking: list[tuple[bool, float]]) -> None:
    """AUROC, average precision and the best F1 of any threshold, however many are tied."""
    is_wrong, noise_score = arrays(ranking)
    assume(0 < is_wrong.sum() < len(is_wrong))
    curve = curve_of(is_wrong, noise_score)
    precision, recall, _ = precision_recall_curve(is_wrong, noise_score)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    assert metrics.auroc(curve)[0] == pytest.approx(roc_auc_score(is_wrong, noise_score))
    expected = average_precision_score(is_wrong, noise_score)
    assert metrics.average_precision(curve)[0] == pytest.approx(expected)
    assert metrics.best_f1(curve)[0] == pytest.approx(f1.max())


@settings(max_examples=60, deadline=None)
@given(rankings, st.integers(0, 2**32))
def test_a_draw_is_the_metric_of_the_drawn_images(
    ranking: list[tuple[bool, float]], seed: int
) -> None:
    """Each row of draws gives what the images in it give when they are ranked by themselves."""
    is_wrong, noise_score = arrays(ranking)
    draws = np.random.default_rng(seed).integers(0, len(is_wrong), (3, len(is_wrong)))
    together = curve_of(is_wrong, noise_score, draws)
    for number, rows in enumerate(draws):
        alone = curve_of(is_wrong[rows], noise_score[rows])
        for metric in (metrics.auroc, metrics.average_precision, metrics.f1_at_n, metrics.best_f1):
            np.testing.assert_allclose(metric(together)[number], metric(alone)[0], equal_nan=True)
        for share in (0.01, 0.1, 0.5, 1.0):
            found = metrics.precision_at(together, share)[number]
            assert found == pytest.approx(metrics.precision_at(alone, share)[0])


@settings(max_examples=30, deadline=None)
@given(rankings, st.sampled_from([0.05, 0.3, 0.5, 1.0]))
def test_precision_in_a_tie_is_that_of_its_shuffled_orders(
    ranking: list[tuple[bool, float]], share: float
) -> None:
    """Ties count in expectation: as the mean over many random orders of the tied images."""
    is_wrong, noise_score = arrays(ranking)
    k = max(1, round(share * len(is_wrong)))
    rng = np.random.default_rng(0)
    orders = (np.lexsort((rng.random(len(noise_score)), -noise_score)) for _ in range(2000))
    mean = np.mean([is_wrong[order[:k]].mean() for order in orders])
    found = metrics.precision_at(curve_of(is_wrong, noise_score), share)[0]
    assert found == pytest.approx(mean, abs=0.06)  # five standard errors of the mean at most


def test_by_hand() -> None:
    """Ten images, wrong at ranks 1, 3 and 4: every metric worked out on paper."""
    is_wrong = [1, 0, 1, 1, 0, 0, 0, 0, 0, 0]
    curve = curve_of(is_wrong, range(10, 0, -1))
    assert metrics.precision_at(curve, 0.01)[0] == 1  # one image at least
    assert metrics.precision_at(curve, 0.2)[0] == 0.5
    assert metrics.f1_at_n(curve)[0] == pytest.approx(2 / 3)
    assert metrics.best_f1(curve)[0] == pytest.approx(6 / 7)  # the first 4: precision .75, recall 1
    assert metrics.auroc(curve)[0] == pytest.approx(19 / 21)
    assert metrics.average_precision(curve)[0] == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    tied = curve_of(is_wrong, [1] * 10)
    assert metrics.f1_at_n(tied)[0] == pytest.approx(0.3)
    assert metrics.precision_at(tied, 0.1)[0] == pytest.approx(0.3)


def test_not_defined_is_nan() -> None:
    """Without wrong labels, or without right ones, no number is made up."""
    none, all_wrong = curve_of([0, 0], [1, 2]), curve_of([1, 1], [1, 2])
    for metric in (metrics.auroc, metrics.average_precision, metrics.f1_at_n, metrics.best_f1):
        assert np.isnan(metric(none)[0])
    assert np.isnan(metrics.auroc(all_wrong)[0])
    assert metrics.precision_at(none, 0.5)[0] == 0
    flags = metrics.flag_metrics(np.array([False, True]), np.array([False, False]))
    assert np.isnan(flags.precision[0])
    assert (flags.recall[0], flags.f1[0], flags.share[0]) == (0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_flags_as_scikit_learn_has_them(pairs: list[tuple[bool, bool]]) -> None:
    """Precision, recall and F1 of a yes or no, where they are defined; draws as rows alone."""
    is_wrong, is_flagged = (np.array(column) for column in zip(*pairs, strict=True))
    assume(is_wrong.any() and is_flagged.any())
    flags = metrics.flag_metrics(is_wrong, is_flagged)
    assert flags.precision[0] == pytest.approx(precision_score(is_wrong, is_flagged))
    assert flags.recall[0] == pytest.approx(recall_score(is_wrong, is_flagged))
    assert flags.f1[0] == pytest.approx(f1_score(is_wrong, is_flagged))
    rows = np.random.default_rng(0).integers(0, len(is_wrong), (2, len(is_wrong)))
    drawn = metrics.flag_metrics(is_wrong, is_flagged, rows)
    alone = metrics.flag_metrics(is_wrong[rows[1]], is_flagged[rows[1]])
    np.testing.assert_array_equal([value[1] for value in drawn], [value[0] for value in alone])


def test_draws_do_not_depend_on_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed gives the same draws in one chunk or in many."""
    whole = list(metrics.bootstrap_draws(50, 10, np.random.default_rng(1)))
    monkeypatch.setattr(metrics, "MAX_CELLS", 150)
    parts = list(metrics.bootstrap_draws(50, 10, np.random.default_rng(1)))
    assert (len(whole), len(parts)) == (1, 4)
    np.testing.assert_array_equal(whole[0], np.concatenate(parts))
