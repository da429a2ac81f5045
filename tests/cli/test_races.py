"""Two processes of one command into one folder: one wins, the other gives one line."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.commands import QUICK, copy_digits, finished_process, process

if TYPE_CHECKING:
    from pathlib import Path


SCORE = (*QUICK, "--threads", "1")
RACES = 3  # benchmarks/soak.py has many more
FILES = ("scores.csv", "details.csv", "features/reduced.npy", "record/probe/checksums.json")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data``, ``run`` and ``pruned``, which nothing disturbed."""
    home = tmp_path_factory.mktemp("races")
    copy_digits(home / "data", 4)
    # a process too: tests in this one use a quicker projection of features
    assert finished_process("score", home / "data", "-o", home / "run", *SCORE) == 0
    assert finished_process("prune", home / "run", "-o", home / "pruned") == 0
    return home


def race(seconds: float, *commands: tuple[str | Path, ...]) -> list[tuple[int, str]]:
    """Exit codes and stderr of two commands, the second up to ``seconds`` after the first."""
    first = process(*commands[0], start_new_session=True)
    time.sleep(random.uniform(0, seconds))
    second = process(*commands[1], start_new_session=True)
    errors = [running.communicate()[1] for running in (first, second)]
    return list(zip((first.returncode, second.returncode), errors, strict=True))


def assert_one_wins(ended: list[tuple[int, str]]) -> None:
    """One exit code 0, one exit code 2 whose last line on stderr is the error."""
    (_, _), (_, err) = sorted(ended)
    assert sorted(code for code, _ in ended) == [0, 2], ended
    assert err.rstrip("\n").splitlines()[-1].startswith("error: ")
    assert "Traceback" not in err


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(RACES))
def test_two_prunes_into_one_new_folder(home: Path, tmp_path: Path, number: int) -> None:
    """The result is that of one, and nothing hidden is left; also where the first is finished."""
    out = tmp_path / "new" / "pruned"
    command = ("prune", home / "run", "-o", out)
    assert_one_wins(race(number * 0.5, command, command))
    assert names(tmp_path / "new") == {"pruned", *(f"pruned/{n}" for n in names(home / "pruned"))}
    for file in out.iterdir():
        assert file.read_bytes() == (home / "pruned" / file.name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(RACES))
def test_two_scores_with_one_cache(home: Path, tmp_path: Path, number: int) -> None:
    """In one run folder one wins. In two both are right; the cache is made once and is whole."""
    for runs in (("run", "run"), ("one", "two")):
        cache = ("--cache-dir", tmp_path / f"cache-{runs[0]}")
        commands = [("score", home / "data", "-o", tmp_path / r, *SCORE, *cache) for r in runs]
        ended = race(number * 2.0, *commands)
        if runs[0] == runs[1]:
            assert_one_wins(ended)
        else:
            assert [code for code, _ in ended] == [0, 0], ended
            assert "damaged" not in "".join(err for _, err in ended)
        for run in runs:
            for name in FILES:
                assert (tmp_path / run / name).read_bytes() == (home / "run" / name).read_bytes()
        assert not [name for name in names(tmp_path) if ".part" in name or ".noisefind" in name]
