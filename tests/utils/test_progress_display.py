"""Public functions show their progress where a person watches, and only there."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import noisefind
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress, is_watched
from tests.images import write_images

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal


class Bars(Progress):
    """What stands for the bars of the command line; it keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __enter__(self) -> Bars:
        self.told.append("open")
        return self

    def __exit__(self, *_: object) -> None:
        self.told.append("closed")

    def say(self, message: str) -> None:
        self.told.append(message)


@displays_progress
def work(*, progress: Progress | Literal[False] | None = None) -> str:
    """A public function."""
    (progress or Progress()).say("working")
    return "done"


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Bars:
    """The bars that are shown if stderr is a terminal, which it is here."""
    bars = Bars()
    monkeypatch.setattr(noisefind, "terminal_progress", lambda: bars)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    return bars


def test_a_person_at_a_terminal_sees_bars(bars: Bars) -> None:
    """They are opened, told and closed again."""
    assert work() == "done"
    assert bars.told == ["open", "working", "closed"]


def test_bars_are_closed_after_an_error(bars: Bars) -> None:
    """Otherwise the terminal would stay without a cursor."""

    @displays_progress
    def fail(*, progress: Progress | None = None) -> None:
        raise KeyboardInterrupt(progress)

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert bars.told == ["open", "closed"]


def test_false_is_silent(bars: Bars) -> None:
    """Even at a terminal."""
    assert work(progress=False) == "done"
    assert bars.told == []


def test_a_progress_that_is_given_is_the_one_that_is_told(bars: Bars) -> None:
    """The caller opens and closes it."""
    own = Bars()
    work(progress=own)
    assert (own.told, bars.told) == (["working"], [])


def test_without_a_terminal_nothing_is_shown(bars: Bars, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a program and in a pipeline; in a program without stderr too."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    work()
    monkeypatch.setattr("sys.stderr", None)
    work()
    assert bars.told == []


def test_a_notebook_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stderr is no terminal, and a person reads it."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert not is_watched()
    monkeypatch.setitem(sys.modules, "ipykernel", pty)
    assert is_watched()


@pytest.mark.slow
def test_score_at_a_real_terminal(tmp_path: Path) -> None:
    """``noisefind.score`` draws on stderr what the command line draws, and nothing on stdout."""
    write_images(tmp_path, *(f"photos/{c}/{n}.png" for c in "ab" for n in range(12)), size=16)
    code = (
        "import noisefind\n"
        "config = noisefind.ScoreConfig(members=1, epochs=1, clusters=2)\n"
        "noisefind.score('photos', 'run', config)\n"
    )
    above, below = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=below
    ) as process:
        os.close(below)
        seen = b""
        try:
            while part := os.read(above, 65536):
                seen += part
        except OSError:  # the terminal is closed
            pass
        out, _ = process.communicate()
    os.close(above)
    assert process.returncode == 0
    assert out == b""
    assert b"Ranking" in seen or b"elapsed" in seen
    assert b"\x1b[" in seen
