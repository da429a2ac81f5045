"""Parquet and Arrow files with a column of encoded images, as Hugging Face writes them.

Images are read in the order of rows, a batch at a time: memory does not grow with the file.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from noisefind.data.arrow_files import (
    SUFFIXES,
    features_of,
    is_image_type,
    record_batches,
    schema_of,
)
from noisefind.data.dataset import Skipped
from noisefind.data.found import Found, file_stamp, split_name
from noisefind.errors import ConfigError, DataError
from noisefind.utils.text import error_text, is_text, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from noisefind.data.image_source import ImageSource

LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "fine_label", "cls")
N_PROBED = 20  # files of a folder that show whether it holds tables
BATCH = 64  # rows that are read at once
N_KEPT = 8  # batches that stay in memory for threads that are a little behind


def find_columnar(path: Path) -> list[Path]:
    """The Parquet or Arrow files that a path names: one file, or a folder that holds them.

    A folder may have a folder for each split, as ``save_to_disk`` writes them.
    """
    if path.suffix.lower() in SUFFIXES and path.is_file():
        return [path]
    if not path.is_dir():
        return []
    if files := _tables_in(path):
        return files
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir())
    return [file for folder in folders if _holds_table(folder) for file in _tables_in(folder)]


def _tables_in(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.suffix in SUFFIXES)


def _holds_table(folder: Path) -> bool:
    """Whether one of the first files is a table; a class folder may hold a million images."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(SUFFIXES) for entry in islice(entries, N_PROBED))
    except OSError:  # the reader of class folders names it
        return False


def open_columnar(path: Path, files: Sequence[Path]) -> Found:
    """Read the labels of all rows; images are read when they are decoded.

    Args:
        path: as the user gave it; ids are ``train-00000.parquet#000042``, relative to its folder.
        files: the Parquet or Arrow files.

    Raises:
        ConfigError: pyarrow is missing.
        DataError: a file is damaged, or has no column of images or of labels.
    """
    require_pyarrow(path)
    root = path if path.is_dir() else path.parent
    splits = [_split_of(file, root) for file in files]
    has_splits = all(splits)
    images: list[ImageSource] = []
    default_split = "train" if has_splits and "train" in splits else "all"
    found = Found(root, [], [], [], stamps=[], default_split=default_split, images=images)
    for file, split in zip(files, splits, strict=True):
        table = _open(file)
        labels = table.labels()
        stamp, width = file_stamp(file.stat()), max(6, len(str(len(labels))))
        shown = file.relative_to(root).as_posix()
        for row, label in enumerate(labels):
            id_ = f"{shown}#{row:0{width}}"
            if label is None:
                found.skipped.append(Skipped(id_, f"no label in column {table.label_column!r}"))
                continue
            found.ids.append(id_)
            found.labels.append(label)
            found.splits.append(split if has_splits else "")
            found.stamps.append(f"{stamp} {row}")
            images.append(TableImage(table, row))
    if not found.ids:
        raise DataError(f"{shown_path(path)} has no row with a label")
    return found


def require_pyarrow(path: Path) -> None:
    """ConfigError if pyarrow, which reads Parquet and Arrow files, is missing."""
    if find_spec("pyarrow") is None:
        raise ConfigError(
            f"{shown_path(path)}: Parquet and Arrow files need pyarrow: "
            "pip install 'noisefind[parquet]'"
        )


def _split_of(file: Path, root: Path) -> str:
    """The split by the folder of a file, or by the first word of its name."""
    if file.parent != root:
        return split_name(file.parent.name)
    return split_name(file.name.partition("-")[0].partition(".")[0])


class TableImage(NamedTuple):
    """The image in one row of a Parquet or Arrow file."""

    table: ImageTable
    row: int

    @property
    def name(self) -> str:
        """File and row."""
        return f"{self.table.path.name}#{self.row}"

    def read_bytes(self) -> bytes:
        """The encoded image."""
        return self.table.image(self.row)

    def sample(self) -> bytes:
        """Digest of the whole file, which is read once, and of the row."""
        return hashlib.sha256(self.table.digest() + str(self.row).encode()).digest()


@dataclass
class ImageTable:
    """An open Parquet or Arrow file.

    Attributes:
        path: the file.
        image_column: of the encoded images.
        label_column: of the labels.
        class_names: names of whole-number labels; empty if the file has none.
    """

    path: Path
    image_column: str
    label_column: str
    class_names: tuple[str, ...]
    _batches: OrderedDict[int, Any] = field(default_factory=OrderedDict)
    _stream: Iterator[Any] | None = None
    _next: int = 0
    _lock: Lock = field(default_factory=Lock)
    _digest: bytes = b""

    def labels(self) -> list[str | None]:
        """The label of each row as text; None where it is missing."""
        labels: list[str | None] = []
        for batch in record_batches(self.path, self.label_column, 65_536):
            labels.extend(map(self._label, batch.column(0).to_pylist()))
        return labels

    def _label(self, value: object) -> str | None:
        if value is None or value == "" or value == -1:  # -1: Hugging Face's missing label
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            if not self.class_names:
                return str(value)
            if 0 <= value < len(self.class_names):
                return self.class_names[value]
        if isinstance(value, str) and is_text(value):
            return value
        raise DataError(
            f"{shown_path(self.path)}: column {self.label_column!r} holds {shortened(value)}; "
            "expected text, or a whole number below the number of its class names"
        )

    def digest(self) -> bytes:
        """SHA-256 of the file."""
        with self._lock:
            if not self._digest:
                with self.path.open("rb") as file:
                    self._digest = hashlib.file_digest(file, "sha256").digest()
        return self._digest

    def image(self, row: int) -> bytes:
        """The encoded image of a row; OSError where there is none."""
        number = row // BATCH
        with self._lock:
            batch = self._batches.get(number)
            if batch is None:
                batch = self._read(number)
        value = batch.column(0)[row % BATCH].as_py()
        if isinstance(value, dict):
            value = value.get("bytes")
        if not isinstance(value, bytes):
            raise OSError(None, "no bytes of an image in this row")
        return value

    def _read(self, number: int) -> Any:
        """Read on to a batch, or again from the start for one that went by."""
        if self._stream is None or number < self._next:
            self._stream, self._next = record_batches(self.path, self.image_column, BATCH), 0
            self._batches.clear()
        try:
            for batch in self._stream:
                self._batches[self._next] = batch
                self._next += 1
                while len(self._batches) > N_KEPT:
                    self._batches.popitem(last=False)
                if self._next == number + 1:
                    return batch
        except Exception as error:  # pyarrow raises many kinds on damaged pages
            self._stream = None
            raise OSError(None, f"the file is damaged: {error_text(error, 100)}") from error
        self._stream = None
        raise OSError(None, "the file has become shorter")


def _open(path: Path) -> ImageTable:
    """The columns of a file; DataError where it is damaged or lacks one."""
    try:
        schema = schema_of(path)
    except Exception as error:  # pyarrow raises many kinds on damaged files
        raise DataError(f"{shown_path(path)} cannot be read: {error_text(error)}") from error
    features = features_of(schema.metadata or {})
    images = [name for name in schema.names if is_image_type(schema.field(name).type)]
    declared = [name for name in images if _kind(features.get(name)) == "Image"]
    column = _one(path, "image", declared or images, schema.names)
    labels = [name for name in schema.names if _kind(features.get(name)) == "ClassLabel"]
    named = [name for name in LABEL_COLUMNS if name in schema.names]
    label = _one(path, "label", labels if len(labels) == 1 else named[:1] or labels, schema.names)
    names = features.get(label)
    class_names = names.get("names") if isinstance(names, dict) else None
    return ImageTable(path, column, label, tuple(map(str, class_names or ())))


def _one(path: Path, what: str, candidates: Sequence[str], columns: Sequence[str]) -> str:
    if len(candidates) != 1:
        raise DataError(
            f"{shown_path(path)} has {len(candidates) or 'no'} columns of {what}s among "
            f"{shortened(list(columns), 200)}; expected one"
        )
    return candidates[0]


def _kind(feature: object) -> object:
    return feature.get("_type") if isinstance(feature, dict) else None
