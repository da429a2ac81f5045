"""Two models of label noise, weighted by how well each predicts labels that it has not seen.

In one every pair of classes may have its own noise; in the other wrong labels fall on all other
classes alike. The first takes pairs of similar classes for noisy, the second takes consistent noise
for similarity. On data with few errors they disagree, and then probabilities are between the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.detection.noise_model import (
    OF_REGRESSION,
    NoiseModel,
    class_posterior,
    fit_noise_model,
    log_likelihood,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FOLDS = 5
COMPARED = 10_000  # rows at most on which the models are compared
COMPARED_CELLS = 1_000_000  # rows times classes, likewise
# Share of the pair model where the labels do not speak for it. With .25 to .5 average precision on
# symmetric noise differs by .005; with 1 it is .02 lower, and with 0 nothing is found in data with
# few errors (clothing with nothing planted, .5, 2, 5, 10 and 20 % symmetric and 10 % pair noise).
LEAST_SHARE = 1 / 3
# The gain is the mean difference of the log-likelihoods of unseen labels. It has to be significant,
# in standard errors, and large, in standard deviations, from the first number on; from the second
# one on the pair model counts alone. Its size is .24, .16 and .13 for clothing with 10 % of pair
# noise, CIFAR-10 asymmetric and human-random1, and below .06 for all symmetric noise and for the
# own labels of both, where it is up to 5 standard errors, since cats are like dogs.
ERRORS = (2.0, 4.0)
DEVIATIONS = (0.06, 0.12)
# How much sharper than the pair model the classes may be. People err on images between two classes,
# and likeness alone cannot tell such errors from images that are hard. Twice as sharp, the upper
# end is .21 for CIFAR-10 human-random1, of whose labels .17 are wrong; the pair model says .13.
SHARPER = 2.0


class NoiseMixture(NamedTuple):
    """Both models, the share of the pair model, 1/3 to 1, and a model for the upper end alone."""

    pair: NoiseModel
    uniform: NoiseModel
    pair_share: float
    sharp: NoiseModel

    def posterior(self, scores: NDArray[np.floating], labels: Ints, weights: Floats) -> Floats:
        """(n, C) probability of each true class; arguments as of :func:`class_posterior`."""
        found = class_posterior(scores, labels, self.pair, weights)
        if self.pair_share < 1:
            other = class_posterior(scores, labels, self.uniform, weights)
            found = self.pair_share * found + (1 - self.pair_share) * other
        return found


def fit_noise_mixture(
    scores: NDArray[np.floating],
    labels: Ints,
    *,
    first: float = OF_REGRESSION,
    seed: int,
    advance: Callable[[], None] = lambda: None,
) -> NoiseMixture:
    """Fit both models to out-of-sample scores (N, C) and compare them.

    ``first`` is the first inverse temperature of :func:`fit_noise_model`. ``advance`` is called
    after each of two steps.
    """
    pair = fit_noise_model(scores, labels, first=first, seed=seed)
    uniform = fit_noise_model(scores, labels, first=first, seed=seed, uniform=True)
    advance()
    gain = _gain(scores, labels, first=first, seed=seed)
    advance()
    size = float(gain.mean()) / max(float(gain.std()), 1e-12)
    step = min(_rise(size * len(gain) ** 0.5, *ERRORS), _rise(size, *DEVIATIONS))
    sharp = fit_noise_model(
        scores, labels, inverse_temperature=SHARPER * pair.inverse_temperature, seed=seed
    )
    return NoiseMixture(pair, uniform, LEAST_SHARE + (1 - LEAST_SHARE) * step, sharp)


def _gain(scores: NDArray[np.floating], labels: Ints, *, first: float, seed: int) -> Floats:
    """(n,) log-likelihood of unseen labels by the pair model minus that by the uniform model.

    By cross-validation.
    """
    n_rows = max(2 * FOLDS, min(COMPARED, COMPARED_CELLS // scores.shape[1]))
    rows = np.sort(np.random.default_rng([seed, 2]).permutation(len(labels))[:n_rows])
    s, y = scores[rows], labels[rows]
    fold = np.random.default_rng([seed, 3]).permutation(len(y)) % FOLDS
    gain = np.zeros(len(y))
    for number in range(FOLDS):
        seen, unseen = fold != number, fold == number
        if not seen.any() or not unseen.any():
            continue
        for sign, is_uniform in ((1, False), (-1, True)):
            model = fit_noise_model(s[seen], y[seen], first=first, seed=seed, uniform=is_uniform)
            gain[unseen] += sign * log_likelihood(s[unseen], y[unseen], model)
    return gain


def _rise(value: float, low: float, high: float) -> float:
    """0 up to ``low``, 1 from ``high`` on, a straight line between."""
    return float(np.clip((value - low) / (high - low), 0, 1))
