"""Dataset: what is scored. Ids, given labels and where each image's pixels come from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Skipped(NamedTuple):
    """A file that was found and left out, and why."""

    file_name: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Images with given labels; identity is the id, never the row number.

    Attributes:
        root: what the ids are relative to (a folder, or the CIFAR directory or archive).
        ids: (N,) unique POSIX paths relative to ``root``, or ``train/00042`` for CIFAR; sorted.
        labels: (N,) int64 rows of ``classes``: the given label of each image.
        classes: (C,) class names, sorted; every class has at least one image.
        splits: (N,) ``train``, ``validation``, ``test``, or ``""`` where the data has no splits.
        images: (N,) file paths, or one uint8 array (N, height, width, 3) for CIFAR.
        fingerprint: hex digest of ids, sizes and modification times of the images (not of the
            labels): two datasets with equal fingerprints have the same pixels.
        skipped: what was found and left out.
    """

    root: Path
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    images: Sequence[Path] | NDArray[np.uint8]
    fingerprint: str
    skipped: tuple[Skipped, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.ids)

    def keep(self, rows: NDArray[np.bool_], skipped: Sequence[Skipped] = ()) -> Dataset:
        """The dataset without the rows where ``rows`` (N,) is False; classes left empty vanish."""
        chosen = np.flatnonzero(rows)
        labels = self.labels[chosen]
        used = np.unique(labels)
        images = self.images
        return replace(
            self,
            ids=tuple(self.ids[row] for row in chosen),
            labels=np.searchsorted(used, labels).astype(np.int64),
            classes=tuple(self.classes[label] for label in used),
            splits=tuple(self.splits[row] for row in chosen),
            images=images[chosen]
            if isinstance(images, np.ndarray)
            else [images[row] for row in chosen],
            skipped=(*self.skipped, *skipped),
        )
