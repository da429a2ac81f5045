"""What a person sees on the terminal: progress on stderr, results on stdout."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from noisefind.cli.documents import (
    N_WORST,
    comparison_document,
    injection_document,
    prune_document,
    report_document,
    score_document,
)
from noisefind.config import flag
from noisefind.utils import progress
from noisefind.utils.text import visible as _visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from noisefind.evaluation.compare import CompareResult
    from noisefind.evaluation.inject import InjectResult
    from noisefind.pruning.decisions import Review
    from noisefind.pruning.prune import PruneResult
    from noisefind.reporting.report import ReportResult
    from noisefind.runs.summary import RunSummary
    from noisefind.scoring.pipeline import ScoreResult

N_COMPARED = 10  # of each kind of difference


class _Console(Console):
    """Goes silent when its reader (head, less) has left; rich's own would end the run with 1."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


class TerminalProgress(progress.Progress):
    """Bars with the time left on a terminal; one line per stage where stderr is none."""

    def __init__(self) -> None:
        self._console = _Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> TerminalProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def stage(self, name: str, total: int) -> None:
        """Draw a new bar."""
        if self._bars.disable:
            self.say(f"{name} ({total:,})")
            return
        if self._task is not None:
            self._bars.update(self._task, completed=self._bars.tasks[self._task].total)
        self._task = self._bars.add_task(name, total=total)

    def advance(self, count: int = 1) -> None:
        """Move the present bar on."""
        if self._task is not None:
            self._bars.advance(self._task, count)

    def say(self, message: str) -> None:
        """Print a line above the bars."""
        self._console.print(Text(message), soft_wrap=True)


def print_error(message: str) -> None:
    """One line on stderr."""
    console = _Console(stderr=True)
    console.print(Text.assemble(("error: ", "bold red"), _one_line(message)), soft_wrap=True)


def print_json(document: Mapping[str, object]) -> None:
    """One JSON document on stdout; in ASCII, so that names can steer no terminal."""
    json.dump(document, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_scores(result: ScoreResult, *, as_json: bool = False) -> None:
    """How many labels are suspected, the worst, where the files are and what to type next."""
    if as_json:
        print_json(score_document(result))
        return
    console, ranking, summary = _Console(), result.ranking, result.summary
    n_issues, n_images = summary.n_label_issues, summary.n_images
    console.print(
        f"[bold]{n_issues:,}[/] of {n_images:,} labels are suspected to be wrong "
        f"({n_issues / n_images:.1%})"
    )
    rate = summary.noise_rate
    _print_plain(
        console,
        f"In all about {rate.estimate:.1%} are wrong ({rate.low:.1%} to {rate.high:.1%})",
    )
    table = Table(box=SIMPLE, title=f"The {min(N_WORST, n_images)} worst", title_justify="left")
    for column in ("label_score", "suspected", "given_label", "predicted_label", "file_name"):
        table.add_column(column, no_wrap=True)
    for row in range(min(N_WORST, n_images)):
        names = (ranking.given_labels[row], ranking.predicted_labels[row], ranking.ids[row])
        suspected = "yes" if ranking.is_label_issue[row] else "no"
        table.add_row(
            _score_text(ranking.label_scores[row]), suspected, *(Text(_visible(n)) for n in names)
        )
    print_whole(console, table)
    path = result.run.path
    for line in _finding_lines(summary, path):
        _print_plain(console, line)
    if summary.n_skipped:
        _print_plain(console, f"{summary.n_skipped:,} files left out: {path / 'skipped.csv'}")
    _print_plain(console, f"All images, worst first: {path / 'scores.csv'}")
    _print_plain(console, f"Next: noisefind prune {path} -o CLEAN")


def _finding_lines(summary: RunSummary, path: Path) -> Iterator[str]:
    """What the pictures told, a line for each that is not zero."""
    if n_groups := summary.n_duplicate_groups:
        n_conflicts = summary.n_conflicting_duplicates
        conflicts = f" (images whose duplicate has another label: {n_conflicts:,})"
        text = f"Groups of duplicates: {n_groups:,}{conflicts if n_conflicts else ''}"
        yield f"{text}; {path / 'duplicates.csv'}"
    if n_leaks := summary.n_leaks:
        yield f"Images that are in another split too: {n_leaks:,}; {path / 'leaks.csv'}"
    if n_outliers := summary.n_outliers:
        yield f"Images unlike all others: {n_outliers:,} (is_outlier_issue)"
    if n_issues := summary.n_image_issues:
        yield f"Images that are dark, blurry, grey or the like: {n_issues:,} (image_issues)"


def _score_text(score: float) -> str:
    return "<0.0001" if score < 0.0001 else f"{score:.4f}"


def print_prune(result: PruneResult, *, dry_run: bool, as_json: bool = False) -> None:
    """What stays and goes, per class, and where the files are; disputed images on stderr."""
    _print_disputed(result)
    if as_json:
        print_json(prune_document(result, dry_run=dry_run))
        return
    console = _Console()
    rules = ", then ".join(map(str, result.rules))
    table = Table(
        box=SIMPLE, title=f"{'Would drop' if dry_run else 'Dropped'}: {rules}", title_justify="left"
    )
    table.add_column("class", overflow="fold")
    for column in ("images", "kept", "dropped"):
        table.add_column(column, justify="right")
    totals = [0, 0, 0]
    for count in result.counts:
        numbers = (count.before, count.kept, count.dropped)
        totals = [total + number for total, number in zip(totals, numbers, strict=True)]
        table.add_row(Text(_visible(count.label)), *(f"{number:,}" for number in numbers))
    table.add_section()
    table.add_row("all", *(f"{total:,}" for total in totals))
    print_whole(console, table)
    n_unreadable = len(result.manifest.unreadable)
    if n_unreadable:
        _print_plain(console, f"{n_unreadable:,} unreadable images are not kept either")
    if result.review.decisions:
        _print_plain(console, _decided(result.review))
    if result.n_spared:
        spared = f"{result.n_spared:,} more would have gone: --min-per-class spares them"
        _print_plain(console, spared)
    if dry_run:
        _print_plain(console, "Nothing was written (--dry-run)")
        return
    _print_plain(console, f"Kept images: {result.output / 'kept.csv'}")
    _print_plain(console, f"Every image and why: {result.output / 'manifest.csv'}")
    for name in result.files[2:]:
        _print_plain(console, f"Also: {result.output / name}")


def _decided(review: Review) -> str:
    words = {"keep": "kept", "relabel": "relabelled", "drop": "dropped"}
    counts = ", ".join(f"{review.count(word):,} {said}" for word, said in words.items())
    return f"{len(review.decisions):,} images were decided by review, before the rules: {counts}"


def _print_disputed(result: PruneResult) -> None:
    """One line on stderr where files decide differently."""
    disputed = result.review.disputed
    if not disputed:
        return
    said = "; ".join(
        f"{_one_line(f'{row.decision} {row.label}')} in {_visible(row.file)}"
        for row in result.review.disagreements
        if row.file_name == disputed[0]
    )
    where = f"; all in {result.output / 'disagreements.csv'}" if result.files else ""
    _print_plain(
        _Console(stderr=True),
        f"left undecided, since the files of --decisions differ: {len(disputed):,}, as "
        f"{_visible(disputed[0])} ({said}){where}",
    )


def print_whole(console: Console, table: Table) -> None:
    """A table as wide as it needs, whatever the terminal's width: its names can be copied."""
    needed = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    console.width = max(console.width, needed)
    console.print(table, crop=False)


def print_injection(result: InjectResult, data: str, *, as_json: bool = False) -> None:
    """How many labels changed, where the truth is and what to type next."""
    if as_json:
        print_json(injection_document(result))
        return
    console, done = Console(), result.summary["done"]
    console.print(
        f"[bold]{done['n_changed']:,}[/] of {result.summary['n_images']:,} labels changed "
        f"({done['fraction']:.2%}): {result.summary['kind']}, seed {result.summary['seed']}"
    )
    table, config = result.labels_file, result.summary["config"]
    options = "".join(
        f" {flag(name)} {config[name]}" for name in ("split", "root") if config[name] is not None
    )
    if config["cifar_labels"] != "fine":
        options += f" --cifar-labels {config['cifar_labels']}"
    if config["only_listed"]:
        options += " --only-listed"
    _print_plain(console, f"Labels and truth: {table}")
    _print_plain(console, f"Next: noisefind score {data} --labels {table}{options} -o RUN")
    _print_plain(console, f"then: noisefind evaluate detection RUN --truth {table} -o OUT")


def print_report(result: ReportResult, *, as_json: bool = False) -> None:
    """Where the page is, how large, and what it shows."""
    if as_json:
        print_json(report_document(result))
        return
    console = Console()
    what = f"{result.n_pictures:,} of {result.n_images:,} images with a picture"
    _print_plain(console, f"{result.path}: {result.n_bytes / 1e6:.1f} MB, {what}")
    if result.n_unreadable:
        _print_plain(console, f"{result.n_unreadable:,} pictures could not be read")
    for name in result.files:
        _print_plain(console, f"Also: {result.path.parent / name}")
    _print_plain(console, "Open it in a browser, decide, download decisions.csv")


def print_comparison(result: CompareResult, *, as_json: bool = False) -> None:
    """What the second run says differently, the first few of each kind."""
    if as_json:
        print_json(comparison_document(result))
        return
    console, found = _Console(), result.summary
    alike = "not defined" if found["spearman"] is None else f"{found['spearman']:+.3f}"
    console.print(
        f"[bold]{found['n_common']:,}[/] images in both runs; Spearman correlation of their "
        f"label_score: {alike}"
    )
    for name in "ab":
        run, alone = found[name], found[f"only_in_{name}"]
        n_flagged = sum(image["is_label_issue"] for image in alone)
        _print_plain(
            console,
            f"{name}: {run['run']}: {run['n_label_issues']:,} of {run['n_images']:,} labels "
            f"flagged; {len(alone):,} images only here, {n_flagged:,} of them flagged",
        )
    for title, key in (
        ("Newly flagged", "newly_flagged"),
        ("No longer flagged", "no_longer_flagged"),
        ("Another label than before", "changed_labels"),
        ("Moved most", "moved_most"),
    ):
        _print_differences(console, title, found[key])
    if result.output is not None:
        _print_plain(console, f"All images: {result.output / 'comparison.csv'}")


def _print_differences(console: Console, title: str, images: Sequence[Mapping[str, Any]]) -> None:
    n_shown = min(N_COMPARED, len(images))
    more = f", {n_shown} shown" if n_shown < len(images) else ""
    table = Table(box=SIMPLE, title=f"{title}: {len(images):,}{more}", title_justify="left")
    if not images:
        _print_plain(console, f"{title}: none")
        return
    for column in ("label_score a", "b", "given_label a", "b", "file_name"):
        table.add_column(column, no_wrap=True)
    for image in images[:n_shown]:
        names = (image[key] for key in ("given_label_a", "given_label_b", "file_name"))
        scores = (_score_text(image[key]) for key in ("label_score_a", "label_score_b"))
        table.add_row(*scores, *(_as_text(name) for name in names))
    print_whole(console, table)


def _print_plain(console: Console, line: str) -> None:
    """A line whose paths can be copied: neither wrapped nor read as markup."""
    console.print(Text(line), soft_wrap=True)


def _as_text(name: str) -> Text:
    return Text(_visible(name))


def _one_line(text: str) -> str:
    return " ".join(_visible(text.replace("\n", " ")).split())
