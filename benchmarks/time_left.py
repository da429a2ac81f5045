"""Announced total at the start of each stage, compared with the seconds that the command took.

    python benchmarks/time_left.py score DATA -o RUN [OPTIONS]
    python benchmarks/time_left.py evaluate selftest DATA -o OUT [OPTIONS]

Runs a command of noisefind and prints a line for each stage: start, name, announced total in
seconds, and announced / taken.
"""

from __future__ import annotations

import sys

from noisefind.cli import main as cli
from noisefind.cli import terminal
from noisefind.utils.time_left import TimeLeft


class Watched(TimeLeft):
    """Remembers what it announces at the start of each stage."""

    announced: list[tuple[float, str, float]] = []  # noqa: RUF012
    taken = 0.0

    def begin(self, name: str, total: float) -> None:
        """Remember the total after the stage has begun."""
        super().begin(name, total)
        self.announced.append((self.elapsed(), name, self.elapsed() + (self.left() or 0.0)))

    def end(self) -> None:
        """Remember what it took."""
        super().end()
        Watched.taken = self.elapsed()


def main() -> None:
    """Run the command, then print the table."""
    vars(terminal)["TimeLeft"] = Watched
    try:
        cli.main()
    except SystemExit as leaving:
        if leaving.code:
            raise
    for start, name, total in Watched.announced:
        sys.stdout.write(f"{start:7.1f}  {name:34} {total:7.1f}  {total / Watched.taken:.2f}\n")
    sys.stdout.write(f"taken {Watched.taken:.1f} s\n")


if __name__ == "__main__":
    main()
