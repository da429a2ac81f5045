"""Digits with twins, a leak and faults planted among them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.commands import DIGITS

if TYPE_CHECKING:
    from pathlib import Path

COPY, MIRRORED, LEAKED = "train/one/copy.png", "train/two/mirrored.png", "test/zero/leaked.png"
PLAIN = "train/zero/wide.png"
LARGE = ("--feature-size", "96")  # at 32 px the wide image is no outlier


def plant(data: Path) -> Path:
    """150 digits of three classes in two splits, and what is planted."""
    for label in ("zero", "one", "two"):
        files = sorted((DIGITS / label).glob("*.png"))[:50]
        for split, chosen in (("train", files[:45]), ("test", files[45:])):
            (data / split / label).mkdir(parents=True)
            for file in chosen:
                shutil.copy(file, data / split / label)
    zeros, twos = (sorted((data / "train" / label).glob("*.png")) for label in ("zero", "two"))
    Image.open(zeros[0]).save(data / COPY, optimize=True)  # other bytes, the same pixels
    Image.open(twos[0]).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(data / MIRRORED)
    shutil.copy(zeros[3], data / LEAKED)
    Image.fromarray(np.tile(np.arange(60, dtype=np.uint8) * 4, (12, 1))).save(data / PLAIN)
    (data / "test/one/broken.png").write_bytes(b"no image")
    return data
