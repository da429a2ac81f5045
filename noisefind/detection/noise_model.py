"""What given labels and held-out scores say together: a model of true classes and label noise.

Each image has a true class, of which the held-out scores s speak: P(true = c) is softmax(a s)[c]. A
true class c is given the label g with probability T[c, g]. The sharpness a and the matrix T make
the given labels most probable; they are found by expectation and maximisation (Dempster, Laird and
Rubin 1977; for label noise Dawid and Skene 1979, Bootkrajang and Kabán 2012). Since the scores did
not see the labels that they judge, agreement with them is evidence.

Images that look like two classes are explained by a small a, labels that contradict a clear picture
by T. So no threshold and no noise rate has to be known. What it cannot see is noise that is as
consistent as a class: all images of a class filed under another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAMPLE = 20_000  # images that the model is fitted to
SAMPLE_CELLS = 10_000_000  # images times classes, likewise
# Pseudo-images of each true class, as a share of the mean class size, whose wrong labels fall
# evenly on the others: without them all classes that look alike get a noise rate of their own. With
# .5 and 10,000 images 2 % of CIFAR-10's own labels are suspected, with .1 2.7 % and with 3 .6 %;
# human noise of 17 % is put at 13, 14 and 11 %.
EVENLY = 0.5
FIRST_SHARPNESS, FIRST_NOISE = 7.0, 0.1
SHARPNESS_BOUNDS = (0.5, 100.0)
SMALLEST = 1e-6  # of a transition
MAX_ROUNDS = 300
TOLERANCE = 1e-6  # nats per image


class NoiseModel(NamedTuple):
    """How sharp the scores are, and how labels go wrong."""

    sharpness: float
    transition: Floats  # (C, C) row: true class, column: given label; rows add up to 1


def fit_noise_model(
    scores: NDArray[np.floating], labels: Ints, *, evenly: bool = False, seed: int = 0
) -> NoiseModel:
    """The most probable sharpness and transition matrix.

    Args:
        scores: (N, C) held-out, HIGH speaks for the class; at most 20,000 rows of them are drawn.
        labels: (N,) given labels, 0 .. C-1.
        evenly: wrong labels fall on all other classes alike, with one rate for all.
        seed: of the draw.
    """
    n_classes = scores.shape[1]
    n_drawn = min(SAMPLE, SAMPLE_CELLS // n_classes)
    rows = np.sort(np.random.default_rng(seed).permutation(len(labels))[:n_drawn])
    rows = rows[np.argsort(labels[rows], kind="stable")]
    s, y = scores[rows].astype(np.float64), labels[rows]
    model = NoiseModel(FIRST_SHARPNESS, _even_matrix(n_classes, FIRST_NOISE))
    before = -np.inf
    for _ in range(MAX_ROUNDS):
        unlabelled = _log_softmax(model.sharpness * s)
        joint = unlabelled + np.log(model.transition).T[y]
        likelihood = np.logaddexp.reduce(joint, axis=1)
        posterior = np.exp(joint - likelihood[:, None])
        counts = _counts(posterior, y, n_classes)
        share = 1 - np.trace(counts) / len(y)
        if evenly:
            transition = _even_matrix(n_classes, share)
        else:
            prior = EVENLY * len(y) / n_classes * _even_matrix(n_classes, share)
            transition = counts + prior
            transition /= transition.sum(1, keepdims=True)
        model = NoiseModel(
            _sharper(model.sharpness, s, np.exp(unlabelled), posterior),
            np.maximum(transition, SMALLEST),
        )
        now = float(likelihood.mean())
        if now - before < TOLERANCE:
            break
        before = now
    return model


def class_posterior(scores: NDArray[np.floating], labels: Ints, model: NoiseModel) -> Floats:
    """(N, C) probability of each true class, given scores (N, C) and given labels (N,)."""
    joint = _log_softmax(model.sharpness * scores.astype(np.float64))
    joint += np.log(model.transition).T[labels]
    return np.exp(_log_softmax(joint))


def _even_matrix(n_classes: int, noise: float) -> Floats:
    """Rate ``noise``, spread evenly over the other classes."""
    noise = min(max(noise, SMALLEST), 1 - SMALLEST)
    matrix = np.full((n_classes, n_classes), noise / (n_classes - 1))
    np.fill_diagonal(matrix, 1 - noise)
    return matrix


def _counts(posterior: Floats, labels: Ints, n_classes: int) -> Floats:
    """(C, C) expected images of each true class (row) and given label; ``labels`` are sorted."""
    present, starts = np.unique(labels, return_index=True)
    counts = np.zeros((n_classes, n_classes))
    counts[:, present] = np.add.reduceat(posterior, starts, axis=0).T
    return counts


def _sharper(sharpness: float, scores: Floats, prior: Floats, posterior: Floats) -> float:
    """Newton's step towards the sharpness under which the true classes are most probable.

    ``prior`` (N, C) is the softmax of the scores times the sharpness.
    """
    mean = (prior * scores).sum(1)
    variance = (prior * scores**2).sum(1) - mean**2
    step = ((posterior * scores).sum() - mean.sum()) / max(float(variance.sum()), 1e-9)
    return float(np.clip(sharpness + step, *SHARPNESS_BOUNDS))


def _log_softmax(z: Floats) -> Floats:
    z = z - z.max(1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(1, keepdims=True)))
