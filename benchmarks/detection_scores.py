"""AUROC and average precision of every score on human label noise, for probes and for CNNs.

    python benchmarks/detection_scores.py UNPACKED

UNPACKED holds CIFAR-10 in two forms with labels for each: ``cifar10/`` (class folders of JPEGs),
``cifar-10-batches-py/``, and ``labels/{folders,batches}/human-random1.csv`` with the columns
file_name, label, true_label (CIFAR-10N, one annotator per image). 10,000 images, chosen by a seed;
both forms hold the same pictures in the same order, and the script checks that their stored pixels
are the same. Prints two tables in Markdown.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from noisefind.config import ScoreConfig
from noisefind.progress import Progress
from noisefind.scores import SCORES, difficulty
from noisefind.scoring import ScoreResult, score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.run import Ranking

FORMS = {"folders": "cifar10", "batches": "cifar-10-batches-py"}
N_IMAGES = 10_000
SUBSET_SEED = 123
SEEDS = (0, 1, 2)


class Said(Progress):
    """Progress as plain lines."""

    def stage(self, name: str, total: int) -> None:
        """Name the stage."""
        print(f"  {name} ({total:,})", flush=True)


def write_subset(labels: Path, target: Path) -> dict[str, bool]:
    """Copy the chosen rows of a table to ``target``; id to whether its label is wrong."""
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = np.sort(np.random.default_rng(SUBSET_SEED).permutation(len(rows))[:N_IMAGES])
    subset = [rows[row] for row in chosen]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(subset)
    return {row["file_name"]: row["label"] != row["true_label"] for row in subset}


def hardness(ranking: Ranking) -> dict[str, NDArray[np.float64]]:
    """Every score, turned so that high is hard."""
    scores = {"label_score": ranking.label_scores, **ranking.scores}
    return {name: difficulty(name, values) for name, values in scores.items()}


def pictures(cache: Path) -> list[bytes]:
    """The stored pictures of the one dataset in a cache, sorted, since the forms' orders differ."""
    (file,) = cache.glob("pixels/*/pixels.npy")
    return sorted(picture.tobytes() for picture in np.load(file, mmap_mode="r"))


def main() -> None:
    """Score each case and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unpacked", type=Path)
    unpacked = parser.parse_args().unpacked
    cases = [("folders", "probe", s) for s in SEEDS[:1]] + [("batches", "probe", s) for s in SEEDS]
    cases += [("batches", "cnn", s) for s in SEEDS[:1]]
    auroc: dict[str, dict[str, list[float]]] = {}
    precision: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for form, network, seed in cases:
            table = home / f"{form}.csv"
            is_wrong = write_subset(unpacked / "labels" / form / "human-random1.csv", table)
            print(f"{network} on {form}, seed {seed}", flush=True)
            result: ScoreResult = score(
                unpacked / FORMS[form],
                home / f"{form}-{network}-{seed}",
                ScoreConfig(
                    network=network, labels=table, only_listed=True, seed=seed,
                    cache_dir=home / f"cache-{form}",
                ),
                progress=Said(),
            )  # fmt: skip
            wrong = np.array([is_wrong[id_] for id_ in result.ranking.ids])
            column = f"{network}, {form}"
            for name, values in hardness(result.ranking).items():
                auroc.setdefault(name, {}).setdefault(column, []).append(
                    roc_auc_score(wrong, values)
                )
                precision.setdefault(name, {}).setdefault(column, []).append(
                    average_precision_score(wrong, values)
                )
            print(f"  seconds {result.summary['seconds']}, wrong {wrong.sum()}", flush=True)
        same = pictures(home / "cache-folders") == pictures(home / "cache-batches")
    print(f"\nstored pixels of both forms are the same pictures: {same}")
    print(f"{N_IMAGES:,} images; mean (and standard deviation) over seeds where more than one")
    for title, table_of in (("AUROC", auroc), ("average precision", precision)):
        columns = list(table_of["label_score"])
        print(f"\n| {title} | " + " | ".join(columns) + " |")
        print("| --- |" + " --- |" * len(columns))
        for name in ("label_score", *SCORES):
            cells = []
            for column in columns:
                found = table_of[name][column]
                spread = f" ({np.std(found, ddof=1):.3f})" if len(found) > 1 else ""
                cells.append(f"{np.mean(found):.3f}{spread}")
            print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
