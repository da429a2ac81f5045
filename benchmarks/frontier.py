"""What each preset costs and finds: average precision and F1 against seconds.

    NOISEFIND_DATA=FOLDER python benchmarks/frontier.py UNPACKED [--preset fast ...] [--images N]

Each preset scores the same four cases, with an empty cache and in a process of its own, so that
start-up counts. cases.py says what FOLDER and UNPACKED hold; `--images` takes fewer of each case.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cases import cifar_cases, clothing_cases, wrong_ids

from noisefind.evaluation import metrics
from noisefind.run import RunFolder

if TYPE_CHECKING:
    from cases import Case

PRESETS = ("fast", "standard")
CASES = (
    "clothing symmetric-10", "CIFAR-10 human-random1", "CIFAR-10 symmetric-20",
    "CIFAR-10 asymmetric-20-of-5-classes",
)  # fmt: skip


def main() -> None:
    """Print a row per case and preset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unpacked", type=Path)
    parser.add_argument("--preset", action="append", help="default: fast and standard")
    parser.add_argument("--case", choices=CASES, action="append", help="default: all four")
    parser.add_argument("--images", type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cases = [*clothing_cases(home, range(1)), *cifar_cases(home, options.unpacked)]
        print("| case | preset | images | average precision | F1 of the flags | seconds |")
        print("| --- | --- | --- | --- | --- | --- |")
        for case in (case for case in cases if case.name in (options.case or CASES)):
            table = shortened(case, options.images, home / "short.csv")
            for number, preset in enumerate(options.preset or PRESETS):
                cells = [case.name, preset, *measured(case, table, preset, home / f"run{number}")]
                print("| " + " | ".join(cells) + " |", flush=True)


def shortened(case: Case, n_images: int | None, path: Path) -> Path:
    """The case's table, or one with ``n_images`` of its rows, chosen by a seed."""
    if n_images is None:
        return case.table
    with case.table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    chosen = np.random.default_rng(0).permutation(len(rows) - 1)[:n_images] + 1
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([rows[0], *(rows[k] for k in chosen)])
    return path


def measured(case: Case, table: Path, preset: str, run: Path) -> list[str]:
    """Images, average precision, F1 and seconds of one run."""
    with tempfile.TemporaryDirectory() as cache:
        out = run / case.name.replace(" ", "-")
        words = ["score", case.data, "-o", out, "--preset", preset]
        words += ["--labels", table, "--only-listed", "--cache-dir", cache]
        command = [sys.executable, "-m", "noisefind", *map(str, words)]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
    ranking = RunFolder(out).read_ranking()
    is_wrong_of = wrong_ids(table)
    is_wrong = np.array([is_wrong_of[id_] for id_ in ranking.ids])
    curve = metrics.curve(metrics.steps(is_wrong, -ranking.label_scores))
    ap = float(metrics.average_precision(curve)[0])
    f1 = float(metrics.flag_metrics(is_wrong, ranking.is_label_issue).f1[0])
    return [f"{len(is_wrong):,}", f"{ap:.3f}", f"{f1:.3f}", f"{seconds:.0f}"]


if __name__ == "__main__":
    main()
