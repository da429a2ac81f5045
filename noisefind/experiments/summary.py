"""Statistics of a sweep: means, standard deviations, paired differences, areas; pure numpy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.training.subsets import Curve

    Floats = NDArray[np.float64]

MARGIN = 0.005  # half a percentage point of accuracy, the largest loss that counts as none


class Difference(NamedTuple):
    """Mean of paired differences, and its 95 % interval by Student's t; NaN for a single pair."""

    mean: float
    low: float
    high: float

    @property
    def is_no_loss(self) -> bool:
        """Whether the whole interval lies above -0.5 points."""
        return self.low > -MARGIN  # False for NaN

    @property
    def is_loss(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.high < 0


class Area(NamedTuple):
    """Area under accuracy / accuracy of the full data, over the swept range, divided by its width.

    The mean over the seeds, each with its own full training, and their standard deviation (ddof 1).
    """

    simpson: float
    simpson_std: float
    trapezoid: float
    trapezoid_std: float


def final(curve: Curve) -> float:
    """Test accuracy after the last epoch."""
    return float(curve.test[-1])


def best_epoch(curve: Curve) -> int:
    """The epoch, from 1, that is best on the validation images; of several the first."""
    return int(np.argmax(curve.validation)) + 1


def best(curve: Curve) -> float:
    """Test accuracy after that epoch."""
    return float(curve.test[best_epoch(curve) - 1])


def mean_and_std(values: Sequence[float] | Floats) -> tuple[float, float]:
    """Mean and standard deviation (ddof 1), which is NaN for a single value."""
    numbers = np.asarray(values, np.float64)
    return float(numbers.mean()), float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan


def paired(values: Floats, others: Floats) -> Difference:
    """``values`` minus ``others``, (S,) each, in the order of the seeds."""
    from scipy.stats import t

    mean, std = mean_and_std(values - others)
    n_pairs = len(values)
    if n_pairs < 2:
        return Difference(mean, math.nan, math.nan)
    reach = float(t.ppf(0.975, n_pairs - 1)) * std / math.sqrt(n_pairs)
    return Difference(mean, mean - reach, mean + reach)


def area(at: Floats, accuracy: Floats, full: Floats) -> Area | None:
    """The area over two positions or more, else None.

    Args:
        at: (K,) rising.
        accuracy: (S, K) of each seed at each position.
        full: (S,) of each seed on the full data.
    """
    if len(at) < 2:
        return None
    from scipy.integrate import simpson, trapezoid

    width = at[-1] - at[0]
    ratios = accuracy / full[:, None]
    by_simpson, by_trapezoid = (rule(ratios, x=at, axis=1) / width for rule in (simpson, trapezoid))
    return Area(*mean_and_std(by_simpson), *mean_and_std(by_trapezoid))
