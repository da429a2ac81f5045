"""A map of the images: two coordinates for each, so that nearest neighbours are near each other.

The rule is that of UMAP (McInnes, Healy and Melville 2018) with the kernel of t-SNE, and with all
images moved at once, which numpy does fast. Time grows with the number of images alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_ROUNDS = 120
LEAST_ROUNDS = 40  # of very many images
WORK = 1_200_000  # images times rounds, up to which there are N_ROUNDS
N_APART = 5  # random images from which each one moves away, in every round
APART = 2.0  # weight of a random image
TOGETHER = 2.0  # weight of all pulls of neighbours together, at most
FARTHEST = 4.0  # that an image moves in one round, in each direction
START = 10.0  # the first components become ranks from minus to plus this
EDGE = 0.005  # share of the images beyond the edge of the map at each side; they lie on it
FEW = 3  # images; so few are left where the principal components have them


def layout(
    components: NDArray[np.float32], neighbours: NDArray[np.int32] | None, *, seed: int = 0
) -> NDArray[np.float64]:
    """Coordinates of N images on a map; near each other means: nearest neighbours.

    The start are the ranks of the first two principal components, from -10 to 10. In every round
    image i moves by

        2 / (2 k)  times the sum over neighbours j, in either direction, of  (y_j - y_i) / (1 + d)
        + 2        times the sum over 5 random images r of  (y_i - y_r) / ((0.01 + d) (1 + d))

    with d the squared distance on the map; at most 4 in each direction, times a step that falls
    from 1 to 0. There are 120 rounds, fewer for more than 10,000 images, and at least 40.

    Args:
        components: (N, d) principal components, the largest variance first.
        neighbours: (N, k) rows of the nearest others, -1 where there are fewer; None: the map is
            the start.
        seed: of the random images; the same seed gives the same map.

    Returns:
        (N, 2), finite. Distances between far groups mean little.

    Examples:
        >>> layout(np.array([[0.0, 1.0], [2.0, 3.0]], np.float32), None).shape
        (2, 2)
    """
    places = _start(np.asarray(components[:, :2], np.float64))
    if neighbours is None or len(places) <= FEW:
        return places
    random = np.random.default_rng(seed)
    order = random.permutation(len(places))  # then images that are a random step apart are random
    number = np.argsort(order)
    near, missing = neighbours[order], neighbours[order] < 0
    other = np.where(missing, np.arange(len(places))[:, None], number[near])
    moved = places[order].T.astype(np.float32)
    # images with the same features would never part
    moved += random.normal(scale=1e-2, size=moved.shape).astype(np.float32)
    n_rounds = min(N_ROUNDS, max(LEAST_ROUNDS, WORK // len(places)))
    for step in np.linspace(1, 0, n_rounds, endpoint=False):
        move = _pulls(moved, other)
        for apart in random.integers(1, len(places), N_APART).tolist():
            gap = moved - np.roll(moved, apart, axis=1)
            d = gap[0] ** 2 + gap[1] ** 2
            move += gap * (APART / ((0.01 + d) * (1 + d)))
        moved += np.float32(step) * np.clip(move, -FARTHEST, FARTHEST)
    return np.asarray(moved.T[number], np.float64)


def _pulls(places: NDArray[np.float32], other: NDArray[np.int64]) -> NDArray[np.float32]:
    """(2, N): the sum of the pulls between images and their neighbours; both ends are pulled."""
    gap = places[:, other] - places[:, :, None]
    gap *= TOGETHER / (2 * other.shape[1]) / (1 + gap[0] ** 2 + gap[1] ** 2)
    pulled = [np.bincount(other.ravel(), axis.ravel(), other.shape[0]) for axis in gap]
    return np.asarray(gap.sum(2) - np.stack(pulled), np.float32)


def on_grid(places: NDArray[np.float64]) -> NDArray[np.uint16]:
    """(N, 2) places as whole numbers from 0 to 65,535, with the same scale in both directions.

    The few images farthest out lie on the edge: otherwise one outlier would shrink all others.
    """
    low, high = np.percentile(places, [100 * EDGE, 100 * (1 - EDGE)], axis=0)
    middle, reach = (low + high) / 2, max(float((high - low).max()) / 2 * 1.05, 1e-12)
    unit = np.clip((places - middle) / reach, -1, 1)
    return np.asarray(np.round((unit + 1) / 2 * 65_535), np.uint16)


def _start(two: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks of the first two components: a few outliers take no more room than others."""
    places = np.zeros((len(two), 2))
    for axis, values in enumerate(two.T):
        places[values.argsort(kind="stable"), axis] = np.linspace(-START, START, len(two))
    return places
