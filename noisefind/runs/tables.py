"""CSV files of a run folder: their columns, and their readers (writers.py has the writers).

A reader raises RunError where a file cannot be read, lacks a column, or has a row with too few
cells, a number that is not finite or an image that appears twice. The message names file and row;
row 1 is the first one after the header.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from noisefind.data.dataset import Skipped
from noisefind.errors import RunError
from noisefind.runs.ranking import Ranking
from noisefind.scores import SCORES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


SCORE_COLUMNS = (
    "rank",
    "file_name",
    "split",
    "given_label",
    "predicted_label",
    "predicted_prob",
    "label_score",
    "is_label_issue",
    "is_worth_a_look",
    "reasons",
    *SCORES,
    "duplicate_group",
    "is_outlier_issue",
    "image_issues",
)
DETAIL_COLUMNS = (
    "file_name",
    "loo_prob_given",
    "loo_label",
    "ensemble_label",
    "ensemble_prob",
    "neighbours_given",
    "neighbours_label",
    "neighbours_label_share",
    "conflicting_duplicate",
    "n_neighbours",
    "reason_codes",
    "loo_label_prob",
    "alternatives",
)
DETAIL_NUMBERS = ("loo_label_prob", "ensemble_prob", "neighbours_label_share", "n_neighbours")
CLASS_COLUMNS = ("class", "n_images", "n_label_issues", "noise_rate", "low", "high")
PAIR_COLUMNS = ("given_label", "true_label", "n_images")
DUPLICATE_COLUMNS = ("duplicate_group", "file_name", "given_label", "kind")
TIE_COLUMNS = ("class", "property", "value", "strength", "with", "without")
# The tables that every run has besides scores.csv and skipped.csv: columns, and those of numbers.
ALWAYS = {
    "details.csv": (DETAIL_COLUMNS, DETAIL_NUMBERS),
    "noise_per_class.csv": (CLASS_COLUMNS, ("noise_rate", "low", "high")),
    "joint.csv": (PAIR_COLUMNS, ("n_images",)),
    "duplicates.csv": (DUPLICATE_COLUMNS, ("duplicate_group",)),
}


def read_ranking(path: Path) -> Ranking:
    """The ranking in scores.csv."""
    columns = _columns(path, _read_table(path), SCORE_COLUMNS)
    if not columns["file_name"]:
        raise RunError(f"{path}: has no rows; score the data again")
    _require_unique(path, columns["file_name"])
    groups = [group or "0" for group in columns["duplicate_group"]]
    return Ranking(
        ids=columns["file_name"],
        splits=columns["split"],
        given_labels=columns["given_label"],
        predicted_labels=columns["predicted_label"],
        predicted_probs=_numbers(path, "predicted_prob", columns["predicted_prob"]),
        label_scores=_numbers(path, "label_score", columns["label_score"]),
        is_label_issue=_flags(path, "is_label_issue", columns["is_label_issue"]),
        is_worth_a_look=_flags(path, "is_worth_a_look", columns["is_worth_a_look"]),
        reasons=columns["reasons"],
        scores={name: _numbers(path, name, columns[name]) for name in SCORES if any(columns[name])},
        duplicate_groups=_numbers(path, "duplicate_group", groups).astype(np.int64),
        is_outlier_issue=_flags(path, "is_outlier_issue", columns["is_outlier_issue"]),
        image_issues=columns["image_issues"],
    )


def read_skipped(path: Path) -> list[Skipped]:
    """The rows of skipped.csv."""
    columns = _columns(path, _read_table(path), Skipped._fields)
    return [Skipped(*row) for row in zip(*columns.values(), strict=True)]


def read_optional(
    path: Path, names: Sequence[str], numeric: Sequence[str] = ()
) -> dict[str, list[str]] | None:
    """Columns of a table that not every run has; None where the file or a column is missing.

    Args:
        path: the file.
        names: columns to read.
        numeric: those of them whose cells must be finite numbers or empty.
    """
    table = _read_table(path) if path.exists() else [[]]
    if not set(names) <= set(table[0]):
        return None
    columns = _columns(path, table, names)
    for name in numeric:
        _numbers(path, name, [text or "0" for text in columns[name]])
    return columns


def _columns(path: Path, table: list[list[str]], names: Sequence[str]) -> dict[str, list[str]]:
    """The cells of some columns, by the names in the header; further columns are ignored."""
    header, *rows = table
    missing = [name for name in names if name not in header]
    if missing:
        raise RunError(f"{path}: has no column {missing[0]!r}; score the data again")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise _broken(path, number, f"has {len(row)} cells instead of {len(header)}")
    places = [header.index(name) for name in names]
    return {name: [row[i] for row in rows] for name, i in zip(names, places, strict=True)}


def _read_table(path: Path) -> list[list[str]]:
    """The header, which is empty in an empty file, then all rows."""
    if path.exists() and not path.is_file():
        raise RunError(f"{path}: must be a file: move it away and score the data again")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file, strict=True)) or [[]]
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"{path}: cannot be read: {error}; score the data again") from None


def _numbers(path: Path, column: str, cells: Sequence[str]) -> NDArray[np.float64]:
    try:
        values = np.array(cells, np.float64)
    except ValueError:
        values = np.array([_number(text) for text in cells])
    if not np.isfinite(values).all():
        place = int(np.isfinite(values).argmin())
        rule = f"{column} is {cells[place]!r} and must be a finite number"
        raise _broken(path, place + 1, rule)
    return values


def _number(text: str) -> float:
    """nan where the text is no number."""
    try:
        return float(text)
    except ValueError:
        return np.nan


def _flags(path: Path, column: str, cells: Sequence[str]) -> NDArray[np.bool_]:
    for number, text in enumerate(cells, 1):
        if text not in ("true", "false"):
            raise _broken(path, number, f"{column} is {text!r} and must be true or false")
    return np.array([text == "true" for text in cells])


def _require_unique(path: Path, ids: Sequence[str]) -> None:
    if len(set(ids)) == len(ids):
        return
    first: dict[str, int] = {}
    for number, id_ in enumerate(ids, 1):
        if first.setdefault(id_, number) != number:
            raise _broken(path, number, f"{id_!r} is in row {first[id_]} too")


def _broken(path: Path, number: int, what: str) -> RunError:
    return RunError(f"{path}: row {number}: {what}; score the data again")
