"""Exchange of files and folders in one step, and a journal for moves that need several steps.

A journal is written when all new files are whole. It numbers (inode) what must be moved, so the
moves can be repeated: after a kill between two of them the next call does the remaining ones.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from noisefind.utils.files import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

JOURNAL = "journal.json"
NEW, OLD = "new", "old"  # folders beside the journal
Move = Callable[[Path, Path], object]
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux


def exchange(a: Path, b: Path) -> None:
    """Exchange two existing files or folders of one file system in one step.

    Raises:
        OSError: the system or the file system cannot do this, or a path cannot be changed.
    """
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    paths = os.fsencode(a), os.fsencode(b)
    if renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(b))


def install_by_journal(work: Path, target: Path, names: Sequence[str]) -> None:
    """Move ``names`` from ``work/new`` to ``target``; those that are not new are removed there.

    The first name is moved last. If a move fails, all are undone.
    """
    (work / OLD).mkdir()
    put = {name: _inode(work / NEW / name) for name in reversed(names)}
    gone = {name: _inode(target / name) for name in names if put[name] is None}
    write_json(work / JOURNAL, {"put": _known(put), "remove": _known(gone)})
    finish_journal(work, target)


def finish_journal(work: Path, target: Path) -> None:
    """Do the moves of a journal that are not done yet; without a journal nothing is done."""
    if not (work / JOURNAL).exists():
        return
    journal = json.loads((work / JOURNAL).read_text(encoding="utf-8"))
    done: list[tuple[Move, Path, Path]] = []

    def move(how: Move, source: Path, goal: Path) -> None:
        how(source, goal)
        done.append((how, source, goal))

    try:
        for name, number in journal["remove"].items():
            if _inode(target / name) == number:
                move(Path.rename, target / name, work / OLD / name)
        for name, number in journal["put"].items():
            if _inode(work / NEW / name) == number:  # else it is moved already
                _put(work / NEW / name, target / name, work / OLD / name, move)
    except BaseException:
        for how, source, goal in reversed(done):
            how(goal, source)
        (work / JOURNAL).unlink()
        raise
    (work / JOURNAL).unlink()


def _put(new: Path, goal: Path, old: Path, move: Callable[[Move, Path, Path], None]) -> None:
    """Move ``new`` to ``goal``; what is there goes to ``new``, or in two moves to ``old``."""
    if os.path.lexists(goal):
        try:
            move(exchange, new, goal)
        except OSError:  # not every system can do this
            move(Path.rename, goal, old)
        else:
            return
    move(Path.rename, new, goal)


def _inode(path: Path) -> int | None:
    """The number of a file or folder; None if it does not exist."""
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return None


def _known(numbers: dict[str, int | None]) -> dict[str, int]:
    return {name: number for name, number in numbers.items() if number is not None}
