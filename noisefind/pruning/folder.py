"""The output folder of prune: names of its files, and the files of an earlier prune to replace.

    manifest.csv, kept.csv, disagreements.csv, kept.txt, kept.npy   see manifest.py
    imagefolder/   <split>/<class>/<name> and <split>/metadata.csv; see exports/image_tree.py
    the files of the other formats; see exports/formats.py

Everything is written in a temporary folder and renamed when it is complete; manifest.csv comes
last, so its existence means that the rest is whole. No source image is ever written or moved.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from noisefind.errors import RunError
from noisefind.exports import formats as exports
from noisefind.exports.image_tree import unknown_entry
from noisefind.pruning.manifest import COLUMNS
from noisefind.runs.output import open_output

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from noisefind.utils.output import OutputFolder

TREE = "imagefolder"
FILES = {"txt": ("kept.txt",), "npy": ("kept.npy",), TREE: (TREE,), **exports.FILES}
# All that prune ever writes into its folder, and so all that --force replaces.
ALL_NAMES = (
    "manifest.csv", "kept.csv", "disagreements.csv",
    *(name for names in FILES.values() for name in names),
)  # fmt: skip
FOLDERS = {TREE, *exports.FOLDERS}
HINT = "move it away or choose another folder"


def names_written(formats: Collection[str], *, has_disagreements: bool) -> list[str]:
    """The names of all files and folders that prune writes."""
    names = [name for form in FILES if form in formats for name in FILES[form]]
    return ["manifest.csv", "kept.csv", *names, *["disagreements.csv"] * has_disagreements]


def open_prune_output(
    out: Path, root: Path, source: Path, ids: Iterable[str], *, force: bool = False
) -> OutputFolder:
    """The output folder, checked.

    Args:
        out: a folder that does not exist or is empty; or, with ``force``, any other: what an
            earlier prune wrote there is replaced, everything else is left alone.
        root: what the ids are relative to.
        source: the data as the user named it.
        ids: of the scored images.
        force: see ``out``.

    Raises:
        RunError: ``out`` lies in the data or has files that would be lost.
    """
    hint = "choose a new folder, or replace with --force"
    output = open_output(out, root, source, may_be_full=force, hint=hint)
    if _holds_data(output.target / TREE, root.resolve(), ids):
        raise RunError(
            f"the data {str(root)!r} lies in {str(out / TREE)!r}, which would be replaced: "
            "choose another folder"
        )
    _check_replaceable(output.target)
    return output


def _holds_data(tree: Path, root: Path, ids: Iterable[str]) -> bool:
    """Whether images of the data lie in ``tree``."""
    if root in tree.parents:
        within = f"{tree.relative_to(root).as_posix()}/"
        return any(id_.startswith(within) for id_ in ids)
    return tree in (root, *root.parents)


def _check_replaceable(target: Path) -> None:
    """RunError unless an earlier prune wrote every file in ``target`` that would be replaced."""
    present = [target / name for name in ALL_NAMES if os.path.lexists(target / name)]
    for path in present:
        if path.is_symlink() or path.is_dir() != (path.name in FOLDERS):
            raise RunError(f"{str(path)!r} was not written by noisefind: {HINT}")
    if present and _header(target / "manifest.csv") != ",".join(COLUMNS):
        raise RunError(
            f"{str(present[0])!r} would be replaced, but no manifest.csv beside it shows that "
            f"noisefind wrote it: {HINT}"
        )
    for path in present:
        unknown = _unknown_entry(path) if path.name in FOLDERS else None
        if unknown is not None:
            raise RunError(f"{str(path / unknown)!r} was not written by noisefind: {HINT}")


def _unknown_entry(folder: Path) -> str | None:
    """The first file or link in a folder of an export that prune did not write."""
    return unknown_entry(folder) if folder.name == TREE else exports.unknown_export(folder)


def _header(path: Path) -> str:
    """The first line of a text file, "" if there is none."""
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().rstrip("\n")
