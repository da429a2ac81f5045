"""The files of a sweep.

sweep.csv         a row per labels, score, point and seed
epochs.csv        accuracy after every epoch of each of them
summary.csv       a row per labels, score and point: mean, spread, differences, area
differences.csv   of window --inject: noisy minus clean
clusters.csv      of clusters: how long k-means took, and what it came to
points/           what each point was trained on, as file_name,label
*.svg *.png       plots, where matplotlib is installed
sweep.json        the summary, the verdicts and what was asked; written last
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.evaluation.plotting import can_plot
from noisefind.utils.files import write_csv, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from noisefind.data.dataset import Dataset
    from noisefind.experiments.subsets import Point
    from noisefind.experiments.table import Table
    from noisefind.utils.output import OutputFolder

FORMAT = 1
EPOCH_COLUMNS = (
    "labels", "score", "point", "seed", "epoch", "validation_accuracy", "test_accuracy",
)  # fmt: skip
PLOTS = ("accuracy", "epochs", "difference")
_OURS = (
    "sweep.json", "sweep.csv", "epochs.csv", "summary.csv", "differences.csv", "clusters.csv",
    "points",
    *(f"{name}.{suffix}" for name in PLOTS for suffix in ("svg", "png")),
)  # fmt: skip


@dataclass(frozen=True)
class SweepResult:
    """What was measured; everything is in the output folder too."""

    table: Table
    summary: dict[str, Any]
    output: Path


def write_sweep(
    output: OutputFolder,
    table: Table,
    train: Dataset,
    document: dict[str, Any],
    draw: Callable[[Path], None],
    tables: Mapping[str, Sequence[Mapping[str, object]]],
) -> SweepResult:
    """Write everything, whole or not at all.

    Args:
        output: the folder to write.
        table: the curves.
        train: the N images that rows are numbers of.
        document: what sweep.json holds besides the format and the summary.
        draw: writes the plots into a folder; called where matplotlib is installed.
        tables: further rows, for NAME.csv and for sweep.json.
    """
    rows = table.summary_rows()
    document = {"format": FORMAT, **document, **tables, "summary": rows}
    with output.write(_OURS) as folder:
        write_csv(folder / "epochs.csv", EPOCH_COLUMNS, map(_cells, table.epoch_rows()))
        _write_rows(folder / "sweep.csv", table.sweep_rows())
        for name, more in {"summary": rows, **tables}.items():
            _write_rows(folder / f"{name}.csv", more)
        (folder / "points").mkdir()
        for point in table.points:
            _write_point(folder / "points", point, train)
        if can_plot():
            draw(folder)
        write_json(folder / "sweep.json", document)
    return SweepResult(table, document, output.path)


def _write_point(folder: Path, point: Point, train: Dataset) -> None:
    """A table for all seeds, or one for each; with the stage that an image first comes in."""
    for number, stages in enumerate(point.subsets, start=1):
        draw = f"-draw-{number}" if len(point.subsets) > 1 else ""
        stage_of: dict[int, int] = {}
        for stage, (rows, _) in enumerate(stages, start=1):
            for row in rows.tolist():
                stage_of.setdefault(row, stage)
        header = ("file_name", "label", *(["stage"] if len(stages) > 1 else []))
        lines = (
            (train.ids[row], train.classes[point.labels[row]], stage)[: len(header)]
            for row, stage in sorted(stage_of.items())
        )
        write_csv(folder / f"{point.name}{draw}.csv", header, lines)


def _write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    write_csv(path, tuple(rows[0]), (_cells(row.values()) for row in rows))


def _cells(row: Iterable[object]) -> list[object]:
    return [
        "" if value is None else f"{value:.6g}" if isinstance(value, float | np.floating) else value
        for value in row
    ]
