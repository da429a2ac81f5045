"""A clock that jumps, and files from the past and the future: the results stay the same."""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.commands import QUICK, CommandLine, copy_digits

if TYPE_CHECKING:
    from pathlib import Path

TEN_YEARS = 10 * 365 * 24 * 3600.0
PAST, FUTURE = 0, 2**32  # seconds: 1970, and 2106 as FAT and 32-bit programs cannot write it
FILES = ("scores.csv", "details.csv", "duplicates.csv", "features/reduced.npy",
         "record/probe/member-01.npy", "record/probe/checksums.json")  # fmt: skip


def content(run: Path) -> dict[str, bytes]:
    """Files of a run that do not depend on the time."""
    return {name: (run / name).read_bytes() for name in FILES}


def set_times(folder: Path, second: int) -> None:
    """Give everything in a folder this time of change."""
    for path in folder.rglob("*"):
        os.utime(path, (second, second), follow_symlinks=False)


@pytest.mark.slow
def test_a_clock_that_jumps(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten years forwards and backwards at each look: same results, no negative duration.

    A run is interrupted, its files, the cache and the images get times of 2106 or 1970, and it is
    resumed. prune and report follow.
    """
    data, run, cache = copy_digits(tmp_path / "data", 4), tmp_path / "run", tmp_path / "cache"
    score = ("score", data, "--threads", "1", *QUICK, "--cache-dir", cache)
    assert noisefind(*score, "-o", tmp_path / "before").code == 0
    jumps, now = itertools.cycle([0.0, TEN_YEARS, -TEN_YEARS]), time.time
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for second in (FUTURE, PAST):
        with monkeypatch.context() as patch:
            patch.setattr("noisefind.scoring.pipeline._leave_one_out", interrupted)
            assert noisefind(*score, "-o", run).code == 130
        for folder in (run, cache, data):
            set_times(folder, second)
        output = noisefind(*score, "-o", run, "--resume")
        assert (output.code, "damaged" in output.err) == (0, False)
        assert "trained again" not in output.err
        assert content(run) == content(tmp_path / "before")
        seconds = json.loads((run / "run.json").read_text())["seconds"]
        assert min(seconds.values()) >= 0
        set_times(run, second)
        for command in ("prune", "prune", "report"):
            out = ("-o", tmp_path / "clean", "--force") if command == "prune" else ()
            assert noisefind(command, run, *out).code == 0
        run.rename(tmp_path / str(second))
