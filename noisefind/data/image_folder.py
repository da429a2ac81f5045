"""Folders of images: ``root/<class>/**/x.jpg``, or ``root/<split>/<class>/**/x.jpg``.

One walk with one stat per image, so that a million files take seconds. Nothing that was found is
dropped in silence: what is no image of a class ends up in ``Found.skipped`` with its reason.
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
from typing import TYPE_CHECKING

from noisefind.data.dataset import Skipped
from noisefind.data.found import Found, file_stamp, split_name
from noisefind.errors import DataError
from noisefind.utils.text import is_text, shown_path

if TYPE_CHECKING:
    from pathlib import Path

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg"}
    | {".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)

# Of files and folders that hold no image: 1,000,000, and 10 more for each image. A data folder with
# its side files stays far below; the root of a disk or /proc would be walked for hours.
N_OTHERS, N_OTHERS_PER_IMAGE = 1_000_000, 10
ONE_FOLDER_PER_CLASS = "images are expected in one folder per class"


def is_image_name(name: str) -> bool:
    """Whether a file's name ends in one of `IMAGE_SUFFIXES`, in any letter case."""
    # Not PurePath(name).suffix: it takes longer than the rest of the walk.
    return name[max(name.rfind("."), 0) :].lower() in IMAGE_SUFFIXES


def open_folder(root: Path) -> Found:
    """Read class folders or split folders.

    The folders of ``root`` are splits when all that hold images are named like splits (train;
    val, valid or validation; test; in any letter case). One more folder, and all are classes.

    Args:
        root: the folder.

    Returns:
        All images that lie in a class folder, of all splits.

    Raises:
        DataError: no image lies in a class folder.
    """
    walk = _Walk(root)
    tops = {file_name.partition("/")[0] for file_name in walk.images if "/" in file_name}
    has_splits = bool(tops) and all(map(split_name, tops))
    n_above = 1 if has_splits else 0  # folders above the class folder
    default_split = "train" if has_splits else "all"
    found = Found(root, [], [], [], stamps=[], default_split=default_split, skipped=walk.skipped)
    used: dict[str, str] = {}  # a label -> its one copy, else a million images hold a million texts
    for file_name, stamp in walk.images.items():
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
        raise _no_class(root, tops, walk)
    found.skipped.extend(_empty_folders(walk, n_above))
    return found


def _empty_folders(walk: _Walk, n_above: int) -> list[Skipped]:
    """The folders that would be classes or splits if an image lay in them."""
    holding = {
        "/".join(folder.split("/")[:depth])
        for folder in {file_name.rpartition("/")[0] for file_name in walk.images}
        for depth in range(1, n_above + 2)
    }
    return [
        Skipped(folder, "no image in this folder")
        for folder in walk.folders
        if folder.count("/") <= n_above and folder not in holding
    ]


def _no_class(root: Path, tops: set[str], walk: _Walk) -> DataError:
    """The error for a folder without a single image in a class folder."""
    if not walk.images:
        suffixes = " ".join(sorted(IMAGE_SUFFIXES))
        return DataError(f"no image in {shown_path(root)}: {ONE_FOLDER_PER_CLASS} ({suffixes})")
    place = root / min(tops) if tops else root
    return DataError(
        f"images lie directly in {shown_path(place)}: {ONE_FOLDER_PER_CLASS}; "
        "or give a .csv or .jsonl table with file_name,label instead of the folder"
    )


class _Walk:
    """All that lies below a folder; names are POSIX paths relative to it.

    Links are followed, but each folder is read once, which also survives loops. Folders behind
    links wait until all others are read: an image that can be reached without a link has the
    name and the class of that way, in any order of the names on the disk. A link to a folder that
    contains the data is not followed: it would lead into all that lies beside the data.
    """

    def __init__(self, root: Path) -> None:
        self.images: dict[str, str] = {}  # file name -> stamp
        self.folders: list[str] = []
        self.skipped: list[Skipped] = []
        self._root = root
        self._above = set(map(_identity, root.resolve().parents))
        self._first_names: dict[tuple[int, int], str] = {}  # (st_dev, st_ino) of folders read
        self._direct = [""]
        self._linked: list[str] = []  # a heap: the alphabetically first link wins
        while self._direct or self._linked:
            folder = self._direct.pop() if self._direct else heapq.heappop(self._linked)
            try:
                self._read_folder(folder)
            except OSError as error:
                if not folder:
                    raise
                self.skipped.append(Skipped(folder, f"cannot be read: {error.strerror}"))

    def _read_folder(self, folder: str) -> None:
        path = self._root / folder
        identity = _identity(path)
        if identity in self._above:
            self.skipped.append(Skipped(folder, "link to a folder that contains the data"))
            return
        first_name = self._first_names.setdefault(identity, folder)
        if first_name != folder:
            self.skipped.append(Skipped(folder, f"same folder as {first_name or '.'}"))
            return
        with os.scandir(path) as entries:
            for entry in entries:
                file_name = f"{folder}/{entry.name}" if folder else entry.name
                if reason := self._read_entry(entry, file_name):
                    shown = os.fsencode(file_name).decode("utf-8", "backslashreplace")
                    self.skipped.append(Skipped(shown, reason))
                    self._require_images()
        if folder:
            self.folders.append(folder)

    def _require_images(self) -> None:
        """DataError once nearly all that was found is no image."""
        n_others, n_images = len(self.skipped) + len(self.folders), len(self.images)
        if n_others > N_OTHERS + N_OTHERS_PER_IMAGE * n_images:
            raise DataError(
                f"{shown_path(self._root)} is not a folder of images: {n_others:,} other files and "
                f"folders and {n_images:,} images so far; {ONE_FOLDER_PER_CLASS}"
            )

    def _read_entry(self, entry: os.DirEntry[str], file_name: str) -> str:
        """Add an image or a folder to read; returns the reason if it is left out, else ""."""
        if not is_text(entry.name):
            return "name is not UTF-8"
        if entry.name.startswith("."):
            return "hidden"
        try:
            if entry.is_dir():
                self._add_folder(entry, file_name)
                return ""
            if not is_image_name(entry.name) and not entry.is_symlink():
                return "unknown suffix"
            info = entry.stat()
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ELOOP}:
                return "broken link"
            return f"cannot be read: {error.strerror}"
        return self._add_file(info, file_name)

    def _add_folder(self, entry: os.DirEntry[str], file_name: str) -> None:
        if entry.is_symlink():
            heapq.heappush(self._linked, file_name)
        else:
            self._direct.append(file_name)

    def _add_file(self, info: os.stat_result, file_name: str) -> str:
        if not is_image_name(file_name):
            return "unknown suffix"
        if not stat.S_ISREG(info.st_mode):  # opening a pipe would wait forever
            return "not a regular file"
        self.images[file_name] = file_stamp(info)
        return ""


def _identity(path: Path) -> tuple[int, int]:
    """Identity of a folder under any of its names: (st_dev, st_ino)."""
    info = path.stat()
    return info.st_dev, info.st_ino
