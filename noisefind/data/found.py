"""Found: all images in the data, before labels are overridden and rows are chosen.

The three readers (`image_folder`, `cifar`, `table`) each return one; `open_dataset` makes the
`Dataset` of it. Their common rules (names of splits, stamps of files) are here too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import stat_result
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from noisefind.data.dataset import Skipped
    from noisefind.data.image_source import ImageSource


@dataclass(frozen=True)
class Found:
    """All images of all splits, in any order.

    Attributes:
        root: the ids are relative to it.
        ids: (N,) unique ids.
        labels: (N,) class names as the data gives them.
        splits: (N,) names of splits, or ``""`` everywhere.
        stamps: (N,) texts that change when the pixels do: size and modification time.
        default_split: the split to use where none is chosen, or ``all``.
        pixels: (N, height, width, 3) uint8, or None where the images are encoded.
        images: (N,) where the encoded images are, or None where they are the files ``root/id``.
        skipped: files that were found and left out.
        notes: lines for the user on how the data was read.
    """

    root: Path
    ids: list[str]
    labels: list[str]
    splits: list[str]
    stamps: list[str]
    default_split: str
    pixels: NDArray[np.uint8] | None = None
    images: Sequence[ImageSource] | None = None
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


# The words of Hugging Face. A word ends where letters end: seg_train, val2017, Test-images.
_SPLIT_WORDS = {
    "train": re.compile(r"(?<![a-z])train(ing)?(?![a-z])"),
    "validation": re.compile(r"(?<![a-z])(val|valid|validation|dev)(?![a-z])"),
    "test": re.compile(r"(?<![a-z])(test|testing|eval|evaluation)(?![a-z])"),
}


def split_name(folder: str) -> str:
    """The split that a folder of this name holds, or ``""`` if it is not the name of a split.

    Examples:
        >>> split_name("seg_train"), split_name("val2017"), split_name("Testing"), split_name("cat")
        ('train', 'validation', 'test', '')
    """
    name = folder.lower()
    found = [split for split, word in _SPLIT_WORDS.items() if word.search(name)]
    return found[0] if len(found) == 1 else ""


def file_stamp(info: stat_result) -> str:
    """Size and modification time of a file as a text, for the fingerprint."""
    return f"{info.st_size} {info.st_mtime_ns}"
