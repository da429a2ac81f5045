"""Files that appear whole or not at all; CSV and JSON in the dialect of noisefind."""

from __future__ import annotations

import csv
import json
import math
import os
from contextlib import contextmanager
from mmap import mmap
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from noisefind.utils.disk import reserve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)
T_co = TypeVar("T_co", bound=np.generic, covariant=True)
FLOAT_BYTES = 4


class Rows(Protocol[T_co]):
    """What is read some rows at a time: an array, or several as one."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | NDArray[np.int64], /) -> NDArray[T_co]: ...


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary neighbour of ``path`` to write to; rename it to ``path`` if all went well.

    After an error nothing is left behind and an older ``path`` is as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        if error.filename is None:  # of a write: the message shall name the file
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_text(path: Path) -> Iterator[IO[str]]:
    """Like :func:`whole_file`, opened as UTF-8 text with bare newlines."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        yield file


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file: UTF-8, commas, quotes where needed, line feeds as line ends."""
    with whole_text(path) as file:
        plain = csv.writer(file, lineterminator="\n")
        quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        plain.writerow(header)
        for row in rows:
            # Before Python 3.13 the plain writer leaves a lone "\r" without quotes.
            has_return = any("\r" in cell for cell in row if isinstance(cell, str))
            (quoting if has_return else plain).writerow(row)


def cell(value: object) -> object:
    """A value for a CSV file: a float with seven digits, true or false; all else as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.7g}" if isinstance(value, float) else value


def write_json(path: Path, values: Mapping[str, object]) -> None:
    """Write a readable JSON document: UTF-8, indented, a line feed at its end."""
    with whole_text(path) as file:
        json.dump(values, file, indent=2, ensure_ascii=False)
        file.write("\n")


def open_array(path: Path) -> NDArray[np.generic]:
    """A .npy file, memory-mapped; archives are refused and pickled objects are never loaded.

    Copy-on-write: torch wants arrays that it could write to, and no write reaches the file.
    """
    return np.lib.format.open_memmap(path, mode="c")  # np.load would take archives too


@contextmanager
def row_writer(path: Path, shape: tuple[int, int]) -> Iterator[Callable[[NDArray[Any]], None]]:
    """Write a float32 .npy file of ``shape`` from top to bottom: call what is yielded with rows.

    A mapped file would count as this process's memory as long as it is written.
    """
    with path.open("wb") as file:
        _write_header(file, shape, np.dtype("<f4"))
        reserve(file, FLOAT_BYTES * math.prod(shape))
        yield lambda rows: _write_numbers(file, rows.astype("<f4", order="C", copy=False))


def new_array(path: Path, shape: tuple[int, ...], kind: type[T]) -> NDArray[T]:
    """A new .npy file of zeros, mapped for writing; its space on the disk is reserved.

    Raises:
        OSError: the disk is full, for example; no file is left.
    """
    dtype = np.dtype(kind)
    try:
        with path.open("wb") as file:
            _write_header(file, shape, dtype)
            reserve(file, dtype.itemsize * math.prod(shape))
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return np.lib.format.open_memmap(path, mode="r+")


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write a .npy file. The error of np.save on a full disk would not contain its reason."""
    with path.open("wb") as file:
        _write_header(file, array.shape, array.dtype)
        _write_numbers(file, np.ascontiguousarray(array))


def _write_header(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _write_numbers(file: IO[bytes], array: NDArray[Any]) -> None:
    file.write(array.data)


def row_chunks(
    array: Rows[T], n_rows: int, order: NDArray[np.int64] | None = None
) -> Iterator[NDArray[T]]:
    """The rows of ``array``, ``n_rows`` at a time: all, or those that ``order`` numbers.

    A memory-mapped file is mapped again for each chunk, so that rows already read leave memory.
    """
    for start in range(0, len(array) if order is None else len(order), n_rows):
        rows = slice(start, start + n_rows)
        yield mapped_again(array)[rows if order is None else order[rows]]


def mapped_again(array: Rows[T]) -> Rows[T]:
    """``array``, with a new mapping if it is a whole memory-mapped file."""
    source: Any = array
    is_file = isinstance(source, np.memmap) and isinstance(source.base, mmap)  # not a part of it
    if is_file:  # in a variable, so that mypy leaves it at Any
        layout: Any = "C" if source.flags.c_contiguous else "F"
        return np.memmap(source.filename, source.dtype, "c", source.offset, source.shape, layout)
    return array
