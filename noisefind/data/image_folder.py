"""The walk through a folder of images, with one stat per image: a million files take seconds.

What the folders mean is decided in `layout`. Nothing that was found is dropped in silence: what is
no image ends up in ``Found.skipped`` with its reason.
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
from functools import partial
from typing import TYPE_CHECKING

from noisefind.data.dataset import Skipped
from noisefind.data.found import file_stamp
from noisefind.data.layout import ONE_FOLDER_PER_CLASS, Files, is_image_name
from noisefind.data.left_out import UNKNOWN
from noisefind.data.metadata import read_files
from noisefind.data.signature import N_BYTES, holds_image
from noisefind.errors import DataError
from noisefind.utils.text import is_text, shown_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from noisefind.data.found import Found

# Of files and folders that hold no image: 1,000,000, and 10 more for each image. A data folder with
# its side files stays far below; the root of a disk or /proc would be walked for hours.
N_OTHERS, N_OTHERS_PER_IMAGE = 1_000_000, 10
_SYSTEM = ("/proc", "/sys")  # no files of a disk; some have no end, and reading some waits


def open_folder(root: Path, class_depth: int | None = None, exclude: Sequence[str] = ()) -> Found:
    """Read class folders or split folders.

    Args:
        root: the folder.
        class_depth: see :func:`noisefind.data.layout.read_layout`.
        exclude: likewise.

    Returns:
        All images that lie in a class folder, of all splits.

    Raises:
        DataError: no image lies in a class folder.
    """
    walk = _Walk(root)
    return read_files(Files(root, walk.images, walk.folders, walk.skipped), class_depth, exclude)


class _Walk:
    """All that lies below a folder; names are POSIX paths relative to it.

    Links are followed, but each folder is read once, which also survives loops. Folders behind
    links wait until all others are read: an image that can be reached without a link has the
    name and the class of that way, in any order of the names on the disk. A link to a folder that
    contains the data is not followed: it would lead into all that lies beside the data. The walk
    stays on the file system of the data, and on those that a link leads to.
    """

    def __init__(self, root: Path) -> None:
        self.images: dict[str, str] = {}  # file name -> stamp
        self.folders: list[str] = []
        self.skipped: list[Skipped] = []
        self._root = root
        self._above = set(map(_identity, root.resolve().parents))
        self._first_names: dict[tuple[int, int], str] = {}  # (st_dev, st_ino) of folders read
        self._direct: list[tuple[str, int | None]] = [("", None)]  # and st_dev of the folder above
        self._linked: list[str] = []  # a heap: the alphabetically first link wins
        while self._direct or self._linked:
            folder, device = (
                self._direct.pop() if self._direct else (heapq.heappop(self._linked), None)
            )
            try:
                self._read_folder(folder, device)
            except OSError as error:
                if not folder:
                    raise
                self.skipped.append(Skipped(folder, f"cannot be read: {error.strerror}"))

    def _read_folder(self, folder: str, device: int | None) -> None:
        path = self._root / folder
        identity = _identity(path)
        if device is None and any(map(path.resolve().is_relative_to, _SYSTEM)):
            raise OSError(errno.EINVAL, "a folder of the operating system", str(path))
        if device not in {None, identity[0]}:
            reason = "on another file system; make a link to it if its images belong to the data"
            self.skipped.append(Skipped(folder, reason))
            return
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
                if reason := self._read_entry(entry, file_name, identity[0]):
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

    def _read_entry(self, entry: os.DirEntry[str], file_name: str, device: int) -> str:
        """Add an image or a folder to read; returns the reason if it is left out, else ""."""
        if not is_text(entry.name):
            return "name is not UTF-8"
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            return "hidden"
        try:
            if entry.is_dir():
                if entry.is_symlink():
                    heapq.heappush(self._linked, file_name)
                else:
                    self._direct.append((file_name, device))
                return ""
            info = entry.stat()
            is_regular = stat.S_ISREG(info.st_mode)  # opening a pipe would wait forever
            if not is_image_name(file_name) and not (
                is_regular and holds_image(file_name, partial(_start, entry.path))
            ):
                return UNKNOWN
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ELOOP}:
                return "broken link"
            return f"cannot be read: {error.strerror}"
        if not is_regular:
            return "not a regular file"
        self.images[file_name] = file_stamp(info)
        return ""


def _start(path: str) -> bytes:
    """The first bytes of a file."""
    handle = os.open(path, os.O_RDONLY)  # faster than Path.open
    try:
        return os.read(handle, N_BYTES)
    finally:
        os.close(handle)


def _identity(path: Path) -> tuple[int, int]:
    """Identity of a folder under any of its names: (st_dev, st_ino)."""
    info = path.stat()
    return info.st_dev, info.st_ino
