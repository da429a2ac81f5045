"""Duplicates: exact by a digest of the pixels, near by features and small pixels.

Neighbours are candidates; same_picture.py compares their pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind.similarity.neighbours import Neighbours, nearest_neighbours
from noisefind.similarity.same_picture import MIN_CORRELATION, is_same_picture, mirror_free_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_COSINE = 0.6  # of candidates by features; a picture and its mirror image may have .7
N_BY_PIXELS = 5  # candidates of each image by pixels


class Duplicates(NamedTuple):
    """Groups of duplicates among N images."""

    group: NDArray[np.int64]  # (N,) from 1 up in the order of rows; 0: in none
    is_exact: NDArray[np.bool_]  # (N,) another image of the group has the same pixels
    conflicting: NDArray[np.int64]  # (N,) row of a duplicate with another label; -1: none


def find_duplicates(
    digests: NDArray[np.uint8],
    near: NDArray[np.int64],
    labels: NDArray[np.int64],
) -> Duplicates:
    """Groups of duplicates; two images that are duplicates of a third are in its group.

    Args:
        digests: (N, b) of the decoded pixels; equal for exact duplicates.
        near: (M, 2) rows of near duplicates.
        labels: (N,) given labels.
    """
    n_images = len(digests)
    number = digest_numbers(digests)
    sizes = np.bincount(number)
    _, first = np.unique(number, return_index=True)
    copies = np.stack((np.arange(n_images), first[number]), 1)
    roots = _components(n_images, np.concatenate((copies, near)))
    is_in_group = np.bincount(roots, minlength=n_images)[roots] > 1
    group = np.zeros(n_images, np.int64)
    group[is_in_group] = np.unique(roots[is_in_group], return_inverse=True)[1] + 1
    is_exact = sizes[number] > 1
    exact = _conflicting(np.where(is_exact, number, -1), labels)
    any_kind = _conflicting(np.where(is_in_group, roots, -1), labels)
    return Duplicates(group, is_exact, np.where(exact >= 0, exact, any_kind))


def near_pairs(
    by_features: Neighbours,
    thumbnails: NDArray[np.uint8],
    *,
    seed: int = 0,
    n_threads: int = 1,
) -> NDArray[np.int64]:
    """Pairs (M, 2) of near duplicates.

    Candidates are neighbours by features, and neighbours by their pixels at 8 x 8 px, which finds
    mirror images whatever their features are.

    Args:
        by_features: of each of N images.
        thumbnails: (N, 32, 32, 3) pixels, may be memory-mapped.
        seed: of the search by pixels.
        n_threads: that may be used.
    """
    by_pixels = nearest_neighbours(
        mirror_free_vectors(thumbnails), N_BY_PIXELS, seed=seed, n_threads=n_threads
    )
    pairs = np.concatenate((_likely(by_features, MIN_COSINE), _likely(by_pixels, MIN_CORRELATION)))
    pairs = np.unique(np.sort(pairs, 1), axis=0)
    return pairs[is_same_picture(thumbnails, thumbnails, pairs, n_threads=n_threads)]


def _likely(neighbours: Neighbours, least: float) -> NDArray[np.int64]:
    row, place = np.nonzero((neighbours.rows >= 0) & (neighbours.similarity >= least))
    return np.stack((row, neighbours.rows[row, place].astype(np.int64)), 1)


def digest_numbers(digests: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(N,) equal numbers, from 0 up, for equal rows of (N, b)."""
    whole: Any = np.ascontiguousarray(digests).view(np.dtype((np.void, digests.shape[1])))
    number: NDArray[np.int64] = np.unique(whole.ravel(), return_inverse=True)[1]
    return number.ravel()


def _components(n_images: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each image the lowest row of its connected component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), np.bool_), pairs.T), (n_images, n_images))
    _, number = connected_components(links, directed=False)
    _, first = np.unique(number, return_index=True)
    roots: NDArray[np.int64] = first[number]
    return roots


def _conflicting(group: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row the first row of the same group with another label; -1: none.

    ``group`` (N,) is -1 for rows that are in no group.
    """
    conflicting = np.full(len(group), -1, np.int64)
    order = np.argsort(group, kind="stable")
    order = order[group[order] >= 0]
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for rows in np.split(order, starts[1:]) if len(order) else []:
        own = labels[rows]
        others = rows[own != own[0]]
        if len(others):
            conflicting[rows] = np.where(own == own[0], others[0], rows[0])
    return conflicting
