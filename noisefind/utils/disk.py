"""Space on the disk: checked before work starts, and reserved before it is used.

A write to a memory-mapped file on a full disk would kill the process with SIGBUS. With reserved
space the same lack is an OSError, before any mapped write.
"""

from __future__ import annotations

import errno
import os
import shutil
from typing import IO, TYPE_CHECKING

from noisefind.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG}
ZEROS = bytes(1 << 20)


def is_disk_full(error: OSError) -> bool:
    """Whether a file could not grow: a full disk, a quota, or the largest size of a file."""
    return error.errno in FULL


def reserve(file: IO[bytes], n_bytes: int) -> None:
    """Extend a file that was opened for writing by zeros whose space on the disk is reserved.

    Raises:
        OSError: the disk is full.
    """
    file.flush()
    if hasattr(os, "posix_fallocate") and n_bytes > 0:
        try:
            os.posix_fallocate(file.fileno(), file.tell(), n_bytes)
        except OSError as error:
            if is_disk_full(error):
                raise
        else:
            return
    start = file.tell()  # this file system cannot reserve
    for done in range(0, n_bytes, len(ZEROS)):
        file.write(ZEROS[: n_bytes - done])
    file.flush()
    file.seek(start)


def require_space(what: str, needs: Mapping[Path, int], hint: str) -> None:
    """Check that the disks have the bytes that each folder will need.

    Args:
        what: begins the message, for example ``the run needs``.
        needs: bytes for each folder; folders on the same disk count together.
        hint: what the user can do.

    Raises:
        RunError: a disk has fewer bytes free.
    """
    totals: dict[int, int] = {}
    places: dict[int, Path] = {}
    for folder, n_bytes in needs.items():
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        disk = existing.stat().st_dev
        places.setdefault(disk, existing)
        totals[disk] = totals.get(disk, 0) + n_bytes
    for disk, place in places.items():
        free = shutil.disk_usage(place).free
        if totals[disk] > free:
            raise RunError(
                f"{what} {size_text(totals[disk])} of disk space, but {size_text(free)} are free "
                f"in {place}; {hint}"
            )


def size_text(n_bytes: int) -> str:
    """Bytes in a unit that suits them, with three digits: ``1.2 GB``, ``300 MB``."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= size:
            value = n_bytes / size
            return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    return f"{n_bytes:,} bytes"
