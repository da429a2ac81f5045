"""The result of prune, for people or as JSON, on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from noisefind.cli.documents import prune_document
from noisefind.cli.terminal import one_line, print_json, print_plain, print_wrapped
from noisefind.utils.text import counted, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from noisefind.pruning.prune import PruneResult

N_NAMED = 10  # classes in the warning


def print_prune(result: PruneResult, *, dry_run: bool, as_json: bool = False) -> None:
    """Print what is kept and dropped per class, and the files; disputed images on stderr."""
    _print_disputed(result)
    if as_json:
        print_json(prune_document(result, dry_run=dry_run))
        return
    console = Console()
    console.print(_table(result, dry_run=dry_run))
    for line in _notes(result):
        print_wrapped(console, line)
    if dry_run:
        print_plain(console, "Nothing was written (--dry-run)")
        return
    print_plain(console, f"Kept images: {result.output / 'kept.csv'}")
    print_plain(console, f"All images with reasons: {result.output / 'manifest.csv'}")
    for name in result.files[2:]:
        print_plain(console, f"Also: {result.output / name}")


def _table(result: PruneResult, *, dry_run: bool) -> Table:
    """Numbers of images per class; a long name is folded, so that it can be read whole."""
    decisions = ["decisions of the review"] if result.config.decisions else []
    rules = ", then ".join([*decisions, *map(str, result.rules)])
    title = f"{'Would drop' if dry_run else 'Dropped'}: {rules}"
    table = Table(box=SIMPLE, title=title, title_justify="left")
    table.add_column("class", overflow="fold")
    for column in ("images", "kept", "dropped"):
        table.add_column(column, justify="right", no_wrap=True)
    for count in result.counts:
        numbers = (count.before, count.kept, count.dropped)
        table.add_row(Text(visible(count.label)), *(f"{number:,}" for number in numbers))
    table.add_section()
    totals = zip(*((c.before, c.kept, c.dropped) for c in result.counts), strict=True)
    table.add_row("all", *(f"{sum(numbers):,}" for numbers in totals))
    return table


def _notes(result: PruneResult) -> Iterator[str]:
    """What the table does not show, a line each."""
    if dropped := result.manifest.reason_counts(kept=False).most_common():
        counts = ", ".join(f"{number:,} {reason}" for reason, number in dropped)
        yield f"Dropped by reason: {counts}"
    if n_unreadable := len(result.manifest.unreadable):
        are = counted(n_unreadable, "unreadable image is", "unreadable images are")
        yield f"{are} dropped too"
    if result.config.decisions:
        yield from _review_lines(result)
    if result.n_spared:
        yield f"--min-per-class keeps {counted(result.n_spared, 'image')} that the rules would drop"
    if result.n_conflicting:
        pictures = counted(result.n_conflicting, "picture is", "pictures are")
        yield (
            f"{pictures} kept under different labels; at least one is wrong: decide in the report"
        )
    if any(count.is_halved for count in result.counts):
        yield _halved(result)


def _review_lines(result: PruneResult) -> Iterator[str]:
    """The decisions by kind, and what happens to the rest of the flagged images."""
    review = result.review
    words = {"keep": "kept", "relabel": "relabelled", "drop": "dropped"}
    counts = ", ".join(f"{review.count(word):,} {text}" for word, text in words.items())
    yield (
        f"Review: {len(review.decisions):,} decided ({counts}), {len(review.unsure):,} unsure, "
        f"{len(review.disputed):,} disputed, {result.n_undecided:,} flagged and undecided"
    )
    if not result.n_undecided:
        return
    if any(rule.kind == "noise" for rule in result.rules):
        yield "The undecided images are left to --drop noise"
    else:
        but = " unless another rule drops them" if result.rules else ""
        yield f"The undecided images are kept{but}; --drop noise would drop them"


def _halved(result: PruneResult) -> str:
    """A warning with the classes that lose more than half, and the options against it."""
    halved = [count for count in result.counts if count.is_halved]
    names = ", ".join(
        f"{visible(count.label)} ({count.before:,} to {count.kept:,})" for count in halved[:N_NAMED]
    )
    more = f" and {len(halved) - N_NAMED:,} more" if len(halved) > N_NAMED else ""
    classes = counted(len(halved), "class loses", "classes lose")
    text = f"Warning: {classes} more than half of the images: {names}{more}."
    by_share = any(rule.kind not in ("noise", "duplicates") for rule in result.rules)
    if by_share and not result.config.balance:
        text += " With --balance every class loses the same share."
    if result.rules:
        text += " --min-per-class N keeps at least N images of each."
    return text


def _print_disputed(result: PruneResult) -> None:
    """Print one line on stderr if files of decisions differ."""
    disputed = result.review.disputed
    if not disputed:
        return
    decisions = "; ".join(
        f"{one_line(f'{row.decision} {row.label}')} in {visible(row.file)}"
        for row in result.review.disagreements
        if row.file_name == disputed[0]
    )
    where = f"; all in {result.output / 'disagreements.csv'}" if result.files else ""
    print_plain(
        Console(stderr=True),
        f"left undecided, since the files of --decisions differ: {len(disputed):,}, as "
        f"{visible(disputed[0])} ({decisions}){where}",
    )
