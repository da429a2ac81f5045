"""The numbers that noisefind computes with: their range, and arrays of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

ROWS_AT_ONCE = 65_536  # that are checked, so that the mask stays small
LIMIT = 1e15  # float32 holds the sum of squares of numbers up to this


def usable_rows(array: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) whether all numbers in a row of (n, d) are finite and not larger than ``LIMIT``."""
    with np.errstate(over="ignore"):  # LIMIT is infinite in float16
        usable: NDArray[np.bool_] = (np.isfinite(array) & (np.abs(array) <= LIMIT)).all(1)
    return usable


def checked_features(features: ArrayLike) -> NDArray[np.float32]:
    """(N, d) float32 of an array that a caller passes as features.

    Raises:
        ValueError: it is no array (N, d) of numbers, or a number is not finite.
    """
    x = np.asarray(features)
    if x.dtype.kind not in "fiu" or x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"features are {x.dtype} {x.shape}, must be numbers (N, d)")
    x = np.asarray(x, np.float32)
    for start in range(0, len(x), ROWS_AT_ONCE):
        if not np.isfinite(x[start : start + ROWS_AT_ONCE]).all():
            raise ValueError("features must be finite, have NaN or infinity")
    return x
