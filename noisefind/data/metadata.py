"""Labels in ``metadata.csv`` or ``metadata.jsonl`` beside images, as Hugging Face does.

Without such a table the folders are the classes, see `layout`.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from noisefind.data.dataset import Skipped
from noisefind.data.found import Found, split_name
from noisefind.data.layout import read_layout, without
from noisefind.data.table import read_table
from noisefind.errors import DataError
from noisefind.utils.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from noisefind.data.layout import Files

NAMES = ("metadata.csv", "metadata.jsonl")


def read_files(files: Files, class_depth: int | None = None, exclude: Sequence[str] = ()) -> Found:
    """The images that lie below a folder or in an archive, with labels from tables or folders.

    Args:
        files: all names.
        class_depth: see :func:`noisefind.data.layout.read_layout`; folders are the classes then.
        exclude: likewise.

    Raises:
        DataError: neither a table nor a folder gives an image its label.
    """
    files = without(files, exclude)
    tables = metadata_tables(files)
    if class_depth is not None or not tables:
        return read_layout(files, class_depth)
    try:
        return read_metadata(files, tables)
    except DataError as error:  # it may hold captions beside class folders
        try:
            found = read_layout(files)
        except DataError:
            raise error from None
        found.notes.append(f"labels are those of the folders: {error}")
        return found


def metadata_tables(files: Files) -> list[str]:
    """The names of the tables, which were left out for their suffix."""
    return [name for name, *_ in files.skipped if name.rpartition("/")[2] in NAMES]


def read_metadata(files: Files, tables: Sequence[str]) -> Found:
    """The images that the tables list, with the labels from there.

    Args:
        files: what lies below the folder.
        tables: their names; file names in a table are relative to its folder.

    Raises:
        DataError: a table is broken or has no column ``label``, or lists no image that exists.
    """
    labels: dict[str, str] = {}
    for table in sorted(tables):
        folder = posixpath.dirname(table)
        content = files.packed[table].read_bytes() if files.packed else None
        for name, row in read_table(files.root / table, content=content).items():
            labels.setdefault(posixpath.join(folder, name), row.label)
    skipped = [item for item in files.skipped if item.file_name not in tables]
    skipped += [Skipped(name, f"not in {NAMES[0]}") for name in files.images if name not in labels]
    missing = [name for name in labels if name not in files.images]
    skipped += [Skipped(name, "listed, but there is no such image") for name in missing]
    ids = [name for name in labels if name in files.images]
    if not ids:
        raise DataError(
            f"{files.root / min(tables)} lists no image that exists: file_name is relative to "
            "the folder of the table"
        )
    splits = [_split_of(name.rpartition("/")[0]) for name in ids]
    has_splits = all(splits)
    notes = [f"labels from {listed(sorted(tables), 3)}: {counted(len(ids), 'image')}"]
    if missing:
        notes.append(f"warning: {counted(len(missing), 'listed image')} missing: {listed(missing)}")
    return Found(
        files.root, ids, [labels[name] for name in ids],
        splits if has_splits else [""] * len(ids), [files.images[name] for name in ids],
        default_split="train" if has_splits else "all", skipped=skipped, notes=notes,
    )  # fmt: skip


def _split_of(folder: str) -> str:
    """The split that the first folder with a split's name stands for, or ""."""
    return next(filter(None, map(split_name, folder.split("/"))), "")
