"""The numbers of the plots of the page; the template draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.reporting.data import LabelPair

N_BINS = 32
N_SHADES = 8  # of the heat map, beside the empty 0
N_IN_HEAT_MAP = 24  # classes; more cannot be read


class Bar(NamedTuple):
    """One bin of a histogram; heights are relative to the highest bin."""

    low: float
    high: float
    n_images: int
    n_flagged: int
    height: float
    flagged_height: float


class Histogram(NamedTuple):
    """The distribution of one score over the images."""

    low: float
    high: float
    median: float
    flagged_median: float | None
    bars: list[Bar]


class HeatMap(NamedTuple):
    """A square table of label pairs: rows are given classes, columns are true classes."""

    names: list[str]
    counts: list[list[float]]
    shades: list[list[int]]  # 0 (none) to N_SHADES (the largest)


def histogram(values: NDArray[np.float64], flagged: NDArray[np.bool_]) -> Histogram:
    """Equal bins from the least to the largest finite value; a single value gets one bin."""
    is_finite = np.isfinite(values)
    values, flagged = values[is_finite], flagged[is_finite]
    if not len(values):
        return Histogram(0.0, 0.0, 0.0, flagged_median=None, bars=[])
    low, high = float(values.min()), float(values.max())
    edges = np.linspace(low, high, (N_BINS if high > low else 1) + 1)
    counts = np.histogram(values, edges)[0]
    marked = np.histogram(values[flagged], edges)[0]
    # the root of a count: a few flagged images stay visible beside many others
    heights, feet = np.sqrt(counts / counts.max()), np.sqrt(marked / counts.max())
    columns = (edges[:-1], edges[1:], counts, marked, heights, feet)
    bars = [Bar(*cells) for cells in zip(*(column.tolist() for column in columns), strict=True)]
    middle = float(np.median(values[flagged])) if flagged.any() else None
    return Histogram(low, high, float(np.median(values)), flagged_median=middle, bars=bars)


def heat_map(label_pairs: Sequence[LabelPair], names: Sequence[str]) -> HeatMap:
    """The heat map of the classes with the most wrong labels, in the order of ``names``."""
    weight = dict.fromkeys(names, 0.0)
    for given, true, count in label_pairs:
        weight[given] = weight.get(given, 0.0) + count
        weight[true] = weight.get(true, 0.0) + count
    if len(names) > N_IN_HEAT_MAP:
        heaviest = set(sorted(weight, key=lambda name: -weight[name])[:N_IN_HEAT_MAP])
        names = [name for name in names if name in heaviest]
    place = {name: number for number, name in enumerate(names)}
    counts = [[0.0] * len(names) for _ in names]
    for given, true, count in label_pairs:
        if given in place and true in place:
            counts[place[given]][place[true]] = count
    top = max((count for row in counts for count in row), default=0.0)
    shades = [[_shade(count, top) for count in row] for row in counts]
    return HeatMap(list(names), counts, shades)


def _shade(count: float, top: float) -> int:
    return 0 if count <= 0 else max(1, round(N_SHADES * (count / top) ** 0.5))
