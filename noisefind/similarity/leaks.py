"""Leaks: scored images that another split has too, by digests and small pixels.

No features of the other splits are needed: images that agree at 8 x 8 px are compared pixel by
pixel, as for duplicates (same_picture.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from noisefind.similarity.duplicates import digest_numbers
from noisefind.similarity.same_picture import MIN_CORRELATION, coarse_vectors, is_same_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MOST_ALIKE = 3  # scored images that an image of another split is compared with
BLOCK = 1024  # images of other splits at once


def exact_leaks(scored: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs (M, 2) of a row of ``scored`` and one of ``others`` with equal digests."""
    number = digest_numbers(np.concatenate((scored, others)))
    by_number = np.argsort(number[: len(scored)], kind="stable")
    ordered = number[: len(scored)][by_number]
    of_others = number[len(scored) :]
    first = np.searchsorted(ordered, of_others, "left")
    counts = np.searchsorted(ordered, of_others, "right") - first
    other = np.repeat(np.arange(len(others)), counts)
    within = np.arange(len(other)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack((by_number[np.repeat(first, counts) + within], other), 1)


def near_leaks(
    scored: NDArray[np.uint8],
    others: NDArray[np.uint8],
    *,
    n_threads: int = 1,
    advance: Callable[[int], None] = lambda _: None,
) -> NDArray[np.int64]:
    """Pairs (M, 2) of rows that are near duplicates.

    Both are (N, 32, 32, 3), may be memory-mapped. ``advance`` receives the number of ``others``
    whose candidates are found.
    """
    vectors = coarse_vectors(scored)
    pairs = [np.empty((0, 2), np.int64)]
    n_most = min(MOST_ALIKE, len(scored))
    for start in range(0, len(others), BLOCK):
        block = others[start : start + BLOCK]
        likeness = np.maximum(
            coarse_vectors(block) @ vectors.T, coarse_vectors(block[:, :, ::-1]) @ vectors.T
        )
        most = np.argpartition(-likeness, n_most - 1, axis=1)[:, :n_most]
        row, place = np.nonzero(np.take_along_axis(likeness, most, 1) >= MIN_CORRELATION)
        pairs.append(np.stack((most[row, place], start + row), 1))
        advance(len(block))
    candidates = np.concatenate(pairs)
    return candidates[is_same_picture(scored, others, candidates, n_threads=n_threads)]
