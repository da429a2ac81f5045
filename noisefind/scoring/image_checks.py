"""What the pictures tell without training: the stage of ``score`` that finds twins and faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from noisefind.data.pixels import open_pixels, resized_pixels
from noisefind.data.quality import image_issues, image_measures
from noisefind.errors import DataError
from noisefind.similarity.duplicates import digest_numbers, find_duplicates, near_pairs
from noisefind.similarity.findings import Findings, Leak
from noisefind.similarity.leaks import exact_leaks, near_leaks
from noisefind.similarity.neighbours import N_NEIGHBOURS, Neighbours, nearest_neighbours
from noisefind.similarity.outliers import find_outliers
from noisefind.similarity.same_picture import SIDE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.data.pixels import Stored
    from noisefind.utils.progress import Progress


@dataclass(frozen=True)
class Eye:
    """How and where to look."""

    max_pixels: int
    cache: Path
    n_threads: int
    progress: Progress
    seed: int


def look(
    stored: Stored, labels: NDArray[np.int64], features: NDArray[np.float32], key: str, eye: Eye
) -> Findings:
    """Neighbours, duplicates, outliers and faults of the scored images.

    Args:
        stored: N images.
        labels: (N,) given labels.
        features: (N, d) with the mean at 0.
        key: names the stored pixels.
        eye: how to look.
    """
    measures = image_measures(
        stored, key=key, cache=eye.cache, n_threads=eye.n_threads, progress=eye.progress
    )
    eye.progress.stage("Looking for neighbours", len(labels))
    neighbours = nearest_neighbours(
        features, seed=eye.seed, n_threads=eye.n_threads, advance=eye.progress.advance
    )
    near = _near(stored, features, neighbours, key, eye)
    return Findings(
        neighbours,
        *find_duplicates(stored.digests, near, labels),
        find_outliers(features, neighbours.rows),
        image_issues(measures, stored.sizes),
    )


def _near(
    stored: Stored,
    features: NDArray[np.float32],
    neighbours: Neighbours,
    key: str,
    eye: Eye,
) -> NDArray[np.int64]:
    """Rows of nearly the same pictures; many exact copies do not stand in the way of a near one."""
    thumbnails = _thumbnails(stored.pixels, key, eye)
    _, first, copies = np.unique(
        digest_numbers(stored.digests), return_index=True, return_counts=True
    )
    rows = np.sort(first)
    if copies.max(initial=0) > N_NEIGHBOURS // 2:
        neighbours = nearest_neighbours(features[rows], seed=eye.seed, n_threads=eye.n_threads)
        thumbnails = thumbnails[rows]
    else:
        rows = np.arange(len(features))
    return rows[near_pairs(neighbours, thumbnails, seed=eye.seed, n_threads=eye.n_threads)]


def look_elsewhere(dataset: Dataset, stored: Stored, key: str, eye: Eye) -> list[Leak] | None:
    """The scored images that another split holds too; None where that cannot be known."""
    elsewhere = dataset.elsewhere
    if elsewhere is None:
        return None
    size = stored.pixels.shape[1]
    try:
        others = open_pixels(
            elsewhere, size, cache=eye.cache, max_pixels=eye.max_pixels,
            n_threads=eye.n_threads, progress=eye.progress,
        )  # fmt: skip
    except DataError as error:
        eye.progress.say(f"the other splits are not looked at: {error}")
        return None
    eye.progress.stage("Looking in other splits", 1)
    other_key = f"{others.dataset.fingerprint} {size} {eye.max_pixels}"
    small, small_others = (
        _thumbnails(pixels, name, eye)
        for pixels, name in ((stored.pixels, key), (others.pixels, other_key))
    )
    exact = exact_leaks(stored.digests, others.digests)
    known = set(map(tuple, exact.tolist()))
    kinds = dict.fromkeys(known, "exact")
    kinds |= {
        (row, other): "near"
        for row, other in near_leaks(small, small_others, n_threads=eye.n_threads).tolist()
        if (row, other) not in known
    }
    eye.progress.advance()
    return [
        Leak(*_name(dataset, row), *_name(others.dataset, other), kind)
        for (row, other), kind in sorted(kinds.items())
    ]


def _thumbnails(pixels: NDArray[np.uint8], key: str, eye: Eye) -> NDArray[np.uint8]:
    return resized_pixels(pixels, SIDE, key=key, cache=eye.cache, progress=eye.progress)


def _name(dataset: Dataset, row: int) -> tuple[str, str, str]:
    return dataset.ids[row], dataset.splits[row], dataset.classes[dataset.labels[row]]
