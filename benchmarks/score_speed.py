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
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from noisefind.config import DataConfig
from noisefind.data.open import open_dataset
from noisefind.data.pixels import open_pixels
from noisefind.training.examples import Examples
from noisefind.training.member import train_member
from noisefind.training.network import NetworkOptions, new_model
from noisefind.training.normalize import QUARTER, to_input
from noisefind.training.recipe import RECIPES, MemberKind
from noisefind.utils.device import prepare_cpu
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

N_CIFAR = 10_000
MEMBERS, EPOCHS, BATCH_SIZE = 2, 8, 128
N_THREADS = os.cpu_count() or 1
HERE = Path(__file__).parent
PARTS = ("cifar10", "clothing", "rates", "decoding")


def main() -> None:
    """Measure the parts that are asked for and print what they give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unpacked", type=Path)
    parser.add_argument("clothing", type=Path)
    parser.add_argument("--part", choices=PARTS, action="append", help="default: all")
    parser.add_argument("--turns", type=int, default=2, help="of both ways, and of each rate")
    parser.add_argument("--images", type=int, default=N_CIFAR, help="at most so many of each set")
    parser.add_argument("--kept", type=Path, help="JSON lines: the table is of all turns in there")
    options = parser.parse_args()
    parts = options.part or PARTS
    prepare_cpu(N_THREADS)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if "cifar10" in parts:
            images = subset(options.unpacked / "cifar10/train", home / "cifar10", options.images)
            measure("cifar10", images, 32, home, options)
        if {"clothing", "decoding"} & set(parts):
            images = subset(options.clothing / "train", home / "clothing", options.images)
        if "clothing" in parts:
            measure("clothing", images, 64, home, options)
        if "rates" in parts:
            for size in (32, 64):
                print(rate(size, options.turns), flush=True)
        if "decoding" in parts:
            print(decoding(images, home, options.turns))


def measure(name: str, images: Path, size: int, home: Path, options: argparse.Namespace) -> None:
    """Both ways in turn, and the table of these turns and those that were kept before."""
    kept = options.kept or home / "kept.jsonl"
    n_workers = best_workers(images, size, home)
    for turn in range(options.turns):
        found = one_turn(images, size, n_workers, home / f"{name}-{turn}")
        with kept.open("a") as file:
            file.write(json.dumps({"case": name, **found}) + "\n")
    turns = [found for found in map(json.loads, kept.open()) if found["case"] == name]
    n_images = sum(1 for _ in images.glob("*/*"))
    print(f"{n_images:,} images of {name} at {size} px, {MEMBERS} members, {EPOCHS} epochs")
    print(f"batches of {BATCH_SIZE}, {N_THREADS} threads, {n_workers} workers, {len(turns)} turns")
    print("| plain way, s | score, s | ratio | plain epochs, s | score's epochs, s | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    columns = []
    for plain, ours in (("plain", "score"), ("plain_training", "training")):
        ratios = [found[plain] / found[ours] for found in turns]
        columns += [spread([found[way] for found in turns], 1) for way in (plain, ours)]
        columns.append(spread(ratios, 2))
    print("| " + " | ".join(columns) + " |", flush=True)
    print({stage: round(s, 1) for stage, s in turns[-1]["stages"].items()}, flush=True)


def subset(root: Path, target: Path, n_images: int) -> Path:
    """Class folders of links to at most so many images, chosen by a seed."""
    files = sorted(p for p in root.glob("*/*") if p.is_file())
    for row in np.random.default_rng(0).permutation(len(files))[:n_images]:
        link = target / files[row].parent.name / files[row].name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(files[row].resolve())
    return target


def plain(
    images: Path, size: int, output: Path, *, workers: int, members: int, epochs: int
) -> tuple[float, float]:
    """Seconds of the plain way: of the whole process, and of its epochs alone."""
    options = {"size": size, "members": members, "epochs": epochs, "batch-size": BATCH_SIZE}
    options |= {"workers": workers, "threads": N_THREADS}
    words = [f"--{key}={value}" for key, value in options.items()]
    seconds, printed = clocked([HERE / "plain_way.py", images, output, *words])
    return seconds, float(printed)


def best_workers(images: Path, size: int, home: Path) -> int:
    """The number of DataLoader workers with the fastest epoch on a fifth of the images."""
    few = subset(images, home / f"few-{images.name}", sum(1 for _ in images.glob("*/*")) // 5)

    def seconds(workers: int) -> float:
        return plain(few, size, home / "few.npy", workers=workers, members=1, epochs=2)[1]

    return min((0, 1, 2), key=seconds)


def one_turn(images: Path, size: int, n_workers: int, home: Path) -> dict[str, Any]:
    """Seconds of the plain way and then of `score`, with an empty cache."""
    home.mkdir()
    whole, training = plain(
        images, size, home / "plain.npy", workers=n_workers, members=MEMBERS, epochs=EPOCHS
    )
    run = home / "run"
    words = ["--network", "cnn", "--image-size", size, "--members", MEMBERS, "--epochs", EPOCHS]
    words += ["--batch-size", BATCH_SIZE, "--cache-dir", home / "cache"]
    seconds, _ = clocked(["-m", "noisefind", "score", images, "-o", run, *words])
    stages = json.loads((run / "run.json").read_text())["seconds"]
    return {
        "plain": whole,
        "plain_training": training,
        "score": seconds,
        "training": stages["training"],
        "stages": stages,
    }


def rate(size: int, turns: int) -> str:
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
            Examples(images, labels, 10), MemberKind("cnn", recipe, seed=0), NetworkOptions(), 0,
            device=torch.device("cpu"), observer=_Nobody(), progress=Progress(),
        )  # fmt: skip

    shares = []
    for _ in range(turns):
        product = best_of(lambda: a @ a, 5)
        ceiling = 2 * 2048**3 / product
        shares.append((training + prediction) / best_of(epoch, 1) / ceiling)
    gflops = ceiling / 1e9
    return (
        f"{size} px, a training epoch with its prediction pass: {spread(shares, 3)} of the "
        f"{gflops:.0f} GFLOP/s of a matrix product"
    )


def decoding(images: Path, home: Path, turns: int) -> str:
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

    for turn in range(turns):
        plain = best_of(bare_all, 1)

        def ours(cache: Path = home / f"decoded-{turn}") -> None:
            open_pixels(
                dataset, size, cache=cache, max_pixels=10**8, n_threads=N_THREADS,
                progress=Progress(),
            )  # fmt: skip

        shares.append(plain / best_of(ours, 1))
    return f"decoding {len(dataset):,} photographs to {size} px: {spread(shares, 2)} of bare Pillow"


class _Nobody:
    """An observer that keeps nothing."""

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """Do nothing."""


def clocked(words: list[object]) -> tuple[float, str]:
    """Seconds of a Python process from start to end, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *map(str, words)], check=True, stderr=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    return time.perf_counter() - start, done.stdout


def best_of(run: Callable[[], object], times: int) -> float:
    """The fewest seconds of some calls."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def spread(values: list[float], digits: int) -> str:
    """Mean, and standard deviation where there are several."""
    deviation = f" ({stdev(values):.{digits}f})" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation}"


if __name__ == "__main__":
    main()
