"""The Recorder's share of an epoch of ResNet-18, and its memory over the epochs.

    python benchmarks/recorder_overhead.py

Epochs with and without the Recorder take turns, on the same network and random images of 32 px.
It prints the seconds of both, the ratio within each pair, and the seconds that pass inside the
Recorder itself (process time too, which other programs on the machine disturb less). Then the peak
memory after the first pairs and after the last one.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from statistics import mean, median, stdev
from typing import TYPE_CHECKING

import numpy as np
import torch
import torchvision

from noisefind import Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH_SIZE = 64
N_WARM = 2  # pairs that are not counted: allocators and caches fill


class Clock:
    """Adds up seconds and process seconds of what runs inside ``with``."""

    def __init__(self) -> None:
        self.seconds = self.process = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started[0]
        self.process += time.process_time() - self._started[1]


class Training:
    """ResNet-18 of torchvision on random images."""

    def __init__(self, n_images: int, n_classes: int) -> None:
        random = np.random.default_rng(0)
        torch.manual_seed(0)
        self.ids = np.array([f"{n}.png" for n in range(n_images)])
        self.labels = random.integers(0, n_classes, n_images)
        self._images = torch.tensor(random.normal(size=(n_images, 3, 32, 32)), dtype=torch.float32)
        self._network = torchvision.models.resnet18(num_classes=n_classes)
        self._optimizer = torch.optim.SGD(self._network.parameters(), 0.01)

    def epoch(self, recorder: Recorder | None, inside: Clock) -> Clock:
        """Train an epoch; ``inside`` counts what the Recorder takes of it."""
        whole = Clock()
        with whole:
            for rows in torch.split(torch.randperm(len(self.ids)), BATCH_SIZE):
                logits = self._network(self._images[rows])
                targets = torch.from_numpy(self.labels[rows])
                loss = torch.nn.functional.cross_entropy(logits, targets)
                self._optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self._optimizer.step()
                if recorder:
                    with inside:
                        recorder.update(self.ids[rows].tolist(), logits)
            if recorder:
                with inside:
                    recorder.end_epoch()
        return whole


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    return f"{mean(values):.4f} ({stdev(values):.4f})"


def peak_megabytes() -> float:
    """Peak memory of this process until now; on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=12, help="of epochs that are counted")
    options = parser.parse_args()
    training = Training(options.images, options.classes)
    names = [str(n) for n in range(options.classes)]
    without, with_it, insides = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(folder, training.ids.tolist(), training.labels, names)
        for pair in range(N_WARM + options.pairs):
            inside, order = Clock(), (None, recorder)
            of_pair = [training.epoch(each, inside) for each in order[:: 1 if pair % 2 else -1]]
            if pair < N_WARM:
                memory = peak_megabytes()
                continue
            plain, recorded = of_pair[:: 1 if pair % 2 else -1]
            without.append(plain.process)
            with_it.append(recorded.process)
            insides.append(inside.process)
            print(
                f"{pair}: without {plain.seconds:.3f} s, with {recorded.seconds:.3f} s, inside the "
                f"Recorder {inside.seconds:.4f} s, {peak_megabytes():.1f} MB",
                flush=True,
            )
    ratios = [b / a for a, b in zip(without, with_it, strict=True)]
    shares = [inside / whole for inside, whole in zip(insides, with_it, strict=True)]
    print(f"process seconds of an epoch: without {spread(without)}, with {spread(with_it)}")
    print(f"ratio of a pair: {spread(ratios)}, median {median(ratios):.4f}")
    print(f"share of the epoch inside the Recorder: {spread(shares)}")
    print(
        f"peak memory: {memory:.1f} MB after {N_WARM} pairs, {peak_megabytes():.1f} MB at the end"
    )


if __name__ == "__main__":
    main()
