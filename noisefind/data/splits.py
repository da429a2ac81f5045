"""Stratified samples of images and the hold-out set; they depend on the ids, not on rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import ConfigError
from noisefind.utils.groups import rank_within, spread, spread_within
from noisefind.utils.seeds import random_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset


def stratified_sample(
    ids: Sequence[str], labels: NDArray[np.int64], share: float, seed: int
) -> NDArray[np.bool_]:
    """A mask (N,) of a sample of ``round(share * N)`` images, of each class the same share.

    The sample depends on the seed and the ids, not on the order of rows. One image of each class
    is never taken; other classes then give more. The total is smaller only where all classes are
    down to one image.

    Args:
        ids: (N,) unique.
        labels: (N,) class numbers from 0.
        share: 0 to 1.
        seed: decides which images.
    """
    sizes = np.bincount(labels)
    wanted = spread(round(share * len(ids)), sizes)
    n_taken = spread_within(wanted, np.maximum(sizes - 1, 0))
    order = np.lexsort(random_keys(ids, seed).T)
    classes = labels[order]
    is_taken = np.zeros(len(ids), np.bool_)
    is_taken[order[rank_within(classes) < n_taken[classes]]] = True
    return is_taken


def hold_out(dataset: Dataset, share: float | None, seed: int) -> tuple[Dataset, Dataset | None]:
    """The images to score and the hold-out set; no hold-out set if ``share`` is None.

    Raises:
        ConfigError: the hold-out set would be empty.
    """
    if share is None:
        return dataset, None
    is_held = stratified_sample(dataset.ids, dataset.labels, share, seed)
    if not is_held.any():
        raise ConfigError(
            f"--hold-out {share:g} of {len(dataset):,} images is none, because one image of each "
            "class stays: hold out more"
        )
    return dataset.only(~is_held), dataset.only(is_held)
