"""The tree of links or copies that commands write: ``<split>/<class>/<name>``.

It is laid out so that Hugging Face's ``load_dataset("imagefolder", data_dir=...)`` finds every
image with its label and split, and so that torchvision's ImageFolder reads each split's folder:

- Data without splits lies in ``train``, the name that Hugging Face gives to it anyway. Without
  this folder one file like ``ILSVRC2012_val_1.JPEG`` makes it see only a split "validation".
- An image lies under its GIVEN label, at the path that it had below split and class folder: of
  ``train/cat/a/x.jpg``, given label cat, it is ``train/cat/a/x.jpg``; of ``train/dog/x.jpg``,
  given label cat, ``train/cat/dog/x.jpg``. Where two images would get one name both lie at their
  whole id below ``_``: ``train/cat/_/train/cat/dog/x.jpg``. Rows of a split's metadata.csv are in
  the order of kept.csv, so the id of each is known under any name.
- What cannot be a folder's name, or would be hidden or read as a split, is quoted as in URLs
  (``and/or`` is ``and%2For``); the label in metadata.csv is the class name as it is.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisefind.data.found import split_name
from noisefind.errors import ConfigError, DataError, RunError
from noisefind.utils.files import write_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.data.image_source import ImageSource

METADATA = "metadata.csv"
_WHOLE_ID = "_/"
_LONGEST_NAME = 255  # bytes, on every usual file system
# A folder with one of these words, set apart by one of "-._ 0-9", is a split to Hugging Face; see
# SPLIT_KEYWORDS and KEYWORDS_IN_DIR_NAME_BASE_PATTERNS in datasets/data_files.py.
_SPLIT_WORDS = {
    "train": "train|training",
    "validation": "validation|valid|dev|val",
    "test": "test|testing|eval|evaluation",
}


def require_tree(formats: Sequence[str], *, copy: bool) -> None:
    """ConfigError where ``--copy`` is given and no tree is written."""
    if copy and "imagefolder" not in formats:
        raise ConfigError(
            "--copy has an effect only with --format imagefolder: add it, or omit --copy"
        )


def write_image_tree(
    kept: Sequence[tuple[str, str, str]], folder: Path, dataset: Dataset, *, copy: bool
) -> list[str]:
    """Link or copy every kept image, or write it as PNG if the dataset has arrays.

    Images in archives and tables are always copied.

    Args:
        kept: id, label and split of each image.
        folder: a new folder, which is made; each split's folder in it gets its metadata.csv.
        dataset: where the images are, joined by id.
        copy: copies of the files rather than links, which are absolute.

    Returns:
        Where each image lies, relative to ``folder``, in the order given.

    Raises:
        DataError: a name is too long for the file system.
        RunError: an image is no longer in the dataset.
        OSError: reading or writing fails.
    """
    row_of = {id_: row for row, id_ in enumerate(dataset.ids)}
    suffix = ".png" if isinstance(dataset.images, np.ndarray) else ""
    tree: dict[str, list[tuple[str, str]]] = {}
    parents: set[str] = set()
    made: list[str] = []
    folder.mkdir()
    for (id_, label, split), place in zip(kept, _places(kept, suffix), strict=True):
        if id_ not in row_of:
            raise RunError(f"{id_!r} is in the run, but no longer in {str(dataset.root)!r}")
        name = split or "train"
        goal = folder / name / place
        parent = str(goal.parent)
        if parent not in parents:  # asking the disk for every image takes longer than the links
            goal.parent.mkdir(parents=True, exist_ok=True)
            parents.add(parent)
        _put(dataset.images[row_of[id_]], goal, copy=copy)
        tree.setdefault(name, []).append((place, label))
        made.append(f"{name}/{place}")
    for name, entries in tree.items():
        write_csv(folder / name / METADATA, ("file_name", "label"), entries)
    return made


def unknown_entry(tree: Path) -> str | None:
    """The first entry of ``tree`` that no metadata.csv in it lists; links count, folders do not."""
    listed = set()
    for metadata in tree.glob(f"*/{METADATA}"):
        split = metadata.parent.name
        with metadata.open(encoding="utf-8", newline="") as file:
            listed |= {f"{split}/{row[0]}" for row in csv.reader(file) if row}
        listed.add(f"{split}/{METADATA}")
    for parent, folders, files in os.walk(tree):
        here = Path(parent)
        for name in (*files, *(name for name in folders if (here / name).is_symlink())):
            entry = (here / name).relative_to(tree).as_posix()
            if entry not in listed:
                return entry
    return None


def _put(image: ImageSource | NDArray[np.uint8], goal: Path, *, copy: bool) -> None:
    """Create ``goal``, which must not exist."""
    if isinstance(image, np.ndarray):
        from PIL import Image

        with goal.open("xb") as file:
            Image.fromarray(image).save(file, format="PNG")
    elif not isinstance(image, Path):
        with goal.open("xb") as file:
            file.write(image.read_bytes())
    elif copy:
        with image.open("rb") as source, goal.open("xb") as file:
            shutil.copyfileobj(source, file)
    else:
        goal.symlink_to(image.absolute())


def _places(kept: Sequence[tuple[str, str, str]], suffix: str) -> list[str]:
    """The path of each image in its split's folder; all differ within a split."""
    present = {split or "train" for _, _, split in kept}
    absent = "|".join(words for split, words in _SPLIT_WORDS.items() if split not in present)
    split_word = re.compile(rf"(?<![^-._ 0-9])(?:{absent or '(?!)'})(?![^-._ 0-9])")
    short = [_below_class(*image) for image in kept]
    counts = Counter(
        (split, label, name) for (_, label, split), name in zip(kept, short, strict=True)
    )
    places = []
    for (id_, label, split), name in zip(kept, short, strict=True):
        is_taken = counts[split, label, name] > 1 or name.startswith(_WHOLE_ID)
        *folders, last = (_WHOLE_ID + id_ if is_taken else name).split("/")
        quoted = [_quoted(folder, split_word) for folder in (label, *folders)]
        places.append("/".join((*quoted, _quoted(last + suffix))))
    return places


def _below_class(id_: str, label: str, split: str) -> str:
    """The id without its split's and its class's folder, where it has them."""
    first, _, rest = id_.partition("/")
    if split and rest and split in {first, split_name(first)}:
        id_ = rest
    return id_.removeprefix(f"{label}/")


def _quoted(name: str, split_word: re.Pattern[str] | None = None) -> str:
    """``name`` as the name of one file or folder; different names stay different."""
    quoted = re.sub(r"[/%\x00-\x1f\x7f]|^\.", lambda found: f"%{ord(found[0]):02X}", name)
    if split_word is not None:
        quoted = split_word.sub(lambda word: f"%{ord(word[0][0]):02X}{word[0][1:]}", quoted)
    if not quoted or len(os.fsencode(quoted)) > _LONGEST_NAME:
        raise DataError(
            f"{name!r} cannot be the name of a file or folder, which has 1 to {_LONGEST_NAME} "
            "bytes: rename it, or omit --format imagefolder"
        )
    return quoted
