"""What ``inject --matrix`` reads: which class is taken for which, from YAML or CSV.

A YAML map, ``cat: dog`` in each line, says that images of cat are given as dog. A CSV of C x C
numbers says it in shares: a row per true class, a column per given class, in the order of the
sorted class names, or with the names as header and in the first column. Each row adds up to 1.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import yaml

from noisefind.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# how far from 1 a row may add up to: 100 numbers rounded to 4 digits are off by .005 at most
TOLERANCE = 0.01


def read_matrix(path: Path, classes: Sequence[str]) -> NDArray[np.float64]:
    """(C, C) shares, row: true class, column: given class, in the order of ``classes``.

    Raises:
        ConfigError: the file cannot be read, names an unknown class, maps a class to itself, or is
            no matrix whose rows add up to 1.
    """
    suffix = path.suffix.lower()
    if suffix not in {".yaml", ".yml", ".csv"}:
        raise _error(path, "its name must end in .yaml (a map) or .csv (a matrix)")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _error(path, f"cannot be read: {error}") from None
    if suffix == ".csv":
        return _from_table(path, text, classes)
    return _from_map(path, text, classes)


def _from_map(path: Path, text: str, classes: Sequence[str]) -> NDArray[np.float64]:
    try:
        # BaseLoader makes nothing but text, lists and maps: a class called `no` stays `no`
        pairs = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise _error(path, f"not valid YAML: {error}") from None
    if not isinstance(pairs, dict) or not pairs:
        raise _error(path, "must hold lines of the form `class: other class`")
    matrix = np.eye(len(classes))
    for true, given in pairs.items():
        for name in (true, given):
            _require_known(path, name, classes)
        if true == given:
            raise _error(path, f"{true!r} is mapped to itself")
        row = classes.index(true)
        matrix[row] = 0
        matrix[row, classes.index(given)] = 1
    return matrix


def _from_table(path: Path, text: str, classes: Sequence[str]) -> NDArray[np.float64]:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise _error(path, f"not valid CSV: {error}") from None
    n = len(classes)
    if len(rows) == n + 1:
        rows = _in_order(path, rows, classes)
    if len(rows) != n or any(len(row) != n for row in rows):
        widths = sorted({len(row) for row in rows})
        raise _error(
            path, f"has {len(rows)} rows of {' or '.join(map(str, widths)) or 0} cells; expected "
            f"{n} x {n} numbers for the {n} classes, or one more of each with the class names",
        )  # fmt: skip
    return np.stack([_numbers(path, name, row) for name, row in zip(classes, rows, strict=True)])


def _in_order(path: Path, rows: list[list[str]], classes: Sequence[str]) -> list[list[str]]:
    """The numbers alone, rows and columns in the order of ``classes``."""
    names = [name.strip() for name in rows[0][1:]]
    by_name = {row[0].strip(): row[1:] for row in rows[1:]}
    for found in (names, list(by_name)):
        for name in found:
            _require_known(path, name, classes)
        if len(set(found)) != len(classes):
            missing = next((name for name in classes if name not in found), found[0])
            raise _error(path, f"class {missing!r} must stand once in header and first column")
    places = [names.index(name) for name in classes]
    return [[by_name[name][place] for place in places if place < len(by_name[name])]
            for name in classes]  # fmt: skip


def _numbers(path: Path, name: str, row: Sequence[str]) -> NDArray[np.float64]:
    try:
        numbers = np.array([float(cell) for cell in row])
    except ValueError as error:
        raise _error(path, f"row of class {name!r}: {error}") from None
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise _error(path, f"row of class {name!r}: numbers must be 0 to 1")
    if abs(numbers.sum() - 1) > TOLERANCE:
        raise _error(path, f"row of class {name!r} adds up to {numbers.sum():.4g}; it must be 1")
    return numbers


def _require_known(path: Path, name: object, classes: Sequence[str]) -> None:
    if name not in classes:
        shown = ", ".join(classes[:8]) + (", …" if len(classes) > 8 else "")
        raise _error(path, f"{name!r} is no class of the data: {shown}")


def _error(path: Path, reason: str) -> ConfigError:
    return ConfigError(f"--matrix {path}: {' '.join(reason.split())}")
