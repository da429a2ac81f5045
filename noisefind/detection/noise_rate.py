"""How many labels are wrong, of all and of each class, and which classes they come from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Z = 1.96  # 95 %


class NoiseRate(NamedTuple):
    """A share of wrong labels, 0 to 1, with its interval."""

    estimate: float
    low: float
    high: float


class LabelNoise(NamedTuple):
    """The noise of a dataset."""

    rate: NoiseRate
    per_class: list[NoiseRate]  # of each given class
    transitions: Floats  # (C, C) expected images; row: given class, column: true class


def noise_rate(n_images: int, n_wrong: float, n_wrong_if_even: float) -> NoiseRate:
    """The rate from two models' expected numbers of wrong labels.

    ``n_wrong`` comes from the model in which every pair of classes may have its own noise, which
    takes pairs that look alike for noisy; ``n_wrong_if_even`` from the one in which wrong labels
    fall on all other classes alike, which takes consistent noise for likeness. The interval reaches
    from the lower to the higher of the two, widened by Wilson's 95 % interval at each end for what
    another draw of as many images would give.

    It holds for noise that depends on classes only, and for features that tell clear pictures from
    unclear ones. It is too low where errors gather on pictures that look like the wrong class, as
    those of people do, and blind to a class that is filed under another as a whole.
    """
    low, high = sorted((n_wrong_if_even, n_wrong))
    return NoiseRate(n_wrong / n_images, _wilson(low, n_images)[0], _wilson(high, n_images)[1])


def label_noise(counts: Floats, n_wrong_if_even: Floats) -> LabelNoise:
    """Rates and transitions.

    Args:
        counts: (C, C) expected images; row: given class, column: true class.
        n_wrong_if_even: (C,) expected wrong labels of each given class in the even model.
    """
    sizes, right = counts.sum(1), np.diag(counts)
    n_images = round(float(sizes.sum()))
    rows = zip(sizes.tolist(), (sizes - right).tolist(), n_wrong_if_even.tolist(), strict=True)
    return LabelNoise(
        noise_rate(n_images, float((sizes - right).sum()), float(n_wrong_if_even.sum())),
        [noise_rate(max(1, round(size)), wrong, even) for size, wrong, even in rows],
        counts,
    )


def _wilson(n_wrong: float, n_images: int) -> tuple[float, float]:
    """Wilson's score interval of a share."""
    p, n = min(max(n_wrong / n_images, 0.0), 1.0), n_images
    center = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * float(np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)))
    return max(0.0, center - half), min(1.0, center + half)
