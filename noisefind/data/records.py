"""Tables as records: .csv, .tsv, .jsonl, .json and lists of ``path label`` become dicts.

Every reader gives the line of each record, for messages. Columns are chosen in `columns`.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from noisefind.errors import DataError
from noisefind.utils.text import cut, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    Records = list[tuple[int, dict[str, object]]]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".txt")
LIST_COLUMNS = ("file_name", "label")  # of a list without a header


def is_table(path: Path) -> bool:
    """Whether the path's suffix is that of a table."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def read_records(path: Path) -> tuple[list[str], Records]:
    """The columns of a table, and its records with the line that each starts on.

    Raises:
        DataError: the file cannot be read, or is not valid in its format.
    """
    if not is_table(path):
        raise DataError(
            f"{shown_path(path)} is no table: its name must end in {', '.join(SUFFIXES)}"
        )
    text, suffix = table_text(path), path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _separated(path, text)
    if suffix == ".txt":
        return list(LIST_COLUMNS), list(_listed(path, text))
    records = list(_jsonl(path, text)) if suffix == ".jsonl" else _json(path, text)
    columns = dict.fromkeys(name for _, record in records for name in record)
    return list(columns), records


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
    path: Path, text: str, wanted: Sequence[str], delimiter: str = ","
) -> Iterator[tuple[int, dict[str, object]]]:
    """Each record with the line that it starts on; ``wanted`` columns must be in the header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
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


def _separated(path: Path, text: str) -> tuple[list[str], Records]:
    """A table with a header; the separator is the one that the header has most often."""
    lines = text.lstrip("\r\n").splitlines()
    head = lines[0] if lines else ""
    delimiter = max(",\t;", key=head.count) if path.suffix.lower() == ".csv" else "\t"
    try:
        header = next(csv.reader([head], delimiter=delimiter), [])
    except csv.Error:
        header = []  # the reader of the records says what is wrong
    return header, list(csv_records(path, text, (), delimiter))


def _listed(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    """``path label`` in each line; the path may have spaces, the label none."""
    for line, content in enumerate(text.splitlines(), start=1):
        name, _, label = content.strip().rpartition("\t" if "\t" in content else " ")
        if content.strip() and not name:
            raise line_error(path, line, "expected `path label`, separated by a space or a tab")
        if content.strip():
            yield line, dict(zip(LIST_COLUMNS, (name.strip(), label), strict=True))


def _json(path: Path, text: str) -> Records:
    """A list of objects, an object of file names and labels, or an export of Label Studio.

    The line of a record is its number, from 1.
    """
    try:
        content = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{shown_path(path)}: not valid JSON: {cut(str(error), 200)}") from error
    if isinstance(content, dict):
        pairs = enumerate(content.items(), start=1)
        return [(line, dict(zip(LIST_COLUMNS, pair, strict=True))) for line, pair in pairs]
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise DataError(f"{shown_path(path)}: expected a list of objects, or file names to labels")
    return [
        (line, _of_label_studio(one) if "annotations" in one else one)
        for line, one in enumerate(content, start=1)
    ]


def _of_label_studio(task: dict[str, Any]) -> dict[str, object]:
    """File name and choice of a task; both are empty where the task has another form."""
    try:
        address = urlsplit(next(iter(task["data"].values())))
        name = parse_qs(address.query).get("d", [unquote(address.path)])[0]
        result = task["annotations"][-1]["result"]
        label = result[0]["value"]["choices"][0] if result else ""
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, StopIteration):
        name, label = "", ""
    return {"file_name": name.lstrip("/"), "label": label}


def _jsonl(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
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
            raise line_error(path, line, "expected a JSON object")
        yield line, record


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without names that appear twice, of which JSON would silently take the last."""
    record = dict(pairs)
    if len(record) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{shortened(twice)} appears twice in one object")
    return record


def line_error(path: Path, line: int, reason: str) -> DataError:
    """The error for a faulty line of a table."""
    return DataError(f"{shown_path(path)}, line {line}: {reason}")
