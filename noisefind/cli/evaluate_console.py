"""Results of ``noisefind evaluate``, for people or as JSON, on stdout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from noisefind.cli.documents import evaluation_document
from noisefind.cli.terminal import TerminalProgress, print_json, print_names, print_whole
from noisefind.evaluation.detection_plots import PLOTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from noisefind.evaluation.analysis import AnalysisResult
    from noisefind.evaluation.detection import DetectionResult, Measure
    from noisefind.evaluation.selftest import SelftestResult, Spread

_FLAGS = "is_label_issue"
_SHOWN = {
    "AUROC": "auroc",
    "average precision": "average_precision",
    "F1@N": "f1_at_n",
    "P@1%": "precision_at_1_percent",
    "P@5%": "precision_at_5_percent",
    "P@10%": "precision_at_10_percent",
}
_SELFTEST = {
    "AUROC": ("label_score", "auroc"),
    "F1@N": ("label_score", "f1_at_n"),
    "precision": (_FLAGS, "precision"),
    "recall": (_FLAGS, "recall"),
}


class Result(Protocol):
    """The common part of the results of all subcommands."""

    @property
    def summary(self) -> dict[str, Any]:
        """The content of its JSON file."""

    @property
    def output(self) -> Path:
        """The folder."""


R = TypeVar("R", bound=Result)


def carry_out(
    subcommand: str, work: Callable[..., R], show: Callable[[R], None], *, as_json: bool
) -> None:
    """Do the work, with progress on stderr, then show the result."""
    with TerminalProgress() as progress:
        result = work(progress=progress)
    if as_json:
        print_json(evaluation_document(subcommand, result.summary, result.output))
    else:
        show(result)


def print_detection(result: DetectionResult) -> None:
    """Print the metrics of scores, flags and suggestions against the true labels, and the files."""
    console, summary = Console(), result.summary
    measures = {(m.of, m.metric): m for m in result.measures}
    console.print(
        f"[bold]{summary['n_wrong']:,}[/] of {summary['n_images']:,} labels are wrong "
        "by the ground truth"
    )
    table = Table(box=SIMPLE, title="How well each score finds them", title_justify="left")
    table.add_column("score", no_wrap=True)
    for heading in _SHOWN:
        table.add_column(heading, justify="right", no_wrap=True)
    for name in [of for of, metric in measures if metric == "auroc"]:
        cells = [f"{_number(measures[name, metric].value)}" for metric in _SHOWN.values()]
        cells[1] += _interval(measures[name, "average_precision"], 2)  # one fits into 80 columns
        table.add_row(name, *cells)
    console.print(table, soft_wrap=True)
    flags = {metric: m for (of, metric), m in measures.items() if of == _FLAGS}
    hits = {metric: m for (of, metric), m in measures.items() if of == "predicted_label"}
    rates = ", ".join(f"{name} {_text(flags[name])}" for name in ("precision", "recall", "f1"))
    below = _text(flags["f1_below_best"])
    flagged, wrong = flags["share"].value, measures["truth", "share"].value
    right = (_text(hits[name]) for name in ("right_of_flagged_wrong", "right_of_wrong"))
    lines = [
        f"{_FLAGS}: {rates}; f1 at the best threshold of label_score is {below} higher",
        f"flagged: {flagged:.2%} of the labels; wrong: {wrong:.2%}",
        "predicted_label is the true label for {} of the flagged wrong labels and for {} of all "
        "wrong labels".format(*right),
    ]
    if summary["draws"]:
        lines.append(f"in brackets: 95 % intervals, {summary['draws']:,} bootstrap draws of images")
    lines += ["", f"All numbers: {result.output / 'detection.csv'}"]
    lines.append(f"By given class: {result.output / 'detection_per_class.csv'}")
    plots = [result.output / name for name in PLOTS if name.endswith(".png")]
    lines += [f"Plot: {plot}" for plot in plots if plot.exists()]
    console.print(Text("\n".join(lines)), soft_wrap=True)


def print_selftest(result: SelftestResult) -> None:
    """Print the metrics of the injected errors for each share, and the meaning of the numbers."""
    console, config = Console(), result.summary["config"]
    title = f"{config['kind']} errors, injected and found: mean (std) over seeds"
    table = Table(box=SIMPLE, title=title, title_justify="left")
    for heading in ("injected", *_SELFTEST, "flagged"):
        table.add_column(heading, justify="right", no_wrap=True)
    by_name = {(s.fraction, s.of, s.metric): s for s in result.spreads}
    for fraction in sorted({s.fraction for s in result.spreads}):
        cells = [_spread_text(by_name[fraction, *names]) for names in _SELFTEST.values()]
        flagged = by_name[fraction, _FLAGS, "share"].mean
        table.add_row(f"{fraction:.2%}", *cells, f"{flagged:.1%}")
    console.print(table, soft_wrap=True)
    lines = [
        "Errors that the data had before count as false positives when they are found.",
        "So precision is a lower bound.",
        f"Every measure of every run: {result.output / 'selftest.csv'}",
        f"Mean and standard deviation: {result.output / 'summary.csv'}",
    ]
    console.print(Text("\n".join(lines)), soft_wrap=True)


def print_correlation(result: AnalysisResult) -> None:
    """Print the correlation of each score with label_score, and its most similar score."""
    spearman, pearson = result.summary["spearman"], result.summary["pearson"]
    title = f"Correlation; {result.summary['direction']}"
    table = Table(box=SIMPLE, title=title, title_justify="left")
    table.add_column("score", no_wrap=True)
    for heading in ("Pearson", "Spearman"):
        table.add_column(f"{heading}\nwith label_score", justify="right")
    table.add_column("most alike by Spearman", no_wrap=True)
    for name in (name for name in spearman if name != "label_score"):
        others = {o: v for o, v in spearman[name].items() if o != name and v is not None}
        alike = max(others, key=others.__getitem__, default="")
        table.add_row(
            name, _signed(pearson[name]["label_score"]), _signed(spearman[name]["label_score"]),
            f"{alike} {_signed(others[alike])}" if alike else "none: constant",
        )  # fmt: skip
    _print_analysis(result, "correlation", table)


def print_distribution(result: AnalysisResult) -> None:
    """Print the range of each score, and its median over the label issues."""
    table = Table(box=SIMPLE, title="Distribution of the scores", title_justify="left")
    table.add_column("score", no_wrap=True)
    table.add_column("hard is", no_wrap=True)
    for heading in ("minimum", "median", "maximum", "median of\nlabel issues"):
        table.add_column(heading, justify="right")
    for name, spread in result.summary["scores"].items():
        cells = (spread[key] for key in ("min", "median", "max", "median_of_label_issues"))
        table.add_row(
            name,
            "high" if spread["high_is_hard"] else "low",
            *("–" if cell is None else f"{cell:.4g}" for cell in cells),
        )
    _print_analysis(result, "distribution", table)


def print_examples(result: AnalysisResult) -> None:
    """Print the images with their labels."""
    summary = result.summary
    rows = [
        (
            f"{example['value']:.4g}",
            "yes" if example["is_label_issue"] else "no",
            *(example[key] for key in ("given_label", "predicted_label", "file_name")),
        )
        for example in summary["examples"]
    ]
    headings = (summary["by"], "flagged", "given_label", "predicted_label", "file_name")
    print_names(Console(), summary["title"], headings, rows)
    _print_analysis(result, "examples")


def print_embedding(result: AnalysisResult) -> None:
    """Print the number of images on the map."""
    summary = result.summary
    Console().print(
        f"[bold]{summary['n_shown']:,}[/] of {summary['n_images']:,} images on the map, "
        f"{summary['n_label_issues_shown']:,} of them with a label issue"
    )
    _print_analysis(result, "embedding")


def _print_analysis(result: AnalysisResult, name: str, table: Table | None = None) -> None:
    """Print a table, then the files."""
    console = Console()
    if table is not None:
        print_whole(console, table)
    lines = [f"All numbers: {result.output / name}.csv"]
    plot = result.output / f"{name}.png"
    lines += [f"Plot: {plot}"] if plot.exists() else []
    console.print(Text("\n".join(lines)), soft_wrap=True)


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def _text(measure: Measure) -> str:
    return _number(measure.value) + _interval(measure, 3)


def _spread_text(spread: Spread) -> str:
    if math.isnan(spread.std):
        return _number(spread.mean)
    std = f"{spread.std:.3f}".removeprefix("0")  # so that the table fits into 80 columns
    return f"{_number(spread.mean)} ({std})"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _interval(measure: Measure, digits: int) -> str:
    if math.isnan(measure.low):
        return ""
    return f" ({measure.low:.{digits}f}–{measure.high:.{digits}f})"
