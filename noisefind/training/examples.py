"""Labelled images as the input of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Examples:
    """N labelled images, as features for probes or as pixels for networks.

    Attributes:
        inputs: (N, d) float32 features or (N, S, S, 3) uint8 pixels; may be memory-mapped.
        labels: (N,) given labels, 0 .. C-1.
        n_classes: C.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    n_classes: int
