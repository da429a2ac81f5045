"""Arrays of a run: opened with a check of their shape, type and checksum.

``checksums.json`` in a folder has size and CRC-32 of its arrays. A folder without this file, such
as that of an interrupted run, is read without this check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noisefind.errors import RunError
from noisefind.utils.checksums import CHECKSUMS, fault_of, read_checksums
from noisefind.utils.files import open_array

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HINT = "the same noisefind score command with --resume computes it again"


class DamagedError(RunError):
    """An array of a run has not the content that was written."""

    def __init__(self, path: Path, what: str) -> None:
        self.what = f"{path}: {what}"
        super().__init__(f"{self.what}; {HINT}")


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
    if _fault(path):
        raise DamagedError(path, "is damaged: its content is not what was written")
    return array


def _fault(path: Path) -> str:
    """The difference between an array and its checksum; empty if there is none, or no checksum."""
    if not (path.parent / CHECKSUMS).exists():
        return ""
    try:
        files = read_checksums(path.parent)["files"]
        return fault_of(path, files[path.name]) if path.name in files else ""
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise RunError(
            f"{path.parent / CHECKSUMS}: is damaged: delete it, and the arrays are read without "
            "this check"
        ) from None
