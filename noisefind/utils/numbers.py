"""The range of numbers that noisefind computes with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT = 1e15  # float32 holds the sum of squares of numbers up to this


def usable_rows(array: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) whether all numbers in a row of (n, d) are finite and not larger than ``LIMIT``."""
    with np.errstate(over="ignore"):  # LIMIT is infinite in float16
        usable: NDArray[np.bool_] = (np.isfinite(array) & (np.abs(array) <= LIMIT)).all(1)
    return usable
