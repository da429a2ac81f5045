"""Flags in classes of few images: false ones, and injected errors that are found.

    NOISEFIND_DATA=FOLDER python benchmarks/small_classes.py

FOLDER holds the photographs in ``clothing``. For each seed, five classes of 60 photographs and five
of 1 to 20 are drawn, once as they are and once with one image of another class in each small class.
Then whole datasets of few images are drawn, with one wrong label and with none. The features are
those of the default network, the members those of the defaults.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind import ScoreConfig, score
from noisefind.detection.kernel_ridge import leave_one_out_scores
from noisefind.detection.label_issues import LabelIssues, judge
from noisefind.detection.label_quality import suspected
from noisefind.detection.leave_one_out import fit_leave_one_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

N_SEEDS = 20
N_COMPONENTS = 512
LARGE = (60,) * 5
SMALL = ((1, 3, 5, 8, 12), (2, 4, 6, 10, 16), (7, 9, 11, 14, 20))
DATASETS = {"3 x 25": (25,) * 3, "10 x 12": (12,) * 10, "2 x 8": (8,) * 2, "3 x 3": (3,) * 3,
            "5 x 1": (1,) * 5}  # fmt: skip


class Drawn(NamedTuple):
    """Rows of the photographs, their given labels, and which of these are wrong."""

    rows: Ints
    labels: Ints
    is_wrong: NDArray[np.bool_]


def main() -> None:
    """Print both tables."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    features, true = photographs(Path(os.environ["NOISEFIND_DATA"]) / "clothing")
    print("| images of the class | flagged of right labels | found of wrong labels |")
    print("| --- | --- | --- |")
    counts: dict[int, list[NDArray[np.int64]]] = {}
    for small in SMALL:
        sizes = (*LARGE, *small)
        for seed in range(N_SEEDS):
            for n_wrong in (0, 1):
                drawn = draw(true, sizes, n_wrong * len(small), seed, first=len(LARGE))
                issues = judged(features, drawn, len(sizes), seed)
                flags = suspected(1 - issues.label_score)  # before the rule on small classes
                for label, size in enumerate(small, len(LARGE)):
                    of = drawn.labels == label
                    right, wrong = of & ~drawn.is_wrong, of & drawn.is_wrong
                    counts.setdefault(size, []).append(
                        np.array([(flags & right).sum(), right.sum() * (1 - n_wrong),
                                  (flags & wrong).sum(), wrong.sum()])
                        * [1 - n_wrong, 1, 1, 1]
                    )  # fmt: skip
    for size in sorted(counts):
        false, right, found, wrong = np.sum(counts[size], axis=0).tolist()
        print(f"| {size} | {false} of {right} | {found} of {wrong} |", flush=True)
    print("\n| dataset | false flags per 100 images, nothing injected | wrong label in the first "
          "10 % | flagged | lowest label_score, nothing injected")  # fmt: skip
    print("| --- | --- | --- | --- | --- |")
    for name, dataset_sizes in DATASETS.items():
        report(name, features, true, dataset_sizes)


def report(name: str, features: Floats, true: Ints, sizes: Sequence[int]) -> None:
    """One row of the second table."""
    n_false = n_first = n_found = 0
    lowest = []
    for seed in range(N_SEEDS):
        clean = judged(features, draw(true, sizes, 0, seed), len(sizes), seed)
        n_false += int(clean.is_label_issue.sum())
        lowest.append(clean.label_score.min())
        drawn = draw(true, sizes, 1, seed)
        issues = judged(features, drawn, len(sizes), seed)
        place = int(np.flatnonzero(drawn.is_wrong[issues.ranked()])[0])
        n_first += place < max(1, sum(sizes) // 10)
        n_found += int(issues.is_label_issue[drawn.is_wrong].sum())
    per_100 = 100 * n_false / (N_SEEDS * sum(sizes))
    print(f"| {name} | {per_100:.2f} | {n_first} of {N_SEEDS} | {n_found} | "
          f"{np.median(lowest):.3f} |", flush=True)  # fmt: skip


def photographs(data: Path) -> tuple[Floats, Ints]:
    """Features of the default network (N, d), and labels."""
    with tempfile.TemporaryDirectory() as folder:
        config = ScoreConfig(
            split="all", members=1, epochs=1, clusters=2, leaks=False,
            cache_dir=Path(os.environ.get("NOISEFIND_CACHE", folder)),
        )  # fmt: skip
        result = score(data, Path(folder) / "run", config)
        given = dict(zip(result.ranking.ids, result.ranking.given_labels, strict=True))
        labels = np.array([result.summary.classes.index(given[id_]) for id_ in sorted(given)])
        (path,) = (config.cache_dir or Path(folder)).glob("features/*/features.npy")
        return np.load(path), labels


def draw(true: Ints, sizes: Sequence[int], n_wrong: int, seed: int, *, first: int = 0) -> Drawn:
    """Classes of the ``sizes``; ``n_wrong`` of those from number ``first`` hold one wrong image.

    The wrong image is one of another class that was drawn. Sizes are those of given labels.
    """
    rng = np.random.default_rng(seed)
    classes = rng.permutation(int(true.max()) + 1)[: len(sizes)]
    pools = [rng.permutation(np.flatnonzero(true == c)).tolist() for c in classes]
    rows = [[pools[label].pop() for _ in range(size)] for label, size in enumerate(sizes)]
    wrong = []
    for label in (first + rng.permutation(len(sizes) - first)[:n_wrong]).tolist():
        other = int(rng.choice([c for c in range(first or len(sizes)) if c != label]))
        rows[label][0] = pools[other].pop()
        wrong.append(rows[label][0])
    flat = np.array([row for of_class in rows for row in of_class])
    return Drawn(flat, np.repeat(np.arange(len(sizes)), sizes), np.isin(flat, wrong))


def judged(features: Floats, drawn: Drawn, n_classes: int, seed: int) -> LabelIssues:
    """The label issues by leave-one-out predictions alone."""
    x = reduced(features[drawn.rows])
    scores = leave_one_out_scores(x, drawn.labels, n_classes, seed=seed, n_threads=1)
    loo = fit_leave_one_out(scores, drawn.labels, seed=seed)
    return judge(drawn.labels, tuple(range(n_classes)), loo, None, seed=seed)


def reduced(features: Floats) -> Floats:
    """Principal components as in ``features/reduce.py``, by a faster way for few images."""
    x = features.astype(np.float64) - features.mean(0)
    u, values, _ = np.linalg.svd(x, full_matrices=False)
    n_kept = max(1, min(N_COMPONENTS, len(x) - 1))
    return np.asarray(u[:, :n_kept] * values[:n_kept], np.float32)


if __name__ == "__main__":
    main()
