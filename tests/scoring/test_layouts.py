"""Odd folders of images through score, prune and report, by the command line."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.commands import DIGITS, QUICK, CommandLine, finished, read_csv

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("one", "seven", "zero")


def digits() -> list[tuple[str, Path]]:
    """Twelve images of three classes each, with the label."""
    return [(label, file) for label in LABELS for file in sorted((DIGITS / label).iterdir())[:12]]


def put(file: Path, place: Path) -> None:
    """Copies a file, and makes the folders above it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, place)


def stray(root: Path) -> list[str]:
    """Splits in a lone folder, with plots beside them and a split without labels."""
    for k, (label, file) in enumerate(digits()):
        put(file, root / "digits" / ("seg_val" if k % 4 == 3 else "seg_train") / label / file.name)
    put(file, root / "digits/runs/plot.png")
    put(file, root / "digits/seg_test/1.png")
    return []


def grouped(root: Path) -> list[str]:
    """Groups above the classes, images without suffix, and masks."""
    for label, file in digits():
        folder = root / ("round" if label == "zero" else "straight") / label
        put(file, folder / file.stem)
        put(file, folder / f"{file.stem}_mask.png")
    return ["--class-depth", "2", "--exclude", "*_mask.png"]


def listed(root: Path) -> list[str]:
    """A metadata.csv beside the images of each split."""
    for split, is_test in (("train", 0), ("test", 1)):
        rows = ["file_name,label\n"]
        for k, (label, file) in enumerate(digits()):
            if (k % 4 == 3) == is_test:
                put(file, root / split / f"{label}_{file.name}")
                rows.append(f"{label}_{file.name},{label}\n")
        (root / split / "metadata.csv").write_text("".join(rows))
    return []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "n_images", "said"),
    [
        (stray, 27, ["seg_train is train", "read from digits", "runs, 1 image", "seg_test, 1"]),
        (grouped, 36, ["36 files left out: 36 .png"]),
        (listed, 27, ["labels from test/metadata.csv, train/metadata.csv: 36 images"]),
    ],
)  # fmt: skip
def test_from_folder_to_report(
    noisefind: CommandLine, tmp_path: Path, make: object, n_images: int, said: list[str]
) -> None:
    """Every image is scored under its class; prune and report find all files again."""
    data, run = tmp_path / "data", tmp_path / "run"
    options = make(data)  # type: ignore[operator]
    output = noisefind("score", data, "-o", run, *options, *QUICK)
    assert output.code == 0, output
    assert all(line in output.err for line in said), output.err
    rows = read_csv(run / "scores.csv")
    assert len(rows) == n_images
    assert {row["given_label"] for row in rows} == set(LABELS)
    assert all((data / row["file_name"]).is_file() for row in rows)
    formats = ["--format", "imagefolder", "--format", "huggingface"]
    assert finished("prune", run, "-o", tmp_path / "clean", *formats) == 0
    kept = read_csv(tmp_path / "clean/kept.csv")
    links = [p for p in (tmp_path / "clean/imagefolder").rglob("*") if p.is_symlink()]
    assert len(links) == len(kept) > n_images / 2
    assert finished("report", run) == 0
