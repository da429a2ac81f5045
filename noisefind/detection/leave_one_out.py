"""What held-out witnesses say of every label: the noise model applied to all images, in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.detection.noise_model import class_posterior, fit_noise_model
from noisefind.detection.noise_rate import LabelNoise, label_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.detection.noise_model import NoiseModel

CHUNK = 16_384


class Witness(NamedTuple):
    """Held-out scores (N, C) and the model that reads them."""

    scores: NDArray[np.float32]
    model: NoiseModel
    even_model: NoiseModel  # the same with noise that is alike for all pairs of classes

    def posterior(self, rows: slice, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, C) probability of each true class for some rows; ``labels`` are their given ones."""
        return class_posterior(self.scores[rows], labels, self.model)


def call_witness(
    scores: NDArray[np.float32], labels: NDArray[np.int64], *, seed: int
) -> tuple[Witness, LabelNoise]:
    """Fit both models to held-out scores (N, C), and add up what they expect over all images."""
    witness = Witness(
        scores,
        fit_noise_model(scores, labels, seed=seed),
        fit_noise_model(scores, labels, seed=seed, evenly=True),
    )
    n_classes = scores.shape[1]
    counts, wrong_if_even = np.zeros((n_classes, n_classes)), np.zeros(n_classes)
    for start in range(0, len(labels), CHUNK):
        rows = slice(start, start + CHUNK)
        y = labels[rows]
        np.add.at(counts, y, witness.posterior(rows, y))
        even = class_posterior(scores[rows], y, witness.even_model)
        wrong_if_even += np.bincount(y, 1 - even[np.arange(len(y)), y], n_classes)
    return witness, label_noise(counts, wrong_if_even)
