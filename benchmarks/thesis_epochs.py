"""What one epoch of the thesis' networks costs: training and prediction, in images per second.

    python benchmarks/thesis_epochs.py

Per network one member trains four epochs on images of random pixels, through the same code as
``noisefind score``; the first epoch warms up, the other three are the repeats. Nothing is read or
written, so this is the cost of the arithmetic and of augmentation alone. One thread, and the
processor time of this process: so the figures hold for one core, also where others use the machine.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace

import numpy as np
import torch

from noisefind.config import ScoreConfig, load_config
from noisefind.scoring.settings import choose_recipe, network_options
from noisefind.training.examples import Examples
from noisefind.training.member import train_member
from noisefind.training.recipe import MemberKind
from noisefind.utils.device import prepare_cpu
from noisefind.utils.progress import Progress

N_EPOCHS = 4
# preset, network, side in px, classes, images of the whole dataset, images here
CASES = (
    ("thesis-cifar10", "resnet18", 32, 10, 50_000, 75),
    ("thesis-cifar100", "resnet18-plain", 32, 100, 50_000, 50),
    ("thesis-vegetables", "one-conv", 224, 15, 15_000, 250),
    ("thesis-vegetables", "resnet18", 224, 15, 15_000, 50),  # for training on the pruned data
)


class _Clock(Progress):
    """Notes when each epoch is over; as an observer it keeps nothing."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def advance(self, count: int = 1) -> None:  # noqa: ARG002
        self.times.append(time.process_time())

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """Do nothing."""


def main() -> None:
    """Print the table."""
    prepare_cpu(1)
    print(f"one thread, torch {torch.__version__}, batch 25, 3 repeats: mean (standard deviation)")
    print("| network | images here | images per core second | one epoch of the whole dataset |")
    print("| --- | --- | --- | --- |")
    rng = np.random.default_rng(0)
    for preset, network, size, n_classes, n_whole, n_images in CASES:
        config = load_config(ScoreConfig, None, {"preset": preset, "network": network})
        recipe = replace(choose_recipe(config, network, n_images), epochs=N_EPOCHS)
        pixels = rng.integers(0, 256, (n_images, size, size, 3), dtype=np.uint8)
        clock = _Clock()
        train_member(
            Examples(pixels, np.arange(n_images) % n_classes, n_classes),
            MemberKind(network, recipe, seed=0), network_options(config, pixels), 0,
            device=torch.device("cpu"), observer=clock, progress=clock,
        )  # fmt: skip
        rates = n_images / np.diff(clock.times)
        mean = statistics.mean(rates)
        print(
            f"| {network} at {size} px | {n_images} | {mean:.1f} ({statistics.stdev(rates):.1f}) | "
            f"{n_whole:,} images: {n_whole / mean / 60:.1f} core minutes |"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
