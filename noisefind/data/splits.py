"""Stratified samples, the hold-out set, and a description of the splits of the data.

Samples depend on the ids, not on rows.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import ConfigError
from noisefind.utils.groups import rank_within, spread, spread_within
from noisefind.utils.seeds import random_keys
from noisefind.utils.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


def describe_splits(dataset: Dataset) -> list[str]:
    """Lines on the splits of the data: their images, which is scored, and classes that one lacks.

    None where the data has no splits.
    """
    parts = [dataset, *([dataset.elsewhere] if dataset.elsewhere else [])]
    n_images = Counter(split for part in parts for split in part.splits)
    if set(n_images) == {""}:
        return []
    sizes = ", ".join(f"{split} {counted(n, 'image')}" for split, n in sorted(n_images.items()))
    taken = sorted(set(dataset.splits))
    what = "all are scored"
    if dataset.elsewhere is not None:
        what = f"only {' and '.join(taken)} is scored, --split all takes all"
    classes = {split: _classes_of(parts, split) for split in sorted(n_images)}
    return [f"splits: {sizes}; {what}", *_lacking(classes)]


def _classes_of(parts: Sequence[Dataset], split: str) -> set[str]:
    return {
        part.classes[label]
        for part in parts
        for label in np.unique(part.labels[np.array(part.splits) == split]).tolist()
    }


def _lacking(classes: dict[str, set[str]]) -> Iterator[str]:
    """A line for each split that lacks a class of another one."""
    every = set().union(*classes.values())
    for split, own in classes.items():
        if missing := sorted(every - own):
            n_missing = counted(len(missing), "class", "classes")
            yield f"{split} lacks {n_missing} of the other splits: {listed(missing)}"
