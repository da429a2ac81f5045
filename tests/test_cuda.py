"""What a GPU must do as a CPU does. Without a GPU these tests are skipped.

``NOISEFIND_TEST_DEVICE=cpu`` runs them on the CPU, which only proves that they run.
"""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from noisefind.evaluation import metrics
from noisefind.features.frozen import write_features
from noisefind.features.pretrained import pretrained_network
from noisefind.runs.folder import RunFolder
from noisefind.utils.progress import Progress
from tests.commands import DIGITS, TRUTH, finished_process

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CPU, DEVICE = torch.device("cpu"), torch.device(os.environ.get("NOISEFIND_TEST_DEVICE", "cuda"))
LITTLE = 600e6  # bytes of the card: too few for 512 images at 192 px
CNN = ("--network", "cnn", "--members", "2", "--epochs", "2")

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.slow,
    pytest.mark.skipif(
        DEVICE.type == "cuda" and not torch.cuda.is_available(), reason="there is no GPU"
    ),
]


def features(folder: Path, device: torch.device, size: int = 96) -> NDArray[np.float32]:
    """Of pixels that are half random, half smooth."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (600, size, size, 3))
    smooth = np.broadcast_to(rng.integers(0, 256, (600, 1, size, 3)), noise.shape)
    pixels = ((noise + smooth) // 2).astype(np.uint8)
    path = folder / f"{device.type}-{size}.npy"
    module = pretrained_network("lite2").build(size).to(device)
    write_features(module, pixels, path, device=device, progress=Progress())
    return np.asarray(np.load(path))


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(1) / lengths)


def scored(folder: Path, *options: str) -> RunFolder:
    """A run on the sample data in a process of its own, with an empty cache."""
    words: list[str | Path] = [
        "score",
        DIGITS,
        "-o",
        folder / "run",
        "--cache-dir",
        folder / "cache",
        *options,
    ]
    assert finished_process(*words) == 0
    return RunFolder(folder / "run")


def average_precisions(run: RunFolder) -> dict[str, float]:
    """Of every score, for the injected errors."""
    with TRUTH.open(encoding="utf-8", newline="") as file:
        injected = {r["file_name"] for r in csv.DictReader(file) if r["label"] != r["true_label"]}
    ranking = run.read_ranking()
    is_wrong = np.array([id_ in injected for id_ in ranking.ids])
    assert is_wrong.sum() == 30
    return {
        name: float(metrics.average_precision(metrics.curve(metrics.steps(is_wrong, values)))[0])
        for name, values in ranking.hardness().items()
    }


def test_features_are_those_of_a_cpu(tmp_path: Path) -> None:
    """The vector of every image points in the same direction."""
    assert cosines(features(tmp_path, CPU), features(tmp_path, DEVICE)).min() >= 0.999


def test_scores_are_those_of_a_cpu(tmp_path: Path) -> None:
    """Every score finds the injected errors as well as on a CPU."""
    found = [
        average_precisions(scored(tmp_path / name, "--preset", "fast", "--device", device))
        for name, device in (("a", "cpu"), ("b", str(DEVICE)))
    ]
    differences = {name: found[1][name] - found[0][name] for name in found[0]}
    assert {n: d for n, d in differences.items() if abs(d) > 0.005} == {}


@pytest.mark.parametrize("options", [("--preset", "fast"), CNN])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Two runs, each with a cache of its own."""
    runs = [scored(tmp_path / name, *options, "--device", str(DEVICE)) for name in "ab"]
    assert len({(run.path / "scores.csv").read_bytes() for run in runs}) == 1


def test_a_gpu_beside_a_cpu(tmp_path: Path) -> None:
    """``--devices`` trains one of two members on each."""
    first = "cuda:0" if DEVICE.type == "cuda" else "cpu"
    run = scored(tmp_path, *CNN, "--devices", f"{first},cpu")
    assert len(run.read_ranking().ids) == 1000


@pytest.mark.skipif(DEVICE.type != "cuda", reason="only a GPU has little memory")
def test_too_little_memory(tmp_path: Path) -> None:
    """Batches that do not fit are halved, and the features are the same."""
    expected = features(tmp_path, DEVICE, 192)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    _, whole = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(LITTLE / whole)
    try:
        found = features(tmp_path, DEVICE, 192)
        assert torch.cuda.max_memory_allocated() <= LITTLE
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert cosines(expected, found).min() >= 0.9999
