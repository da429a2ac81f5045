"""Predictions of the user's own models from files: the record of an ensemble of one epoch.

A file is .npy (rows, classes) with the id of each row beside it in .txt, or a .csv or .parquet
table with a column per class and one of ids.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from noisefind.data.row_file import given_rows
from noisefind.errors import ConfigError, DataError
from noisefind.training.record import RecordWriter
from noisefind.training.recorder import read_recorded
from noisefind.utils.text import error_text, listed, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset

    Floats = NDArray[np.floating]

ID_COLUMNS = ("file_name", "id", "path", "image")
SUM_TOLERANCE = 1e-2  # of a row of probabilities; half precision misses 1 by .005
SMALLEST_PROB = 1e-6  # below, a probability is the rounding of the model that gave it
ROWS = 65_536  # at once
OPTION = "--pred-probs"


class _Table(NamedTuple):
    ids: list[str]
    columns: list[str]
    values: NDArray[np.float32]  # (rows, columns)


def record_predictions(
    files: Sequence[Path],
    folder: Path,
    dataset: Dataset,
    *,
    columns: Sequence[str] | None,
    are_logits: bool,
    say: Callable[[str], None],
) -> None:
    """Write the predictions in ``files``, a member each, as a record of one epoch.

    Args:
        files: of predicted probabilities for all images.
        folder: of the record.
        dataset: N images with their labels; rows of other images are ignored, and counted.
        columns: classes of the columns of a .npy file, in order.
        are_logits: whether the numbers need a softmax.
        say: called with a line for each file with rows of other images.

    Raises:
        ConfigError: the order of the columns is unknown.
        DataError: a file cannot be read, lacks an image or a class, or holds no probabilities.
    """
    ids, classes = dataset.ids, dataset.classes
    writer = RecordWriter(folder, dataset.labels, len(classes), range(len(files)), n_epochs=1)
    for member, file in enumerate(files):
        values, order, n_others = _values(file, ids, classes, columns)
        if n_others:
            say(f"{OPTION} {file}: {n_others:,} rows of other images are ignored")
        for start in range(0, len(ids), ROWS):
            rows = order[start : start + ROWS]
            log_probs = _log_probs(file, np.asarray(values[rows]), ids[start:], are_logits)
            writer.observe(member, 0, start, torch.from_numpy(log_probs))
    writer.finish()


def record_training(
    source: Path,
    folder: Path,
    dataset: Dataset,
    *,
    say: Callable[[str], None],
) -> None:
    """Write what a Recorder kept in ``source`` as the record of one member.

    Raises:
        DataError: the source is damaged or of other images, labels or classes.
    """
    recorded = read_recorded(source, dataset.ids, dataset.labels, dataset.classes)
    if recorded.n_filled:
        say(
            f"{source}: {recorded.n_filled:,} predictions were not recorded and are those of the "
            "epoch before"
        )
    n_classes, n_epochs = len(dataset.classes), len(recorded.fields)
    writer = RecordWriter(folder, dataset.labels, n_classes, range(1), n_epochs=n_epochs)
    writer.take(0, recorded.fields, recorded.probs)
    writer.finish()


def _values(
    file: Path, ids: tuple[str, ...], classes: tuple[str, ...], columns: Sequence[str] | None
) -> tuple[Floats, NDArray[np.int64], int]:
    """Numbers with a column per class of ``classes``, the row of each id, number of other rows."""
    if file.suffix.lower() == ".npy":
        values, order = given_rows(file, None, ids, option=OPTION)
        if columns is None:
            raise ConfigError(
                f"{OPTION} {file} has no names of classes: give --class-names FILE with the name "
                "of each column in a line"
            )
        places = _places(file, list(columns), classes, values.shape[1])
        return values[:, places], order, len(values) - len(ids)
    if file.suffix.lower() not in {".csv", ".parquet"}:
        raise DataError(f"{OPTION} {file}: must be a .npy, .csv or .parquet file")
    table = _read_csv(file, ids) if file.suffix.lower() == ".csv" else _read_parquet(file, ids)
    row_of = {id_: row for row, id_ in enumerate(table.ids)}
    if len(row_of) < len(table.ids):
        twice = next(id_ for row, id_ in enumerate(table.ids) if row_of[id_] != row)
        raise DataError(f"{OPTION} {file}: {shortened(twice)} appears twice")
    missing = [id_ for id_ in ids if id_ not in row_of]
    if missing:
        raise DataError(
            f"{OPTION} {file}: {len(missing):,} of {len(ids):,} images have no row, "
            f"first {shortened(missing[0])}"
        )
    places = _places(file, table.columns, classes, len(table.columns))
    order = np.array([row_of[id_] for id_ in ids])
    return table.values[:, places], order, len(table.ids) - len(ids)


def _places(file: Path, columns: list[str], classes: tuple[str, ...], n_columns: int) -> list[int]:
    """The column of each class."""
    if set(columns) != set(classes) or len(columns) != n_columns:
        raise DataError(
            f"{OPTION} {file}: has {n_columns} columns for the classes {listed(columns, 10)}; the "
            f"{len(classes)} classes of the data are {listed(classes, 10)}"
        )
    return [columns.index(name) for name in classes]


def _read_csv(file: Path, ids: tuple[str, ...]) -> _Table:
    """A table with a header; DataError where a cell is no number."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            header = next(reader, [])
            place = _id_column(file, header)
            names, blocks, rows = [], [], []
            for cells in reader:
                if len(cells) != len(header):
                    raise DataError(
                        f"{OPTION} {file}, line {reader.line_num}: has {len(cells)} cells for "
                        f"{len(header)} columns"
                    )
                names.append(cells.pop(place))
                rows.append(cells)
                if len(rows) == ROWS:
                    blocks.append(_numbers(file, rows, len(names)))
                    rows = []
            blocks.append(_numbers(file, rows, len(names)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{OPTION} {file}: cannot be read: {error_text(error)}") from error
    if not names:
        raise DataError(f"{OPTION} {file}: has no row; {len(ids):,} images need one each")
    columns = [*header[:place], *header[place + 1 :]]
    return _Table(names, columns, np.concatenate([block for block in blocks if len(block)]))


def _numbers(file: Path, rows: list[list[str]], n_read: int) -> NDArray[np.float32]:
    try:
        return np.array(rows, np.float32)
    except ValueError as error:
        raise DataError(
            f"{OPTION} {file}, rows {n_read - len(rows) + 1:,} to {n_read:,}: a cell is no number: "
            f"{error_text(error)}"
        ) from error


def _read_parquet(file: Path, ids: tuple[str, ...]) -> _Table:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise ConfigError(f"{file}: needs pyarrow: pip install 'noisefind[parquet]'") from None
    try:
        table = pq.read_table(file)
        place = _id_column(file, table.column_names)
        names = [str(value) for value in table.column(place).to_pylist()]
        columns = [name for name in table.column_names if name != table.column_names[place]]
        values = np.stack(
            [table.column(name).to_numpy().astype(np.float32) for name in columns], axis=1
        )
    except DataError:
        raise
    except Exception as error:  # pyarrow raises many kinds on damaged files
        raise DataError(f"{OPTION} {file}: cannot be read: {error_text(error)}") from error
    if not names:
        raise DataError(f"{OPTION} {file}: has no row; {len(ids):,} images need one each")
    return _Table(names, columns, values)


def _id_column(file: Path, header: list[str]) -> int:
    found = [name for name in ID_COLUMNS if name in header]
    if not found or len(set(header)) < len(header):
        raise DataError(
            f"{OPTION} {shown_path(file)}: the columns are {listed(header, 10)}; expected "
            f"{' or '.join(ID_COLUMNS)}, and one column for each class, each once"
        )
    return header.index(found[0])


def _log_probs(
    file: Path, values: Floats, ids: tuple[str, ...], are_logits: bool
) -> NDArray[np.float32]:
    """(n, C) log-probabilities."""
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        row = int(np.isfinite(values).all(1).argmin())
        raise DataError(f"{OPTION} {file}: the row of {shortened(ids[row])} is not finite")
    if are_logits:
        values = values - values.max(1, keepdims=True)
        values = values - np.log(np.exp(values).sum(1, keepdims=True))
        return np.maximum(values, np.log(SMALLEST_PROB)).astype(np.float32)
    is_wrong = (np.abs(values.sum(1) - 1) > SUM_TOLERANCE) | (values.min(1) < 0)
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise DataError(
            f"{OPTION} {file}: the row of {shortened(ids[row])} is "
            f"{np.array2string(values[row][:5], precision=3)}; probabilities are 0 to 1 and have "
            "the sum 1: give --logits if these are outputs before the softmax"
        )
    return np.log(np.maximum(values, SMALLEST_PROB)).astype(np.float32)
