"""`noisefind score` against the plain way that users write, in turn on the same images.

    python benchmarks/score_speed.py UNPACKED CLOTHING

UNPACKED holds CIFAR-10 as class folders of image files in ``cifar10/train``; CLOTHING has
photographs in ``train/<class>``. Both ways train small CNNs (same network, members, epochs, batch
size, crops and flips, threads) and predict on every image after every epoch; plain_way.py is the
plain way, with the number of DataLoader workers (0, 1 or 2) that is fastest here. `score` is the
whole command with an empty cache: it also computes features and k-means, eleven scores and the CSV.

Then, in the same run: the arithmetic rate of the training steps as a share of what a float32 matrix
product of 2048 x 2048 reaches, and decoding against bare Pillow in as many threads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from noisefind.config import DataConfig, ScoreConfig
from noisefind.data.open import open_dataset
from noisefind.data.pixels import open_pixels
from noisefind.progress import Progress
from noisefind.training.device import prepare_cpu
from noisefind.training.member import new_model, train_member
from noisefind.training.normalize import QUARTER, to_input
from noisefind.training.recipe import RECIPES

if TYPE_CHECKING:
    from collections.abc import Callable

N_CIFAR = 10_000
MEMBERS, EPOCHS, BATCH_SIZE = 2, 3, 128
TURNS = 2
N_THREADS = os.cpu_count() or 1
HERE = Path(__file__).parent


def main() -> None:
    """Print the comparison, the rates and the decoding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unpacked", type=Path)
    parser.add_argument("clothing", type=Path)
    options = parser.parse_args()
    prepare_cpu(N_THREADS)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cases = {
            "CIFAR-10": (subset(options.unpacked / "cifar10" / "train", home / "cifar"), 32),
            "clothing": (subset(options.clothing / "train", home / "clothing"), 64),
        }
        print(f"{MEMBERS} members, {EPOCHS} epochs, batches of {BATCH_SIZE}, {N_THREADS} threads")
        print("| images | plain way, s | score, s | of that training, s | ratio |")
        print("| --- | --- | --- | --- | --- |")
        for name, (images, size) in cases.items():
            print(versus(name, images, size, home), flush=True)
        for size in (32, 64):
            print(rate(size), flush=True)
        print(decoding(cases["clothing"][0], home))


def subset(root: Path, target: Path) -> Path:
    """Class folders of links to at most ``N_CIFAR`` images, chosen by a seed."""
    files = sorted(p for p in root.glob("*/*") if p.is_file())
    for row in np.random.default_rng(0).permutation(len(files))[:N_CIFAR]:
        link = target / files[row].parent.name / files[row].name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(files[row].resolve())
    return target


def versus(name: str, images: Path, size: int, home: Path) -> str:
    """One row of the table: both ways in turn."""

    def plain(workers: int, members: int, epochs: int) -> float:
        options = {"size": size, "members": members, "epochs": epochs, "batch-size": BATCH_SIZE}
        options |= {"workers": workers, "threads": N_THREADS}
        words = [f"--{key}={value}" for key, value in options.items()]
        return clocked([HERE / "plain_way.py", images, home / "plain.npy", *words])

    n_workers = min((0, 1, 2), key=lambda workers: plain(workers, 1, 1))
    plain_seconds, seconds, training = [], [], []
    for turn in range(TURNS):
        plain_seconds.append(plain(n_workers, MEMBERS, EPOCHS))
        run = home / f"{name}-{turn}"
        words = ["--network", "cnn", "--image-size", size, "--members", MEMBERS, "--epochs", EPOCHS]
        words += ["--batch-size", BATCH_SIZE, "--cache-dir", home / f"cache-{name}-{turn}"]
        seconds.append(clocked(["-m", "noisefind", "score", images, "-o", run, *words]))
        training.append(json.loads((run / "run.json").read_text())["seconds"]["training"])
    ratios = [a / b for a, b in zip(plain_seconds, seconds, strict=True)]
    n_images = sum(1 for _ in images.glob("*/*"))
    cells = [f"{n_images:,} {name}, {size} px ({n_workers} workers)"]
    cells += [spread(values, 1) for values in (plain_seconds, seconds, training)]
    return "| " + " | ".join([*cells, spread(ratios, 2)]) + " |"


def rate(size: int) -> str:
    """Arithmetic rate of a training epoch as a share of a matrix product's, in turn."""
    images = np.random.default_rng(0).integers(256, size=(4096, size, size, 3), dtype=np.uint8)
    labels = np.arange(len(images)) % 10
    recipe = replace(RECIPES["cnn"], epochs=1, batch_size=BATCH_SIZE)
    model = new_model("cnn", 10, size, seed=0)
    batch = to_input(torch.from_numpy(images[:BATCH_SIZE]), QUARTER)
    with FlopCounterMode(display=False) as counter:
        model(batch).sum().backward()
    training = counter.get_total_flops() / BATCH_SIZE * len(images)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(batch)
    prediction = counter.get_total_flops() / BATCH_SIZE * len(images)
    a = torch.randn(2048, 2048)

    def epoch() -> None:
        train_member(
            images, labels, 10, kind="cnn", member=0, recipe=recipe, config=ScoreConfig(),
            normalization=QUARTER, device=torch.device("cpu"), recorder=_Nobody(),
            progress=Progress(),
        )  # fmt: skip

    shares = []
    for _ in range(3):
        product = best_of(lambda: a @ a, 5)
        ceiling = 2 * 2048**3 / product
        shares.append((training + prediction) / best_of(epoch, 1) / ceiling)
    gflops = ceiling / 1e9
    return (
        f"{size} px, a training epoch with its prediction pass: {spread(shares, 3)} of the "
        f"{gflops:.0f} GFLOP/s of a matrix product"
    )


def decoding(images: Path, home: Path) -> str:
    """Photographs per second: noisefind's pixel store against bare Pillow in as many threads."""
    dataset = open_dataset(images, DataConfig(), cache_dir=home, say=lambda _: None)
    size, shares = 192, []

    def bare(path: Path) -> None:
        with Image.open(path) as image:
            image.draft("RGB", (size, size))
            rgb = image.convert("RGB")
            np.asarray(rgb.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0))

    def bare_all() -> None:
        with ThreadPoolExecutor(N_THREADS) as pool:
            list(pool.map(bare, dataset.images))

    for turn in range(3):
        plain = best_of(bare_all, 1)

        def ours(cache: Path = home / f"decoded-{turn}") -> None:
            open_pixels(
                dataset, size, cache=cache, max_pixels=10**8, n_threads=N_THREADS,
                progress=Progress(),
            )  # fmt: skip

        shares.append(plain / best_of(ours, 1))
    return f"decoding {len(dataset):,} photographs to {size} px: {spread(shares, 2)} of bare Pillow"


class _Nobody:
    """In the recorder's place."""

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """Do nothing."""


def clocked(words: list[object]) -> float:
    """Seconds of a Python process from start to end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *map(str, words)], check=True, stderr=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return time.perf_counter() - start


def best_of(run: Callable[[], object], times: int) -> float:
    """The fewest seconds of some calls."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def spread(values: list[float], digits: int) -> str:
    """Mean and standard deviation."""
    return f"{mean(values):.{digits}f} ({stdev(values):.{digits}f})"


if __name__ == "__main__":
    main()
