"""The output folder of a command: outside of the data, complete or not at all.

Results are written in a hidden folder, ``.noisefind-`` and a hash of the output folder's name. It
lies beside the output folder, or in it where nothing can be moved into it from outside. A lock file
beside it keeps other processes out. After a kill the next command that opens the output folder
finishes what was complete, and deletes the rest (:func:`clean_up`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from noisefind.errors import RunError
from noisefind.utils.exchange import JOURNAL, NEW, exchange, finish_journal, install_by_journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


NEW_FOLDER = "choose a new folder"


@dataclass(frozen=True)
class OutputFolder:
    """A folder that was checked and may be written.

    Attributes:
        path: as the user wrote it, for messages.
        target: absolute and without links.
        may_be_full: whether ``target`` may contain files.
        hint: what the user can do about a folder that is not empty.
    """

    path: Path
    target: Path
    may_be_full: bool = False
    hint: str = NEW_FOLDER

    @contextmanager
    def write(self, names: Sequence[str]) -> Iterator[Path]:
        """Yield a temporary folder to write ``names`` into; move them to ``target`` at the end.

        Args:
            names: all that may be written. The first is moved last, so its existence means that
                the rest is complete. Files of these names in ``target`` are replaced.

        Raises:
            RunError: something cannot be written, or another process writes there; ``target`` is
                as it was.
        """
        try:
            home = _home(self.target, names)
            with _made(home), _held(home, self.target) as work:
                (work / NEW).mkdir()
                yield work / NEW
                if not self.may_be_full:
                    _require_empty(self.path, self.target, self.hint)
                _install(work, self.target, names)
        except OSError as error:
            raise RunError(f"cannot write {str(self.path)!r}: {error}") from error


def check_place(
    out: Path,
    data_root: Path,
    *,
    is_table: bool = False,
    may_be_full: bool = False,
    hint: str = NEW_FOLDER,
) -> Path:
    """``out`` absolute and without links; an interrupted write into it is finished or undone.

    Args:
        out: a folder that does not exist or is empty.
        data_root: what the ids are relative to; ``out`` must not lie in it.
        is_table: a table lists the images, so ``out`` may be a new folder beside them.
        may_be_full: ``out`` may contain files; the caller checks them.
        hint: what the user can do about a folder that is not empty.

    Raises:
        RunError: ``out`` lies in the data, is a file, or is not empty.
    """
    target, root = out.resolve(), data_root.resolve()
    if target == root or (not is_table and root in target.parents):
        raise RunError(f"{str(out)!r} lies in the data {str(data_root)!r}: choose another folder")
    if target.exists() and not target.is_dir():
        raise RunError(f"{str(out)!r} is a file: choose a folder")
    clean_up(target)
    if not may_be_full:
        _require_empty(out, target, hint)
    return target


def clean_up(target: Path) -> None:
    """Finish or remove what a killed process left for the output folder ``target``.

    Raises:
        RunError: another process writes there at this moment, or something cannot be changed.
    """
    for home in (target.parent, target):
        work = home / _work_name(target)
        if not work.exists() and not _lock_file(work).exists():
            continue
        try:
            with _held(home, target):
                pass
        except OSError as error:
            raise RunError(f"cannot write {str(target)!r}: {error}") from error


def _require_empty(out: Path, target: Path, hint: str) -> None:
    own = {_work_name(target), _lock_file(Path(_work_name(target))).name}
    if target.exists() and any(path.name not in own for path in target.iterdir()):
        raise RunError(f"{str(out)!r} is not empty: {hint}")


def _home(target: Path, names: Sequence[str]) -> Path:
    """The folder to work in: the parent where ``target`` can be replaced in one step."""
    parent = target.parent
    if not target.exists():
        return parent
    has_others = any(path.name not in names for path in target.iterdir())
    if has_others or target == Path.cwd() or _is_mount(target) or not os.access(parent, os.W_OK):
        return target
    return parent


def _is_mount(path: Path) -> bool:
    """Whether something is mounted here; a folder of the same disk too, as containers do it."""
    table = Path("/proc/self/mountinfo")
    lines = table.read_text(encoding="utf-8", errors="replace") if table.exists() else ""
    name = str(path).replace(" ", "\\040")
    return path.is_mount() or any(line.split(" ")[4] == name for line in lines.splitlines())


def _work_name(target: Path) -> str:
    digest = hashlib.blake2b(os.fsencode(target.name), digest_size=6)
    return f".noisefind-{digest.hexdigest()}"


def _lock_file(work: Path) -> Path:
    return work.with_name(f"{work.name}.lock")


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder and its parents; those that are still empty after an error are removed."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in made:
            with suppress(OSError):  # not empty
                path.rmdir()


@contextmanager
def _held(home: Path, target: Path) -> Iterator[Path]:
    """Yield an empty folder in ``home`` for this process alone; remove it at the end.

    First, what a killed process left there is finished.
    """
    work = home / _work_name(target)
    lock = FileLock(_lock_file(work), blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"{str(target)!r}: another noisefind writes into this folder") from None
    try:
        _finish(work, target)
        work.mkdir()
        yield work
    finally:
        if not (work / JOURNAL).exists():  # else its moves could not be undone
            shutil.rmtree(work, ignore_errors=True)
        _lock_file(work).unlink(missing_ok=True)
        lock.release()


def _finish(work: Path, target: Path) -> None:
    """Finish the moves of a killed process, and remove its folder."""
    if work.exists():
        try:
            finish_journal(work, target)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RunError(f"{str(work / JOURNAL)!r} is damaged: move it away") from None
        shutil.rmtree(work)


def _install(work: Path, target: Path, names: Sequence[str]) -> None:
    """Replace ``names`` in ``target`` by those in ``work/new``, in one step where possible."""
    new, is_beside = work / NEW, target.parent == work.parent
    old_names = {path.name for path in target.iterdir()} if target.exists() else set()
    if is_beside and not old_names:
        new.rename(target)
        return
    if is_beside and old_names <= set(names) and _are_alike(new, target):
        with suppress(OSError):  # not every system can do this
            exchange(new, target)
            return
    changed = {path.name for path in new.iterdir()} | (old_names & set(names))
    if len(changed) == 1 and not (new / min(changed)).is_dir():
        (new / min(changed)).replace(target / min(changed))
        return
    install_by_journal(work, target, names)


def _are_alike(new: Path, old: Path) -> bool:
    """Whether ``new`` has the owner and group of ``old``; it gets its mode."""
    shutil.copymode(old, new)
    a, b = new.stat(), old.stat()
    return (a.st_uid, a.st_gid) == (b.st_uid, b.st_gid)
