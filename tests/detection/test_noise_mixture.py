"""Two noise models and how much each counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind import noise
from noisefind.detection.leave_one_out import fit_leave_one_out
from noisefind.detection.noise_mixture import LEAST_SHARE, NoiseMixture, fit_noise_mixture
from noisefind.detection.noise_model import NoiseModel, class_posterior, log_likelihood

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_CLASSES = 5


def drawn(n: int = 3000, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores and the true classes that are drawn from their softmax."""
    rng = np.random.default_rng(seed)
    middle = rng.integers(0, N_CLASSES, n)
    scores = rng.normal(0, 0.25, (n, N_CLASSES)) + np.eye(N_CLASSES)[middle]
    p = np.exp(7 * scores)
    p /= p.sum(1, keepdims=True)
    true = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
    return scores.astype(np.float32), true.astype(np.int64)


def test_likelihood_by_hand() -> None:
    """P(label) = sum over true classes of softmax(a s)[c] T[c, label]."""
    model = NoiseModel(2.0, np.array([[0.9, 0.1], [0.3, 0.7]]))
    scores = np.array([[0.0, np.log(3) / 2]])  # softmax of twice that: 1/4, 3/4

    found = np.exp(log_likelihood(scores, np.array([0]), model))

    assert found[0] == pytest.approx(0.25 * 0.9 + 0.75 * 0.3)


def test_the_posterior_is_between_those_of_the_models() -> None:
    """A share of one model and the rest of the other; probabilities add up to 1."""
    scores, labels = drawn(50)
    pair = NoiseModel(7.0, np.full((N_CLASSES, N_CLASSES), 1 / N_CLASSES))
    uniform = NoiseModel(5.0, 0.9 * np.eye(N_CLASSES) + 0.02)
    mixture = NoiseMixture(pair, uniform, 0.25, pair)
    ones = np.ones(N_CLASSES)

    found = mixture.posterior(scores, labels, ones)

    of_pair, of_uniform = (class_posterior(scores, labels, m, ones) for m in (pair, uniform))
    np.testing.assert_allclose(found, 0.25 * of_pair + 0.75 * of_uniform)
    np.testing.assert_allclose(found.sum(1), 1)


@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.2])
def test_symmetric_noise_does_not_speak_for_pairs(fraction: float) -> None:
    """Without consistent noise the pair model keeps its least share, or hardly more."""
    scores, true = drawn()
    n_changed = round(fraction * len(true))
    planted = noise.symmetric(true, N_CLASSES, n_changed, np.random.default_rng(1))

    share = fit_noise_mixture(scores, planted.labels, seed=0).pair_share

    assert LEAST_SHARE <= share < LEAST_SHARE + 0.1


def test_consistent_noise_is_left_to_the_pair_model() -> None:
    """A third of one class filed under the next: the pair model counts alone."""
    scores, true = drawn()
    moved = np.flatnonzero(true == 2)[::3]
    labels = true.copy()
    labels[moved] = 3

    mixture = fit_noise_mixture(scores, labels, seed=0)

    assert mixture.pair_share == 1
    assert mixture.pair.transition[2, 3] == pytest.approx(1 / 3, abs=0.15)


def test_the_interval_holds_all_models() -> None:
    """The estimate is between the models' own; the upper end allows for hard images as errors."""
    scores, true = drawn()
    planted = noise.symmetric(true, N_CLASSES, 300, np.random.default_rng(1))

    rate = fit_leave_one_out(scores, planted.labels, seed=0).noise.rate

    assert rate.low < 0.1 < rate.high
    assert rate.low < rate.estimate < rate.high
    assert abs(rate.estimate - 0.1) < 0.02


def test_few_rows() -> None:
    """Fewer rows than folds are no error."""
    scores, labels = drawn(3)

    assert fit_noise_mixture(scores, labels, seed=0).pair_share == pytest.approx(LEAST_SHARE)
