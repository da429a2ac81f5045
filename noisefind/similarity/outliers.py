"""Images unlike all others: far from their neighbours, or far from the middle of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR_FROM_NEIGHBOURS = 3.5  # robust deviations of the log distance to the third farthest neighbour
FAR_FROM_MIDDLE = 4.5  # the same of the log distance to the mean of all images
THIRD = 3
FEWEST = 50  # images: of fewer it cannot be said what is usual
CHUNK = 8192


def find_outliers(
    features: NDArray[np.float32], neighbours: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """(N,) which images are unlike all others.

    The third farthest of ten neighbours counts: so up to seven foreign images do not vouch for
    each other, and two of them among an image's neighbours do not make it foreign. A normal
    distribution of log distances would give 2.4 false alarms in 10,000 images; docs/similarity.md
    has the rate on real data.

    Args:
        features: (N, d) with the mean at 0, may be memory-mapped.
        neighbours: (N, k) row numbers.
    """
    n_images = len(features)
    if n_images < FEWEST:
        return np.zeros(n_images, np.bool_)
    to_neighbour, to_middle = np.empty(n_images), np.empty(n_images)
    for start in range(0, n_images, CHUNK):
        rows = slice(start, start + CHUNK)
        x = features[rows].astype(np.float64)
        near = np.stack([np.linalg.norm(x - features[n], axis=1) for n in neighbours[rows].T])
        to_neighbour[rows] = np.partition(near, -THIRD, axis=0)[-THIRD]
        to_middle[rows] = np.linalg.norm(x, axis=1)
    return (robust_deviations(to_neighbour) > FAR_FROM_NEIGHBOURS) | (
        robust_deviations(to_middle) > FAR_FROM_MIDDLE
    )


def robust_deviations(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) how far the log of each is above the median, in deviations read from the quartiles.

    Where half of all images have one distance, nothing is usual: all 0.
    """
    logs = np.log(np.maximum(distances, 1e-6 * distances.max(initial=1e-300)))
    low, middle, high = np.percentile(logs, [25, 50, 75])
    if high - low < 1e-6:
        return np.zeros(len(distances))
    return np.asarray((logs - middle) / ((high - low) / 1.349))
