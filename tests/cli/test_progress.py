"""Progress on stderr: one bar on a terminal, few lines elsewhere."""

from __future__ import annotations

import pytest

from noisefind.cli.terminal import TerminalProgress
from noisefind.utils.progress import Stage
from tests.utils.test_time_left import Clock

PLAN = [Stage("Reading images", 20.0), Stage("Training", 30.0)]


def carry_out(clock: Clock, factor: float) -> None:
    """Two stages of 2 and 3 steps, 10 s each if ``factor`` is 1."""
    with TerminalProgress(clock) as progress:
        progress.plan(PLAN)
        for name, n_steps in (("Reading images", 2), ("Training", 3)):
            progress.stage(name, n_steps)
            for _ in range(n_steps):
                clock.now += 10 * factor
                progress.advance()
            progress.say(f"{name} is over")


def test_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A line every ten seconds with share, time left and the stage; messages between them."""
    carry_out(Clock(), 1)
    assert capsys.readouterr().err.splitlines() == [
        " 20% 0:40 left: Reading images",
        " 40% 0:30 left: Reading images",
        "Reading images is over",
        " 60% 0:20 left: Training",
        " 80% 0:10 left: Training",
        " 99% 0:00 left: Training",
        "Training is over",
    ]


def test_a_short_command_prints_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """Five seconds in all: messages alone."""
    carry_out(Clock(), 0.1)
    assert capsys.readouterr().err.splitlines() == ["Reading images is over", "Training is over"]


def test_one_bar_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last bar is whole and says how long it took; the messages stand above it."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    carry_out(Clock(), 1)
    lines = capsys.readouterr().err.split("\n")
    assert sum("is over" in line for line in lines) == 2
    assert "Done" in lines[-2]
    assert "100%" in lines[-2]
    assert "0:50 elapsed" in lines[-2]


def test_the_bar_of_a_running_stage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stage, share, elapsed and left in one line; after an error the bar stays as it was."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    clock = Clock()
    with pytest.raises(ValueError, match="stop"), TerminalProgress(clock) as progress:
        progress.plan(PLAN)
        progress.stage("Reading images", 2)
        clock.now += 10
        progress.advance()
        raise ValueError("stop")
    last = capsys.readouterr().err.split("\n")[-2]
    for part in ("Reading images", " 20%", "0:10 elapsed", "0:40 left"):
        assert part in last
