"""The files of a sweep.

sweep.csv         a row per labels, score, position and seed
epochs.csv        accuracy after every epoch of each of them
summary.csv       a row per labels, score and position: mean, standard deviation, differences, area
differences.csv   of window --inject: noisy minus clean
clusters.csv      of clusters: how long k-means took, and what it came to
subsets/          what each subset was trained on, as file_name,label
*.svg *.png       plots, where matplotlib is installed
sweep.json        the summary, the conclusions and the options; written last
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.evaluation.plotting import can_plot
from noisefind.utils.files import write_csv, write_json
from noisefind.utils.text import card

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from noisefind.data.dataset import Dataset
    from noisefind.experiments.subsets import Subset
    from noisefind.experiments.table import SweepTable
    from noisefind.utils.output import OutputFolder

FORMAT = 1
EPOCH_COLUMNS = (
    "labels", "score", "position", "seed", "epoch", "validation_accuracy", "test_accuracy",
)  # fmt: skip
PLOTS = ("accuracy", "epochs", "difference")
_FILES = (
    "sweep.json", "sweep.csv", "epochs.csv", "summary.csv", "differences.csv", "clusters.csv",
    "subsets",
    *(f"{name}.{suffix}" for name in PLOTS for suffix in ("svg", "png")),
)  # fmt: skip


@dataclass(frozen=True)
class SweepResult:
    """The measured accuracies; everything is in the output folder too."""

    table: SweepTable
    summary: dict[str, Any]
    output: Path

    def __repr__(self) -> str:
        return card(
            f"SweepResult {self.output}",
            subcommand=self.summary["subcommand"],
            run=self.summary["run"],
            trainings=self.table.n_trainings,
            conclusions=len(self.summary["conclusions"]),
        )


def write_sweep(
    output: OutputFolder,
    *,
    table: SweepTable,
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
    with output.write(_FILES) as folder:
        write_csv(folder / "epochs.csv", EPOCH_COLUMNS, map(_cells, table.epoch_rows()))
        _write_rows(folder / "sweep.csv", table.sweep_rows())
        for name, more in {"summary": rows, **tables}.items():
            _write_rows(folder / f"{name}.csv", more)
        (folder / "subsets").mkdir()
        for subset in table.subsets:
            _write_subset(folder / "subsets", subset, train)
        if can_plot():
            draw(folder)
        write_json(folder / "sweep.json", document)
    return SweepResult(table, document, output.path)


def _write_subset(folder: Path, subset: Subset, train: Dataset) -> None:
    """A table for all seeds, or one for each; with the phase that an image first comes in."""
    for number, phases in enumerate(subset.draws, start=1):
        draw = f"-draw-{number}" if len(subset.draws) > 1 else ""
        phase_of: dict[int, int] = {}
        for phase, (rows, _) in enumerate(phases, start=1):
            for row in rows.tolist():
                phase_of.setdefault(row, phase)
        header = ("file_name", "label", *(["phase"] if len(phases) > 1 else []))
        lines = (
            (train.ids[row], train.classes[subset.labels[row]], phase)[: len(header)]
            for row, phase in sorted(phase_of.items())
        )
        write_csv(folder / f"{subset.name}{draw}.csv", header, lines)


def _write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    write_csv(path, tuple(rows[0]), (_cells(row.values()) for row in rows))


def _cells(row: Iterable[object]) -> list[object]:
    return [
        "" if value is None else f"{value:.6g}" if isinstance(value, float | np.floating) else value
        for value in row
    ]
