"""Reader of the file of ``inject --matrix``: a class map in YAML, or a transition matrix in CSV.

A line ``cat: dog`` of the YAML file means that images of cat are given as dog. The CSV file holds
C x C shares: a row per true class, a column per given class. Rows and columns are in the order of
the sorted class names. Or the header and the first column name the classes, in any order.
Each row adds up to 1.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import yaml

from noisefind.errors import ConfigError
from noisefind.noise.matrix import check_matrix, class_map_matrix, require_known_class

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def read_matrix(path: Path, classes: Sequence[str]) -> NDArray[np.float64]:
    """(C, C) shares; row: true class, column: given class, in the order of ``classes``.

    Raises:
        ConfigError: the file cannot be read, names an unknown class, maps a class to itself, or is
            no matrix whose rows add up to 1.
    """
    readers = {".yaml": _from_map, ".yml": _from_map, ".csv": _from_table}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise ConfigError(f"--matrix {path}: its name must end in .yaml (a map) or .csv (a matrix)")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _error(path, f"cannot be read: {error}") from None
    try:
        return readers[suffix](text, classes)
    except ValueError as error:
        raise _error(path, str(error)) from None


def _error(path: Path, reason: str) -> ConfigError:
    return ConfigError(f"--matrix {path}: {' '.join(reason.split())}")


def _from_map(text: str, classes: Sequence[str]) -> NDArray[np.float64]:
    try:
        # BaseLoader makes nothing but text, lists and maps: a class called `no` stays `no`
        class_map = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {error}") from None
    if not isinstance(class_map, dict) or not class_map:
        raise ValueError("must hold lines of the form `class: other class`")
    return class_map_matrix(class_map, classes)


def _from_table(text: str, classes: Sequence[str]) -> NDArray[np.float64]:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise ValueError(f"not valid CSV: {error}") from None
    n = len(classes)
    if len(rows) == n + 1:
        rows = _in_order(rows, classes)
    if len(rows) != n or any(len(row) != n for row in rows):
        widths = sorted({len(row) for row in rows})
        raise ValueError(
            f"has {len(rows)} rows of {' or '.join(map(str, widths)) or 0} cells; expected "
            f"{n} x {n} numbers for the {n} classes, or one more of each with the class names"
        )
    matrix = np.stack([_numbers(name, row) for name, row in zip(classes, rows, strict=True)])
    check_matrix(matrix, classes)
    return matrix


def _in_order(rows: list[list[str]], classes: Sequence[str]) -> list[list[str]]:
    """The numbers without the names, rows and columns in the order of ``classes``."""
    names = [name.strip() for name in rows[0][1:]]
    by_name = {row[0].strip(): row[1:] for row in rows[1:]}
    for found in (names, list(by_name)):
        for name in found:
            require_known_class(name, classes)
        if len(set(found)) != len(classes):
            missing = next((name for name in classes if name not in found), found[0])
            raise ValueError(f"class {missing!r} must be once in the header and the first column")
    places = [names.index(name) for name in classes]
    return [[by_name[name][place] for place in places if place < len(by_name[name])]
            for name in classes]  # fmt: skip


def _numbers(name: str, row: Sequence[str]) -> NDArray[np.float64]:
    try:
        return np.array([float(cell) for cell in row])
    except ValueError as error:
        raise ValueError(f"row of class {name!r}: {error}") from None
