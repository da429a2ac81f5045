"""How numbers of more than 8 bits are shown: one rule for a whole dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from noisefind.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

Kind = Literal["integers", "floats"]

REFLECTANCE = 10_000.0  # white of satellite images, which are colour images of 16-bit integers
WHITES = (255.0, 1023.0, 4095.0, 16_383.0)  # of 8, 10, 12 and 14 bits; beyond, of all 16
MANY = 1 << 18  # values of an image that are sorted to find outliers
FAR = 2.0  # times the spread of the rest, across a gap: outliers
FEW = 0.01  # share of the values that may be outliers if they differ from each other
LEAST_DISTINCT = 16  # values that the rest must have; a mask of 0 and 1 has no outliers
UNLIKE = 8.0  # times the usual range of one image; beyond, each image is shown by its own range


@dataclass(frozen=True)
class View:
    """What is black and what is white; None: all 16 bits, or each image's own range for floats.

    Attributes:
        integers: black and white of unsigned 16-bit integers.
        floats: black and white of floats, signed integers and 32-bit integers.
        bands: the bands of a file with several that are red, green and blue, from 1.
    """

    integers: list[float] | None = None
    floats: list[float] | None = None
    bands: list[int] | None = None

    def describe(self) -> str:
        """One line for a person; empty for the ordinary view."""
        parts = [
            f"{name} from {values[0]:g} (black) to {values[1]:g} (white)"
            for name, values in (("16-bit pixels", self.integers), ("float pixels", self.floats))
            if values
        ]
        if self.bands:
            parts.append(f"bands {','.join(map(str, self.bands))} as red, green and blue")
        return ", ".join(parts)


ORDINARY = View()


class Numbers(NamedTuple):
    """The pixels of an image of more than 8 bits, as its file has them."""

    values: NDArray[Any]  # (height, width) or (height, width, 3)
    kind: Kind
    nodata: float | None = None  # the value of pixels without one
    is_inverted: bool = False  # the lowest value is white

    def is_valid(self) -> NDArray[np.bool_]:
        """(height, width, ...): finite, and not the value that stands for none."""
        valid: NDArray[np.bool_] = np.isfinite(self.values)
        if self.nodata is not None:
            valid &= self.values != np.asarray(self.nodata).astype(self.values.dtype)
        return valid


class Extent(NamedTuple):
    """What one image of a sample shows about its dataset."""

    kind: Kind
    low: float
    high: float
    is_colour: bool


def extent(numbers: Numbers) -> Extent | None:
    """The range of the valid values without far outliers; None if there is no valid value."""
    valid = numbers.values[numbers.is_valid()]
    if not valid.size:
        return None
    inside = _without_outliers(np.sort(valid[:: -(-valid.size // MANY)]).astype(np.float64))
    low, high = float(inside[0]), float(inside[-1])
    if valid.size > MANY:  # the few values that were not looked at, unless they are far
        reach = FAR * (high - low)
        near = valid[(valid >= low - reach) & (valid <= high + reach)]
        low, high = float(near.min()), float(near.max())
    return Extent(numbers.kind, low, high, numbers.values.ndim == 3)


def _without_outliers(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sorted values without those beyond a wide gap, at either end: one value, or few.

    A gap is wide where it is more than `FAR` times the spread of the values on its larger side.
    """
    for _ in range(8):
        if len(values) < 2:
            break
        half = values / 2  # so that no difference of two floats overflows
        place = int(np.argmax(np.diff(half))) + 1
        sides = values[:place], values[place:]
        out, rest = sorted(sides, key=_n_distinct)
        gap = half[place] - half[place - 1]
        is_far = gap > FAR * (rest[-1] / 2 - rest[0] / 2)
        may_go = out[0] == out[-1] or len(out) <= FEW * len(values)
        if not (is_far and may_go and _n_distinct(rest) >= LEAST_DISTINCT):
            break
        values = rest
    return values


def _n_distinct(values: NDArray[np.float64]) -> int:
    return 1 + int(np.count_nonzero(np.diff(values)))


def choose_view(extents: Sequence[Extent], stretch: str, bands: list[int] | None) -> View:
    """The view of a dataset.

    16-bit integers: white is the largest number of the smallest of 8, 10, 12, 14 and 16 bits that
    holds the sample, and 10,000 for colour images up to there. Floats: the range of the sample,
    unless images differ so much that each needs its own.

    Args:
        extents: of a sample of the images.
        stretch: ``auto``, ``none`` (all 16 bits, each float image's own range) or ``LOW:HIGH``.
        bands: kept as they are.

    Raises:
        ConfigError: LOW is not less than HIGH.
    """
    if stretch == "none":
        return View(bands=bands)
    if stretch != "auto":
        low, high = map(float, stretch.split(":"))
        if not -np.inf < low < high < np.inf:
            raise ConfigError(f"--stretch {stretch}: LOW must be less than HIGH")
        return View([low, high], [low, high], bands)
    integers = [found for found in extents if found.kind == "integers"]
    floats = [found for found in extents if found.kind == "floats"]
    return View(_integer_range(integers), _float_range(floats), bands)


def _integer_range(found: Sequence[Extent]) -> list[float] | None:
    if not found:
        return None
    whites: Iterable[float] = WHITES
    if all(one.is_colour for one in found):
        whites = sorted((*WHITES, REFLECTANCE))
    most = max(one.high for one in found)
    white = next((white for white in whites if most <= white), None)
    return None if white is None else [0.0, white]


def _float_range(found: Sequence[Extent]) -> list[float] | None:
    if not found:
        return None
    low, high = min(one.low for one in found), max(one.high for one in found)
    usual = float(np.median([one.high / 2 - one.low / 2 for one in found]))
    return None if high / 2 - low / 2 > UNLIKE * usual else [low, high]


def to_bytes(numbers: Numbers, view: View) -> NDArray[np.uint8]:
    """The values as grey levels, 0 to 255; what is no number is black."""
    low, high = _range_of(numbers, view)
    valid = numbers.is_valid()
    # divided first: the difference of two floats may overflow
    scale = 255.0 / max(high / 2 - low / 2, 1e-300)
    shown = np.empty(numbers.values.shape, np.uint8)
    for row, values in enumerate(numbers.values):  # row by row: float64 of all takes 8 times more
        numbers_of_row = np.where(valid[row], values, low).astype(np.float64)
        grey = np.clip((numbers_of_row / 2 - low / 2) * scale, 0.0, 255.0)
        shown[row] = np.round(255.0 - grey if numbers.is_inverted else grey)
    return shown


def _range_of(numbers: Numbers, view: View) -> tuple[float, float]:
    given = view.integers if numbers.kind == "integers" else view.floats
    if given:
        return given[0], given[1]
    if numbers.kind == "integers":
        return 0.0, 65_535.0
    found = extent(numbers)
    return (found.low, found.high) if found else (0.0, 1.0)
