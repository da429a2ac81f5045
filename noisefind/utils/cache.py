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
from noisefind.utils.checksums import damage_of, write_checksums

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


def build_once(
    folder: Path,
    build: Callable[[Path], None],
    *,
    say: Callable[[str], None],
    is_current: Callable[[Path], bool] = lambda _: True,
) -> Path:
    """Make ``folder`` by calling ``build`` on an empty folder, unless it exists and is intact.

    Safe when several processes want it at once: one builds, the others wait. The folder appears
    under its name only when it is complete, with the checksums of its files. A folder whose files
    differ from these is made again.

    Args:
        folder: the entry of the cache.
        build: writes the files of the entry, without folders in it.
        say: receives one line when a damaged entry is made again.
        is_current: whether an intact entry may be used; if not, it is made again without a line.

    Raises:
        ConfigError: the cache cannot be written.
    """
    if not _why_damaged(folder) and is_current(folder):  # without a lock: it may be read-only
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        lock.acquire()
    except OSError as error:
        raise ConfigError(
            f"the cache {folder.parent} cannot be written ({error.strerror}); delete it, or give "
            "another folder with --cache-dir"
        ) from None
    try:
        damage = _why_damaged(folder)  # another process may have made it
        if not damage and is_current(folder):
            return folder
        if os.path.lexists(folder):
            if damage:
                say(f"{folder} in the cache is damaged ({damage}); it is made again")
            forget(folder)
        _remove_abandoned(folder)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
        try:
            build(part)
            write_checksums(part, folder.name)
            part.rename(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    finally:
        lock.release()
    return folder


def forget(folder: Path) -> None:
    """Remove ``folder``, or what has its name, so that :func:`build_once` makes it again.

    It vanishes from its name at once, so no one finds half of it.

    Raises:
        ConfigError: it cannot be removed.
    """
    try:
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
        try:
            with suppress(FileNotFoundError):  # another process has removed it
                folder.rename(part / "old")
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise ConfigError(
            f"{folder} in the cache must be made again and cannot be removed ({error.strerror}); "
            "give another folder with --cache-dir"
        ) from None


def _why_damaged(folder: Path) -> str:
    """Fault of an entry; empty if it is intact."""
    return damage_of(folder, folder.name) if os.path.lexists(folder) else "it does not exist"


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
