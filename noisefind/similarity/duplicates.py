"""Duplicates: exact by a digest of the pixels, near by features and small pixels.

Neighbours are candidates; same_picture.py compares their pixels.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind.similarity.neighbours import Neighbours, nearest_neighbours
from noisefind.similarity.same_picture import (
    MIN_CORRELATION,
    SIDE,
    is_same_picture,
    mirror_free_vectors,
)
from noisefind.utils.numbers import checked_features
from noisefind.utils.text import card, counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Of near duplicates by features alone. Among 3,068 photographs, with centred features of the
# default network, the one near duplicate has .993. The most similar two different ones have .943.
ALONE_COSINE = 0.98
MIN_COSINE = 0.6  # of candidates by features; a picture and its mirror image may have .7
N_BY_PIXELS = 5  # candidates of each image by pixels


class Duplicates(NamedTuple):
    """Groups of duplicates among N images."""

    group: NDArray[np.int64]  # (N,) from 1 up in the order of rows; 0: in none
    is_exact: NDArray[np.bool_]  # (N,) another image of the group has the same pixels
    conflicting: NDArray[np.int64]  # (N,) row of a duplicate with another label; -1: none

    def __repr__(self) -> str:
        n_images = len(self.group)
        return card(
            "Duplicates",
            groups=int(self.group.max(initial=0)),
            images_in_groups=counted(int((self.group > 0).sum()), n_images),
            exact_duplicates=int(self.is_exact.sum()),
            with_another_label=int((self.conflicting >= 0).sum()),
        )


def find_duplicates(
    images: ArrayLike | None = None,
    features: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    seed: int = 0,
    n_threads: int = 1,
) -> Duplicates:
    """Find groups of exact and near duplicates among images, or among any examples by features.

    With ``images``, two are exact duplicates if all their pixels are equal. They are near
    duplicates if one, or its mirror image, can be aligned with the other at 32 x 32 px so that
    little difference remains: after another crop, size, compression or brightness. ``features`` add
    candidates for that comparison. With ``features`` alone, equal rows are exact and rows with a
    cosine of .98 or more are near duplicates, which is a weaker test: two different examples can
    have nearly equal features.

    Args:
        images: (N, H, W, 3) or (N, H, W) uint8; all of one size, which may be small.
        features: (N, d) numbers of any model.
        labels: (N,) of any kind: ``conflicting`` then holds a duplicate with another label.
        seed: of the search for neighbours among more than 16,384 images.
        n_threads: that may be used.

    Returns:
        Duplicates: groups are numbered from 1 in the order of rows.

    Raises:
        ValueError: neither ``images`` nor ``features``, or an array that does not fit.

    Examples:
        >>> import numpy as np
        >>> from noisefind import find_duplicates
        >>> images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
        >>> images[3] = images[1]
        >>> found = find_duplicates(images, labels=["cat", "cat", "dog", "dog", "cat"])
        >>> found.group.tolist(), found.is_exact[3].item(), found.conflicting.tolist()
        ([0, 1, 0, 1, 0], True, [-1, 3, -1, 1, -1])
    """
    if images is None and features is None:
        raise ValueError("find_duplicates needs images, features or both")
    vectors = None if features is None else checked_features(features)
    pixels = None if images is None else _checked_images(images)
    n_rows = len(vectors) if pixels is None else len(pixels)  # type: ignore[arg-type]
    numbers = np.zeros(n_rows, np.int64)
    if labels is not None:
        numbers = np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64)
    for name, values in {"features": vectors, "labels": numbers}.items():
        if values is not None and len(values) != n_rows:
            raise ValueError(f"{name} have {len(values):,} rows for {n_rows:,} images")
    nobody = Neighbours(np.zeros((n_rows, 0), np.int32), np.zeros((n_rows, 0), np.float32))
    if vectors is not None:
        nobody = nearest_neighbours(vectors, seed=seed, n_threads=n_threads)
    if pixels is None:
        return group_duplicates(_digests(vectors), _likely(nobody, ALONE_COSINE), numbers)
    near = near_pairs(nobody, thumbnails(pixels), seed=seed, n_threads=n_threads)
    return group_duplicates(_digests(pixels), near, numbers)


def thumbnails(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, 32, 32, 3) area means of images (N, H, W, 3)."""
    rows, columns = (_area_weights(size) for size in images.shape[1:3])
    small = np.empty((len(images), SIDE, SIDE, 3), np.uint8)
    for place, image in enumerate(images):
        across = np.tensordot(rows, image.astype(np.float32), 1)  # (32, W, 3)
        small[place] = np.tensordot(across, columns.T, (1, 0)).transpose(0, 2, 1) + 0.5
    return small


def _area_weights(size: int) -> NDArray[np.float32]:
    """(32, size) share of each of ``size`` pixels in each of 32 equal parts; rows add up to 1."""
    edges = np.linspace(0, size, SIDE + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights = np.maximum(overlap, 0)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def _digests(values: NDArray[Any] | None) -> NDArray[np.uint8]:
    """(N, 32) equal for equal rows."""
    rows = np.ascontiguousarray(values)
    digests = b"".join(hashlib.sha256(row.tobytes()).digest() for row in rows)
    return np.frombuffer(digests, np.uint8).reshape(len(rows), -1)


def _checked_images(images: ArrayLike) -> NDArray[np.uint8]:
    pixels = np.asarray(images)
    if pixels.ndim == 3:
        pixels = np.repeat(pixels[..., None], 3, axis=3)
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3 or 0 in pixels.shape:
        raise ValueError(
            f"images are {pixels.dtype} {pixels.shape}, must be uint8 (N, H, W, 3) or (N, H, W)"
        )
    return pixels


def group_duplicates(
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
