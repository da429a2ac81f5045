"""How far a long task is. Library code reports here; only the command line draws it."""

from __future__ import annotations


class Progress:
    """Silent progress; the command line passes a subclass that draws."""

    def stage(self, name: str, total: int) -> None:
        """A new stage of ``total`` units begins; the one before it is over."""

    def advance(self, count: int = 1) -> None:
        """``count`` more units of the present stage are done."""

    def say(self, message: str) -> None:
        """One line that the user should see now."""
