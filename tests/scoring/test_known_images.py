"""Images that the cache knows from another dataset: not computed again, and no result changes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from noisefind.features import frozen
from tests.commands import DIGITS, QUICK, CommandLine, copy_digits, process

if TYPE_CHECKING:
    from pathlib import Path

    import torch

SCORE = (*QUICK, "--threads", "1")
N_CLASSES = 10


def add_digits(root: Path, start: int, end: int) -> Path:
    """The sample's images from ``start`` to ``end`` of every class."""
    for folder in sorted(path for path in DIGITS.iterdir() if path.is_dir()):
        (root / folder.name).mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir())[start:end]:
            shutil.copy2(path, root / folder.name / path.name)
    return root


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of images of every pass of a network."""
    counts: list[int] = []
    write = frozen.write_features

    def counting(module: torch.nn.Module, *arguments: object, **options: object) -> None:
        counts.append(len(options["order"]))  # type: ignore[arg-type]
        write(module, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(frozen, "write_features", counting)
    return counts


@pytest.mark.slow
def test_a_dataset_that_moved_or_grew(
    noisefind: CommandLine, tmp_path: Path, computed: list[int]
) -> None:
    """Each run computes the new images alone; scores.csv is that of an empty cache."""

    def score(data: Path, n_new: int) -> None:
        for cache, expected in (("shared", n_new), (f"only-{data.name}", None)):
            computed.clear()
            run = tmp_path / f"run-{data.name}-{cache}"
            noisefind("score", data, "-o", run, *SCORE, "--cache-dir", tmp_path / cache)
            assert expected in (None, sum(computed))
        both = [tmp_path / f"run-{data.name}-{c}" for c in ("shared", f"only-{data.name}")]
        for name in ("scores.csv", "features/reduced.npy"):
            assert (both[0] / name).read_bytes() == (both[1] / name).read_bytes()

    parent = tmp_path / "parent"
    train = copy_digits(parent / "train", 4)
    score(train, 4 * N_CLASSES)
    add_digits(parent / "test", 4, 6)
    score(parent, 0)  # its images are those of the folder train
    renamed = tmp_path / "renamed"
    for number, path in enumerate(sorted(train.rglob("*.png"))):
        name = f"{(number * 17) % 41:02d}.png"  # so that the order changes too
        (renamed / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, renamed / path.parent.name / name)
    score(renamed, 0)
    shutil.copytree(train, tmp_path / "larger")
    score(add_digits(tmp_path / "larger", 6, 7), N_CLASSES)


@pytest.mark.slow
def test_two_processes_with_common_images(tmp_path: Path) -> None:
    """A folder and its parent, scored at once with one cache: both as with caches of their own."""
    parent = tmp_path / "parent"
    data = [copy_digits(parent / "train", 4), parent]
    add_digits(parent / "test", 4, 6)
    for caches in (("shared", "shared"), ("one", "two")):
        running = [
            process(
                "score", folder, "-o", tmp_path / f"{folder.name}-{cache == 'shared'}", *SCORE,
                "--cache-dir", tmp_path / cache,
            )
            for folder, cache in zip(data, caches, strict=True)
        ]  # fmt: skip
        errors = [one.communicate()[1] for one in running]
        assert [one.returncode for one in running] == [0, 0], errors
    for folder in data:
        both = [tmp_path / f"{folder.name}-{shared}" / "scores.csv" for shared in (True, False)]
        assert both[0].read_bytes() == both[1].read_bytes()
