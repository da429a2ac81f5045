"""Tables as records: .csv, .tsv, .jsonl, .json, Parquet and lists of ``path label`` become dicts.

Every reader gives the line of each record, for messages. Columns are chosen in `columns`.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from noisefind.data.arrow_files import holds_names, named_rows
from noisefind.data.label_studio import is_task, labelled_task
from noisefind.data.layout import is_image_name
from noisefind.errors import DataError
from noisefind.utils.text import cut, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    Records = list[tuple[int, dict[str, object]]]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".txt")
LIST_COLUMNS = ("file_name", "label")  # of a list without a header


class Table(NamedTuple):
    """The records of a table, and the lines that are none.

    Attributes:
        columns: their names, in order.
        records: line and cells by column, of each record.
        faults: line and what is wrong with it.
        has_header: whether columns have names; the first row of a .csv may be data already.
    """

    columns: list[str]
    records: list[tuple[int, dict[str, object]]]
    faults: list[tuple[int, str]]
    has_header: bool = True


def is_table(path: Path) -> bool:
    """Whether a path is a table: by its suffix, or by its columns if it is Parquet or Arrow."""
    return (path.suffix.lower() in SUFFIXES and not path.is_dir()) or holds_names(path)


def read_records(path: Path, content: bytes | None = None) -> Table:
    """The columns of a table, and its records with the line that each starts on.

    Args:
        path: of the table.
        content: its bytes, if it lies in an archive.

    Raises:
        DataError: the file cannot be read, or is not valid in its format.
    """
    if holds_names(path):
        columns, rows = named_rows(path)
        return Table(columns, list(enumerate(rows, start=1)), [])
    if content is None and not is_table(path):
        known = ", ".join(SUFFIXES)
        raise DataError(
            f"{shown_path(path)} is no table: its name must end in {known}, or .parquet or .arrow "
            "for one without images"
        )
    suffix, columns, has_header = path.suffix.lower(), list(LIST_COLUMNS), True
    text = table_text(path) if content is None else _decoded(path, content)
    rows_of: Iterator[tuple[int, dict[str, object] | str]]
    if suffix in (".csv", ".tsv"):
        columns, delimiter, has_header = _header_of(path, text)
        rows_of = _csv_rows(path, text, (), delimiter, () if has_header else columns)
    elif suffix == ".txt":
        rows_of = _listed(text)
    else:
        rows_of = _jsonl(text) if suffix == ".jsonl" else iter(_json(path, text))
    records: Records = []
    faults: list[tuple[int, str]] = []
    for line, row in rows_of:
        if isinstance(row, str):
            faults.append((line, row))
        else:
            records.append((line, row))
    if suffix in (".json", ".jsonl"):
        columns = list(dict.fromkeys(name for _, record in records for name in record))
    return Table(columns, records, faults, has_header)


def table_text(path: Path) -> str:
    """All of a table, without a byte order mark; DataError where it cannot be read."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may never end
            raise DataError(f"cannot read {shown_path(path)}: not a regular file")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {shown_path(path)}: {error.strerror}") from error
    return _decoded(path, content)


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise line_error(path, line, "not UTF-8; save the table as UTF-8") from error


def csv_records(
    path: Path, text: str, wanted: Sequence[str]
) -> Iterator[tuple[int, dict[str, object]]]:
    """Each record with the line that it starts on; ``wanted`` columns must be in the header."""
    for line, record in _csv_rows(path, text, wanted):
        if isinstance(record, str):
            raise line_error(path, line, record)
        yield line, record


def _csv_rows(
    path: Path,
    text: str,
    wanted: Sequence[str],
    delimiter: str = ",",
    columns: Sequence[str] = (),
) -> Iterator[tuple[int, dict[str, object] | str]]:
    """The cells of each row by column, or what is wrong; without ``columns`` a header has them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            if cells and not columns:
                columns = _header(path, line, list(map(str.strip, cells)), wanted)
            elif len(cells) > len(columns):
                # Most likely a comma in a name without quotes: the label would be cut short.
                yield line, "more cells than columns; put names with commas in quotes"
            elif cells:
                yield line, dict(zip(columns, cells, strict=False))
            line = reader.line_num + 1
    except csv.Error as error:
        yield line, f"not valid CSV: {error}"


def _header(path: Path, line: int, columns: list[str], wanted: Sequence[str]) -> list[str]:
    for column in wanted:
        if column not in columns:
            names = cut(", ".join(map(shortened, columns[:20])), 400)
            raise line_error(path, line, f"no column {column!r}; the columns are {names}")
        if columns.count(column) > 1:
            reason = f"{columns.count(column)} columns are named {column!r}; keep one of them"
            raise line_error(path, line, reason)
    return columns


def _header_of(path: Path, text: str) -> tuple[list[str], str, bool]:
    """Columns, separator, and whether a header names them; else the first row is data already.

    The separator of a .csv is the one that its first row has most often. A first row with the name
    of an image is no header: it is read if it has this name and a label, and refused otherwise.
    """
    lines = text.lstrip("\r\n").splitlines()
    head = lines[0] if lines else ""
    delimiter = max(",\t;", key=head.count) if path.suffix.lower() == ".csv" else "\t"
    try:
        cells = next(csv.reader([head], delimiter=delimiter), [])
    except csv.Error:
        return [], delimiter, True  # the reader of the records says what is wrong
    images = [cell for cell in cells if is_image_name(cell)]
    if not images:
        return list(map(str.strip, cells)), delimiter, True
    if len(cells) != 2 or len(images) != 1:
        raise DataError(
            f"{shown_path(path)}: the first row has {shortened(images[0])} in it, so it is no "
            "header: add one with the names of the columns, file_name and label among them"
        )
    is_reversed = cells[1] == images[0]
    return list(LIST_COLUMNS)[:: -1 if is_reversed else 1], delimiter, False


def _listed(text: str) -> Iterator[tuple[int, dict[str, object] | str]]:
    """``path label`` in each line; the path may have spaces, the label none."""
    for line, content in enumerate(text.splitlines(), start=1):
        name, _, label = content.strip().rpartition("\t" if "\t" in content else " ")
        if content.strip() and not name:
            yield line, "expected `path label`, separated by a space or a tab"
        elif content.strip():
            yield line, dict(zip(LIST_COLUMNS, (name.strip(), label), strict=True))


def _json(path: Path, text: str) -> Records:
    """A list of objects, an object of file names and labels, or an export of Label Studio.

    The line of a record is its number, from 1.
    """
    content = read_json(path, text)
    if isinstance(content, dict):
        pairs = enumerate(content.items(), start=1)
        return [(line, dict(zip(LIST_COLUMNS, pair, strict=True))) for line, pair in pairs]
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise DataError(f"{shown_path(path)}: expected a list of objects, or file names to labels")
    return [
        (line, labelled_task(one) if is_task(one) else one)
        for line, one in enumerate(content, start=1)
    ]


def read_json(path: Path, text: str) -> Any:
    """The value of a JSON text; DataError where it is not valid or names a key twice."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{shown_path(path)}: not valid JSON: {cut(str(error), 200)}") from error


def _jsonl(text: str) -> Iterator[tuple[int, dict[str, object] | str]]:
    """Each object with its line."""
    # Not splitlines(): a text in JSON may hold U+2028, which does not end a line.
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            record = json.loads(content, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            yield line, f"not valid JSON: {cut(str(error), 200)}"
            continue
        yield line, record if isinstance(record, dict) else "expected a JSON object"


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
