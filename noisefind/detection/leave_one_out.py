"""Out-of-sample scores and the noise models fitted to them: class probabilities, label noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.detection.noise_model import (
    OF_REGRESSION,
    class_posterior,
    evidence_weights,
    fit_noise_model,
)
from noisefind.detection.noise_rate import LabelNoise, label_noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from noisefind.detection.noise_model import NoiseModel

CHUNK = 16_384


class LeaveOneOut(NamedTuple):
    """Out-of-sample scores and the model that turns them into class probabilities.

    Attributes:
        scores: (N, C) HIGH is support for the class.
        model: of the scores.
        noise: expected label noise.
        weights: (C,) how far a prediction for the labels of each class counts.
        target: (N,) probability that each given label is right, to which ``label_score`` is fitted;
            None: that of ``model``.
    """

    scores: NDArray[np.float32]
    model: NoiseModel
    noise: LabelNoise
    weights: NDArray[np.float64]
    target: NDArray[np.float64] | None = None

    def posterior(self, rows: slice, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, C) probability of each true class for some rows; ``labels`` are their given ones."""
        return class_posterior(self.scores[rows], labels, self.model, self.weights)

    def p_given(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) probability that each given label is right, by ``model``."""
        found = np.empty(len(labels))
        for start in range(0, len(labels), CHUNK):
            rows = slice(start, start + CHUNK)
            y = labels[rows]
            found[rows] = self.posterior(rows, y)[np.arange(len(y)), y]
        return found


def fit_leave_one_out(
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    first: float = OF_REGRESSION,
    seed: int,
    advance: Callable[[], None] = lambda: None,
) -> LeaveOneOut:
    """Fit the noise models to out-of-sample scores (N, C), and add up the expected label noise.

    ``first`` is the first inverse temperature of :func:`fit_noise_model`. ``advance`` is called
    after each of three steps.
    """
    model = fit_noise_model(scores, labels, first=first, seed=seed)
    advance()
    uniform_model = fit_noise_model(scores, labels, first=first, seed=seed, uniform=True)
    advance()
    n_classes = scores.shape[1]
    weights = evidence_weights(labels, n_classes)
    joint, wrong_if_uniform = np.zeros((n_classes, n_classes)), np.zeros(n_classes)
    for start in range(0, len(labels), CHUNK):
        rows = slice(start, start + CHUNK)
        y = labels[rows]
        np.add.at(joint, y, class_posterior(scores[rows], y, model, weights))
        uniform = class_posterior(scores[rows], y, uniform_model, weights)
        wrong_if_uniform += np.bincount(y, 1 - uniform[np.arange(len(y)), y], n_classes)
    advance()
    return LeaveOneOut(scores, model, label_noise(joint, wrong_if_uniform), weights)
