"""The terminal: progress and errors on stderr, JSON, tables and lines on stdout."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.cells import cell_len
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

from noisefind.utils import progress
from noisefind.utils.text import cut, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType


MESSAGE_LENGTH = 3000  # of an error, whatever a file or a library put into it
LEAST_WIDTH = 80  # columns: tables of names are no narrower, whatever the terminal
GAP = 2  # columns between two columns of such a table


class TerminalProgress(progress.Progress):
    """Bars with the time left on a terminal; one line per stage if stderr is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
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
        """Move the current bar on."""
        if self._task is not None:
            self._bars.advance(self._task, count)

    def say(self, message: str) -> None:
        """Print a line above the bars."""
        self._console.print(Text(message), soft_wrap=True)


def print_error(message: str) -> None:
    """Print one line on stderr."""
    console = Console(stderr=True)
    text = cut(one_line(message), MESSAGE_LENGTH)
    console.print(Text.assemble(("error: ", "bold red"), text), soft_wrap=True)


def print_json(document: Mapping[str, object]) -> None:
    """Print one JSON document on stdout; in ASCII, so that names can steer no terminal."""
    json.dump(document, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_whole(console: Console, table: Table) -> None:
    """Print a table as wide as it needs, on any terminal: its names can be copied."""
    needed = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    console.width = max(console.width, needed)
    console.print(table, crop=False)


def print_names(
    console: Console, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Print a table of names that fits the terminal, or 80 columns on a narrower one.

    The longest names lose their middle; nothing is wrapped, so a row stays a line.
    """
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    smallest = [cell_len(heading) for heading in headings]
    excess = sum(widths) + GAP * (len(widths) - 1) - max(console.width, LEAST_WIDTH)
    while excess > 0 and widths != smallest:
        long = [
            width if width > least else 0 for width, least in zip(widths, smallest, strict=True)
        ]
        widest = long.index(max(long))
        widths[widest] -= 1
        excess -= 1
    table = Table(
        box=SIMPLE, title=title, title_justify="left", show_edge=False, pad_edge=False,
        padding=(0, GAP - 1, 0, 0),
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        cells = zip(row, widths, strict=True)
        table.add_row(*(Text(_without_middle(cell, width)) for cell, width in cells))
    print_whole(console, table)


def _without_middle(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns."""
    length = len(text)
    while cell_len(text := cut(text, length)) > width:
        length = min(length, width) - 1
    return text


def print_plain(console: Console, line: str) -> None:
    """Print a line whose paths can be copied: neither wrapped nor read as markup."""
    console.print(Text(line), soft_wrap=True)


def one_line(text: str) -> str:
    """A text in one line, without characters that steer a terminal."""
    return " ".join(visible(text.replace("\n", " ")).split())
