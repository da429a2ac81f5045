"""The repr of a result is a few lines, however many images it has."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import noisefind
from noisefind.data.dataset import Dataset, Skipped
from noisefind.evaluation.selftest import SelftestResult, Spread
from noisefind.experiments.files import SweepResult
from noisefind.experiments.table import SweepTable
from noisefind.noise import Noise
from noisefind.pruning.decisions import Review
from noisefind.pruning.manifest import Manifest
from noisefind.pruning.selection import Selection
from noisefind.similarity.duplicates import Duplicates

N = 2000
LABELS = np.arange(N) % 4
PROBS = np.full((N, 4), 0.02)
PROBS[np.arange(N), LABELS] = 0.94
PROBS[0] = [0.01, 0.97, 0.01, 0.01]
ISSUES = noisefind.find_label_issues(LABELS, PROBS)
FEW = np.arange(N) < 3
IDS = tuple(f"{row:04d}.png" for row in range(N))
DATASET = Dataset(
    root=Path("photos"), ids=IDS, labels=LABELS, classes=("a", "b", "c", "d"),
    splits=("train",) * N, images=[Path(id_) for id_ in IDS], fingerprint="f",
    skipped=(Skipped("x.txt", "not an image"),),
)  # fmt: skip
SPREAD = Spread(0.1, "label_score", "average_precision", mean=0.912, std=0.01, n_seeds=3)
TABLE = SweepTable([0], {}, [], 4, "")
CASES: dict[str, tuple[object, str]] = {
    "LabelNoise": (ISSUES.noise, "classes: 4"),
    "Dataset": (DATASET, "images: 2,000 in 4 classes\n  splits: train\n  files left out: 1"),
    "Duplicates": (
        Duplicates(FEW.astype(np.int64), FEW, np.where(FEW, 0, -1)),
        "groups: 1\n  images in groups: 3 (0.1 %)",
    ),
    "Noise": (Noise(LABELS, FEW), "labels: 2,000\n  changed: 3 (0.1 %)"),
    "Selection": (Selection(~FEW, [""] * N), "kept: 1,997 (99.9 %)"),
    "Manifest": (
        Manifest(IDS, ["a"] * N, [""] * N, ~FEW, [""] * N),
        "kept: 1,997 (99.9 %) of 2,000 images\n  dropped: 3",
    ),
    "Review": (Review(), "decisions: 0"),
    "Predictions": (
        noisefind.Predictions.from_probabilities(PROBS[None, None], LABELS),
        "members: 1\n  epochs: 1\n  images: 2,000 in 4 classes",
    ),
    "SelftestResult": (
        SelftestResult([SPREAD], {"data": "photos"}, Path("out")),
        "data: photos\n  seeds: 3\n  average precision: 10.00% injected: 0.912",
    ),
    "SweepResult": (
        SweepResult(
            TABLE, {"subcommand": "easiest", "run": "run", "conclusions": [Decimal(1)]}, Path("out")
        ),
        "subcommand: easiest\n  run: run\n  trainings: 0\n  conclusions: 1",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_repr_is_short(name: str) -> None:
    """The name of the type, then counts: five lines at most."""
    result, content = CASES[name]
    text = repr(result)
    assert text.startswith(name)
    assert content in text
    assert len(text.splitlines()) <= 5


def test_label_issues() -> None:
    """Counts, the noise rate, and whether predictions could be checked."""
    n_flagged = int(ISSUES.is_label_issue.sum())
    first, *lines = repr(ISSUES).splitlines()
    assert first == "LabelIssues"
    assert lines[0] == "  examples: 2,000 in 4 classes"
    assert lines[1].startswith(f"  label issues: {n_flagged} (")
    assert lines[2] == "  worth a look: 0 more"
    assert lines[3].startswith("  noise rate: ")
    assert lines[4] == "  memorised: not checked"


def test_names_cannot_steer_a_terminal() -> None:
    """A folder of any name is one line of limited length."""
    text = repr(SelftestResult([SPREAD], {"data": "a\nb\x1b[2J" + "x" * 9999}, Path("out\n")))
    assert len(text.splitlines()) == 4
    assert "\x1b" not in text
    assert len(text) < 1000
