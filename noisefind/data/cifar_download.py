"""Download of CIFAR-10 or CIFAR-100 by name, once, through torchvision."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from noisefind.data.cifar import CIFAR10, CIFAR100
from noisefind.errors import DataError
from noisefind.utils.text import error_text

if TYPE_CHECKING:
    from collections.abc import Callable

BY_NAME = {"cifar10": CIFAR10, "cifar100": CIFAR100}


def fetch_cifar(name: str, folder: Path, say: Callable[[str], None]) -> Path:
    """The directory of a downloaded CIFAR; downloads it if it is missing.

    Args:
        name: ``cifar10`` or ``cifar100``.
        folder: where downloaded datasets are kept.
        say: called with a message before a download.

    Raises:
        DataError: the download failed.
    """
    kind = BY_NAME[name]
    place = folder / kind.folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):  # a second process waits instead of downloading too
        if place.is_dir():
            return place
        say(f"downloading {kind.name} (170 MB) from {kind.url} to {str(place)!r}")
        # In a folder of its own, then renamed: a file under its final name is complete.
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            _download(name, Path(unfinished))
            (Path(unfinished) / kind.folder).rename(place)
    return place


def _download(name: str, folder: Path) -> None:
    from torchvision import datasets

    kind = BY_NAME[name]
    try:
        # Some versions of torchvision print; stdout is for results.
        with contextlib.redirect_stdout(sys.stderr):
            getattr(datasets, name.upper())(folder, download=True)
    except Exception as error:  # of the network, of the disk, or of a damaged archive
        raise DataError(
            f"cannot download {kind.name} ({error_text(error)}): fetch {kind.url} by hand and give "
            "its path"
        ) from error
