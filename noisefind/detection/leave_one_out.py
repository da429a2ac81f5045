"""Out-of-sample scores and the noise models fitted to them: class probabilities, label noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.detection.noise_mixture import NoiseMixture, fit_noise_mixture
from noisefind.detection.noise_model import OF_REGRESSION, class_posterior, evidence_weights
from noisefind.detection.noise_rate import LabelNoise, label_noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CHUNK = 16_384


class LeaveOneOut(NamedTuple):
    """Out-of-sample scores and the models that turn them into class probabilities.

    Attributes:
        scores: (N, C) HIGH is support for the class.
        models: of label noise, given the scores.
        noise: expected label noise.
        weights: (C,) how far a prediction for the labels of each class counts.
        target: (N,) probability that each given label is right, to which ``label_score`` is fitted;
            None: that of ``models``.
        p_pair: (N,) the same by the pair model alone, which doubts more; None: not known.
    """

    scores: NDArray[np.float32]
    models: NoiseMixture
    noise: LabelNoise
    weights: NDArray[np.float64]
    target: NDArray[np.float64] | None = None
    p_pair: NDArray[np.float64] | None = None

    def posterior(self, rows: slice, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, C) probability of each true class for some rows; ``labels`` are their given ones."""
        return self.models.posterior(self.scores[rows], labels, self.weights)

    def p_given(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) probability that each given label is right, by ``models``."""
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
    models = fit_noise_mixture(scores, labels, first=first, seed=seed, advance=advance)
    n_classes = scores.shape[1]
    weights = evidence_weights(labels, n_classes)
    joint = np.zeros((n_classes, n_classes))
    wrong_if, p_given = np.zeros((3, n_classes)), np.empty((3, len(labels)))
    for start in range(0, len(labels), CHUNK):
        rows = slice(start, start + CHUNK)
        y = labels[rows]
        np.add.at(joint, y, models.posterior(scores[rows], y, weights))
        for number, model in enumerate((models.pair, models.uniform, models.sharp)):
            right = class_posterior(scores[rows], y, model, weights)[np.arange(len(y)), y]
            p_given[number, rows] = right
            wrong_if[number] += np.bincount(y, 1 - right, n_classes)
    advance()
    noise = label_noise(joint, wrong_if)
    return LeaveOneOut(scores, models, noise, weights, p_pair=p_given[0])
