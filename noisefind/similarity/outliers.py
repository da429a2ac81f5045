"""Outliers: images far from their neighbours, or far from the mean of all images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# In robust standard deviations of the log distance, see `robust_z_scores`:
FAR_FROM_NEIGHBOURS = 3.5  # distance to the third farthest neighbour
FAR_FROM_MIDDLE = 4.5  # distance to the mean of all images
THIRD = 3
FEWEST = 50  # images: with fewer the usual distances are unknown
CHUNK = 8192


def find_outliers(
    features: NDArray[np.float32], neighbours: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """(N,) whether an image is an outlier.

    The third farthest of ten neighbours counts. So a group of up to seven outliers that are similar
    to each other is still found, and an image with two outliers among its neighbours does not count
    as one. A normal distribution of log distances would give 2.4 false alarms in 10,000 images;
    docs/explanation/similarity.md has the rate on real data.

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
    return (robust_z_scores(to_neighbour) > FAR_FROM_NEIGHBOURS) | (
        robust_z_scores(to_middle) > FAR_FROM_MIDDLE
    )


def robust_z_scores(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) z-scores of the log distances, by the median and the quartiles.

    Where half of all images have one distance, the quartiles are equal: all 0.
    """
    logs = np.log(np.maximum(distances, 1e-6 * distances.max(initial=1e-300)))
    low, middle, high = np.percentile(logs, [25, 50, 75])
    if high - low < 1e-6:
        return np.zeros(len(distances))
    return np.asarray((logs - middle) / ((high - low) / 1.349))
