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
        """All that is to come, instead of what was planned before; stages may be left out later."""

    def stage(self, name: str, total: float) -> None:
        """A new stage of ``total`` units begins; the one before it is over."""

    def advance(self, count: float = 1) -> None:
        """``count`` more units of the present stage are done."""

    def say(self, message: str) -> None:
        """Show one line to the user."""


class PartProgress(Progress):
    """Progress of a part of a longer task, which passes everything on.

    ``whole`` makes from the plan of the part the plan of all that is to come.
    """

    def __init__(
        self, progress: Progress, whole: Callable[[Sequence[Stage]], Sequence[Stage]]
    ) -> None:
        self._whole = whole
        self.plan = lambda stages: progress.plan(whole(stages))  # type: ignore[method-assign]
        self.stage, self.advance = progress.stage, progress.advance  # type: ignore[method-assign]
        self.say = progress.say  # type: ignore[method-assign]
