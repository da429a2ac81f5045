"""The output folder of a command: outside of the data, complete or not at all."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from noisefind.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


NEW_FOLDER = "choose a new folder"


@dataclass(frozen=True)
class OutputFolder:
    """A folder that was checked and may be written.

    Attributes:
        path: as the user wrote it, for messages.
        target: absolute and without links.
    """

    path: Path
    target: Path

    @contextmanager
    def write(self, names: Sequence[str]) -> Iterator[Path]:
        """Yield a temporary folder to write ``names`` into; move them to ``target`` at the end.

        Args:
            names: all that may be written. The first is moved last, so its existence means that
                the rest is complete. Files of these names in ``target`` are replaced.

        Raises:
            RunError: something cannot be written; ``target`` is as it was.
        """
        # Within the folder where it exists: it may be a mount point, and a rename cannot cross
        # file systems.
        home = self.target if self.target.exists() else self.target.parent
        partial = home / f".noisefind-{secrets.token_hex(4)}"
        try:
            partial.mkdir(parents=True)
            yield partial
            _install(partial, self.target, names)
        except OSError as error:
            raise RunError(f"cannot write {str(self.path)!r}: {error}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def check_place(
    out: Path,
    data_root: Path,
    *,
    is_table: bool = False,
    may_be_full: bool = False,
    hint: str = NEW_FOLDER,
) -> Path:
    """``out`` absolute and without links.

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
    if not may_be_full and target.exists() and any(target.iterdir()):
        raise RunError(f"{str(out)!r} is not empty: {hint}")
    return target


def _install(partial: Path, target: Path, names: Sequence[str]) -> None:
    """Move the old files aside and the finished ones to ``target``; undo all if a move fails."""
    if not target.exists():
        partial.rename(target)
        return
    aside = partial / "old"
    aside.mkdir()
    moves = [(target / name, aside / name) for name in names]
    moves += [(partial / name, target / name) for name in reversed(names)]
    moves = [(source, goal) for source, goal in moves if source.exists()]
    done: list[tuple[Path, Path]] = []
    try:
        for source, goal in moves:
            source.rename(goal)
            done.append((source, goal))
    except BaseException:
        for source, goal in reversed(done):
            goal.rename(source)
        raise
