"""The terminal: progress and errors on stderr, JSON, tables and lines on stdout."""

from __future__ import annotations

import json
import sys
import time
from threading import RLock
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.measure import Measurement
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from noisefind.utils import progress
from noisefind.utils.text import cut, visible
from noisefind.utils.time_left import TimeLeft

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from rich.console import RenderableType


SECONDS_OF_LINE = 10  # between two lines of progress where there is no terminal
MESSAGE_LENGTH = 3000  # of an error, whatever a file or a library put into it
LEAST_WIDTH = 80  # columns: tables of names are no narrower, whatever the terminal
GAP = 2  # columns between two columns of such a table


class TerminalProgress(progress.Progress):
    """One bar for the whole command on a terminal; elsewhere a line every ten seconds at most.

    Args:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._console = Console(stderr=True)
        self._clock, self._next_line = clock, clock() + SECONDS_OF_LINE
        self._time_left = TimeLeft(clock)
        self._lock = RLock()  # of the time left: threads advance, another draws
        is_watched = self._console.is_terminal or self._console.is_jupyter
        self._live = (
            Live(get_renderable=self._bar, console=self._console, refresh_per_second=4)
            if is_watched
            else None
        )

    def __enter__(self) -> TerminalProgress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            with self._lock:
                self._time_left.end()
        if self._live:
            self._live.stop()

    def plan(self, stages: Sequence[progress.Stage]) -> None:
        """Count what is to come."""
        with self._lock:
            self._time_left.plan(stages)

    def stage(self, name: str, total: int) -> None:
        """Name the stage beside the bar."""
        with self._lock:
            self._time_left.begin(name, total)
            self._print_line()

    def advance(self, count: int = 1) -> None:
        """Move the bar on."""
        with self._lock:
            self._time_left.advance(count)
            self._print_line()

    def say(self, message: str) -> None:
        """Print a line above the bar."""
        self._console.print(Text(message), soft_wrap=True)

    def _print_line(self) -> None:
        """Print share and time left where there is no terminal, if it is time for it."""
        if self._live is None and self._clock() >= self._next_line:
            self._next_line = self._clock() + SECONDS_OF_LINE
            self.say(f"{self._time_left.share():4.0%} {self._left_text()}: {self._time_left.name}")

    def _left_text(self) -> str:
        left = self._time_left.left()
        return "" if left is None else f"{clock_text(left)} left"

    def _bar(self) -> RenderableType:
        with self._lock:
            share, elapsed = self._time_left.share(), self._time_left.elapsed()
            name, left = self._time_left.name, self._left_text()
        row = Table.grid(padding=(0, 1))
        row.add_row(
            Text("Done" if share == 1 else name),
            ProgressBar(total=1, completed=share, width=30),
            f"{share:4.0%}",
            f"{clock_text(elapsed)} elapsed",
            "" if share == 1 else left,
        )
        return row


def clock_text(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss.

    >>> clock_text(75.4), clock_text(3600)
    ('1:15', '1:00:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


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


def print_wrapped(console: Console, line: str) -> None:
    """Print a sentence, wrapped between words to the width of the terminal."""
    console.print(Text(line), highlight=False)


def one_line(text: str) -> str:
    """A text in one line, without characters that steer a terminal."""
    return " ".join(visible(text.replace("\n", " ")).split())
