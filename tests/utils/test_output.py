"""An output folder is replaced whole, whatever is killed and whoever else writes to it."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from noisefind.errors import RunError
from noisefind.utils import exchange as exchange_module
from noisefind.utils import output as output_module
from noisefind.utils.output import OutputFolder, check_place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ("first.csv", "second.csv", "tree", "gone.csv", "gone")
MOVES = ("rename", "replace")
STEPS = (*MOVES, "mkdir", "unlink", "rmdir")
KILLED = 7


def fill(folder: Path, version: str) -> None:
    """Write a result: two files and a folder; the old version has more than the new one."""
    (folder / "first.csv").write_text(version)
    (folder / "second.csv").write_text(version)
    (folder / "tree").mkdir()
    (folder / "tree" / "a").write_text(version)
    if version == "old":
        (folder / "gone.csv").write_text(version)
        (folder / "gone").mkdir()
        (folder / "gone" / "b").write_text(version)


def state(folder: Path) -> dict[str, str]:
    """All files below a folder that is not hidden, with their texts; locks left out."""
    files = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path.read_text() for path in files}
    return {name: text for name, text in names.items() if not name.startswith(".noisefind-")}


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def write(target: Path, version: str, *, may_be_full: bool = True) -> None:
    check_place(target, target.parent / "data", may_be_full=may_be_full)
    with OutputFolder(target, target, may_be_full=may_be_full).write(NAMES) as folder:
        fill(folder, version)


def write_report(target: Path, version: str) -> None:
    """One file in a folder of other files, as report does."""
    check_place(target, target.parent / "data", may_be_full=True)
    with OutputFolder(target, target, may_be_full=True).write(["page.html"]) as folder:
        (folder / "page.html").write_text(version)


def act_at(
    step: int,
    act: Callable[[], None],
    patch: pytest.MonkeyPatch,
    *,
    names: tuple[str, ...] = MOVES,
    once: bool = True,
) -> list[int]:
    """Call ``act`` before the step with this number, or from it on; the list counts all steps."""
    count = [0]

    def counted(move: Callable[..., object]) -> Callable[..., object]:
        def moved(*args: object, **options: object) -> object:
            count[0] += 1
            if count[0] == step + 1 or (count[0] > step and not once):
                act()
            return move(*args, **options)

        return moved

    for name in names:
        patch.setattr(os, name, counted(getattr(os, name)))
    moved = counted(exchange_module.exchange)
    patch.setattr(exchange_module, "exchange", moved)
    patch.setattr(output_module, "exchange", moved)
    return count


def killed(
    step: int,
    call: Callable[[], None],
    patch: pytest.MonkeyPatch,
    names: tuple[str, ...] = STEPS,
) -> bool:
    """Run ``call`` in a process that ends, as by kill -9, before the step with this number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act_at(step, lambda: os._exit(KILLED), patch, names=names)
            call()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED


def unable(*_: object) -> None:
    raise OSError(38, "Function not implemented")


@pytest.fixture(params=["exchange", "no exchange"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A system that exchanges in one step, and one that cannot."""
    if request.param == "no exchange":
        monkeypatch.setattr(exchange_module, "exchange", unable)
        monkeypatch.setattr(output_module, "exchange", unable)
    return str(request.param)


@pytest.mark.parametrize("place", ["new", "empty", "only ours", "with others"])
def test_a_kill_before_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, place: str
) -> None:
    """The old or the new result is there; the next call finishes it and leaves nothing else."""
    step, was_killed = 0, True
    while was_killed:
        home = tmp_path / str(step)
        out = home / "out"
        home.mkdir()
        if place != "new":
            out.mkdir()
        if place in ("only ours", "with others"):
            fill(out, "old")
        if place == "with others":
            (out / "notes.txt").write_text("mine")
        old = state(out) if out.exists() else {}
        fresh = home.with_name(f"fresh-{step}")
        fresh.mkdir()
        fill(fresh, "new")
        new = state(fresh) | ({"notes.txt": "mine"} if place == "with others" else {})
        with monkeypatch.context() as patch:
            was_killed = killed(step, partial(write, out, "new"), patch)
        found = state(out) if out.exists() else {}
        if place in ("new", "empty") or (place, system) == ("only ours", "exchange"):
            assert found in (old, new)
        if place == "with others":
            assert found["notes.txt"] == "mine"
        if system == "exchange":  # every name that was there is still whole
            assert all(found[name] in (old[name], new[name]) for name in old.keys() & new.keys())
        write(out, "new")  # the next call
        assert state(out) == new
        assert everything(home) == {"out"} | {
            f"out/{name}" for name in {*everything(fresh), *(new.keys() & {"notes.txt"})}
        }
        step += 1
    assert step >= 5


def test_looking_at_the_folder_finishes_the_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """After a kill between two moves a check of the place does the remaining ones."""
    del system
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    fill(out, "old")
    with monkeypatch.context() as patch:
        assert killed(4, lambda: write(out, "new"), patch, MOVES)
    check_place(out, tmp_path / "data", may_be_full=True)
    assert set(state(out).values()) == {"new", "mine"}
    assert everything(out) == {"notes.txt", "first.csv", "second.csv", "tree", "tree/a"}


def test_one_file_is_replaced_in_one_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page among other files is old or new at every moment, and nothing is left beside it."""
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.json").write_text("mine")
    write_report(out, "old")
    with monkeypatch.context() as patch:
        assert killed(0, lambda: write_report(out, "new"), patch, MOVES)
    assert state(out) == {"run.json": "mine", "page.html": "old"}
    assert not killed(1, lambda: write_report(out, "new"), monkeypatch, MOVES)
    assert state(out) == {"run.json": "mine", "page.html": "new"}
    assert everything(out) == {"run.json", "page.html"}


@pytest.mark.parametrize("place", ["only ours", "with others"])
@pytest.mark.parametrize("step", range(8))
def test_an_error_at_any_move_is_undone(tmp_path: Path, system: str, place: str, step: int) -> None:
    """Ctrl-C at one move: all is as it was, and nothing is left."""
    del system
    out = tmp_path / "out"
    out.mkdir()
    fill(out, "old")
    if place == "with others":
        (out / "notes.txt").write_text("mine")
    before = state(out), everything(tmp_path)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        count = act_at(step, interrupt, patch)
        try:
            write(out, "new")
        except KeyboardInterrupt:
            assert (state(out), everything(tmp_path)) == before
        else:
            assert count[0] <= step
            assert set(state(out).values()) <= {"new", "mine"}


def test_an_interrupted_undo_is_finished_by_the_next_call(tmp_path: Path) -> None:
    """If every move fails from some moment on, the next call finishes the result."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    fill(out, "old")

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        act_at(4, interrupt, patch, once=False)
        with pytest.raises(KeyboardInterrupt):
            write(out, "new")
    check_place(out, tmp_path / "data", may_be_full=True)
    assert set(state(out).values()) == {"new", "mine"}
    assert ".noisefind" not in "".join(everything(tmp_path))


def test_of_two_writers_one_wins(tmp_path: Path) -> None:
    """While one writes, another is refused at once, before its work and at its end."""
    out = tmp_path / "out"
    with OutputFolder(out, out).write(NAMES) as folder:
        fill(folder, "new")
        with pytest.raises(RunError, match="another noisefind writes into this folder"):
            write(out, "other", may_be_full=False)
    assert set(state(out).values()) == {"new"}
    with pytest.raises(RunError, match="is not empty"), OutputFolder(out, out).write(NAMES):
        pass
    assert everything(tmp_path) == {"out", *(f"out/{name}" for name in everything(out))}


def _race(out: Path, version: str, start: threading.Barrier, codes: list[str]) -> None:
    start.wait()
    try:
        write(out, version, may_be_full=False)
        codes.append(version)
    except RunError as error:
        codes.append(str(error))


def test_a_race_has_one_winner(tmp_path: Path) -> None:
    """Threads that begin at once: one result is whole, all others get an error of one line."""
    for number in range(20):
        out, codes = tmp_path / str(number), list[str]()
        start = threading.Barrier(3)
        threads = [
            threading.Thread(target=_race, args=(out, version, start, codes))
            for version in ("a", "b", "c")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [code for code in codes if len(code) == 1]
        assert len(codes) == 3
        assert len(winners) == 1, codes
        assert set(state(out).values()) == set(winners)
    assert ".noisefind" not in "".join(everything(tmp_path))


def test_parents_that_were_made_go_after_an_error(tmp_path: Path) -> None:
    """An error in the work leaves no new folder."""
    out = tmp_path / "a/b/out"
    with pytest.raises(KeyError), OutputFolder(out, out).write(NAMES):
        raise KeyError
    assert everything(tmp_path) == set()
