"""The files of a folder by the names that a table gives them."""

from __future__ import annotations

import os
import stat
import unicodedata
from typing import TYPE_CHECKING

from noisefind.data.found import file_stamp
from noisefind.data.layout import IMAGE_SUFFIXES, is_image_name
from noisefind.utils.text import counted, shortened, shown_path

if TYPE_CHECKING:
    from pathlib import Path


class FilePlaces:
    """Where the files of a root are, by the names that a table gives them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_stem: dict[str, str] | None = None
        self._n_by_stem = 0

    def find(self, name: str) -> tuple[str, str, str]:
        """Path below the root, stamp of the file, and "" or why there is none."""
        for spelling in dict.fromkeys(
            (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD")))
        ):
            try:
                info = (self._root / spelling).stat()
            except (OSError, ValueError):  # ValueError: a NUL in the name
                continue
            if not is_image_name(spelling):
                return self._other(name)
            if not stat.S_ISREG(info.st_mode):
                return "", "", f"{shortened(name, 200)} is not a regular file"
            return spelling, file_stamp(info), ""
        return self._other(name)

    def _other(self, name: str) -> tuple[str, str, str]:
        """The image of this name in a subfolder, or with a suffix that the table leaves out."""
        if self._by_stem is None:
            self._by_stem = self._stems()
        place = self._by_stem.get(name)
        if place is not None:
            self._n_by_stem += 1
            return place, file_stamp((self._root / place).stat()), ""
        if (self._root / name[:200]).exists() and not is_image_name(name):
            known = " ".join(sorted(IMAGE_SUFFIXES))
            return "", "", f"{shortened(name, 200)} has no suffix of an image ({known})"
        return "", "", f"{shortened(name, 200)} is not in the folder {shown_path(self._root)}"

    def _stems(self) -> dict[str, str]:
        """Name and stem -> path of the images in the root and in its folders; unique ones only."""
        found: dict[str, list[str]] = {}
        for folder in ("", *sorted(entry.name for entry in _entries(self._root) if entry.is_dir())):
            for entry in _entries(self._root / folder):
                if is_image_name(entry.name) and entry.is_file():
                    place = f"{folder}/{entry.name}" if folder else entry.name
                    for name in {
                        entry.name,
                        place,
                        entry.name.rpartition(".")[0],
                        place.rpartition(".")[0],
                    }:
                        found.setdefault(name, []).append(place)
        return {name: places[0] for name, places in found.items() if len(set(places)) == 1}

    def notes(self) -> list[str]:
        """A line if paths were completed."""
        if not self._n_by_stem:
            return []
        n = counted(self._n_by_stem, "path")
        return [f"{n} of the table completed by a folder or a suffix below {self._root}"]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
