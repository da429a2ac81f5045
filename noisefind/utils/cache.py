"""The cache: slow results that depend on the images only. Any part of it may be deleted."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from noisefind.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


def cache_folder(requested: Path | None, fallback: Path) -> Path:
    """The first of these that can be written: ``requested``, the user's XDG cache, ``fallback``.

    Raises:
        ConfigError: ``requested`` was given and cannot be written.
    """
    if requested is not None:
        if not _writable(requested):
            raise ConfigError(f"--cache-dir {requested}: cannot be written; give another folder")
        return requested
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not home.is_absolute():  # the XDG specification requires to ignore it then
        home = Path(os.path.expanduser("~/.cache"))  # noqa: PTH111  Path's raises without a home
    cache = home / "noisefind"
    return cache if cache.is_absolute() and _writable(cache) else fallback


def cache_key(*parts: object) -> str:
    """A short name that depends on ``parts`` only; equal on every computer."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def build_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Make ``folder`` by calling ``build`` on an empty folder, unless it exists.

    Safe when several processes want it at once: one builds, the others wait. The folder appears
    under its name only when it is whole, so an interrupted build leaves nothing that is believed.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if folder.is_dir():
            return folder
        _remove_abandoned(folder)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
        try:
            build(part)
            part.rename(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def forget(folder: Path) -> None:
    """Remove ``folder``, so that the next :func:`build_once` makes it again.

    It vanishes from its name at once, so no one finds half of it. Where the cache can only be read
    it stays.
    """
    with suppress(OSError):
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
        try:
            folder.rename(part)  # over an empty folder
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Delete what a killed build of ``folder`` left; called under its lock, so no one uses it."""
    for part in folder.parent.glob(f".{folder.name}.part-*"):
        shutil.rmtree(part, ignore_errors=True)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
