"""Image checks without training: neighbours, duplicates, leaks, outliers and image quality."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from noisefind.data.pixels import open_pixels, resized_pixels
from noisefind.errors import DataError
from noisefind.scoring.plan import DUPLICATES, NEIGHBOURS, OTHER_SPLITS
from noisefind.similarity import quality
from noisefind.similarity.duplicates import digest_numbers, group_duplicates, near_pairs
from noisefind.similarity.findings import Findings, Leak
from noisefind.similarity.leaks import exact_leaks, near_leaks
from noisefind.similarity.neighbours import N_NEIGHBOURS, Neighbours, nearest_neighbours
from noisefind.similarity.outliers import find_outliers
from noisefind.similarity.same_picture import SIDE
from noisefind.similarity.shortcuts import find_ties, names_of, numbers_of
from noisefind.utils.cache import build_once, cache_key
from noisefind.utils.files import open_array, save_array

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.data.pixels import Stored
    from noisefind.utils.progress import Progress

CHUNK = 64  # images per task of a thread


@dataclass(frozen=True)
class ImageCheckSettings:
    """The cache, the number of threads and the seed of the image checks."""

    max_pixels: int
    cache: Path
    n_threads: int
    progress: Progress
    seed: int


def check_images(
    stored: Stored,
    labels: NDArray[np.int64],
    features: NDArray[np.float32],
    settings: ImageCheckSettings,
) -> Findings:
    """Neighbours, duplicates, outliers, image issues and ties of the scored images.

    Args:
        stored: N images.
        labels: (N,) given labels.
        features: (N, d) with the mean at 0.
        settings: of the checks.
    """
    measures = image_measures(stored, settings)
    settings.progress.stage(NEIGHBOURS, len(labels))
    neighbours = nearest_neighbours(
        features,
        seed=settings.seed,
        n_threads=settings.n_threads,
        advance=settings.progress.advance,
    )
    near = _near(stored, features, neighbours, settings)
    return Findings(
        neighbours,
        *group_duplicates(stored.digests, near, labels),
        find_outliers(features, neighbours.rows),
        quality.image_issues(measures, stored.sizes),
        ties=find_ties(
            labels,
            stored.dataset.classes,
            numbers_of(measures, stored.sizes),
            names_of(stored.dataset.ids, stored.dataset.classes),
        ),
    )


def check_other_splits(
    dataset: Dataset, stored: Stored, settings: ImageCheckSettings
) -> list[Leak] | None:
    """The scored images that another split has too; None where the other splits are unknown."""
    elsewhere = dataset.elsewhere
    if elsewhere is None:
        return None
    try:
        others = open_pixels(
            elsewhere, stored.pixels.shape[1], cache=settings.cache,
            max_pixels=settings.max_pixels, n_threads=settings.n_threads,
            progress=settings.progress,
        )  # fmt: skip
    except DataError as error:
        settings.progress.say(f"the other splits are not checked: {error}")
        return None
    small, small_others = (_thumbnails(images, settings) for images in (stored, others))
    settings.progress.stage(OTHER_SPLITS, len(small_others))
    exact = exact_leaks(stored.digests, others.digests)
    known = set(map(tuple, exact.tolist()))
    kinds = dict.fromkeys(known, "exact")
    kinds |= {
        (row, other): "near"
        for row, other in near_leaks(
            small, small_others, n_threads=settings.n_threads, advance=settings.progress.advance
        ).tolist()
        if (row, other) not in known
    }
    return [
        Leak(*_name(dataset, row), *_name(others.dataset, other), kind)
        for (row, other), kind in sorted(kinds.items())
    ]


def image_measures(stored: Stored, settings: ImageCheckSettings) -> NDArray[np.float32]:
    """(N, 6) brightness, information, sharpness and colour; computed once, then from the cache."""

    def build(folder: Path) -> None:
        n_images = len(stored.pixels)
        measures = np.empty((n_images, len(quality.MEASURES)), np.float32)
        settings.progress.stage("Measuring image quality", n_images)

        def measure(rows: range) -> int:
            for row in rows:
                width, height = stored.sizes[row].tolist()
                measures[row] = quality.measure_image(stored.pixels[row], width, height)
            return len(rows)

        chunks = [range(k, min(k + CHUNK, n_images)) for k in range(0, n_images, CHUNK)]
        with ThreadPoolExecutor(settings.n_threads) as pool:
            for n_done in pool.map(measure, chunks):
                settings.progress.advance(n_done)
        save_array(folder / "measures.npy", measures)

    key = cache_key("quality", quality.FORMAT, stored.key)
    folder = build_once(settings.cache / "quality" / key, build, say=settings.progress.say)
    return cast("NDArray[np.float32]", open_array(folder / "measures.npy"))


def _near(
    stored: Stored,
    features: NDArray[np.float32],
    neighbours: Neighbours,
    settings: ImageCheckSettings,
) -> NDArray[np.int64]:
    """Pairs of rows that show nearly the same picture.

    An image with many exact copies has no other neighbours than those. So with many copies the
    neighbours are computed again, with one row for each set of copies.
    """
    thumbnails = _thumbnails(stored, settings)
    settings.progress.stage(DUPLICATES, len(thumbnails))
    seed, n_threads = settings.seed, settings.n_threads
    _, first, copies = np.unique(
        digest_numbers(stored.digests), return_index=True, return_counts=True
    )
    rows = np.sort(first)
    if copies.max(initial=0) > N_NEIGHBOURS // 2:
        neighbours = nearest_neighbours(features[rows], seed=seed, n_threads=n_threads)
        thumbnails = thumbnails[rows]
    else:
        rows = np.arange(len(features))
    pairs = near_pairs(
        neighbours, thumbnails, seed=seed, n_threads=n_threads, advance=settings.progress.advance
    )
    return rows[pairs]


def _thumbnails(stored: Stored, settings: ImageCheckSettings) -> NDArray[np.uint8]:
    return resized_pixels(
        stored.pixels, SIDE, key=stored.key, cache=settings.cache, progress=settings.progress
    )


def _name(dataset: Dataset, row: int) -> tuple[str, str, str]:
    return dataset.ids[row], dataset.splits[row], dataset.classes[dataset.labels[row]]
