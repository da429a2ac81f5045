"""The manifest of a selection: kept images, and dropped images with their reasons.

    manifest.csv   file_name,label,split,keep,reason: every image once, sorted by file_name;
                   see reasons.py
    kept.csv       file_name,label: the kept rows of manifest.csv
    kept.txt       the file names of kept.csv, one per line                     format "txt"
    kept.npy       int64 row numbers of the kept images (see `write_manifest`)  format "npy"
    disagreements.csv   file_name,decision,label,file: what reviewers decided differently, if
                        anything; see decisions.py

CSV files are UTF-8 with line feeds as line ends.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.errors import DataError
from noisefind.exports.formats import ManifestRow
from noisefind.pruning.decisions import Disagreement
from noisefind.utils.files import cell, save_array, write_csv
from noisefind.utils.text import card, with_share

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = ("file_name", "label", "split", "keep", "reason")


class Unreadable(NamedTuple):
    """A file that could not be scored; its class and split where they are known."""

    file_name: str
    reason: str
    label: str = ""
    split: str = ""


class ClassCount(NamedTuple):
    """Numbers of readable images of a class: all, kept and dropped."""

    label: str
    before: int
    kept: int
    dropped: int

    @property
    def is_halved(self) -> bool:
        """Whether the class loses more than half of its images."""
        return 2 * self.dropped > self.before


@dataclass(frozen=True)
class Manifest:
    """A selection, ready to be written.

    Attributes:
        ids: (N,) the scored images.
        labels: (N,) their labels as class names: the given ones, or those that a review corrected.
        splits: (N,) their splits, "" where the data has none.
        keep: (N,) which stay.
        reasons: (N,) why an image is dropped or kept, "" where nothing speaks against it; see
            reasons.py.
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

    def __repr__(self) -> str:
        return card("Manifest", **self.facts())

    def facts(self) -> dict[str, object]:
        """How many images are kept, as lines of a ``repr``."""
        n_images, n_kept = len(self.keep), int(self.keep.sum())
        return {
            "kept": f"{with_share(n_kept, n_images)} of {n_images:,} images",
            "dropped": n_images - n_kept,
            "unreadable": len(self.unreadable) or None,
        }

    @cached_property
    def rows(self) -> list[ManifestRow]:
        """Every image once, sorted by file name.

        Raises:
            ValueError: lengths differ or a file name repeats.
        """
        columns = (self.ids, self.labels, self.splits, self.keep.tolist(), self.reasons)
        rows = [ManifestRow(*cells) for cells in zip(*columns, strict=True)]
        rows += [
            ManifestRow(
                image.file_name,
                image.label,
                image.split,
                keep=False,
                reason=f"unreadable: {image.reason}",
            )
            for image in self.unreadable
        ]
        if len({row.file_name for row in rows}) != len(rows):
            raise ValueError("file names must be unique")
        return sorted(rows)

    @property
    def kept(self) -> list[ManifestRow]:
        """The rows that stay."""
        return [row for row in self.rows if row.keep]

    def reason_counts(self, *, kept: bool) -> Counter[str]:
        """Reason -> number of the scored images that stay, or that go; without ""."""
        pairs = zip(self.reasons, self.keep.tolist(), strict=True)
        return Counter(reason for reason, keep in pairs if reason and keep == kept)


def class_counts(manifest: Manifest) -> list[ClassCount]:
    """Counts of each class before and after a selection, sorted by name; for a dry run."""
    before = Counter(manifest.labels)
    pairs = zip(manifest.labels, manifest.keep.tolist(), strict=True)
    kept = Counter(label for label, keep in pairs if keep)
    return [
        ClassCount(label, n_before, kept[label], n_before - kept[label])
        for label, n_before in sorted(before.items())
    ]


def write_manifest(manifest: Manifest, folder: Path, formats: Collection[str]) -> None:
    """Write manifest.csv, kept.csv and, where ``formats`` has them, kept.txt and kept.npy.

    kept.npy holds positions in the sorted ids of all scored images; where one whole CIFAR split
    was scored this is CIFAR's own order within the split.

    Raises:
        DataError: a file name has a line break and kept.txt is requested.
        ValueError: lengths differ or a file name repeats.
    """
    pairs = [(row.file_name, row.label) for row in manifest.kept]
    write_csv(folder / "manifest.csv", COLUMNS, (tuple(map(cell, row)) for row in manifest.rows))
    write_csv(folder / "kept.csv", COLUMNS[:2], pairs)
    if manifest.disagreements:
        write_csv(folder / "disagreements.csv", Disagreement._fields, manifest.disagreements)
    if "txt" in formats:
        _write_list(folder / "kept.txt", [file_name for file_name, _ in pairs])
    if "npy" in formats:
        by_id = sorted(range(len(manifest.ids)), key=manifest.ids.__getitem__)
        save_array(folder / "kept.npy", np.flatnonzero(manifest.keep[by_id]).astype(np.int64))


def _write_list(path: Path, names: Iterable[str]) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        for name in names:
            if "\n" in name or "\r" in name:
                raise DataError(
                    f"{name!r} has a line break, which a list of one path per line cannot hold: "
                    "use kept.csv"
                )
            file.write(f"{name}\n")
