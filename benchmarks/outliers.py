"""Outliers: how many images of a dataset are flagged, and how many foreign ones planted among them.

    python benchmarks/outliers.py NAME=FEATURES.npy NAME=FEATURES.npy ...

The files hold features as the cache keeps them, of two or more datasets. Into each dataset 3, then
10 random images of each other one are planted (by their features, five draws); prints how many of
the dataset's own images and of the planted ones are flagged, in all draws together.
"""

from __future__ import annotations

import sys

import numpy as np

from noisefind.features.reduce import fit_projection
from noisefind.similarity.neighbours import nearest_neighbours
from noisefind.similarity.outliers import find_outliers

N_DRAWS = 5


def main() -> None:
    """Print the table."""
    sets = dict(argument.split("=", 1) for argument in sys.argv[1:])
    print("| images of | planted | own images flagged | planted ones flagged |")
    print("| --- | --- | --- | --- |")
    for home, file in sets.items():
        own = np.load(file)
        print(f"| {home} | none | {flagged(own, own[:0])[0]} of {len(own):,} | |", flush=True)
        for other in sets.keys() - {home}:
            others = np.load(sets[other], mmap_mode="r")
            for n_planted in (3, 10):
                found = [0, 0]
                for draw in range(N_DRAWS):
                    rows = np.random.default_rng(draw).permutation(len(others))[:n_planted]
                    counts = flagged(own, others[np.sort(rows)])
                    found = [a + b for a, b in zip(found, counts, strict=True)]
                print(
                    f"| {home} | {n_planted} of {other} | {found[0]} of {N_DRAWS * len(own):,} | "
                    f"{found[1]} of {N_DRAWS * n_planted} |",
                    flush=True,
                )


def flagged(own: np.ndarray, planted: np.ndarray) -> tuple[int, int]:
    """How many of both are flagged."""
    features = np.concatenate((own, planted))
    reduced = fit_projection(features).apply(features)
    outliers = find_outliers(reduced, nearest_neighbours(reduced).rows)
    return int(outliers[: len(own)].sum()), int(outliers[len(own) :].sum())


if __name__ == "__main__":
    main()
