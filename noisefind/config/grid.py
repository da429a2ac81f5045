"""Grids of shares, as 0:0.6:0.1, in decimals: 0.56 and 0.57 stay two numbers with two names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noisefind.config.option import parse_share
from noisefind.errors import ConfigError

if TYPE_CHECKING:
    from decimal import Decimal

MAX_POINTS = 1000


def parse_grid(option: str, text: str) -> list[Decimal]:
    """The numbers of FIRST:LAST:STEP (the last included), of a list by commas, or of both.

    Raises:
        ConfigError: it is something else, or a number is outside of 0 to 1.
    """
    try:
        numbers = {number for part in text.split(",") for number in _numbers(part)}
    except ValueError:
        numbers = set()
    if not numbers or not all(0 <= n <= 1 for n in numbers):
        raise ConfigError(
            f"{option} is {text!r}; it must be shares from 0 to 1 as 0.1:0.7:0.1 (first, last, "
            f"step), 0.1,0.25 or 10%,25%, at most {MAX_POINTS}"
        )
    return sorted(numbers)


def plain(number: Decimal) -> str:
    """A number of a grid as text, the same for 0.5 and 0.50."""
    return f"{number.normalize():f}"


def _numbers(part: str) -> list[Decimal]:
    """The numbers of one part; empty if the part is out of range."""
    first, *rest = map(parse_share, part.split(":"))
    if not rest:
        return [first]
    last, step = rest  # ValueError unless there are two
    if not (step > 0 and first <= last) or (last - first) / step >= MAX_POINTS:
        raise ValueError(part)
    return [first + step * n for n in range(int((last - first) / step) + 1)]
