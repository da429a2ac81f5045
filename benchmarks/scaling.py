"""Seconds and peak memory of `noisefind score` against images, members and classes.

    python benchmarks/scaling.py CIFAR_BATCHES [--table images] [--numbers 1000 5000]

CIFAR_BATCHES is CIFAR-10 in its python format. Each run is a process of its own with the defaults
but for what the row says, and an empty cache; for the classes, labels are drawn by a seed. The
slope is the exponent b of seconds ~ number^b, fitted over all rows of a table (1 is linear).
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

N_IMAGES = 10_000
TABLES: dict[str, tuple[int, ...]] = {
    "images": (1_000, 5_000, 10_000, 20_000, 50_000),
    "members": (1, 5, 10, 20),
    "classes": (10, 100, 1_000),
}


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("batches", type=Path)
    parser.add_argument("--table", choices=TABLES, action="append", help="default: all")
    parser.add_argument("--numbers", type=int, nargs="+", help="in place of the table's own")
    options = parser.parse_args()
    batches = options.batches.resolve()
    for what in options.table or TABLES:
        numbers = options.numbers or TABLES[what]
        print(f"| {what} | seconds | peak memory |\n| --- | --- | --- |")
        found = []
        for number in numbers:
            seconds, peak = run_once(batches, **{f"n_{what}": number})
            found.append(seconds)
            print(f"| {number:,} | {seconds:.1f} | {peak / 1e9:.2f} GB |", flush=True)
        if len(numbers) > 1:
            slope = np.polyfit(np.log(numbers), np.log(found), 1)[0]
            print(f"slope {slope:.2f}\n", flush=True)


def run_once(
    batches: Path, n_images: int = N_IMAGES, n_members: int = 10, n_classes: int = 10
) -> tuple[float, int]:
    """Seconds and peak bytes of one process."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "labels.csv"
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("file_name", "label"))
            for row in range(n_images):
                writer.writerow((f"train/{row:05d}", f"class{rng.integers(n_classes):04d}"))
        words = [sys.executable, "-m", "noisefind", "score", batches, "-o", f"{folder}/run"]
        words += ["--labels", table, "--only-listed", "--network", "probe"]
        words += ["--members", n_members, "--cache-dir", f"{folder}/cache"]
        start = time.perf_counter()
        null = os.open(os.devnull, os.O_WRONLY)
        actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
        pid = os.posix_spawn(
            sys.executable, [str(w) for w in words], os.environ, file_actions=actions
        )
        _, status, usage = os.wait4(pid, 0)
        if status:
            raise RuntimeError(f"noisefind left with status {status}")
        return time.perf_counter() - start, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
