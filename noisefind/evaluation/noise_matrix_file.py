"""Reader of the file of ``inject --matrix``: a class map in YAML, or a transition matrix in CSV.

A line ``cat: dog`` of the YAML file means that images of cat are given as dog. The CSV file holds
C x C shares: a row per true class, a column per given class. Rows and columns are in the order of
the sorted class names. Or the header and the first column name the classes, in any order.
Each row adds up to 1.
"""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import ConfigError
from noisefind.noise.matrix import check_matrix, class_map_matrix, require_known_class
from noisefind.utils.inputs import KIB, read_text
from noisefind.utils.plain_yaml import read_yaml
from noisefind.utils.text import PATH_LENGTH, cut, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


MAX_BYTES = 64 * KIB * KIB  # 1,700 x 1,700 numbers of 20 digits


def read_matrix(path: Path, classes: Sequence[str]) -> NDArray[np.float64]:
    """(C, C) shares; row: true class, column: given class, in the order of ``classes``.

    Raises:
        ConfigError: the file cannot be read, names an unknown class, maps a class to itself, or is
            no matrix whose rows add up to 1.
    """
    name = cut(visible(str(path)), PATH_LENGTH)
    suffix = path.suffix.lower()
    try:
        if suffix in {".yaml", ".yml"}:
            return _from_map(read_yaml(path, only_text=True), classes)
        if suffix == ".csv":
            return _from_table(read_text(path, MAX_BYTES), classes)
    except ValueError as error:
        raise ConfigError(f"--matrix {name}: {cut(' '.join(str(error).split()), 600)}") from None
    raise ConfigError(f"--matrix {name}: its name must end in .yaml (a map) or .csv (a matrix)")


def _from_map(class_map: object, classes: Sequence[str]) -> NDArray[np.float64]:
    if not isinstance(class_map, dict) or not class_map:
        raise ValueError("must hold lines of the form `class: other class`")
    return class_map_matrix(class_map, classes)


def _from_table(text: str, classes: Sequence[str]) -> NDArray[np.float64]:
    n = len(classes)
    rows = _rows(text, n)
    if len(rows) == n + 1 and all(len(row) == n + 1 for row in rows):
        rows = _in_order(rows, classes)
    elif len(rows) != n or any(len(row) != n for row in rows):
        widths = sorted({len(row) for row in rows})
        shown = f"{widths[0]} to {widths[-1]}" if len(widths) > 1 else str(*widths or (0,))
        raise ValueError(
            f"has {len(rows)} rows of {shown} cells; expected "
            f"{n} x {n} numbers for the {n} classes, or one more of each with the class names"
        )
    matrix = np.stack([_numbers(name, row) for name, row in zip(classes, rows, strict=True)])
    check_matrix(matrix, classes)
    return matrix


def _rows(text: str, n_classes: int) -> list[list[str]]:
    """Rows of cells without empty rows; not many more than a matrix has."""
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        return list(islice((row for row in reader if row), n_classes + 2))
    except csv.Error as error:
        raise ValueError(f"not valid CSV: {error}") from None


def _in_order(rows: list[list[str]], classes: Sequence[str]) -> list[list[str]]:
    """The numbers without the names, rows and columns in the order of ``classes``."""
    columns = [name.strip() for name in rows[0][1:]]
    by_name = {row[0].strip(): row[1:] for row in rows[1:]}
    for found in (columns, list(by_name)):
        for name in found:
            require_known_class(name, classes)
        missing = next((name for name in classes if name not in found), None)
        if missing is not None:
            reason = "must be once in the header and the first column"
            raise ValueError(f"class {shortened(missing)} {reason}")
    places = [columns.index(name) for name in classes]
    return [[by_name[name][place] for place in places] for name in classes]


def _numbers(name: str, row: Sequence[str]) -> NDArray[np.float64]:
    try:
        return np.array([float(cell) for cell in row])
    except ValueError as error:
        raise ValueError(f"row of class {shortened(name)}: {cut(str(error), 120)}") from None
