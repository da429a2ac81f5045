"""Which columns of a table hold the paths, the labels and the splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from noisefind.errors import DataError
from noisefind.utils.text import cut, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from noisefind.data.records import Records

PATHS = (
    "file_name", "filename", "file", "path", "filepath", "file_path", "image", "image_path",
    "image_id", "image_name", "img", "id", "name",
)  # fmt: skip
LABELS = (
    "label", "labels", "class", "class_name", "category", "target", "breed", "species", "finding",
    "diagnosis", "y",
)  # fmt: skip
SPLIT = "split"
N_PROBED = 200  # rows that show whether columns are one-hot


class Columns(NamedTuple):
    """Names of columns; ``one_hot`` are those of the classes where there is no column of labels."""

    path: str
    label: str
    split: str = ""
    one_hot: tuple[str, ...] = ()


def choose_columns(
    path: Path,
    columns: Sequence[str],
    records: Records,
    *,
    path_column: str | None = None,
    label_column: str | None = None,
) -> Columns:
    """The columns of a table: those that were named, or the only ones whose names fit.

    Raises:
        DataError: a column is missing or appears twice, or several names fit.
    """
    split = SPLIT if SPLIT in columns else ""
    place = _choose(path, columns, "file_name", PATHS, path_column, "--path-column")
    if label_column is None and not _fitting(columns, LABELS, other=place):
        one_hot = tuple(name for name in columns if name not in (place, split))
        if len(one_hot) > 1 and _is_one_hot(records[:N_PROBED], one_hot):
            return Columns(place, "", split, one_hot)
    label = _choose(path, columns, "label", LABELS, label_column, "--label-column", other=place)
    return Columns(place, label, split)


def _choose(
    path: Path,
    columns: Sequence[str],
    usual: str,
    names: Sequence[str],
    told: str | None,
    option: str,
    other: str = "",
) -> str:
    fitting = [told or usual] if (told or usual) in columns else []
    if not fitting and told is None:
        fitting = _fitting(columns, names, other=other)
    if len(fitting) == 1:
        if list(columns).count(fitting[0]) > 1:
            n_twice = list(columns).count(fitting[0])
            raise _error(path, f"{n_twice} columns are named {fitting[0]!r}; keep one of them")
        return fitting[0]
    shown = cut(", ".join(map(shortened, columns[:20])), 400)
    if fitting:
        found = " and ".join(map(repr, fitting))
        raise _error(path, f"the columns {found} could be {usual}; choose one with {option}")
    raise _error(path, f"no column {told or usual!r}; the columns are {shown}; name it: {option}")


def _fitting(columns: Sequence[str], names: Sequence[str], *, other: str) -> list[str]:
    """The columns with one of the names, in any letter case."""
    return [name for name in columns if name.lower() in names and name != other]


def _is_one_hot(records: Records, columns: Sequence[str]) -> bool:
    """Whether each record has 0 and 1 in all of the columns, and a single 1."""
    rows = [[str(record.get(name)) for name in columns] for _, record in records]
    return bool(rows) and all(
        set(row) <= {"0", "1", "0.0", "1.0"} and sum(map(float, row)) == 1 for row in rows
    )


def _error(path: Path, reason: str) -> DataError:
    return DataError(f"{shown_path(path)}: {reason}")
