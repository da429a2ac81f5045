"""Shared steps of the subcommands that analyse a run without ground truth.

These are ``correlation``, ``distribution``, ``examples`` and ``embedding``; each writes into OUT

NAME.csv          the numbers, and further tables
NAME.svg .png     the plot, where matplotlib is installed
NAME.json         options and results; written last
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from noisefind.evaluation.plotting import can_plot
from noisefind.runs.folder import RunFolder
from noisefind.runs.output import open_output
from noisefind.utils.files import write_csv, write_json
from noisefind.utils.text import card, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunSummary
    from noisefind.utils.output import OutputFolder
    from noisefind.utils.progress import Progress

FORMAT = 1


class CsvTable(NamedTuple):
    """A CSV file."""

    columns: Sequence[str]
    rows: Iterable[Sequence[object]]


@dataclass(frozen=True)
class AnalysisResult:
    """The results; everything is in the output folder too."""

    summary: dict[str, Any]
    output: Path

    def __repr__(self) -> str:
        return card(
            f"AnalysisResult {self.output}",
            run=self.summary["run"],
            images=self.summary["n_images"],
            label_issues=counted(self.summary["n_label_issues"], self.summary["n_images"]),
        )


@dataclass(frozen=True)
class Analysis:
    """A finished run, and the folder for the results."""

    name: str
    run: RunFolder
    summary: RunSummary
    ranking: Ranking
    output: OutputFolder

    def write(
        self,
        found: Mapping[str, object],
        tables: Mapping[str, CsvTable],
        draw: Callable[[Path], None],
    ) -> AnalysisResult:
        """Write everything, whole or not at all.

        Args:
            found: the results, for the JSON document.
            tables: name -> the file NAME.csv.
            draw: writes the plot into a folder; called where matplotlib is installed.
        """
        document = {
            "format": FORMAT,
            "run": str(self.run.path.absolute()),
            "run_id": self.summary.run_id,
            "n_images": len(self.ranking),
            "n_label_issues": int(self.ranking.is_label_issue.sum()),
            **found,
        }
        files = [f"{name}.csv" for name in tables]
        names = (f"{self.name}.json", *files, f"{self.name}.svg", f"{self.name}.png")
        with self.output.write(names) as folder:
            for name, table in tables.items():
                write_csv(folder / f"{name}.csv", table.columns, table.rows)
            if can_plot():
                draw(folder)
            write_json(folder / f"{self.name}.json", document)
        return AnalysisResult(document, self.output.path)


def open_analysis(name: str, run: str | Path, output: str | Path, progress: Progress) -> Analysis:
    """Read a run, and refuse bad input before any work.

    Raises:
        RunError: ``run`` is not a finished run, or ``output`` is in the way.
    """
    folder = RunFolder(Path(run))
    summary, ranking = folder.read_summary(), folder.read_ranking()
    output_folder = open_output(Path(output), summary.root, summary.data)
    if not can_plot():
        progress.say("no plots: matplotlib is not installed; pip install 'noisefind[plots]'")
    return Analysis(name, folder, summary, ranking, output=output_folder)


def rounded(value: float) -> float | None:
    """``value`` for CSV and JSON, to six digits; None where it is not defined."""
    return None if math.isnan(value) else float(f"{value:.6g}")
