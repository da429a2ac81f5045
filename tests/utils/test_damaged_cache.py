"""Damaged entries of the cache: each is made again, with one line, and gives the same result."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from noisefind.data.dataset import Dataset
from noisefind.data.pixels import Stored, open_pixels, resized_pixels
from noisefind.experiments.curves import CurveCache
from noisefind.features.frozen import FeatureView, FrozenNetwork, frozen_features
from noisefind.scoring.image_checks import ImageCheckSettings, image_measures
from noisefind.training.subsets import Curve, Phase, SubsetJob
from noisefind.utils import checksums
from noisefind.utils.checksums import CHECKSUMS, damage_of, write_checksums
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable


class Lines(Progress):
    """Keeps the lines for the user."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


class Mean(nn.Module):
    """The mean colour of each image, as features."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.float().mean((1, 2))


class Made(NamedTuple):
    """An entry that was made or found: its file or folder, and its content for the caller."""

    place: Path
    content: bytes


def stored(cache: Path, progress: Progress) -> Stored:
    images = np.random.default_rng(0).integers(0, 256, (6, 9, 9, 3), dtype=np.uint8)
    ids, labels = tuple("abcdef"), np.arange(6) % 2
    dataset = Dataset(cache, ids, labels, ("x", "y"), ("",) * 6, images, "f")
    return open_pixels(
        dataset, 8, cache=cache, max_pixels=10**6, n_threads=1, progress=progress
    )  # fmt: skip


def entry_in(folder: Path) -> Path:
    (entry,) = (path for path in folder.iterdir() if not path.name.startswith("."))
    return entry


def make_pixels(cache: Path, progress: Progress) -> Made:
    found = stored(cache, progress)
    arrays = (found.pixels, found.sizes, found.digests)
    return Made(entry_in(cache / "pixels"), b"".join(array.tobytes() for array in arrays))


def make_resized(cache: Path, progress: Progress) -> Made:
    pixels = stored(cache / "other", Progress()).pixels
    small = resized_pixels(pixels, 4, key="key", cache=cache, progress=progress)
    return Made(entry_in(cache / "pixels"), small.tobytes())


def make_features(cache: Path, progress: Progress) -> Made:
    pixels = stored(cache / "other", Progress()).pixels
    network = FrozenNetwork("mean", None, lambda _: Mean())
    device = torch.device("cpu")
    features = frozen_features(
        FeatureView(network, 8), pixels, key="key", cache=cache, device=device, progress=progress
    )
    return Made(entry_in(cache / "features"), features.tobytes())


def make_quality(cache: Path, progress: Progress) -> Made:
    pixels = stored(cache / "other", Progress())
    settings = ImageCheckSettings(10**6, cache, 1, progress, 0)
    measures = image_measures(pixels, settings)
    return Made(entry_in(cache / "quality"), measures.tobytes())


def make_curve(cache: Path, progress: Progress) -> Made:
    curves = CurveCache(cache / "sweeps", "key", progress.say)
    job = SubsetJob((Phase(np.arange(3), 2, 4),), np.zeros(4, np.int64), 0)
    curve = curves.get(job)
    if curve is None:
        curve = Curve(np.array([0.1, 1 / 3]), np.array([0.25, 0.5]))
        curves.put(job, curve)
    return Made(entry_in(cache / "sweeps"), np.stack(curve).tobytes())


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def garble(start: float) -> Callable[[Path], None]:
    """Damage of eight bytes at ``start``, a share of the file."""

    def damage(file: Path) -> None:
        content = bytearray(file.read_bytes())
        place = min(int(start * len(content)), len(content) - 8)
        content[place : place + 8] = b"\xff\0garbag"
        file.write_bytes(content)

    return damage


def flip_a_bit(file: Path) -> None:
    """Turn one digit of a text into another, or one bit of an array."""
    content = bytearray(file.read_bytes())
    places = [n for n, byte in enumerate(content) if chr(byte) in "01234567"]
    is_text = file.suffix == ".json" and places
    content[places[len(places) // 2] if is_text else -1] ^= 1
    file.write_bytes(content)


def replace_by_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()
    (file / "inside").touch()


def replace_by_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def replace_by_a_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("nothing")


MAKERS = {
    "pixels": make_pixels,
    "resized": make_resized,
    "features": make_features,
    "quality": make_quality,
    "curve": make_curve,
}
DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "truncated": truncate,
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "garbage header": garble(0),
    "garbage body": garble(0.7),
    "one bit": flip_a_bit,
    "nested": lambda file: file.write_text("[" * 100_000),
    "a folder": replace_by_a_folder,
    "a pipe": replace_by_a_pipe,
    "a link to nothing": replace_by_a_link,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", MAKERS)
def test_a_damaged_file_is_made_again(kind: str, damage: str, tmp_path: Path) -> None:
    """Whatever happens to any file of an entry: same result, same entry, and one line."""
    make, progress = MAKERS[kind], Lines()
    first = make(tmp_path, progress)
    files = sorted(first.place.iterdir()) if first.place.is_dir() else [first.place]
    before = [file.read_bytes() for file in files]
    for file in files:
        DAMAGE[damage](file)
        progress.lines.clear()

        second = make(tmp_path, progress)

        assert second == first
        assert [file.read_bytes() for file in files] == before
        is_gone = kind == "curve" and damage == "missing"
        assert len(progress.lines) == (0 if is_gone else 1), file.name
        assert all("damaged" in line and "\n" not in line for line in progress.lines)
    progress.lines.clear()
    assert make(tmp_path, progress) == first
    assert progress.lines == []


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "curve"])
def test_the_folder_of_an_entry_is_damaged(kind: str, tmp_path: Path) -> None:
    """A file, an empty folder or a link to nothing instead of the entry: it is made again.

    A file that the entry was not made with is ignored and stays.
    """
    make, progress = MAKERS[kind], Lines()
    first = make(tmp_path, progress)
    extra = first.place / ".DS_Store"
    extra.touch()
    assert make(tmp_path, progress) == first
    assert extra.exists()
    assert progress.lines == []
    for damage in (Path.touch, Path.mkdir, lambda place: place.symlink_to("nothing")):
        shutil.rmtree(first.place)
        damage(first.place)
        progress.lines.clear()
        assert make(tmp_path, progress) == first
        assert len(progress.lines) == 1


def test_an_entry_under_the_name_of_another(tmp_path: Path) -> None:
    """An intact entry is damaged under another name: it holds other results."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "file").write_text("content")
    write_checksums(tmp_path / "one", "one")
    assert damage_of(tmp_path / "one", "one") == ""
    assert damage_of(tmp_path / "one", "two") == "it is a copy of 'one'"


def test_a_large_file_is_checked_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large file the first, the last and evenly spread blocks are checked, and its size."""
    monkeypatch.setattr(checksums, "BLOCK", 10)
    monkeypatch.setattr(checksums, "N_CHECKED", 4)
    file, content = tmp_path / "file", bytes(range(95))
    file.write_bytes(content)
    write_checksums(tmp_path, "name")
    noticed = []
    for block in range(10):
        changed = bytearray(content)
        changed[block * 10 + 3] ^= 1
        file.write_bytes(changed)
        if damage_of(tmp_path, "name"):
            noticed.append(block)
    assert noticed == [0, 3, 6, 9]
    file.write_bytes(content[:-1])
    assert damage_of(tmp_path, "name") == "file has 94 bytes instead of 95"
    file.write_bytes(content)
    assert (tmp_path / CHECKSUMS).exists()
    assert damage_of(tmp_path, "name") == ""
