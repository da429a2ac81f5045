"""k-means in matrix products: scikit-learn's takes over a second to import and twice as long."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MAX_ROUNDS = 30
TOLERANCE = 1e-4  # of the mean variance of a feature: centres that move less, squared, stand still
CHUNK = 4096  # vectors compared at once


class Fit(NamedTuple):
    """Centres, and the sum of the squared distances to the nearest of them."""

    centers: Floats  # (k, d)
    inertia: float


def kmeans(vectors: Floats, k: int, seed: int) -> Fit:
    """Lloyd's rounds from a k-means++ start (Arthur and Vassilvitskii 2007).

    Args:
        vectors: (N, d).
        k: number of centres, at most N.
        seed: of the start.
    """
    mean = vectors.mean(0, dtype=np.float64).astype(np.float32)
    x = vectors - mean  # near 0, where differences of squares lose least
    squares = np.einsum("ij,ij->i", x, x)
    centers = _start(x, squares, k, np.random.default_rng(seed))
    enough = TOLERANCE * float(squares.mean(dtype=np.float64)) / x.shape[1]
    for _ in range(MAX_ROUNDS):
        moved = _round(x, squares, centers)
        shift = float(np.square(moved - centers, dtype=np.float64).sum())
        centers = moved
        if shift <= enough:
            break
    nearest = np.concatenate([_distances(x, squares, centers, r).min(1) for r in _chunks(len(x))])
    return Fit(centers + mean, float(nearest.sum(dtype=np.float64)))


def _start(x: Floats, squares: Floats, k: int, rng: np.random.Generator) -> Floats:
    """k-means++: each next centre drawn by its squared distance; the best of a few draws stays."""
    chosen = [int(rng.integers(len(x)))]
    n_draws = 2 + int(math.log(k))
    nearest = _to_rows(x, squares, chosen)[0]
    while len(chosen) < k:
        weights = np.cumsum(nearest, dtype=np.float64)
        drawn = np.searchsorted(weights, rng.random(n_draws) * weights[-1], side="right")
        drawn = np.minimum(drawn, len(x) - 1)
        closer = np.minimum(nearest, _to_rows(x, squares, drawn.tolist()))
        best = int(closer.sum(1, dtype=np.float64).argmin())
        chosen.append(int(drawn[best]))
        nearest = closer[best]
    return x[chosen]


def _round(x: Floats, squares: Floats, centers: Floats) -> Floats:
    """Each centre moved to the mean of the vectors nearest to it; one without any to the farthest.

    The sums are products with a matrix of zeros and ones.
    """
    k = len(centers)
    sums, counts = np.zeros(centers.shape), np.zeros(k, np.int64)
    far = np.empty(len(x), np.float32)
    for rows in _chunks(len(x)):
        distances = _distances(x, squares, centers, rows)
        nearest = distances.argmin(1)
        far[rows] = distances[np.arange(len(nearest)), nearest]
        sums += (nearest == np.arange(k)[:, None]).astype(np.float32) @ x[rows]
        counts += np.bincount(nearest, minlength=k)
    moved = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        moved[empty] = x[np.argsort(-far, kind="stable")[: len(empty)]]
    return moved


def _distances(x: Floats, squares: Floats, centers: Floats, rows: slice) -> Floats:
    """(n, k) squared distances of some vectors to all centres."""
    of_centers = np.einsum("ij,ij->i", centers, centers)
    products = x[rows] @ centers.T
    products *= -2
    products += squares[rows, None]
    products += of_centers
    return np.asarray(np.maximum(products, 0, out=products))


def _to_rows(x: Floats, squares: Floats, rows: list[int]) -> Floats:
    """(m, N) squared distances of all vectors to some of them."""
    return np.maximum(squares[rows, None] + squares - 2 * (x[rows] @ x.T), 0)


def _chunks(n_vectors: int) -> Iterator[slice]:
    for start in range(0, n_vectors, CHUNK):
        yield slice(start, start + CHUNK)
