"""The share of wrong labels, of all and of each class, with an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from noisefind.utils.text import card, interval, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]

Z = 1.96  # 95 %


class NoiseRate(NamedTuple):
    """A share of wrong labels, 0 to 1, with its 95 % interval."""

    estimate: float
    low: float
    high: float


class LabelNoise(NamedTuple):
    """The label noise of a dataset.

    Attributes:
        rate: of all labels.
        per_class: of the labels of each given class.
        joint: (C, C) estimated joint of given and true labels, as expected numbers of examples;
            row: given class, column: true class.
    """

    rate: NoiseRate
    per_class: list[NoiseRate]
    joint: Floats

    def __repr__(self) -> str:
        highest = max(rate.estimate for rate in self.per_class)
        return card(
            "LabelNoise",
            noise_rate=interval(*self.rate),
            classes=len(self.per_class),
            highest_of_a_class=percent(highest),
        )


def noise_rate(n_examples: int, n_wrong: float, n_wrong_by_model: Sequence[float]) -> NoiseRate:
    """The noise rate from the expected number of wrong labels, and from those of several models.

    The estimate is ``n_wrong``. The interval reaches from the lowest to the highest of the models.
    Each end is widened by Wilson's 95 % interval, for the variation of another sample of the same
    size. The models are

    - pair: every pair of classes may have its own noise. It takes pairs of similar classes for
      noisy.
    - uniform: wrong labels fall on all other classes alike. It takes consistent noise for
      similarity.
    - sharp: the pair model with classes that differ twice as sharply. It takes images between two
      classes for errors, as those of people are.

    A class whose examples are all filed under another class is not seen.
    """
    return NoiseRate(
        n_wrong / n_examples,
        _wilson(min(n_wrong_by_model), n_examples)[0],
        _wilson(max(n_wrong_by_model), n_examples)[1],
    )


def label_noise(joint: Floats, wrong_by_model: Floats) -> LabelNoise:
    """Noise rates of all labels and of each class.

    Args:
        joint: (C, C) expected examples; row: given class, column: true class.
        wrong_by_model: (M, C) expected wrong labels of each given class by each model.
    """
    sizes, right = joint.sum(1), np.diag(joint)
    rows = zip(sizes.tolist(), (sizes - right).tolist(), wrong_by_model.T.tolist(), strict=True)
    n_examples, n_wrong = round(float(sizes.sum())), float((sizes - right).sum())
    return LabelNoise(
        noise_rate(n_examples, n_wrong, wrong_by_model.sum(1).tolist()),
        [noise_rate(max(1, round(size)), wrong, by_model) for size, wrong, by_model in rows],
        joint,
    )


def mean_noise(models: Sequence[LabelNoise]) -> LabelNoise:
    """The mean of several estimates; intervals reach from the lowest to the highest end."""

    def mean(rates: Sequence[NoiseRate]) -> NoiseRate:
        estimates, lows, highs = zip(*rates, strict=True)
        return NoiseRate(float(np.mean(estimates)), min(lows), max(highs))

    return LabelNoise(
        mean([one.rate for one in models]),
        [mean(rates) for rates in zip(*(one.per_class for one in models), strict=True)],
        np.asarray(np.mean([one.joint for one in models], axis=0), np.float64),
    )


def _wilson(n_wrong: float, n_examples: int) -> tuple[float, float]:
    """Wilson's score interval of a share."""
    p, n = min(max(n_wrong / n_examples, 0.0), 1.0), n_examples
    center = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * float(np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)))
    return max(0.0, center - half), min(1.0, center + half)
