"""Nearest neighbours: how many of the true ones are found, in how many seconds; beside libraries.

    python benchmarks/neighbours.py FEATURES.npy [--libraries] [--grow]

FEATURES.npy (N, d) are features as the cache keeps them (of CIFAR-10, say). Prints recall@10 and
seconds of noisefind's search in the leading principal components against exact neighbours over all
d numbers, and against exact ones in the same components; with `--libraries` the same of faiss,
hnswlib, usearch and scikit-learn, where they are installed; with `--grow` the seconds of noisefind
alone for more images, drawn from the features with a little noise, and the exponent b of
seconds ~ images^b.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from noisefind.features.reduce import fit_projection
from noisefind.similarity.neighbours import nearest_neighbours, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

K = 10
N_THREADS = 2
SIZES = (50_000, 100_000, 200_000)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features")
    parser.add_argument("--libraries", action="store_true")
    parser.add_argument("--grow", action="store_true")
    options = parser.parse_args()
    features = np.load(options.features, mmap_mode="r")
    reduced = fit_projection(features).apply(features)
    if options.grow:
        grow(reduced)
        return
    queries = np.sort(np.random.default_rng(0).permutation(len(features))[:2000])
    centred = np.asarray(features) - np.mean(features, 0)
    truths = [exact(unit_vectors(x), queries) for x in (centred, np.array(features), reduced)]
    del centred
    print("| search | recall, all numbers, centred | recall, all numbers as they are | recall, "
          "same components | seconds |\n| --- | --- | --- | --- | --- |")  # fmt: skip
    for name, search in searches(libraries=options.libraries).items():
        start = time.perf_counter()
        try:
            rows = search(reduced)[queries]
        except ImportError as error:
            print(f"| {name} | {error} |")
            continue
        seconds = time.perf_counter() - start
        cells = " | ".join(f"{recall(rows, truth):.3f}" for truth in truths)
        print(f"| {name} | {cells} | {seconds:.1f} |", flush=True)


def exact(x: NDArray[np.float32], queries: NDArray[np.int64]) -> NDArray[np.int64]:
    """(M, 10) exact neighbours of some rows."""
    found = []
    for start in range(0, len(queries), 500):
        rows = queries[start : start + 500]
        likeness = x[rows] @ x.T
        likeness[np.arange(len(rows)), rows] = -np.inf
        found.append(np.argpartition(-likeness, K, axis=1)[:, :K])
    return np.concatenate(found)


def recall(rows: NDArray[Any], truth: NDArray[Any]) -> float:
    """Share of the true neighbours that were found."""
    return float(np.mean([len({*a} & {*b}) / K for a, b in zip(rows, truth, strict=True)]))


def searches(*, libraries: bool) -> dict[str, Callable[[NDArray[np.float32]], NDArray[Any]]]:
    """Name to a function of (N, d) that gives the rows (N, 10) of the neighbours."""
    own = {
        f"noisefind, {d} components": lambda x, d=d: (
            nearest_neighbours(x[:, :d], n_threads=N_THREADS).rows
        )
        for d in (64, 128, 256, 512)
    }
    exact_own = {
        "exact blocks in numpy, 512": lambda x: (
            nearest_neighbours(x, n_threads=N_THREADS, all_pairs=10**9).rows
        )
    }
    others = {"scikit-learn, 512": sklearn, "faiss IVF, 512": faiss_cells,
              "hnswlib, 512": hnsw, "usearch, 512": use}  # fmt: skip
    return {**own, **exact_own, **(others if libraries else {})}


def sklearn(x: NDArray[np.float32]) -> NDArray[Any]:
    """Exact neighbours by brute force."""
    from sklearn.neighbors import NearestNeighbors

    with threadpool_limits(N_THREADS):
        index = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(unit_vectors(x))
        rows: NDArray[Any] = index.kneighbors(return_distance=False)
    return rows


def faiss_cells(x: NDArray[np.float32]) -> NDArray[Any]:
    """An inverted file with as many cells as noisefind makes, of which 24 are searched."""
    import faiss

    faiss.omp_set_num_threads(N_THREADS)
    x = unit_vectors(x)
    index: Any = faiss.index_factory(
        x.shape[1], f"IVF{len(x) // 200},Flat", faiss.METRIC_INNER_PRODUCT
    )
    index.train(x)
    index.add(x)
    index.nprobe = 24
    return without_self(index.search(x, K + 1)[1])


def hnsw(x: NDArray[np.float32]) -> NDArray[Any]:
    """A graph of 16 links, searched 100 deep."""
    import hnswlib

    index = hnswlib.Index("cosine", x.shape[1])
    index.init_index(len(x), ef_construction=100, M=16)
    index.set_num_threads(N_THREADS)
    index.add_items(x)
    index.set_ef(100)
    return without_self(index.knn_query(x, K + 1)[0].astype(np.int64))


def use(x: NDArray[np.float32]) -> NDArray[Any]:
    """usearch with its defaults."""
    from usearch.index import Index

    index = Index(ndim=x.shape[1], metric="cos", dtype="f32")
    index.add(np.arange(len(x)), x, threads=N_THREADS)
    found: Any = index.search(x, K + 1, threads=N_THREADS)
    return without_self(found.keys.astype(np.int64))


def without_self(rows: NDArray[Any]) -> NDArray[Any]:
    """(N, 10) of (N, 11): each row's own number left out, or the last."""
    is_self = rows == np.arange(len(rows))[:, None]
    is_self[~is_self.any(1), -1] = True
    others: NDArray[Any] = rows[~is_self]
    return others.reshape(len(rows), K)


def grow(reduced: NDArray[np.float32]) -> None:
    """Seconds and memory for more and more images."""
    rng = np.random.default_rng(0)
    print("| images | seconds | peak memory |\n| --- | --- | --- |")
    before = (0, 0.0)
    for n_images in SIZES:
        rows = rng.integers(len(reduced), size=n_images)
        scale = 0.5 * reduced.std()
        x = reduced[rows] + scale * rng.standard_normal((n_images, reduced.shape[1]), np.float32)
        start = time.perf_counter()
        nearest_neighbours(x, n_threads=N_THREADS)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"| {n_images:,} | {seconds:.1f} | {peak:.1f} GB |", flush=True)
        if before[0]:
            slope = math.log(seconds / before[1]) / math.log(n_images / before[0])
            print(f"slope {slope:.2f}; a million at that: "
                  f"{seconds * (1e6 / n_images) ** slope:.0f} s")  # fmt: skip
        before = (n_images, seconds)


if __name__ == "__main__":
    main()
