"""Results of score, inject, report and compare, for people or as JSON, on stdout."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from rich.console import Console

from noisefind.cli.documents import (
    N_WORST,
    comparison_document,
    injection_document,
    report_document,
    score_document,
)
from noisefind.cli.terminal import (
    print_json,
    print_names,
    print_plain,
)
from noisefind.config import flag
from noisefind.pruning.prune import n_left_out
from noisefind.utils.text import counted, interval, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from noisefind.evaluation.compare import CompareResult
    from noisefind.evaluation.inject import InjectResult
    from noisefind.reporting.report import ReportResult
    from noisefind.runs.ranking import Ranking
    from noisefind.runs.run import Run
    from noisefind.runs.summary import RunSummary

N_COMPARED = 10  # of each kind of difference


def print_scores(result: Run, *, as_json: bool = False) -> None:
    """Print the number of label issues, the worst labels, the files and the next commands."""
    if as_json:
        print_json(score_document(result))
        return
    console, ranking, summary = Console(), result.ranking, result.summary
    n_issues, n_images = summary.n_label_issues, summary.n_images
    print_plain(console, _flag_line(n_issues, summary.n_worth_a_look, n_images))
    rate = summary.noise_rate
    shown = interval(rate.estimate, rate.low, rate.high)
    print_plain(console, f"Estimated noise rate: {shown}")
    n_shown = min(N_WORST, n_images)
    rows = [
        (
            _score_text(ranking.label_scores[row]),
            _flag_word(ranking, row),
            *(ranking.given_labels[row], ranking.predicted_labels[row], ranking.ids[row]),
        )
        for row in range(n_shown)
    ]
    headings = ("label_score", "flagged", "given_label", "predicted_label", "file_name")
    print_names(console, f"The {counted(n_shown, 'worst label')}", headings, rows)
    path = result.path
    for line in _finding_lines(summary, path):
        print_plain(console, line)
    if summary.n_skipped:
        skipped = counted(summary.n_skipped, "file")
        print_plain(console, f"{skipped} left out: {path / 'skipped.csv'}")
    print_plain(console, f"All images, worst first: {path / 'scores.csv'}")
    print_plain(console, f"Next: noisefind report {path}")
    would = f"would leave out {n_left_out(ranking, summary.run_id):,} of {n_images:,} images"
    print_plain(console, f"then: noisefind prune {path} -o CLEAN ({would})")


def _flag_line(n_issues: int, n_looks: int, n_images: int) -> str:
    if n_issues == 0:
        looks = counted(n_looks, "label is", "labels are")
        more = f"; {looks} worth a look" if n_looks else ""
        return f"No error can be shown in {counted(n_images, 'label')}{more}"
    more = f"; {n_looks:,} more {'is' if n_looks == 1 else 'are'} worth a look" if n_looks else ""
    share = percent(n_issues / n_images)
    return f"{n_issues:,} of {counted(n_images, 'label')} flagged as label issues ({share}){more}"


def _flag_word(ranking: Ranking, row: int) -> str:
    if ranking.is_label_issue[row]:
        return "yes"
    return "look" if ranking.is_worth_a_look[row] else "no"


def _finding_lines(summary: RunSummary, path: Path) -> Iterator[str]:
    """Results of the image checks: a line for each that is not zero, and the leaks in any case."""
    if n_groups := summary.n_duplicate_groups:
        text = counted(n_groups, "group") + " of duplicates"
        if n_conflicts := summary.n_conflicting_duplicates:
            conflicts = counted(n_conflicts, "image has", "images have")
            text += f", {conflicts} a conflicting label"
        yield f"{text}: {path / 'duplicates.csv'}"
    if n_leaks := summary.n_leaks:
        leaks = counted(n_leaks, "image is", "images are")
        yield f"{leaks} also in another split: {path / 'leaks.csv'}"
    elif n_leaks == 0:
        yield "No image is also in another split"
    if n_outliers := summary.n_outliers:
        yield f"{counted(n_outliers, 'outlier')} (is_outlier_issue)"
    if n_issues := summary.n_image_issues:
        issues = counted(n_issues, "image has", "images have")
        yield f"{issues} a quality issue, as dark or blurry (image_issues)"
    if n_ties := summary.n_class_ties:
        ties = counted(n_ties, "tie", "ties")
        yield f"{ties} of a class to brightness, size, folder or the like: {path / 'ties.csv'}"


def _score_text(score: float) -> str:
    return "<0.0001" if score < 0.0001 else f"{score:.4f}"


def print_injection(result: InjectResult, data: str, *, as_json: bool = False) -> None:
    """Print the number of changed labels, the file of true labels and the next commands."""
    if as_json:
        print_json(injection_document(result))
        return
    console, actual = Console(), result.summary["actual"]
    n_labels = counted(result.summary["n_images"], "label")
    console.print(
        f"[bold]{actual['n_changed']:,}[/] of {n_labels} changed "
        f"({actual['fraction']:.2%}): {result.summary['kind']}, seed {result.summary['seed']}"
    )
    table, config = result.labels_file, result.summary["config"]
    options = "".join(
        f" {flag(name)} {config[name]}"
        for name in ("split", "root", "path_column", "class_names", "class_depth")
        if config[name] is not None
    )
    options += "".join(f" --exclude {quote(pattern)}" for pattern in config["exclude"])
    if config["cifar_labels"] != "fine":
        options += f" --cifar-labels {config['cifar_labels']}"
    if config["only_listed"]:
        options += " --only-listed"
    print_plain(console, f"Noisy and true labels: {table}")
    print_plain(console, f"Next: noisefind score {data} --labels {table}{options} -o RUN")
    print_plain(console, f"then: noisefind evaluate detection RUN --truth {table} -o OUT")


def print_report(result: ReportResult, *, as_json: bool = False) -> None:
    """Print the path of the page, its size, and the number of its images."""
    if as_json:
        print_json(report_document(result))
        return
    console = Console()
    what = f"{result.n_pictures:,} of {counted(result.n_images, 'image')} with a picture"
    print_plain(console, f"{result.path}: {result.n_bytes / 1e6:.1f} MB, {what}")
    if result.n_unreadable:
        print_plain(console, f"{counted(result.n_unreadable, 'picture')} could not be read")
    for name in result.files:
        print_plain(console, f"Also: {result.path.parent / name}")
    print_plain(console, "Next: open it in a browser, review the labels, download decisions.csv")


def print_comparison(result: CompareResult, *, as_json: bool = False) -> None:
    """Print the differences between two runs, the first few of each kind."""
    if as_json:
        print_json(comparison_document(result))
        return
    console, found = Console(), result.summary
    alike = "not defined" if found["spearman"] is None else f"{found['spearman']:+.3f}"
    console.print(
        f"{counted(found['n_common'], 'image')} in both runs; Spearman correlation of their "
        f"label_score: {alike}"
    )
    for name in "ab":
        run, alone = found[name], found[f"only_in_{name}"]
        n_flagged = sum(image["is_label_issue"] for image in alone)
        print_plain(
            console,
            f"{name}: {run['run']}: {run['n_label_issues']:,} of "
            f"{counted(run['n_images'], 'label')} flagged; "
            f"{counted(len(alone), 'image')} only here, {n_flagged:,} flagged",
        )
    for title, key in (
        ("Newly flagged", "newly_flagged"),
        ("No longer flagged", "no_longer_flagged"),
        ("Given label changed", "changed_labels"),
        ("Moved most", "moved_most"),
    ):
        _print_differences(console, title, found[key])
    if result.output is not None:
        print_plain(console, f"All images: {result.output / 'comparison.csv'}")


def _print_differences(console: Console, title: str, images: Sequence[Mapping[str, Any]]) -> None:
    n_shown = min(N_COMPARED, len(images))
    more = f", {n_shown} shown" if n_shown < len(images) else ""
    if not images:
        print_plain(console, f"{title}: none")
        return
    rows = [
        [_score_text(image[key]) for key in ("label_score_a", "label_score_b")]
        + [image[key] for key in ("given_label_a", "given_label_b", "file_name")]
        for image in images[:n_shown]
    ]
    headings = ("label_score a", "b", "given_label a", "b", "file_name")
    print_names(console, f"{title}: {len(images):,}{more}", headings, rows)
