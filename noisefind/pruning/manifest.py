"""What prune writes: manifests of a selection and, on request, a tree of links or copies.

    manifest.csv   file_name,label,split,keep,reason: every image once, sorted by file_name
    kept.csv       file_name,label: the kept rows of manifest.csv
    kept.txt       the file names of kept.csv, one per line                     format "txt"
    kept.npy       int64 row numbers of the kept images (see `write_manifest`)  format "npy"
    imagefolder/   <split>/<class>/<name> and <split>/metadata.csv              format "imagefolder"
    disagreements.csv   file_name,decision,label,file: what reviewers decided differently, if
                        anything; see decisions.py
    what exports.py names, for other tools

Everything is written in a temporary folder and renamed when it is complete; manifest.csv comes
last, so its existence means that the rest is whole. No source image is ever written or moved.
CSV files are UTF-8 with line feeds as line ends.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.errors import ConfigError, DataError, RunError
from noisefind.exports import formats as exports
from noisefind.exports.image_tree import foreign_entry, write_image_tree
from noisefind.pruning.decisions import Disagreement
from noisefind.utils.files import cell, write_csv
from noisefind.utils.output import check_place, whole_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset

COLUMNS = ("file_name", "label", "split", "keep", "reason")
_TREE = "imagefolder"
# What each format writes.
FILES = {"txt": ("kept.txt",), "npy": ("kept.npy",), _TREE: (_TREE,), **exports.FILES}
FORMATS = tuple(FILES)
# All that prune ever writes into its folder, and so all that --force replaces.
_OURS = (
    "manifest.csv", "kept.csv", "disagreements.csv",
    *(name for names in FILES.values() for name in names),
)  # fmt: skip


class Unreadable(NamedTuple):
    """A file that could not be scored; its class and split where they are known."""

    file_name: str
    reason: str
    label: str = ""
    split: str = ""


class Row(NamedTuple):
    """A row of manifest.csv."""

    file_name: str
    label: str
    split: str
    keep: bool
    reason: str


class ClassCount(NamedTuple):
    """How many readable images a class has, keeps and loses."""

    label: str
    before: int
    kept: int
    dropped: int


@dataclass(frozen=True)
class Manifest:
    """A selection, ready to be written.

    Attributes:
        ids: (N,) the scored images.
        labels: (N,) their labels as class names: the given ones, or what a review made of them.
        splits: (N,) their splits, "" where the data has none.
        keep: (N,) which stay.
        reasons: (N,) why an image is dropped, or stays under another label; else "".
        unreadable: images that could not be scored; never kept.
        disagreements: what reviewers decided differently.
    """

    ids: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[str]
    keep: NDArray[np.bool_]
    reasons: Sequence[str]
    unreadable: Sequence[Unreadable] = ()
    disagreements: Sequence[Disagreement] = ()

    def files(self, formats: Collection[str]) -> list[str]:
        """The names of what is written, folders among them."""
        names = [name for form in FORMATS if form in formats for name in FILES[form]]
        return [
            "manifest.csv",
            "kept.csv",
            *names,
            *["disagreements.csv"][not self.disagreements :],
        ]

    def rows(self) -> list[Row]:
        """Every image once, sorted by file name.

        Raises:
            ValueError: lengths differ or a file name repeats.
        """
        columns = (self.ids, self.labels, self.splits, self.keep.tolist(), self.reasons)
        rows = [Row(*cells) for cells in zip(*columns, strict=True)]
        rows += [
            Row(image.file_name, image.label, image.split, False, f"unreadable: {image.reason}")
            for image in self.unreadable
        ]
        if len({row.file_name for row in rows}) != len(rows):
            raise ValueError("file names must be unique")
        return sorted(rows)


def class_counts(manifest: Manifest) -> list[ClassCount]:
    """What a selection does to each class, in the order of their names; for a dry run."""
    before = Counter(manifest.labels)
    pairs = zip(manifest.labels, manifest.keep.tolist(), strict=True)
    kept = Counter(label for label, keep in pairs if keep)
    return [
        ClassCount(label, n_before, kept[label], n_before - kept[label])
        for label, n_before in sorted(before.items())
    ]


def write_manifest(
    manifest: Manifest,
    out: Path,
    *,
    data_root: Path,
    is_table: bool = False,
    formats: Collection[str] = (),
    dataset: Dataset | None = None,
    copy: bool = False,
    force: bool = False,
    write_more: Callable[[Path], None] = lambda _: None,
) -> None:
    """Writes manifest.csv, kept.csv and what ``formats`` asks for, whole or not at all.

    kept.npy holds positions in the sorted ids of all scored images; where one whole CIFAR split
    was scored this is CIFAR's own order within the split.

    Args:
        manifest: what to write.
        out: a folder that does not exist or is empty; or, with ``force``, any other: what an
            earlier prune wrote there is replaced, everything else is left alone.
        data_root: what the ids are relative to; ``out`` must not lie in it.
        is_table: a table lists the images, so ``out`` may be a new folder beside them.
        formats: of ``FORMATS``.
        dataset: where the images are; needed for imagefolder.
        copy: copy images into imagefolder rather than link them.
        force: see ``out``.
        write_more: writes the formats of exports.py into the folder that it is given.

    Raises:
        ConfigError: an unknown format.
        DataError: a file name has a line break and kept.txt is asked for, or is too long.
        RunError: ``out`` is in the way or cannot be written, or an image has gone.
        ValueError: imagefolder without ``dataset``, lengths differ, a file name repeats.
    """
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(f"unknown format {name!r}: must be one of {', '.join(FORMATS)}")
    target = check_out(out, data_root, manifest.ids, is_table=is_table, force=force)
    with whole_folder(out, target, _OURS) as partial:
        _write_all(manifest, partial, formats, dataset, copy=copy)
        write_more(partial)


def check_out(
    out: Path, data_root: Path, ids: Iterable[str], *, is_table: bool = False, force: bool = False
) -> Path:
    """``out`` absolute and without links, or RunError where prune may not write into it.

    `write_manifest` asks too, with the same arguments; asked early, it saves work in vain.
    """
    way_out = "choose a new folder, or replace with --force"
    target = check_place(out, data_root, is_table=is_table, may_be_full=force, way_out=way_out)
    if _holds_data(target / _TREE, data_root.resolve(), ids):
        raise RunError(
            f"the data {str(data_root)!r} lies in {str(out / _TREE)!r}, which would be replaced: "
            "choose another folder"
        )
    _check_replaceable(target)
    return target


def _holds_data(tree: Path, root: Path, ids: Iterable[str]) -> bool:
    """Whether images of the data lie in ``tree``."""
    if root in tree.parents:
        within = f"{tree.relative_to(root).as_posix()}/"
        return any(id_.startswith(within) for id_ in ids)
    return tree in (root, *root.parents)


def _check_replaceable(target: Path) -> None:
    """RunError unless what bears our names in ``target`` was written by prune."""
    there = [target / name for name in _OURS if os.path.lexists(target / name)]
    folders = {_TREE, *exports.FOLDERS}
    way_out = "move it away or choose another folder"
    for path in there:
        if path.is_symlink() or path.is_dir() != (path.name in folders):
            raise RunError(f"{str(path)!r} was not written by noisefind: {way_out}")
    if there and _header(target / "manifest.csv") != ",".join(COLUMNS):
        raise RunError(
            f"{str(there[0])!r} would be replaced, but no manifest.csv beside it shows that "
            f"noisefind wrote it: {way_out}"
        )
    for path in there:
        foreign = _foreign_entry(path) if path.name in folders else None
        if foreign is not None:
            raise RunError(f"{str(path / foreign)!r} was not written by noisefind: {way_out}")


def _foreign_entry(folder: Path) -> str | None:
    """The first file or link in one of our folders that prune did not write."""
    return foreign_entry(folder) if folder.name == _TREE else exports.foreign_export(folder)


def _header(path: Path) -> str:
    """The first line of a text file, "" if there is none."""
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().rstrip("\n")


def _write_all(
    manifest: Manifest,
    folder: Path,
    formats: Collection[str],
    dataset: Dataset | None,
    *,
    copy: bool,
) -> None:
    rows = manifest.rows()
    kept = [row for row in rows if row.keep]
    pairs = [(row.file_name, row.label) for row in kept]
    cells = (tuple(map(cell, row)) for row in rows)
    write_csv(folder / "manifest.csv", COLUMNS, cells)
    write_csv(folder / "kept.csv", COLUMNS[:2], pairs)
    if manifest.disagreements:
        write_csv(folder / "disagreements.csv", Disagreement._fields, manifest.disagreements)
    if "txt" in formats:
        _write_list(folder / "kept.txt", [row.file_name for row in kept])
    if "npy" in formats:
        by_id = sorted(range(len(manifest.ids)), key=manifest.ids.__getitem__)
        np.save(folder / "kept.npy", np.flatnonzero(manifest.keep[by_id]).astype(np.int64))
    if _TREE in formats:
        if dataset is None:
            raise ValueError("imagefolder needs the dataset")
        images = [row[:3] for row in kept]
        write_image_tree(images, folder / _TREE, dataset, copy=copy)


def _write_list(path: Path, names: Iterable[str]) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        for name in names:
            if "\n" in name or "\r" in name:
                raise DataError(
                    f"{name!r} has a line break, which a list of one path per line cannot hold: "
                    "use kept.csv"
                )
            file.write(f"{name}\n")
