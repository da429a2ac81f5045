"""A million made-up images through record, scores, ranking, scores.csv and prune; no training.

    python -m benchmarks.million_rows [--classes 100] [--members 4] [--epochs 5] [--sizes ...]

Prints seconds of each stage and peak memory for 100,000 to 1,000,000 rows, each size in a process
of its own, and the slope: the exponent b of seconds ~ rows^b between each size and the next (1 is
linear).
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from noisefind.config import PruneConfig
from noisefind.data.dataset import Dataset
from noisefind.detection.leave_one_out import fit_leave_one_out
from noisefind.pruning.prune import prune
from noisefind.runs.folder import RunFolder
from noisefind.runs.writers import write_results
from noisefind.scoring.ranking import Ensemble, rank
from noisefind.similarity.findings import Findings
from noisefind.training.record import Record, RecordWriter
from tests.made_up_runs import made_up_summary

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (100_000, 200_000, 500_000, 1_000_000)
BATCH = 4096
STAGES = ("record", "rank", "write", "prune")


def main() -> None:
    """Print the table; with ``--rows``, be one of the processes that it is made of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    if options.rows:
        print(json.dumps(run_once(options.rows, options.classes, options.members, options.epochs)))
        return
    shape = f"{options.classes} classes, {options.members} members, {options.epochs} epochs"
    print(f"{shape}; seconds per stage\n\n| rows | {' | '.join(STAGES)} | total | peak memory |")
    print("| --- |" + " --- |" * (len(STAGES) + 2))
    found = {}
    for n_rows in options.sizes:
        command = [sys.executable, "-m", "benchmarks.million_rows", "--rows", str(n_rows)]
        for name in ("classes", "members", "epochs"):
            command += [f"--{name}", str(getattr(options, name))]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[n_rows] = measured = json.loads(output)
        cells = [f"{measured[stage]:.1f}" for stage in (*STAGES, "total")]
        print(f"| {n_rows:,} | {' | '.join(cells)} | {measured['peak'] / 1e9:.2f} GB |", flush=True)
    for a, b in pairwise(options.sizes):
        slope = math.log(found[b]["total"] / found[a]["total"]) / math.log(b / a)
        print(f"slope from {a:,} to {b:,} rows: {slope:.2f}")


def run_once(n_rows: int, n_classes: int, n_members: int, n_epochs: int) -> dict[str, float]:
    """Seconds per stage and peak bytes of this process."""
    rng = np.random.default_rng(0)
    labels = rng.integers(n_classes, size=n_rows)
    dataset = Dataset(
        root=Path(),
        ids=tuple(f"class{label:03d}/{row:07d}.jpg" for row, label in enumerate(labels)),
        labels=labels,
        classes=tuple(f"class{c:03d}" for c in range(n_classes)),
        splits=("",) * n_rows,
        images=[],
        fingerprint="made up",
    )
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        (run.path / "features").mkdir(parents=True)
        start = time.perf_counter()
        for member in range(n_members):
            recorder = RecordWriter(
                run.record / "cnn", labels, n_classes, range(member, member + 1), n_epochs=n_epochs
            )
            for epoch in range(n_epochs):
                for first, log_probs in made_up(labels, n_classes, member, epoch):
                    recorder.observe(member, epoch, first, log_probs)
            recorder.finish()
        seconds["record"] = time.perf_counter() - start
        start = time.perf_counter()
        distances = rng.random(n_rows)
        records, nothing = [Record(run.record / "cnn")], Findings.nothing(n_rows)
        held_out = np.concatenate([p.numpy() for _, p in made_up(labels, n_classes, 0, 2)])
        leave_one_out = fit_leave_one_out(np.exp(held_out), labels, seed=0)
        ranking = rank(
            dataset, Ensemble(records), distances, leave_one_out, findings=nothing, seed=0
        ).ranking
        seconds["rank"] = time.perf_counter() - start
        start = time.perf_counter()
        write_results(run, ranking, [], {})
        data = str(Path(folder) / "data")
        run.finish(made_up_summary(data=data, root=data, n_images=n_rows))
        seconds["write"] = time.perf_counter() - start
        start = time.perf_counter()
        prune(
            run.path, Path(folder) / "out", PruneConfig(drop=["noise", "easiest"], fraction=[0.3])
        )
        seconds["prune"] = time.perf_counter() - start
    seconds["total"] = sum(seconds.values())
    seconds["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return seconds


def made_up(
    labels: np.ndarray, n_classes: int, member: int, epoch: int
) -> Iterator[tuple[int, torch.Tensor]]:
    """What a network might say: noise, and a label that grows clearer with the epochs."""
    generator = torch.Generator().manual_seed(1000 * member + epoch)
    for start in range(0, len(labels), BATCH):
        chosen = torch.from_numpy(labels[start : start + BATCH])
        logits = torch.randn(len(chosen), n_classes, generator=generator)
        logits[torch.arange(len(chosen)), chosen] += epoch
        yield start, logits.log_softmax(1)


if __name__ == "__main__":
    main()
