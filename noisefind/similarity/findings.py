"""Results of the image checks, a row per image in the order of the ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.similarity.neighbours import N_NEIGHBOURS, Neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.similarity.shortcuts import Tie


class Leak(NamedTuple):
    """A scored image that is also in another split; a row of leaks.csv."""

    file_name: str
    split: str
    given_label: str
    other_file_name: str
    other_split: str
    other_label: str
    kind: str  # exact or near


@dataclass(frozen=True)
class Findings:
    """Neighbours, duplicates, outliers, image issues and leaks of N images.

    Attributes:
        neighbours: of each image.
        duplicate_group: (N,) from 1 up; 0 for an image that is in none.
        is_exact: (N,) whether another image of the group has the same pixels.
        conflicting_duplicate: (N,) row of an image of the same group that has another label, an
            exact duplicate where there is one; -1 for none.
        is_outlier: (N,) which are outliers.
        image_issues: (N,) names joined by ";".
        leaks: one for each pair of a scored image and one of another split; None: not
            searched for.
        ties: of classes to brightness, colour, size, shape, format or folder.
    """

    neighbours: Neighbours
    duplicate_group: NDArray[np.int64]
    is_exact: NDArray[np.bool_]
    conflicting_duplicate: NDArray[np.int64]
    is_outlier: NDArray[np.bool_]
    image_issues: list[str]
    leaks: list[Leak] | None = None
    ties: list[Tie] = field(default_factory=list)

    @classmethod
    def nothing(cls, n_images: int) -> Findings:
        """Images without neighbours and without issues."""
        nobody = np.full((n_images, N_NEIGHBOURS), -1)
        return cls.only(Neighbours(nobody.astype(np.int32), nobody.astype(np.float32)))

    @classmethod
    def only(cls, neighbours: Neighbours) -> Findings:
        """Findings with the neighbours only, without other checks."""
        n_images = len(neighbours.rows)
        return cls(
            neighbours,
            duplicate_group=np.zeros(n_images, np.int64),
            is_exact=np.zeros(n_images, np.bool_),
            conflicting_duplicate=np.full(n_images, -1),
            is_outlier=np.zeros(n_images, np.bool_),
            image_issues=[""] * n_images,
        )

    @property
    def n_duplicate_groups(self) -> int:
        """Number of groups of duplicates."""
        return int(self.duplicate_group.max(initial=0))

    @property
    def n_conflicting_duplicates(self) -> int:
        """Number of images with a duplicate that has another label."""
        return int((self.conflicting_duplicate >= 0).sum())

    @property
    def n_leaks(self) -> int | None:
        """Number of images that are also in another split; None if this was not checked."""
        return None if self.leaks is None else len({leak.file_name for leak in self.leaks})
