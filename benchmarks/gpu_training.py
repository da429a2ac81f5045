"""The steps of gpu.py that train from pixels: ``train`` and ``thesis``.

    python gpu_training.py STEP HOME RESULTS DEVICE IMAGES SECONDS

As gpu_steps.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gpu_bench import Bench, Stopwatch, bench_of, forget, score
from torch.utils.flop_counter import FlopCounterMode

from noisefind.config import ScoreConfig
from noisefind.scoring.settings import choose_recipe
from noisefind.training.examples import Examples
from noisefind.training.member import train_member
from noisefind.training.network import NetworkOptions, learn, new_model
from noisefind.training.normalize import QUARTER, to_input
from noisefind.training.recipe import MemberKind
from noisefind.training.record import RecordWriter
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

BATCH = 512  # of the thesis' networks here; the thesis had 25
SHARE = 20  # one epoch of batches of 25 is timed on one of so many images
EPOCHS = 10  # of the experiments' trainings; the thesis had 60
STARTS = ("0,0.6", "0,0.3,0.6", "0,0.1,0.2,0.3,0.4,0.5,0.6")  # what is known comes from the cache


def main() -> None:
    """Run one step."""
    bench = bench_of(sys.argv[1:])
    {"train": train, "thesis": thesis}[bench.step](bench)


def train(bench: Bench) -> None:
    """Epochs of networks from pixels, and the card's rate of matrix products."""
    peak = matrix_rates(bench)
    n_images = bench.few(50_000)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n_images, 32, 32, 3), dtype=np.uint8)
    for network in ("cnn", "resnet18"):
        seconds = epoch_seconds(bench, network, pixels)
        flops = epoch_flops(network) * n_images
        bench.note(
            network, n=n_images, seconds=seconds, images_per_s=round(n_images / seconds),
            tflops=flops / seconds / 1e12, share_of_bf16=flops / seconds / peak,
        )  # fmt: skip
    case = bench.cifar("own", 50_000)
    run = score(bench, case, network="cnn", members=10, epochs=2)
    bench.note("ten cnn of two epochs", **run.costs)
    forget(run)
    plain_way(bench)


def matrix_rates(bench: Bench) -> float:
    """Note the rate of a product of two square matrices; return that of bfloat16."""
    side = 4096 if bench.device.type == "cuda" else 256
    rates = {}
    for name, dtype, precision in (
        ("float32", torch.float32, "highest"), ("tf32", torch.float32, "high"),
        ("bfloat16", torch.bfloat16, "highest"),
    ):  # fmt: skip
        torch.set_float32_matmul_precision(precision)
        a, b = (torch.randn(side, side, device=bench.device, dtype=dtype) for _ in range(2))
        watch = Stopwatch(bench.device)
        for part in ("warm up", *["product"] * 10):
            watch.clocked(part, torch.matmul, a, b)
        rates[name] = 10 * 2 * side**3 / watch.seconds["product"]
    torch.set_float32_matmul_precision("highest")
    bench.note(
        "matrix product", side=side, tflops={n: round(r / 1e12, 2) for n, r in rates.items()}
    )
    return rates["bfloat16"]


class _Clock(Progress):
    """Notes when each epoch is over."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def advance(self, count: int = 1) -> None:  # noqa: ARG002
        self.times.append(time.perf_counter())  # predictions are on the CPU: the card is done


def epoch_seconds(bench: Bench, network: str, pixels: Bytes, **recipe_of: Any) -> float:
    """Of training and prediction, after an epoch that warms up: the faster of two."""
    recipe = choose_recipe(ScoreConfig(), network, len(pixels))
    changes: dict[str, Any] = {"epochs": 3, **recipe_of}
    recipe = replace(recipe, **changes)
    labels, clock = np.arange(len(pixels)) % 10, _Clock()
    with tempfile.TemporaryDirectory(dir=bench.home) as folder:
        train_member(
            Examples(pixels, labels, 10), MemberKind(network, recipe, seed=0), NetworkOptions(),
            member=0, device=bench.device, progress=clock,
            observer=RecordWriter(Path(folder), labels, 10, range(1), n_epochs=recipe.epochs),
        )  # fmt: skip
    return float(np.diff(clock.times).min())


def epoch_flops(network: str) -> float:
    """Of one image in one epoch: a training step and a prediction."""
    model = new_model(network, 10, 32, 0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    batch = to_input(torch.zeros(8, 32, 32, 3, dtype=torch.uint8), QUARTER)
    with FlopCounterMode(display=False) as counter:
        learn(model, optimizer, batch, torch.zeros(8, dtype=torch.int64))
        with torch.inference_mode():
            model(batch)
    return float(counter.get_total_flops()) / 8


def plain_way(bench: Bench) -> None:
    """One epoch of the small CNN as users write it, on the processor: images through PIL."""
    folder = class_folders(bench, 5000)
    words = [folder / "train", bench.home / "plain.npy", "--size", 32, "--members", 1, "--epochs"]
    words += [1, "--batch-size", 128, "--workers", os.cpu_count(), "--threads", os.cpu_count()]
    seconds = float(command(bench, bench.home / "code/plain_way.py", *words) or "nan")
    n_images = bench.few(5000)
    bench.note("plain way, cnn on the CPU", n=n_images, images_per_s=n_images / seconds)


def class_folders(bench: Bench, n_images: int) -> Path:
    """CIFAR-10 as split folders: at most so many to train on, and a fifth of that to test on."""
    folder, n_train = bench.home / f"cases/folders-{bench.few(n_images)}", bench.few(n_images)
    for split, number in (("train", n_train), ("test", n_train // 5)):
        for label in sorted((bench.home / f"unpacked/cifar10/{split}").iterdir()):
            (folder / split / label.name).mkdir(parents=True, exist_ok=True)
            for file in sorted(label.iterdir())[: number // 10]:
                target = folder / split / label.name / file.name
                if not target.exists():
                    os.link(file, target)
    return folder


def thesis(bench: Bench) -> None:
    """Scores, their correlations, and points of experiments 3 and 5 while there is time."""
    data, out = class_folders(bench, 50_000), bench.results.parent / "thesis"
    home = Path(tempfile.mkdtemp(prefix="thesis-", dir=bench.home))
    places: list[object] = ["--cache-dir", home / "cache", "--device", bench.device]
    training: list[object] = ["--preset", "thesis-cifar10", "--batch-size", BATCH]
    slow = np.zeros((max(100, bench.few(50_000) // SHARE), 32, 32, 3), np.uint8)
    seconds = epoch_seconds(bench, "resnet18", slow, batch_size=25, epochs=2)
    bench.note("one epoch with batches of 25", n=len(slow), images_per_s=len(slow) / seconds)
    start = time.perf_counter()
    noisefind(bench, "score", data, "-o", home / "run", *training, *places)
    summary = json.loads((home / "run/run.json").read_text(encoding="utf-8"))
    bench.note(
        "thesis-cifar10", n=summary["n_images"], batch=BATCH, stages=summary["seconds"],
        seconds=round(time.perf_counter() - start, 1),
    )  # fmt: skip
    place = Path(tempfile.mkdtemp(prefix="correlation-", dir=home)) / "out"
    noisefind(bench, "evaluate", "correlation", home / "run", "-o", place)
    keep(place, out / "correlation")
    for number, starts in enumerate(STARTS):
        for name, more in (("3 windows", ()), ("5 moved labels", ("--inject", "0.1"))):
            place = home / f"window-{number}-{name[0]}"
            begun = time.perf_counter()
            noisefind(
                bench, "evaluate", "window", data, "--run", home / "run", "-o", place, "--by",
                "el2n", "--start", starts, "--seeds", 1, "--equal", "epochs", *training,
                "--epochs", EPOCHS, *places, *more,
            )  # fmt: skip
            keep(place, out / f"experiment-{name[0]}")
            bench.note(
                f"experiment {name}", starts=starts, epochs=EPOCHS,
                seconds=round(time.perf_counter() - begun, 1), kept=f"thesis/experiment-{name[0]}",
            )  # fmt: skip


def keep(folder: Path, target: Path) -> None:
    """Copy the tables, documents and plots of a result, over those of fewer points."""
    target.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.*"):
        (target / file.name).write_bytes(file.read_bytes())


def noisefind(bench: Bench, *words: object) -> None:
    """Run the command line."""
    command(bench, "-m", "noisefind", *words)


def command(bench: Bench, *words: object) -> str:
    """What a Python process prints; where it fails, its last lines are noted and the step ends."""
    done = subprocess.run(
        [sys.executable, *map(str, words)], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        bench.note("error", command=" ".join(map(str, words[:4])), last=done.stderr[-400:])
        raise SystemExit(1)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
