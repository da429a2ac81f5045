"""The terminal: progress and errors on stderr, JSON, tables and lines on stdout."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

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
from rich.text import Text

from noisefind.utils import progress
from noisefind.utils.text import cut, visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from rich.table import Table


MESSAGE_LENGTH = 3000  # of an error, whatever a file or a library put into it


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


def print_plain(console: Console, line: str) -> None:
    """Print a line whose paths can be copied: neither wrapped nor read as markup."""
    console.print(Text(line), soft_wrap=True)


def as_text(name: str) -> Text:
    """A name as it is shown: without characters that steer a terminal."""
    return Text(visible(name))


def one_line(text: str) -> str:
    """A text in one line, without characters that steer a terminal."""
    return " ".join(visible(text.replace("\n", " ")).split())
