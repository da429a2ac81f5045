"""What each preset costs and finds: average precision and F1 against seconds.

    NOISEFIND_DATA=FOLDER python benchmarks/frontier.py UNPACKED [--preset fast ...] [--images N]

Each preset scores the same four cases, with an empty cache and in a process of its own, so that
start-up counts. Below stands cleanlab on the features of the first preset: its best ranking, its
default flags and the seconds of its probabilities, without those of the features. cases.py says
what FOLDER and UNPACKED hold; `--images` takes fewer of each case. Needs cleanlab.
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
from peers import cleanlab_flags, cleanlab_suspicion, out_of_sample

from noisefind.evaluation import metrics
from noisefind.runs.folder import RunFolder

if TYPE_CHECKING:
    from cases import Case
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

PRESETS = ("fast", "standard")
BEST_RANKING, DEFAULT_FLAGS = "cleanlab self_confidence unadjusted", "cleanlab prune_by_noise_rate"
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
            runs = []
            for preset in options.preset or PRESETS:
                runs.append(RunFolder(home / "runs" / case.name.replace(" ", "-") / preset))
                print_row(case, preset, *measured(case, table, preset, runs[-1]))
            print_row(case, "cleanlab", *peer(table, runs[0]))


def print_row(
    case: Case, what: str, is_wrong: Bools, suspicion: Floats, is_flagged: Bools, seconds: float
) -> None:
    """Images, average precision, F1 and seconds."""
    curve = metrics.curve(metrics.steps(is_wrong, suspicion))
    ap = float(metrics.average_precision(curve)[0])
    f1 = float(metrics.flag_metrics(is_wrong, is_flagged).f1[0])
    cells = (case.name, what, f"{len(is_wrong):,}", f"{ap:.3f}", f"{f1:.3f}", f"{seconds:.0f}")
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


def measured(
    case: Case, table: Path, preset: str, run: RunFolder
) -> tuple[Bools, Floats, Bools, float]:
    """Score, and give what print_row takes."""
    with tempfile.TemporaryDirectory() as cache:
        words = ["score", case.data, "-o", run.path, "--preset", preset]
        words += ["--labels", table, "--only-listed", "--cache-dir", cache]
        command = [sys.executable, "-m", "noisefind", *map(str, words)]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
    ranking, wrong = run.read_ranking(), wrong_ids(table)
    is_wrong = np.array([wrong[id_] for id_ in ranking.ids])
    return is_wrong, -ranking.label_scores, ranking.is_label_issue, seconds


def peer(table: Path, run: RunFolder) -> tuple[Bools, Floats, Bools, float]:
    """The same of cleanlab, on the features of a run."""
    ranking, wrong = run.read_ranking(), wrong_ids(table)
    by_id = np.argsort(np.array(ranking.ids, dtype=object))  # the order of the features
    labels = np.unique(np.array(ranking.given_labels)[by_id], return_inverse=True)[1]
    is_wrong = np.array([wrong[ranking.ids[row]] for row in by_id])
    start = time.perf_counter()
    probabilities = out_of_sample(np.load(run.reduced_features), labels)
    suspicion = cleanlab_suspicion(labels, probabilities)[BEST_RANKING]
    flags = cleanlab_flags(labels, probabilities)[DEFAULT_FLAGS]
    return is_wrong, suspicion, flags, time.perf_counter() - start


if __name__ == "__main__":
    main()
