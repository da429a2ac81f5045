"""Result of a sweep: table, conclusions and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from noisefind.cli.terminal import print_whole
from noisefind.experiments.files import PLOTS
from noisefind.experiments.subsets import FULL, GIVEN

if TYPE_CHECKING:
    from noisefind.experiments.files import SweepResult


def print_sweep(result: SweepResult) -> None:
    """Print a row per subset, then the conclusions."""
    console, summary = Console(), result.summary
    n_seeds = len(result.table.seeds)
    title = (
        f"Test accuracy in %, mean (std) over {n_seeds} seeds: after the last epoch,\n"
        "and after the epoch that is best on the validation images. Differences are in\n"
        "percentage points"
    )
    table = Table(box=SIMPLE, title=title, title_justify="left")
    for heading in ("score", "subset"):
        table.add_column(heading, no_wrap=True)
    for heading in ("images", "classes", "last", "best", f"minus {FULL}"):
        table.add_column(heading, justify="right", no_wrap=True)
    before = None
    for row in summary["summary"]:
        name = row["score"] if row["labels"] == GIVEN else f"{row['labels']} {row['score']}"
        if before not in (None, name):
            table.add_section() if row["position"] is not None else None
        before = name
        table.add_row(
            Text(name), row["position"] or "", f"{row['n_images']:,}", str(row["n_classes"]),
            *(_spread(row[f"{n}_mean"], row[f"{n}_std"]) for n in ("final", "best")),
            "" if row["minus_full"] is None else f"{100 * row['minus_full']:+.1f}",
        )  # fmt: skip
    print_whole(console, table)
    lines = [*(v["text"] for v in summary["conclusions"]), "", summary["rule"], ""]
    lines.append(f"All numbers: {result.output / 'summary.csv'}, {result.output / 'sweep.csv'}")
    plots = (result.output / f"{name}.png" for name in PLOTS)
    lines += [f"Plot: {plot}" for plot in plots if plot.exists()]
    console.print(Text("\n".join(lines)), soft_wrap=True)


def _spread(mean: float, std: float | None) -> str:
    return f"{100 * mean:.1f}" + ("" if std is None else f" ({100 * std:.1f})")
