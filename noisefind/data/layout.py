"""Layouts of class folders: ``<class>/**/x.jpg``, or ``<split>/<class>/**/x.jpg``.

The names alone decide, wherever they come from: a folder, a zip or a tar archive. What is no image
of a class ends up in ``Found.skipped`` with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from noisefind.data.dataset import Skipped
from noisefind.data.found import Found, split_name
from noisefind.errors import DataError
from noisefind.utils.text import shown_path

if TYPE_CHECKING:
    from pathlib import Path

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo"}
    | {".jxl", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)

ONE_FOLDER_PER_CLASS = "images are expected in one folder per class"


class Files(NamedTuple):
    """All that lies below a root; names are POSIX paths relative to it."""

    root: Path
    images: dict[str, str]  # name -> stamp
    folders: list[str]
    skipped: list[Skipped]


def is_image_name(name: str) -> bool:
    """Whether a file's name ends in one of `IMAGE_SUFFIXES`, in any letter case."""
    # Not PurePath(name).suffix: it takes longer than the rest of the walk.
    return name[max(name.rfind("."), 0) :].lower() in IMAGE_SUFFIXES


def read_layout(files: Files) -> Found:
    """Labels and splits of the images by the folders that they lie in.

    The top folders are splits when all that hold images are named like splits (train;
    val, valid or validation; test; in any letter case). One more folder, and all are classes.

    Returns:
        All images that lie in a class folder, of all splits.

    Raises:
        DataError: no image lies in a class folder.
    """
    tops = {file_name.partition("/")[0] for file_name in files.images if "/" in file_name}
    has_splits = bool(tops) and all(map(split_name, tops))
    n_above = 1 if has_splits else 0  # folders above the class folder
    default_split = "train" if has_splits else "all"
    found = Found(
        files.root, [], [], [], stamps=[], default_split=default_split, skipped=files.skipped
    )
    used: dict[str, str] = {}  # a label -> its one copy, else a million images hold a million texts
    for file_name, stamp in files.images.items():
        parts = file_name.split("/", n_above + 1)
        if len(parts) < n_above + 2:
            found.skipped.append(Skipped(file_name, "in no class folder"))
            continue
        label = parts[n_above]
        found.ids.append(file_name)
        found.labels.append(used.setdefault(label, label))
        found.splits.append(split_name(parts[0]) if has_splits else "")
        found.stamps.append(stamp)
    if not found.ids:
        raise _no_class(tops, files)
    found.skipped.extend(_empty_folders(files, n_above))
    return found


def _empty_folders(files: Files, n_above: int) -> list[Skipped]:
    """The folders that would be classes or splits if an image lay in them."""
    holding = {
        "/".join(folder.split("/")[:depth])
        for folder in {file_name.rpartition("/")[0] for file_name in files.images}
        for depth in range(1, n_above + 2)
    }
    return [
        Skipped(folder, "no image in this folder")
        for folder in files.folders
        if folder.count("/") <= n_above and folder not in holding
    ]


def _no_class(tops: set[str], files: Files) -> DataError:
    """The error for a folder without a single image in a class folder."""
    if not files.images:
        suffixes = " ".join(sorted(IMAGE_SUFFIXES))
        return DataError(
            f"no image in {shown_path(files.root)}: {ONE_FOLDER_PER_CLASS} ({suffixes})"
        )
    place = files.root / min(tops) if tops else files.root
    return DataError(
        f"images lie directly in {shown_path(place)}: {ONE_FOLDER_PER_CLASS}; "
        "or give a .csv or .jsonl table with file_name,label instead of the folder"
    )
