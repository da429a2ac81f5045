"""The output folder of a command: checked against the data before any work is done."""

from __future__ import annotations

from pathlib import Path

from noisefind.data.records import is_table
from noisefind.utils.output import NEW_FOLDER, OutputFolder, check_place


def open_output(
    out: Path,
    root: str | Path,
    source: str | Path,
    *,
    may_be_full: bool = False,
    hint: str = NEW_FOLDER,
) -> OutputFolder:
    """The folder ``out``, which must not change the data.

    Args:
        out: a folder that does not exist or is empty.
        root: what the ids of the data are relative to.
        source: the data as the user named it; where it is a table, ``out`` may be a new folder
            beside the images.
        may_be_full: ``out`` may contain files; the caller checks them.
        hint: what the user can do about a folder that is not empty.

    Raises:
        RunError: ``out`` lies in the data, is a file, or is not empty.
    """
    target = check_place(
        out, Path(root), is_table=is_table(Path(source)), may_be_full=may_be_full, hint=hint
    )
    return OutputFolder(out, target, may_be_full=may_be_full, hint=hint)
