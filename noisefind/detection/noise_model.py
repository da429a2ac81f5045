"""A model of true classes and label noise, fitted to given labels and out-of-sample scores.

Each example has a true class, on which its out-of-sample scores s depend: P(true = c) is
softmax(a s)[c]. A true class c gets the given label g with probability T[c, g]. The inverse
temperature a and the noise transition matrix T are those that make the given labels most probable.
They are found by expectation and maximisation (Dempster, Laird and Rubin 1977; for label noise
Dawid and Skene 1979, Bootkrajang and Kabán 2012). The scores were computed without the labels, so
agreement with the labels is evidence.

Examples that look like two classes lead to a small a. Labels that contradict a clear example lead
to entries of T beside its diagonal. So neither a threshold nor a noise rate has to be given. The
model cannot see noise that is as consistent as a class: all examples of one class filed under
another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAMPLE = 20_000  # examples that the model is fitted to
SAMPLE_CELLS = 10_000_000  # examples times classes, likewise
# Pseudo-examples of each true class, as a share of the mean class size, whose wrong labels fall
# uniformly on the other classes: without them all similar classes get a noise rate of their own.
# With .5 and 10,000 images 2 % of CIFAR-10's own labels are flagged, with .1 2.7 % and with 3 .6 %;
# the estimate for human noise of 17 % is 13, 14 and 11 %.
UNIFORM_SHARE = 0.5
# A class with fewer examples gets pseudo-examples with the right label up to this number: a few
# examples that contradict each other are no sign of noise, but of features that cannot tell yet.
FEW = 25
OF_REGRESSION = 7.0  # first inverse temperature for scores of a regression, about 0 to 1
LOWEST, HIGHEST = 1 / 14, 100 / 7  # bounds of the inverse temperature, as factors of the first one
FIRST_NOISE = 0.1
SMALLEST = 1e-6  # of a transition
MAX_ROUNDS = 300
TOLERANCE = 1e-6  # nats per example


class NoiseModel(NamedTuple):
    """The inverse temperature of the scores, and the noise transition matrix."""

    inverse_temperature: float
    transition: Floats  # (C, C) row: true class, column: given label; rows add up to 1


def fit_noise_model(
    scores: NDArray[np.floating],
    labels: Ints,
    *,
    uniform: bool = False,
    first: float = OF_REGRESSION,
    inverse_temperature: float | None = None,
    seed: int = 0,
) -> NoiseModel:
    """The most probable inverse temperature and noise transition matrix.

    Args:
        scores: (N, C) out of sample, HIGH is support for the class; at most 20,000 rows are used.
        labels: (N,) given labels, 0 .. C-1.
        uniform: wrong labels fall on all other classes alike, with one rate for all.
        first: where the search for the inverse temperature starts.
        inverse_temperature: one that is given, so that only the matrix is fitted; None: fit both.
        seed: of the choice of rows.
    """
    n_classes = scores.shape[1]
    n_drawn = min(SAMPLE, SAMPLE_CELLS // n_classes)
    rows = np.sort(np.random.default_rng(seed).permutation(len(labels))[:n_drawn])
    rows = rows[np.argsort(labels[rows], kind="stable")]
    s, y = scores[rows].astype(np.float64), labels[rows]
    sizes = np.bincount(labels, minlength=n_classes)
    lacking = np.where(sizes > 0, np.maximum(0, FEW - sizes), 0).astype(np.float64)
    model = NoiseModel(inverse_temperature or first, _uniform_matrix(n_classes, FIRST_NOISE))
    before = -np.inf
    for _ in range(MAX_ROUNDS):
        unlabelled = _log_softmax(model.inverse_temperature * s)
        joint = unlabelled + np.log(model.transition).T[y]
        likelihood = np.logaddexp.reduce(joint, axis=1)
        posterior = np.exp(joint - likelihood[:, None])
        counts = _counts(posterior, y, n_classes)
        counts[np.diag_indices(n_classes)] += lacking
        share = 1 - np.trace(counts) / (len(y) + lacking.sum())
        if uniform:
            transition = _uniform_matrix(n_classes, share)
        else:
            prior = UNIFORM_SHARE * len(y) / n_classes * _uniform_matrix(n_classes, share)
            transition = counts + prior
            transition /= transition.sum(1, keepdims=True)
        warmth = model.inverse_temperature
        if inverse_temperature is None:
            warmth += _newton_step(s, np.exp(unlabelled), posterior)
            warmth = float(np.clip(warmth, LOWEST * first, HIGHEST * first))
        model = NoiseModel(warmth, np.maximum(transition, SMALLEST))
        now = float(likelihood.mean())
        if now - before < TOLERANCE:
            break
        before = now
    return model


def class_posterior(
    scores: NDArray[np.floating], labels: Ints, model: NoiseModel, weights: Floats
) -> Floats:
    """(N, C) probability of each true class, given scores (N, C) and given labels (N,).

    ``weights`` (C,) are those of :func:`evidence_weights`. With a weight w below 1 it is w times
    that probability plus 1 - w times the one that the given label alone has by the model.
    """
    joint = _log_softmax(model.inverse_temperature * scores.astype(np.float64))
    joint += np.log(model.transition).T[labels]
    posterior = np.exp(_log_softmax(joint))
    if (weights < 1).any():
        by_label = model.transition.T / model.transition.sum(0)[:, None]
        weight = weights[labels][:, None]
        posterior = weight * posterior + (1 - weight) * by_label[labels]
    return posterior


def log_likelihood(scores: NDArray[np.floating], labels: Ints, model: NoiseModel) -> Floats:
    """(N,) log-probability of each given label (N,) by the model, given scores (N, C)."""
    joint = _log_softmax(model.inverse_temperature * scores.astype(np.float64))
    joint += np.log(model.transition).T[labels]
    return np.asarray(np.logaddexp.reduce(joint, axis=1))


def _uniform_matrix(n_classes: int, noise: float) -> Floats:
    """Rate ``noise``, spread uniformly over the other classes."""
    noise = min(max(noise, SMALLEST), 1 - SMALLEST)
    matrix = np.full((n_classes, n_classes), noise / (n_classes - 1))
    np.fill_diagonal(matrix, 1 - noise)
    return matrix


def _counts(posterior: Floats, labels: Ints, n_classes: int) -> Floats:
    """(C, C) expected examples of each true class (row) and given label; ``labels`` are sorted."""
    present, starts = np.unique(labels, return_index=True)
    counts = np.zeros((n_classes, n_classes))
    counts[:, present] = np.add.reduceat(posterior, starts, axis=0).T
    return counts


def _newton_step(scores: Floats, prior: Floats, posterior: Floats) -> float:
    """Newton's step of the inverse temperature, towards more probable true classes.

    ``prior`` (N, C) is the softmax of the scores times the inverse temperature.
    """
    mean = (prior * scores).sum(1)
    variance = (prior * scores**2).sum(1) - mean**2
    return float(((posterior * scores).sum() - mean.sum()) / max(float(variance.sum()), 1e-9))


def _log_softmax(z: Floats) -> Floats:
    z = z - z.max(1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(1, keepdims=True)))


def evidence_weights(labels: Ints, n_classes: int) -> Floats:
    """(C,) how far a prediction for the labels of each class counts, 0 to 1.

    ``min(1, (n - 1) / 24)`` for a class of n examples: without the example itself n - 1 are left.
    An empty class has 1.

    Examples:
        >>> evidence_weights(np.repeat([0, 1, 2], [1, 13, 25]), 3).tolist()
        [0.0, 0.5, 1.0]
    """
    sizes = np.bincount(labels, minlength=n_classes)
    return np.where(sizes > 0, np.clip((sizes - 1) / (FEW - 1), 0, 1), 1.0)
