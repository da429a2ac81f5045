"""How often the interval of the noise rate holds the true rate: five cases, 20 seeds each.

    NOISEFIND_DATA=FOLDER python benchmarks/noise_rate.py UNPACKED

Each seed plants other errors (for human labels: draws other images). The noise rate comes from
leave-one-out predictions alone, so no members are trained. cases.py says what FOLDER and UNPACKED
hold.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisefind import ScoreConfig, score
from noisefind.detection.kernel_ridge import leave_one_out_scores
from noisefind.detection.leave_one_out import fit_leave_one_out
from noisefind.noise import kinds as noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.detection.noise_rate import NoiseRate

N_SEEDS = 20
N_CIFAR, N_DRAWN = 10_000, 5_000


def main() -> None:
    """Print a row per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unpacked", type=Path)
    options = parser.parse_args()
    clothing = load(Path(os.environ["NOISEFIND_DATA"]) / "clothing", None)
    table = options.unpacked / "labels/folders/human-random1.csv"
    cifar = load(options.unpacked / "cifar10", table)
    print("| case | true | mean estimate (sd) | mean interval | held the true rate |")
    print("| --- | --- | --- | --- | --- |")
    for name, kind, fraction in (
        ("clothing symmetric", "symmetric", 0.1),
        ("clothing symmetric", "symmetric", 0.2),
        ("clothing pair", "pair", 0.1),
    ):
        rows = [planted(*clothing[:2], kind, fraction, seed) for seed in range(N_SEEDS)]
        report(f"{name} {fraction:.0%}", rows)
    rows = [planted(*drawn(*cifar, seed)[:2], "symmetric", 0.1, seed) for seed in range(N_SEEDS)]
    report("CIFAR-10 symmetric 10%", rows)
    report("CIFAR-10 human", [judged(*drawn(*cifar, seed), seed) for seed in range(N_SEEDS)])


def load(
    data: Path, table: Path | None
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Reduced features, true labels, given labels."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = None
        if table is not None:
            chosen = Path(folder) / "chosen.csv"
            with table.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            order = np.random.default_rng(123).permutation(len(rows))[:N_CIFAR]
            with chosen.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("file_name", "label", "true_label"))
                writer.writerows(
                    (rows[k]["file_name"], rows[k]["label"], rows[k]["true_label"]) for k in order
                )
        config = ScoreConfig(
            labels=chosen, only_listed=chosen is not None, members=1, epochs=1, clusters=2
        )
        result = score(data, Path(folder) / "run", config)
        features = np.load(result.folder.reduced_features)
        classes = result.summary.classes
        given_of = dict(zip(result.ranking.ids, result.ranking.given_labels, strict=True))
        true_of = given_of
        if chosen is not None:
            with chosen.open(encoding="utf-8", newline="") as file:
                true_of = {r["file_name"]: r["true_label"] for r in csv.DictReader(file)}
        ids = sorted(given_of)
    true = np.array([classes.index(true_of[id_]) for id_ in ids])
    return features, true, np.array([classes.index(given_of[id_]) for id_ in ids])


def drawn(
    features: NDArray[np.float32], true: NDArray[np.int64], given: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Half of the images."""
    rows = np.random.default_rng(seed).permutation(len(true))[:N_DRAWN]
    return features[rows], true[rows], given[rows]


def planted(
    features: NDArray[np.float32], true: NDArray[np.int64], kind: str, fraction: float, seed: int
) -> tuple[float, NoiseRate]:
    """True rate and found rate with planted errors."""
    n_classes, n_changed = int(true.max()) + 1, round(fraction * len(true))
    rng = np.random.default_rng(seed)
    if kind == "symmetric":
        labels = noise.symmetric(true, n_classes, n_changed, rng).labels
    else:
        matrix = noise.pair_matrix(n_classes)
        counts = noise.quotas(true, matrix, n_changed, rng)
        labels = noise.by_matrix(true, matrix, counts, rng).labels
    return judged(features, true, labels, seed)


def judged(
    features: NDArray[np.float32], true: NDArray[np.int64], given: NDArray[np.int64], seed: int
) -> tuple[float, NoiseRate]:
    """True rate and found rate with given labels."""
    scores = leave_one_out_scores(features, given, int(true.max()) + 1, seed=seed, n_threads=2)
    return float((true != given).mean()), fit_leave_one_out(scores, given, seed=seed).noise.rate


def report(name: str, rows: list[tuple[float, NoiseRate]]) -> None:
    """One row of the table."""
    true = np.array([t for t, _ in rows])
    estimate, low, high = (np.array(column) for column in zip(*(r for _, r in rows), strict=True))
    held = int(((low <= true) & (true <= high)).sum())
    print(
        f"| {name} | {true.mean():.3f} | {estimate.mean():.3f} ({estimate.std(ddof=1):.3f}) | "
        f"{low.mean():.3f} to {high.mean():.3f} | {held} of {len(rows)} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
