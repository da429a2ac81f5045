"""Held-out scores, noise model and noise rate: by hand, against a reference, in hard cases."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from noisefind.detection import LabelIssues, find_label_issues, kernel_ridge
from noisefind.detection.kernel_ridge import leave_one_out_scores
from noisefind.detection.leave_one_out import fit_leave_one_out
from noisefind.detection.noise_model import class_posterior, fit_noise_model
from noisefind.detection.noise_rate import label_noise, noise_rate
from noisefind.noise import kinds as noise

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def clusters(
    sizes: list[int], *, spread: float = 0.35, n_features: int = 40, seed: int = 0
) -> tuple[Floats, Ints]:
    """Feature vectors around a random direction per class, and their classes."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((len(sizes), n_features))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    noise_ = rng.standard_normal((len(labels), n_features)) * spread / np.sqrt(n_features) * 3
    return (centers[labels] + noise_).astype(np.float32), labels.astype(np.int64)


def issues_of(features: Floats, labels: Ints) -> LabelIssues:
    """From features alone."""
    return find_label_issues(labels, features=features)


def f1(flagged: NDArray[np.bool_], is_wrong: NDArray[np.bool_]) -> float:
    return float(2 * (flagged & is_wrong).sum() / (flagged.sum() + is_wrong.sum()))


def test_leave_one_out_scores_are_those_of_fits_that_left_each_image_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The closed form against as many kernel ridge regressions as there are images."""
    monkeypatch.setattr(kernel_ridge, "PENALTIES", np.array([0.5]))
    features, labels = clusters([8, 7, 6], spread=0.8)
    scores = leave_one_out_scores(features, labels, 3, seed=0)
    x = features / np.linalg.norm(features, axis=1, keepdims=True)
    kernel = np.exp(-kernel_ridge.GAMMA * (2 - 2 * x @ x.T)) + 1  # and the constant
    target = np.eye(3)[labels]
    for i in range(len(labels)):
        rest = np.delete(np.arange(len(labels)), i)
        inverse = np.linalg.inv(kernel[np.ix_(rest, rest)] + 0.5 * np.eye(len(rest)))
        expected = kernel[i, rest] @ inverse @ target[rest]
        np.testing.assert_allclose(scores[i], expected, atol=2e-3)


def test_an_image_is_not_judged_by_its_own_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another label for one image leaves its own scores as they were."""
    monkeypatch.setattr(kernel_ridge, "PENALTIES", np.array([0.5]))
    features, labels = clusters([10, 10])
    changed = labels.copy()
    changed[3] = 1
    one = leave_one_out_scores(features, labels, 2, seed=0)
    two = leave_one_out_scores(features, changed, 2, seed=0)
    np.testing.assert_allclose(one[3], two[3], atol=1e-5)
    assert np.abs(one[4:] - two[4:]).max() > 1e-3


@pytest.mark.parametrize("features", [np.zeros((6, 3)), np.ones((6, 3)), np.eye(6)])
def test_pictures_without_difference_do_no_harm(features: NDArray[np.float64]) -> None:
    """Features that are all 0, all alike or all unlike give finite scores."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    scores = leave_one_out_scores(features.astype(np.float32), labels, 2, seed=0)
    assert np.isfinite(scores).all()
    assert np.isfinite(issues_of(features.astype(np.float32), labels).label_score).all()


def test_noise_model_finds_the_rate_of_one_pair_of_classes() -> None:
    """A fifth of class 0 is called 1, all else is right; the scores are clear."""
    true = np.repeat([0, 1, 2], 500)
    labels = true.copy()
    labels[:100] = 1
    scores = np.eye(3)[true].astype(np.float32)
    model = fit_noise_model(scores, labels)
    assert model.transition.sum(1) == pytest.approx(1, abs=1e-4)
    assert 0.1 < model.transition[0, 1] < 0.25
    assert model.transition[2, 0] < 0.03
    posterior = class_posterior(scores, labels, model, np.ones(model.transition.shape[0]))
    assert posterior[:100].argmax(1).tolist() == [0] * 100
    assert (posterior.argmax(1) == true).all()


def test_even_model_has_one_rate() -> None:
    """Its matrix has one number beside the diagonal."""
    features, true = clusters([300] * 4)
    planted = noise.symmetric(true, 4, 120, np.random.default_rng(0))
    scores = leave_one_out_scores(features, planted.labels, 4, seed=0)
    matrix = fit_noise_model(scores, planted.labels, uniform=True).transition
    beside = matrix[~np.eye(4, dtype=bool)]
    assert np.ptp(beside) < 1e-12
    assert 3 * beside[0] == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    ("sizes", "fraction", "least"),
    [
        ([500, 500], 0.1, 0.9),  # two classes
        ([300] * 5, 0.6, 0.9),  # more labels wrong than right
        ([20] * 100, 0.1, 0.8),  # many classes of few images
        ([1000, 10, 10], 0.05, 0.8),  # 1 : 100
        ([300, 300, 3], 0.1, 0.8),  # a class with three images
    ],
)
def test_hard_datasets(sizes: list[int], fraction: float, least: float) -> None:
    """Most of the planted errors are suspected, little else is, and the suggestions are right."""
    features, true = clusters(sizes)
    n_classes = len(sizes)
    n_changed = round(fraction * len(true))
    planted = noise.symmetric(true, n_classes, n_changed, np.random.default_rng(1))
    issues = issues_of(features, planted.labels)
    assert f1(issues.is_label_issue, planted.is_changed) >= least
    found = issues.is_label_issue & planted.is_changed
    assert (issues.suggested_label == true)[found].mean() >= 0.9


def test_a_dataset_without_an_error() -> None:
    """Nearly nothing is suspected, and the noise interval reaches down to nearly 0."""
    features, labels = clusters([200] * 5)
    scores = leave_one_out_scores(features, labels, 5, seed=0)
    found = fit_leave_one_out(scores, labels, seed=0).noise
    assert issues_of(features, labels).is_label_issue.mean() <= 0.01
    assert found.rate.low < 0.003


def test_a_class_that_is_filed_under_another_as_a_whole_is_not_seen() -> None:
    """Consistent errors look like the truth to whatever learns from the labels: a known limit."""
    features, true = clusters([200, 200, 200])
    labels = np.where(true == 2, 1, true)
    issues = issues_of(features, labels)
    assert issues.is_label_issue[true == 2].mean() <= 0.02


def test_noise_rate_by_hand() -> None:
    """The interval reaches from the lowest model's Wilson bound to the highest one's."""
    rate = noise_rate(100, 8.0, [8.0, 4.0, 10.0])
    assert rate.estimate == 0.08
    assert rate.low == pytest.approx(0.0157, abs=1e-4)  # Wilson of 4 in 100
    assert rate.high == pytest.approx(0.1744, abs=1e-4)  # Wilson of 10 in 100


def test_label_noise_adds_up() -> None:
    """Rates of classes are shares of the images that were given each, the whole that of all."""
    counts = np.array([[90.0, 10.0], [20.0, 180.0]])
    found = label_noise(counts, np.array([[10.0, 20.0], [8.0, 19.0]]))
    assert found.rate.estimate == pytest.approx(0.1)
    assert [rate.estimate for rate in found.per_class] == pytest.approx([0.1, 0.1])
    assert all(rate.low < rate.estimate < rate.high for rate in found.per_class)


def test_rows_outside_of_the_fit_are_predicted_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With fewer rows in the fit, those outside get what a ridge regression on the others gives."""
    monkeypatch.setattr(kernel_ridge, "PENALTIES", np.array([0.5]))
    monkeypatch.setattr(kernel_ridge, "FIT_ROWS", 30)
    features, labels = clusters([20, 20, 20], spread=0.8)
    scores = leave_one_out_scores(features, labels, 3, seed=0)
    in_fit = kernel_ridge._rows_of_fit(60, None, 0)
    assert in_fit.sum() == 30
    x = features / np.linalg.norm(features, axis=1, keepdims=True)
    kernel = np.exp(-kernel_ridge.GAMMA * (2 - 2 * x @ x.T)) + 1
    target = np.eye(3)[labels]
    for i in range(60):
        rest = np.flatnonzero(in_fit & (np.arange(60) != i))
        inverse = np.linalg.inv(kernel[np.ix_(rest, rest)] + 0.5 * np.eye(len(rest)))
        np.testing.assert_allclose(scores[i], kernel[i, rest] @ inverse @ target[rest], atol=2e-3)


def test_groups_are_left_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each group's predictions are those of a ridge regression on all other groups."""
    monkeypatch.setattr(kernel_ridge, "PENALTIES", np.array([0.5]))
    features, labels = clusters([10, 10, 10], spread=0.8)
    groups = np.random.default_rng(0).integers(0, 12, 30)
    scores = leave_one_out_scores(features, labels, 3, groups=groups, seed=0)
    x = features / np.linalg.norm(features, axis=1, keepdims=True)
    kernel = np.exp(-kernel_ridge.GAMMA * (2 - 2 * x @ x.T)) + 1
    target = np.eye(3)[labels]
    for i in range(30):
        rest = np.flatnonzero(groups != groups[i])
        inverse = np.linalg.inv(kernel[np.ix_(rest, rest)] + 0.5 * np.eye(len(rest)))
        np.testing.assert_allclose(scores[i], kernel[i, rest] @ inverse @ target[rest], atol=2e-3)
