"""Arrays of a run: opened with a check of their shape, type and checksum.

``checksums.json`` in a folder has size and CRC-32 of its arrays. A folder without this file, such
as that of an interrupted run, is read without this check.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from noisefind.errors import RunError
from noisefind.utils.files import open_array, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CHECKSUMS = "checksums.json"
HINT = "the same noisefind score command with --resume computes it again"
_CHUNK = 1 << 22  # bytes


class DamagedError(RunError):
    """An array of a run has not the content that was written."""

    def __init__(self, path: Path, what: str) -> None:
        self.what = f"{path}: {what}"
        super().__init__(f"{self.what}; {HINT}")


def write_checksums(folder: Path) -> None:
    """Write size and CRC-32 of every array in ``folder``."""
    sums = {path.name: _checksum(path) for path in sorted(folder.glob("*.npy"))}
    write_json(folder / CHECKSUMS, sums)


def open_checked(path: Path, kind: str, shape: Sequence[int | None]) -> Any:
    """A .npy file of a run, memory-mapped.

    Args:
        path: the file.
        kind: of its numbers: ``f`` for float32, ``i`` for integers.
        shape: expected; None where any length is right.

    Raises:
        DamagedError: the file is missing, has another shape or type, or another checksum.
        RunError: it is no file, may not be read, or checksums.json cannot be read.
    """
    if path.exists() and not path.is_file():
        raise RunError(f"{path}: must be a file: move it away; {HINT}")
    try:
        array = open_array(path)
    except FileNotFoundError:
        raise DamagedError(path, "is missing") from None
    except PermissionError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}; change its mode") from None
    except Exception:  # noqa: BLE001  numpy raises errors of many kinds for a damaged header
        raise DamagedError(path, "is damaged: not a .npy file, or cut short") from None
    fits = len(array.shape) == len(shape) and all(
        wanted in (None, length) for length, wanted in zip(array.shape, shape, strict=True)
    )
    if array.dtype.kind != kind or (kind == "f" and array.dtype != "float32") or not fits:
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        what = f"has shape {array.shape} of {array.dtype} instead of ({wanted})"
        raise DamagedError(path, what)
    known = _known_checksums(path.parent / CHECKSUMS)
    if path.name in known and known[path.name] != _checksum(path):
        raise DamagedError(path, "is damaged: its content is not what was written")
    return array


def _checksum(path: Path) -> dict[str, int]:
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return {"size": path.stat().st_size, "crc32": crc}


def _known_checksums(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        known = None
    if not isinstance(known, dict):
        raise RunError(f"{path}: is damaged: delete it, and the arrays are read without this check")
    return known
