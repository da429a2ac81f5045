"""Tables of labels: .csv or .jsonl with ``file_name`` and ``label``, as Hugging Face writes them.

A table is either the data itself (its folder holds the images) or labels for other data. Further
columns are left alone.
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
import stat
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from noisefind.data.found import Found, file_stamp, split_name
from noisefind.data.layout import IMAGE_SUFFIXES, is_image_name
from noisefind.errors import DataError
from noisefind.utils.text import cut, is_text, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_ID = "file_name"


class Row(NamedTuple):
    """The label of one id in a table, and its line."""

    label: str
    line: int


def is_table(path: Path) -> bool:
    """Whether the path's suffix is that of a table."""
    return path.suffix.lower() in {".csv", ".jsonl"} and not path.is_dir()


def open_table(path: Path, root: Path | None) -> Found:
    """Read a table whose images lie below its own folder or below ``root``.

    Args:
        path: the table.
        root: what its file names are relative to; None: the table's folder.

    Returns:
        The listed images; their splits if every name starts with a split's folder.

    Raises:
        DataError: the table is broken, or a listed file is missing or no image.
    """
    rows = read_table(path)
    root = path.parent if root is None else root
    splits = [split_name(file_name.partition("/")[0]) for file_name in rows]
    return Found(
        root=root,
        ids=list(rows),
        labels=[row.label for row in rows.values()],
        splits=splits if all(splits) else [""] * len(splits),
        stamps=[_stamp(path, root, file_name, row.line) for file_name, row in rows.items()],
        default_split="all",  # the list is a choice already
    )


def _stamp(path: Path, root: Path, file_name: str, line: int) -> str:
    """The stamp of a listed file, which must exist and be an image by its name."""
    if not is_image_name(file_name):
        known = " ".join(sorted(IMAGE_SUFFIXES))
        raise line_error(
            path, line, f"{shortened(file_name, 200)} has no suffix of an image ({known})"
        )
    try:
        info = (root / file_name).stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = f"{shortened(file_name, 200)} is not in the folder {shown_path(root)}"
        raise line_error(path, line, reason) from error
    if not stat.S_ISREG(info.st_mode):
        raise line_error(path, line, f"{shortened(file_name, 200)} is not a regular file")
    return file_stamp(info)


def read_table(path: Path, column: str = "label") -> dict[str, Row]:
    """Read ids and labels, in the table's order.

    Args:
        path: a .csv or .jsonl file in UTF-8, with or without byte order mark.
        column: of the labels; the ids are in file_name.

    Returns:
        A row for each id; ``./a.jpg`` and ``b//a.jpg`` have become ``a.jpg`` and ``b/a.jpg``.

    Raises:
        DataError: the file cannot be read or is no such table, a label is empty, an id
            appears twice or leads out of the folder.
    """
    if not is_table(path):
        raise DataError(f"{shown_path(path)} is no table: its name must end in .csv or .jsonl")
    text = table_text(path)
    columns = (_ID, column)
    read = csv_records if path.suffix.lower() == ".csv" else _jsonl
    rows: dict[str, Row] = {}
    for line, record in read(path, text, columns):
        file_name, label = (_cell(path, line, record, name) for name in columns)
        name = _normal(path, line, file_name)
        if name in rows:
            raise line_error(
                path, line, f"{shortened(name, 200)} is on line {rows[name].line} already"
            )
        rows[name] = Row(label, line)
    if not rows:
        raise DataError(f"{shown_path(path)} is empty: expected rows with {_ID} and {column}")
    return rows


def table_text(path: Path) -> str:
    """All of a table, without a byte order mark; DataError where it cannot be read."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may never end
            raise DataError(f"cannot read {shown_path(path)}: not a regular file")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {shown_path(path)}: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise line_error(path, line, "not UTF-8; save the table as UTF-8") from error


def csv_records(
    path: Path, text: str, wanted: Sequence[str]
) -> Iterator[tuple[int, dict[str, object]]]:
    """Each record with the line that it starts on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] = []
    line = 1
    try:
        for cells in reader:
            if cells and not columns:
                columns = _header(path, line, cells, wanted)
            elif len(cells) > len(columns):
                # Most likely a comma in a name without quotes: the label would be cut short.
                raise line_error(
                    path, line, "more cells than columns; put names with commas in quotes"
                )
            elif cells:
                yield line, dict(zip(columns, cells, strict=False))
            line = reader.line_num + 1
    except csv.Error as error:
        raise line_error(path, line, f"not valid CSV: {error}") from error


def _header(path: Path, line: int, columns: list[str], wanted: Sequence[str]) -> list[str]:
    for column in wanted:
        if column not in columns:
            names = cut(", ".join(map(shortened, columns[:20])), 400)
            raise line_error(path, line, f"no column {column!r}; the columns are {names}")
        if columns.count(column) > 1:
            reason = f"{columns.count(column)} columns are named {column!r}; keep one of them"
            raise line_error(path, line, reason)
    return columns


def _jsonl(path: Path, text: str, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, object]]]:
    """Each object with its line."""
    # Not splitlines(): a text in JSON may hold U+2028, which does not end a line.
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            record = json.loads(content, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise line_error(path, line, f"not valid JSON: {cut(str(error), 200)}") from error
        if not isinstance(record, dict):
            raise line_error(path, line, f"expected a JSON object with {' and '.join(wanted)}")
        for column in wanted:
            if column not in record:
                raise line_error(path, line, f"no {column!r}")
        yield line, record


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without names that appear twice, of which JSON would silently take the last."""
    record = dict(pairs)
    if len(record) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{shortened(twice)} appears twice in one object")
    return record


def _cell(path: Path, line: int, record: dict[str, object], column: str) -> str:
    """The text in a column; whole numbers, which Hugging Face writes for classes, become text."""
    value = record.get(column)  # a row of a CSV may be short
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        raise line_error(path, line, f"empty {column}")
    if not isinstance(value, str) or not is_text(value):
        raise line_error(
            path, line, f"{column} must be text or a whole number, not {shortened(value)}"
        )
    return value


def _normal(path: Path, line: int, file_name: str) -> str:
    """The canonical form of a file name."""
    name = posixpath.normpath(file_name)
    if name.startswith("/") or name.split("/")[0] == "..":
        raise line_error(
            path,
            line,
            f"{shortened(file_name, 200)} leads out of the folder; names are relative to it",
        )
    return name


def line_error(path: Path, line: int, reason: str) -> DataError:
    """The error for a faulty line of a table."""
    return DataError(f"{shown_path(path)}, line {line}: {reason}")
