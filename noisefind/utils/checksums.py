"""Checksums of files, written into their folder: an entry of the cache, or arrays of a run."""

from __future__ import annotations

import errno
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisefind.utils.files import write_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

CHECKSUMS = "checksums.json"
BLOCK = 1 << 22  # bytes per checksum; 4 MB
N_CHECKED = 256  # blocks of a file that are checked: all of a file of up to 1 GB


def write_checksums(folder: Path, name: str = "", pattern: str = "*") -> None:
    """Write the sizes and checksums of the files in ``folder`` whose names match ``pattern``.

    ``name`` is that of an entry of the cache.
    """
    _write(folder, name, {path.name: checksum_of(path) for path in folder.glob(pattern)})


def checksum_of(path: Path) -> dict[str, Any]:
    """The item of ``files`` for a file: its size, and the CRC-32 of each block."""
    return {"bytes": path.stat().st_size, "crc32": _checksums(path, _blocks(path))}


def add_checksums(folder: Path, files: Mapping[str, Any]) -> None:
    """Add items of ``files``, by name, to those of ``folder``; unreadable ones are replaced.

    The items of files that do not exist, and are not among the new ones, are removed.
    """
    try:
        before = {str(n): f for n, f in read_checksums(folder)["files"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        before = {}
    kept = {name: file for name, file in before.items() if (folder / name).exists()}
    _write(folder, "", {**kept, **files})


def read_checksums(folder: Path) -> Any:
    """The content of checksums.json: ``entry``, and ``files`` by name.

    Raises:
        OSError, ValueError, RecursionError: it cannot be read.
    """
    return json.loads(_regular(folder / CHECKSUMS).read_text(encoding="utf-8"))


def fault_of(path: Path, file: Any) -> str:
    """The difference between a file and its item of ``files``; empty if there is none.

    Of a file over 1 GB evenly spread blocks are checked, a quarter of 4 GB for example.

    Raises:
        OSError: the file cannot be read.
        ValueError, LookupError, TypeError: the item is damaged.
    """
    size = _regular(path).stat().st_size
    if size != file["bytes"]:
        return f"{path.name} has {size} bytes instead of {file['bytes']}"
    blocks = _sample(len(file["crc32"]))
    if _checksums(path, blocks) != [file["crc32"][block] for block in blocks]:
        return f"{path.name} has other content"
    return ""


def damage_of(folder: Path, name: str, only: Collection[str] | None = None) -> str:
    """Difference between the files of the entry ``name`` and their checksums; empty if none.

    Files that the entry was not made with are ignored: no one reads them. ``only`` names the files
    to check, which must be there; None: all.
    """
    try:
        expected = read_checksums(folder)
        if expected["entry"] != name:
            return f"it is a copy of {str(expected['entry'])[:40]!r}"
        files = expected["files"]
        for file_name, file in files.items() if only is None else ((n, files[n]) for n in only):
            if fault := fault_of(folder / file_name, file):
                return fault
    except OSError as error:
        return f"{Path(error.filename or folder).name}: {error.strerror}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return f"{CHECKSUMS} is not readable"
    return ""


def _write(folder: Path, name: str, files: Mapping[str, Any]) -> None:
    write_json(folder / CHECKSUMS, {"entry": name, "files": dict(sorted(files.items()))})


def _regular(path: Path) -> Path:
    """``path``, a regular file: to open a pipe would wait forever."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path


def _blocks(path: Path) -> range:
    return range(-(-path.stat().st_size // BLOCK))


def _sample(n_blocks: int) -> list[int]:
    """All numbers of blocks, or as many as are checked, with the first and the last."""
    if n_blocks <= N_CHECKED:
        return list(range(n_blocks))
    return [k * (n_blocks - 1) // (N_CHECKED - 1) for k in range(N_CHECKED)]


def _checksums(path: Path, blocks: Iterable[int]) -> list[int]:
    """CRC-32 of the numbered blocks of a file."""
    sums = []
    with path.open("rb", buffering=0) as file:
        for block in blocks:
            file.seek(block * BLOCK)
            sums.append(zlib.crc32(file.read(BLOCK)))
    return sums
