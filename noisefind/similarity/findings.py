"""All that was found by looking at the pictures alone, a row per image in the order of the ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.similarity.neighbours import N_NEIGHBOURS, Neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Leak(NamedTuple):
    """A scored image that another split holds too; a row of leaks.csv."""

    file_name: str
    split: str
    given_label: str
    other_file_name: str
    other_split: str
    other_label: str
    kind: str  # exact or near


@dataclass(frozen=True)
class Findings:
    """What N images have of neighbours, twins and faults.

    Attributes:
        neighbours: of each image.
        duplicate_group: (N,) from 1 up; 0 for an image that is in none.
        is_exact: (N,) whether another image of the group has the same pixels.
        twin: (N,) row of an image of the same group that bears another label, an exact one where
            there is one; -1 for none.
        is_outlier: (N,) unlike all others.
        image_issues: (N,) names joined by ";".
        leaks: one for each pair of a scored image and one of another split; None: not looked for.
    """

    neighbours: Neighbours
    duplicate_group: NDArray[np.int64]
    is_exact: NDArray[np.bool_]
    twin: NDArray[np.int64]
    is_outlier: NDArray[np.bool_]
    image_issues: list[str]
    leaks: list[Leak] | None = None

    @classmethod
    def nothing(cls, n_images: int) -> Findings:
        """Images that have neither neighbours nor faults."""
        nobody = np.full((n_images, N_NEIGHBOURS), -1)
        return cls.only(Neighbours(nobody.astype(np.int32), nobody.astype(np.float32)))

    @classmethod
    def only(cls, neighbours: Neighbours) -> Findings:
        """Images of which nothing is known but their neighbours."""
        n_images = len(neighbours.rows)
        return cls(
            neighbours, np.zeros(n_images, np.int64), np.zeros(n_images, np.bool_),
            np.full(n_images, -1), np.zeros(n_images, np.bool_), [""] * n_images,
        )  # fmt: skip

    @property
    def n_duplicate_groups(self) -> int:
        """Groups of images that are the same, or nearly."""
        return int(self.duplicate_group.max(initial=0))

    @property
    def n_conflicting_duplicates(self) -> int:
        """Images with a duplicate that has another label."""
        return int((self.twin >= 0).sum())

    @property
    def n_leaks(self) -> int | None:
        """Images that another split holds too; None where none was searched for."""
        return None if self.leaks is None else len({leak.file_name for leak in self.leaks})
