"""Tables of labels: paths and labels of images, as the data itself or as labels for other data."""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from noisefind.data.columns import LABELS, PATHS, choose_columns
from noisefind.data.file_places import FilePlaces
from noisefind.data.found import Found, split_name
from noisefind.data.records import is_table, read_records
from noisefind.data.table_faults import Fault, require_usable
from noisefind.errors import DataError
from noisefind.utils.text import counted, is_text, listed, shortened, shown_path

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.data.columns import Columns

__all__ = ["Row", "TableOptions", "is_table", "open_table", "read_table"]


class Row(NamedTuple):
    """The label of one id in a table, and its line."""

    label: str
    line: int
    split: str = ""


class TableOptions(NamedTuple):
    """How a table is read.

    Attributes:
        root: what paths are relative to; None: the table's folder.
        path_column: of the paths; None: found by its name.
        label_column: of the labels; None: found by its name.
        skip_missing: whether rows without an image or a label are left out.
    """

    root: Path | None = None
    path_column: str | None = None
    label_column: str | None = None
    skip_missing: bool = False


class _Rows(NamedTuple):
    """The rows of a table by path, the faults of other rows, and lines for the user."""

    rows: dict[str, Row]
    faults: list[Fault]
    n_rows: int
    notes: list[str]


def open_table(path: Path, options: TableOptions) -> Found:
    """Read a table whose images lie below its own folder or below ``options.root``.

    Args:
        path: the table.
        options: of the reading.

    Returns:
        The listed images; their splits by a column ``split``, or if every name starts with a
        split's folder.

    Raises:
        DataError: the table is broken, or a listed file is missing or no image.
    """
    root = path.parent if options.root is None else options.root
    read = _read(path, options, root)
    places = FilePlaces(root)
    found: dict[str, Row] = {}
    stamps: list[str] = []
    for name, row in read.rows.items():
        place, stamp, reason = places.find(name)
        if reason:
            read.faults.append(Fault(row.line, name, reason, is_serious=False))
        elif place in found:
            reason = f"{shortened(name, 200)} is on line {found[place].line} already"
            read.faults.append(Fault(row.line, name, reason))
        else:
            found[place] = row
            stamps.append(stamp)
    skipped = require_usable(path, read.faults, read.n_rows, skip_missing=options.skip_missing)
    splits = [row.split or split_name(name.partition("/")[0]) for name, row in found.items()]
    notes = [*read.notes, *places.notes()]
    if skipped:
        notes.append(f"{counted(len(skipped), 'row')} of {path.name} left out")
    if not found:
        raise DataError(f"{shown_path(path)} lists no image that can be used")
    return Found(
        root=root,
        ids=list(found),
        labels=[row.label for row in found.values()],
        splits=splits if all(splits) else [""] * len(splits),
        stamps=stamps,
        default_split="all",  # the list is a choice already
        skipped=skipped,
        notes=notes,
    )


def read_table(
    path: Path,
    column: str | None = None,
    options: TableOptions | None = None,
    content: bytes | None = None,
) -> dict[str, Row]:
    """Read ids and labels, in the table's order.

    Args:
        path: a table in UTF-8, with or without byte order mark.
        column: of the labels; None: as ``options`` say.
        options: of the reading.
        content: its bytes, if it lies in an archive.

    Returns:
        A row for each id; ``./a.jpg`` and ``b//a.jpg`` have become ``a.jpg`` and ``b/a.jpg``.

    Raises:
        DataError: the file cannot be read or is no such table, a label is empty, an id
            appears twice or leads out of the folder.
    """
    options = options or TableOptions()
    if column is not None:
        options = options._replace(label_column=column)
    read = _read(path, options, options.root or path.parent, content)
    require_usable(path, read.faults, read.n_rows, skip_missing=options.skip_missing)
    return read.rows


def _read(path: Path, options: TableOptions, root: Path, content: bytes | None = None) -> _Rows:
    """All rows with a path and a label."""
    table = read_records(path, content)
    columns, records = table.columns, table.records
    faults = [Fault(line, "", reason) for line, reason in table.faults]
    n_rows = len(records) + len(faults)
    if not records:
        require_usable(path, faults, n_rows)
        raise DataError(f"{shown_path(path)} is empty: expected rows with file_name and label")
    chosen = choose_columns(
        path, columns, records, path_column=options.path_column, label_column=options.label_column
    )
    rows: dict[str, Row] = {}
    above = root.absolute().as_posix() + "/"
    for line, record in records:
        name, label = _cell(record, chosen.path), _label(record, chosen)
        shown = name if isinstance(name, str) else ""
        if fault := _fault_of(name, chosen.path) or _fault_of(label, chosen.label or "label"):
            faults.append(Fault(line, shown, fault, is_serious=fault != f"empty {chosen.label}"))
            continue
        place = _normal(str(name), above)
        split, reason = _split(record, chosen)
        if place.startswith("/") or place.split("/")[0] == "..":
            reason = f"{shortened(name, 200)} leads out of the folder; names are relative to it"
        before = rows.get(place)
        if before is not None:
            reason = f"{shortened(place, 200)} is on line {before.line} already"
            if before.label != label:
                reason += f", with the label {shortened(before.label)}; here {shortened(label)}"
        if reason:
            is_twice = before is not None and before.label == label
            faults.append(Fault(line, shown, reason, is_serious=not is_twice))
            continue
        rows[place] = Row(str(label), line, split)
    rows, n_stripped = _without_blanks(rows)
    notes = _notes(chosen, n_stripped, has_header=table.has_header)
    return _Rows(rows, faults, n_rows, notes)


def _cell(record: dict[str, object], column: str) -> object:
    """The value in a column; whole numbers, which Hugging Face writes for classes, become text."""
    value = record.get(column)  # a row of a CSV may be short
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _label(record: dict[str, object], columns: Columns) -> object:
    if not columns.one_hot:
        return _cell(record, columns.label)
    ones = [name for name in columns.one_hot if str(record.get(name)) in ("1", "1.0")]
    return ones[0] if len(ones) == 1 else ones or None


def _fault_of(value: object, column: str) -> str:
    """What is wrong with a value, or ""."""
    if value is None or value == "":
        return f"empty {column}"
    if not isinstance(value, str) or not is_text(value):
        return f"{column} must be text or a whole number, not {shortened(value)}"
    return ""


def _split(record: dict[str, object], columns: Columns) -> tuple[str, str]:
    """The split of a record, and what is wrong with it."""
    word = str(record.get(columns.split) or "") if columns.split else ""
    split = split_name(word) if word else ""
    if word and not split:
        return "", f"split is {shortened(word)}; it must be train, validation or test"
    return split, ""


def _normal(file_name: str, above: str) -> str:
    """The canonical form of a path: relative to the root, with ``/``."""
    if "\\" in file_name and "/" not in file_name:
        file_name = file_name.replace("\\", "/")
    return posixpath.normpath(file_name.removeprefix(above))


def _without_blanks(rows: dict[str, Row]) -> tuple[dict[str, Row], int]:
    """The rows with labels without blanks around them, and how many labels had some.

    The name of a class that has the same blanks in each row keeps them, unless all classes have
    some: a folder may have this name, and tables of noisefind hold names as they are.
    """
    labels = {row.label for row in rows.values()}
    n_of = Counter(label.strip() for label in labels)
    strip_all = len(labels) > 1 and all(label != label.strip() for label in labels)
    changed = {
        label
        for label in labels
        if label != label.strip() and label.strip() and (strip_all or n_of[label.strip()] > 1)
    }
    return {
        name: row._replace(label=row.label.strip()) if row.label in changed else row
        for name, row in rows.items()
    }, sum(row.label in changed for row in rows.values())


def _notes(columns: Columns, n_stripped: int, *, has_header: bool) -> list[str]:
    """Lines on columns that were found by their names, and on labels that were changed."""
    notes = []
    if columns.one_hot:
        notes.append(f"labels in the columns {listed(columns.one_hot)}, paths in {columns.path}")
    elif (columns.path, columns.label) != (PATHS[0], LABELS[0]):
        notes.append(f"paths from the column {columns.path}, labels from {columns.label}")
    if not has_header:
        notes.append("no header in the table: its first row is an image with its label")
    if n_stripped:
        notes.append(f"blanks around {counted(n_stripped, 'label')} removed")
    return notes
