"""The score of features: distance to the nearest k-means centre. It needs no labels."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SAMPLE = 20_000  # feature vectors that the centres are fitted to
N_CANDIDATES = 12  # numbers of clusters that are tried to find the elbow
CHUNK = 8192


class Clusters(NamedTuple):
    """k-means centres, and the curve from which their number was chosen."""

    centers: NDArray[np.float32]  # (k, d)
    curve: dict[int, float]  # number of clusters tried -> mean squared distance in the sample


def km_distance(features: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float64]:
    """Euclidean distance of each feature vector to the nearest k-means centre.

    ``min over k of ||features[i] - centers[k]||_2``. Sorscher et al. 2022, "Beyond neural scaling
    laws: beating power law scaling via data pruning".

    Args:
        features: (N, d) float, finite. They may be memory-mapped; they are read in chunks.
        centers: (K, d) float, finite, from ``find_clusters``; K is 1 at least.

    Returns:
        (N,) float64 in the unit of the features, 0 at least; HIGH is hard (not typical).

    Raises:
        ValueError: d of features and centres differs, or there are no centres.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import km_distance
        >>> centers = np.array([[0.0, 0.0], [10.0, 0.0]])
        >>> km_distance(np.array([[3.0, 4.0], [10.0, 1.0]]), centers).tolist()
        [5.0, 1.0]
    """
    c = centers.astype(np.float64)
    nearest = np.empty(len(features))
    for start in range(0, len(features), CHUNK):
        x = features[start : start + CHUNK].astype(np.float64)
        squared = (x**2).sum(1)[:, None] - 2 * x @ c.T + (c**2).sum(1)
        nearest[start : start + CHUNK] = np.sqrt(np.maximum(squared.min(1), 0))
    return nearest


def find_clusters(
    features: NDArray[np.float32],
    n_clusters: int | str,
    *,
    n_classes: int,
    seed: int,
    n_threads: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> Clusters:
    """Centres of k-means on at most 20,000 feature vectors, for ``km_distance``.

    They minimise ``sum over i of min over k of ||features[i] - centers[k]||_2 ** 2`` locally (Lloyd
    1982, "Least squares quantization in PCM"; scikit-learn's ``KMeans`` with one start).

    Args:
        features: (N, d) float, finite; N is 1 at least. They may be memory-mapped.
        n_clusters: K, 1 at least, or ``"auto"``: the elbow (Satopää et al. 2011) of the curve over
            at most twelve numbers from 2 to the larger of 100 and 3 C. Few vectors have fewer
            centres: no more than distinct vectors, and half of that with ``"auto"``.
        n_classes: C; it counts for ``"auto"`` alone.
        seed: seed of the sample and of k-means, 0 at least.
        n_threads: how many fits run at the same time; the result does not depend on it.
        advance: called after each fit.

    Returns:
        (K, d) float32 centres, and the mean squared distance for each number of clusters tried.

    Raises:
        ValueError: ``n_clusters`` is neither ``"auto"`` nor 1 at least.

    Examples:
        >>> import numpy as np
        >>> from noisefind.scores import find_clusters
        >>> features = np.array([[0, 0], [0, 2], [9, 0], [9, 2]], np.float32)
        >>> clusters = find_clusters(features, 2, n_classes=2, seed=0)
        >>> sorted(clusters.centers.tolist())
        [[0.0, 1.0], [9.0, 1.0]]
        >>> clusters.curve
        {2: 1.0}
    """
    if n_clusters != "auto" and not (str(n_clusters).isdecimal() and int(n_clusters) > 0):
        raise ValueError(f"n_clusters is {n_clusters!r}, must be 'auto' or 1 at least")
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(features))[:SAMPLE])
    sample = np.ascontiguousarray(features[rows])
    n_distinct = len(np.unique(sample, axis=0))  # more centres than that would be equal
    if n_clusters == "auto":
        candidates = candidate_numbers(n_distinct, n_classes)
    else:
        candidates = [min(int(n_clusters), n_distinct)]

    def fit(k: int) -> tuple[NDArray[np.float32], float]:
        result = _fit(sample, k, seed)
        advance()
        return result

    with (
        warnings.catch_warnings(),
        threadpool_limits(1, "blas"),  # undoes what the fits set
        ThreadPoolExecutor(n_threads) as pool,
    ):
        warnings.simplefilter("ignore")  # 'fewer distinct points than clusters' does no harm
        # the largest first: it takes the longest
        fits = dict(zip(candidates[::-1], pool.map(fit, candidates[::-1]), strict=True))
    curve = {k: fits[k][1] / len(sample) for k in candidates}
    return Clusters(fits[elbow(curve)][0], curve)


def candidate_numbers(n_vectors: int, n_classes: int) -> list[int]:
    """At most twelve numbers of clusters, spaced equally on a log scale."""
    largest = max(1, min(max(100, 3 * n_classes), n_vectors // 2, 1000))
    spaced = np.geomspace(min(2, largest), largest, N_CANDIDATES)
    return sorted({round(k) for k in spaced})


def elbow(curve: dict[int, float]) -> int:
    """The number of clusters farthest below the chord of the curve, both axes scaled to 0..1.

    Satopää et al. 2011, "Finding a 'Kneedle' in a Haystack", for a convex falling curve.
    """
    k = np.array(sorted(curve), dtype=np.float64)
    y = np.array([curve[int(number)] for number in k])
    if len(k) < 3 or y[0] <= y[-1]:
        return int(k[0])
    below_chord = 1 - (k - k[0]) / (k[-1] - k[0]) - (y - y[-1]) / (y[0] - y[-1])
    return int(k[np.argmax(below_chord)])


def _fit(sample: NDArray[np.float32], k: int, seed: int) -> tuple[NDArray[np.float32], float]:
    from sklearn.cluster import KMeans

    # One thread per fit: with more, scikit-learn adds the threads' sums in the order in which they
    # end, and with four or more threads the same seed gives other bits.
    with threadpool_limits(1, "openmp"):
        fit = KMeans(k, n_init=1, max_iter=30, random_state=seed).fit(sample)
    return fit.cluster_centers_.astype(np.float32), float(fit.inertia_)
