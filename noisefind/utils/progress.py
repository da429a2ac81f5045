"""Progress of a long task: library code reports it, only the command line shows it."""

from __future__ import annotations


class Progress:
    """Silent progress; the command line passes a subclass that shows it."""

    def stage(self, name: str, total: int) -> None:
        """A new stage of ``total`` units begins; the one before it is over."""

    def advance(self, count: int = 1) -> None:
        """``count`` more units of the present stage are done."""

    def say(self, message: str) -> None:
        """Show one line to the user."""
