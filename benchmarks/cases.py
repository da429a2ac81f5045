"""The development cases: images with given labels of which the wrong ones are known.

NOISEFIND_DATA is a folder with ``clothing/train/<class>/*.jpg``; UNPACKED one with CIFAR-10 as
class folders in ``cifar10`` and tables file_name, label, true_label in ``labels/folders``.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind import InjectConfig, inject

if TYPE_CHECKING:
    from collections.abc import Iterator

CIFAR = (
    "human-random1", "symmetric-05", "symmetric-10", "symmetric-20", "symmetric-40",
    "asymmetric-20-of-5-classes",
)  # fmt: skip
CLOTHING = {
    "symmetric-05": ("symmetric", 0.05),
    "symmetric-10": ("symmetric", 0.1),
    "symmetric-20": ("symmetric", 0.2),
    "pair-10": ("pair", 0.1),
}
N_CIFAR = 10_000
SUBSET_SEED = 123


class Case(NamedTuple):
    """What to score, and the table with label and true_label for every image."""

    name: str
    data: Path
    table: Path
    seed: int


def clothing_cases(folder: Path, seeds: range) -> Iterator[Case]:
    """Noise planted in photographs; tables are written to ``folder``."""
    data = Path(os.environ["NOISEFIND_DATA"]) / "clothing"
    for name, (kind, fraction) in CLOTHING.items():
        for seed in seeds:
            out = folder / f"clothing-{name}-{seed}"
            if not out.exists():
                inject(data, out, InjectConfig(kind=kind, fraction=fraction, seed=seed))
            yield Case(f"clothing {name}", data, out / "labels.csv", seed)


def cifar_cases(folder: Path, unpacked: Path, n_images: int = N_CIFAR) -> Iterator[Case]:
    """The same 10,000 images with each table's labels, and with their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*CIFAR, "own"):
        table = folder / f"cifar-{name}.csv"
        rows = _chosen(unpacked / "labels/folders" / f"{CIFAR[0] if name == 'own' else name}.csv")
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("file_name", "label", "true_label"))
            for row in rows[:n_images]:
                given = row["true_label"] if name == "own" else row["label"]
                writer.writerow((row["file_name"], given, row["true_label"]))
        yield Case(f"CIFAR-10 {name}", unpacked / "cifar10", table, 0)


def wrong_ids(table: Path) -> dict[str, bool]:
    """Id to whether its label is wrong."""
    with table.open(encoding="utf-8", newline="") as file:
        return {r["file_name"]: r["label"] != r["true_label"] for r in csv.DictReader(file)}


def _chosen(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [rows[k] for k in np.random.default_rng(SUBSET_SEED).permutation(len(rows))]
