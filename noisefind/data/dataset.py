"""Dataset: ids, given labels and the source of the pixels of the images to score."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.data.view import ORDINARY, View
from noisefind.utils.cache import cache_key
from noisefind.utils.text import card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.data.image_source import ImageSource


class Skipped(NamedTuple):
    """A file that was found and left out, with the reason, and its label and split if known."""

    file_name: str
    reason: str
    label: str = ""
    split: str = ""


@dataclass(frozen=True)
class Dataset:
    """Images with given labels; identity is the id, never the row number.

    Attributes:
        root: the ids are relative to it; a folder, or the CIFAR directory or archive.
        ids: (N,) unique POSIX paths relative to ``root``, or ``train/00042`` for CIFAR; sorted.
        labels: (N,) int64 rows of ``classes``: the given label of each image.
        classes: (C,) class names, sorted; every class has at least one image.
        splits: (N,) ``train``, ``validation``, ``test``, or ``""`` where the data has no splits.
        images: (N,) file paths or places in archives and tables, or one uint8 array
            (N, height, width, 3) where the data are arrays.
        fingerprint: hex digest of ids, sizes and modification times of the image files, not of
            the labels. It does not prove that pixels are equal; the dataset that
            ``data.pixels.open_pixels`` returns has a digest of the decoded pixels here.
        skipped: files that were found and left out.
        elsewhere: the images of the other splits, where there are any.
        view: how pixels of more than 8 bits are shown.
    """

    root: Path
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    images: Sequence[ImageSource] | NDArray[np.uint8]
    fingerprint: str
    skipped: tuple[Skipped, ...] = field(default=())
    elsewhere: Dataset | None = None
    view: View = ORDINARY

    def __repr__(self) -> str:
        return card(
            f"Dataset {self.root}",
            images=f"{len(self):,} in {len(self.classes):,} classes",
            splits=", ".join(sorted({*self.splits} - {""})),
            files_left_out=len(self.skipped) or None,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def without(self, unreadable: Mapping[str, str]) -> Dataset:
        """The dataset without the ids in ``unreadable`` (id to reason), which join ``skipped``.

        Classes that are left empty vanish.
        """
        is_bad = np.array([id_ in unreadable for id_ in self.ids], dtype=np.bool_)
        skipped = [
            Skipped(
                self.ids[row],
                unreadable[self.ids[row]],
                self.classes[self.labels[row]],
                self.splits[row],
            )
            for row in np.flatnonzero(is_bad).tolist()
        ]
        return replace(self._of(~is_bad), skipped=tuple(sorted((*self.skipped, *skipped))))

    def only(self, chosen: NDArray[np.bool_]) -> Dataset:
        """The dataset of the ``chosen`` (N,) images, with a fingerprint of its own.

        Classes that are left empty vanish. All images chosen: the dataset itself.
        """
        if chosen.all():
            return self
        part = self._of(chosen)
        return replace(part, fingerprint=cache_key(self.fingerprint, part.ids))

    def _of(self, chosen: NDArray[np.bool_]) -> Dataset:
        rows = np.flatnonzero(chosen)
        labels = self.labels[rows]
        used = np.unique(labels)
        images = self.images
        return replace(
            self,
            ids=tuple(self.ids[row] for row in rows),
            labels=np.searchsorted(used, labels).astype(np.int64),
            classes=tuple(self.classes[label] for label in used),
            splits=tuple(self.splits[row] for row in rows),
            images=images[rows]
            if isinstance(images, np.ndarray)
            else [images[row] for row in rows.tolist()],
        )
