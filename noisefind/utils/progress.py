"""Progress of a long task: library code reports it, only the command line shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Stage(NamedTuple):
    """A stage to come.

    Attributes:
        name: as in :meth:`Progress.stage`.
        seconds: that it is expected to take on this machine.
        is_kept: its result is kept in the cache, so the same work has no such stage again.
    """

    name: str
    seconds: float
    is_kept: bool = False


class Progress:
    """Silent progress; the command line passes a subclass that shows it."""

    def plan(self, stages: Sequence[Stage]) -> None:
        """All that comes after the present stage, instead of what was planned before.

        Stages that do not begin later are left out.
        """

    def stage(self, name: str, total: int) -> None:
        """A new stage of ``total`` units begins; the one before it is over."""

    def advance(self, count: int = 1) -> None:
        """``count`` more units of the present stage are done."""

    def say(self, message: str) -> None:
        """Show one line to the user."""


class PartProgress(Progress):
    """Progress of a part of a longer task, which passes everything on.

    ``plan`` receives the plan of the part, and plans the whole.
    """

    def __init__(self, progress: Progress, plan: Callable[[Sequence[Stage]], None]) -> None:
        self._progress, self._plan = progress, plan

    def plan(self, stages: Sequence[Stage]) -> None:
        """Plan the whole."""
        self._plan(stages)

    def stage(self, name: str, total: int) -> None:
        """Pass it on."""
        self._progress.stage(name, total)

    def advance(self, count: int = 1) -> None:
        """Pass it on."""
        self._progress.advance(count)

    def say(self, message: str) -> None:
        """Pass it on."""
        self._progress.say(message)
