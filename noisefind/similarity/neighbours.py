"""The nearest neighbours of every image and their labels; never N x N in memory.

Few images are compared with all. Many are first sorted into cells around k-means centres, and each
cell is compared with the cells nearest to it, as in an inverted file (Sivic and Zisserman 2003):
one matrix product per cell instead of a search per image.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

N_NEIGHBOURS = 10
ALL_PAIRS = 16_384  # images up to here are compared with all
PER_CELL = 200  # images of a cell, on average
N_PROBES = 64  # cells that a cell is compared with, its own among them
BLOCK = 1024  # images that are compared at once
ROWS_AT_ONCE = 65_536


class Neighbours(NamedTuple):
    """The nearest images of each image, nearest first."""

    rows: NDArray[np.int32]  # (N, k) row numbers; -1: fewer than k neighbours
    similarity: NDArray[np.float32]  # (N, k) cosine, -1 to 1, HIGH is alike; -1: no neighbour


class Agreement(NamedTuple):
    """Labels of the neighbours of each image, compared with its own."""

    own_share: NDArray[np.float64]  # (N,) 0 to 1: share with the given label of the image
    other_label: NDArray[np.int64]  # (N,) most frequent among the other labels; -1 if there is none
    other_share: NDArray[np.float64]  # (N,) 0 to 1: its share


def nearest_neighbours(
    features: NDArray[np.float32],
    k: int = N_NEIGHBOURS,
    *,
    seed: int = 0,
    n_threads: int = 1,
    all_pairs: int = ALL_PAIRS,
    advance: Callable[[int], None] = lambda _: None,
) -> Neighbours:
    """The ``k`` images most like each by the cosine of their features, the image itself left out.

    Args:
        features: (N, d), may be memory-mapped.
        k: how many; fewer where there are fewer other images.
        seed: of the centres of the cells.
        n_threads: that many blocks are compared side by side; the result does not depend on it.
        all_pairs: up to so many images the neighbours are exact; beyond, 95 % of them are found
            (of 50,000; docs/explanation/similarity.md).
        advance: called with the number of images done.
    """
    x = unit_vectors(features)
    found = Neighbours(np.full((len(x), k), -1, np.int32), np.full((len(x), k), -1, np.float32))
    everyone = np.arange(len(x))

    def compare(task: tuple[NDArray[np.int64], NDArray[np.int64]]) -> int:
        rows, others = task
        _nearest(x, rows, others, found)
        return len(rows)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(n_threads) as pool:
        tasks = (
            ((rows, everyone) for rows in _blocks(everyone))
            if len(x) <= all_pairs
            else _cell_tasks(x, seed)
        )
        for n_done in pool.map(compare, tasks):
            advance(n_done)
    return found


def neighbour_agreement(
    neighbours: NDArray[np.int32], labels: NDArray[np.int64], n_classes: int
) -> Agreement:
    """The labels of the neighbours, compared with each given label.

    Args:
        neighbours: (N, k) row numbers, -1 where there are fewer; those are not counted.
        labels: (N,) given labels.
        n_classes: C.

    Returns:
        Shares of the neighbours there are; an image without any has shares of 0. Of other labels
        that are equally frequent the lowest number counts.
    """
    n_images = len(labels)
    agreement = Agreement(np.zeros(n_images), np.full(n_images, -1, np.int64), np.zeros(n_images))
    step = max(1, ROWS_AT_ONCE * 10 // n_classes)
    for start in range(0, n_images, step):
        near, own = neighbours[start : start + step], labels[start : start + step]
        row, place = np.nonzero(near >= 0)
        cell = row * n_classes + labels[near[row, place]]
        counts = np.bincount(cell, minlength=len(own) * n_classes).reshape(-1, n_classes)
        n_near = np.maximum(counts.sum(1), 1)
        every = np.arange(len(own))
        agreement.own_share[start : start + step] = counts[every, own] / n_near
        counts[every, own] = 0
        other = counts.argmax(1)
        share = counts[every, other] / n_near
        agreement.other_label[start : start + step] = np.where(share > 0, other, -1)
        agreement.other_share[start : start + step] = share
    return agreement


def unit_vectors(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, d) scaled to length 1; what is 0 or nearly so, beside the others, becomes 0."""
    x = np.array(features, np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", x, x, dtype=np.float64)).astype(np.float32)
    shortest = 1e-6 * lengths.max(initial=0)  # below, a direction is rounding alone
    x *= np.where(lengths > shortest, 1 / np.maximum(lengths, shortest or 1), 0)[:, None]
    return x


def _nearest(
    x: NDArray[np.float32],
    rows: NDArray[np.int64],
    others: NDArray[np.int64],
    found: Neighbours,
) -> None:
    """Fill in the neighbours of ``rows`` among ``others``, both row numbers of ``x``."""
    k = min(found.rows.shape[1], len(others) - 1)
    if k < 1:
        return
    similarity = x[rows] @ x[others].T
    similarity[rows[:, None] == others[None, :]] = -np.inf
    nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(similarity, nearest, 1)
    order = np.lexsort((others[nearest], -values))  # equally near ones in the order of rows
    found.rows[rows, :k] = others[np.take_along_axis(nearest, order, 1)]
    found.similarity[rows, :k] = np.take_along_axis(values, order, 1)


def _blocks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]


def _cell_tasks(
    x: NDArray[np.float32], seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of rows and the rows to compare them with: a cell, and the cells nearest to it."""
    centers = _centers(x, max(1, len(x) // PER_CELL), seed)
    cell_of = np.concatenate(
        [
            (x[start : start + ROWS_AT_ONCE] @ centers.T).argmax(1)
            for start in range(0, len(x), ROWS_AT_ONCE)
        ]
    )
    by_cell = np.argsort(cell_of, kind="stable")
    ends = np.cumsum(np.bincount(cell_of, minlength=len(centers)))
    members = np.split(by_cell, ends[:-1])
    for cell, rows in enumerate(members):
        nearest = np.argsort(-(centers @ centers[cell]), kind="stable")[:N_PROBES]
        others = np.concatenate([members[near] for near in nearest])
        for block in _blocks(rows):
            yield block, others


def _centers(x: NDArray[np.float32], n_cells: int, seed: int) -> NDArray[np.float32]:
    """Directions of ``n_cells`` cells: k-means on a sample of the unit vectors."""
    from sklearn.cluster import KMeans

    sample = x[np.sort(np.random.default_rng(seed).permutation(len(x))[: 30 * n_cells])]
    with threadpool_limits(1, "openmp"):  # the same bits for any number of threads
        fit = KMeans(n_cells, init="random", n_init=1, max_iter=8, random_state=seed % 2**32)
        fit.fit(sample)
    return unit_vectors(fit.cluster_centers_)
