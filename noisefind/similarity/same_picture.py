"""Near duplicates among candidate pairs, found by their pixels at 32 x 32.

One of them, or its mirror image, is aligned with the other: stretched, shifted and brightened until
the difference is least (Lucas and Kanade 1981, with four numbers for the place and two for the
brightness). The remaining difference is small for an image that was cropped, resized or compressed
again. It is larger for two images of a series. The constants were chosen on one half of 500
photographs and tested on the other (docs/explanation/similarity.md).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SIDE = 32  # px
MIN_CORRELATION = 0.9  # at 8 x 8 px: below, two images are not aligned
SAME = 0.11  # of the standard deviation of the pixels may remain
FLAT = 4.0  # grey levels: images with a smaller standard deviation have nothing to compare
MAX_STEP = 0.04  # of the side
RIDGE = 10.0  # keeps a step small where an image has no edges
N_STEPS = 3  # more find no better place
MAX_STRETCH = 0.12  # a larger crop is another image
GAIN = (0.7, 1.4)  # of brightness
CHUNK = 64  # pairs at once: they fit into the processor's cache


def is_same_picture(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    *,
    n_threads: int = 1,
) -> NDArray[np.bool_]:
    """Whether a row of ``left`` and one of ``right`` are near duplicates, for ``pairs`` (M, 2).

    Both are (N, 32, 32, 3), may be memory-mapped.
    """
    same = np.zeros(len(pairs), np.bool_)
    likely: list[int] = []
    is_mirrored: list[bool] = []
    for start in range(0, len(pairs), 16 * CHUNK):
        a, b = (
            _rows(x, pairs[start : start + 16 * CHUNK, side])
            for side, x in enumerate((left, right))
        )
        correlation, mirrored = coarse_correlation(a, b)
        chosen = np.flatnonzero(correlation >= MIN_CORRELATION)
        likely += (start + chosen).tolist()
        is_mirrored += mirrored[chosen].tolist()

    def compare(start: int) -> None:
        chunk = np.array(likely[start : start + CHUNK])
        a, b = (_rows(x, pairs[chunk, side]) for side, x in enumerate((left, right)))
        turned = np.array(is_mirrored[start : start + CHUNK])[:, None, None, None]
        same[chunk] = difference(a, np.where(turned, b[:, :, ::-1], b)) <= SAME

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(compare, range(0, len(likely), CHUNK)))
    return same


def coarse_correlation(a: Floats, b: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """At 8 x 8 px, of the pictures (M, 32, 32, 3) or of one with the mirror image of the other.

    Returns the higher correlation (M,), and whether it is that of the mirror image.
    """
    left, right = (coarse_vectors(x).reshape(len(x), 8, 8, 3) for x in (a, b))
    straight, mirrored = (
        np.einsum("nhwc,nhwc->n", left, other) for other in (right, right[:, :, ::-1])
    )
    return np.maximum(straight, mirrored), mirrored > straight


def coarse_vectors(pixels: NDArray[Any]) -> Floats:
    """(N, 192) of pictures (N, 32, 32, 3) at 8 x 8 px: a product of two is their correlation."""
    vectors = np.empty((len(pixels), 8 * 8 * 3), np.float32)
    for start in range(0, len(pixels), CHUNK):
        x = np.asarray(pixels[start : start + CHUNK], np.float32)
        small = x.reshape(len(x), 8, SIDE // 8, 8, SIDE // 8, 3).mean((2, 4)).reshape(len(x), -1)
        small -= small.mean(1, keepdims=True)
        lengths = np.sqrt(np.einsum("nd,nd->n", small, small))
        vectors[start : start + CHUNK] = small / np.maximum(lengths, 1e-6)[:, None]
    return vectors


def mirror_free_vectors(pixels: NDArray[Any]) -> Floats:
    """Coarse vectors, equal for a picture and its mirror image: the brighter half is left."""
    vectors = coarse_vectors(pixels)
    as_pictures = vectors.reshape(-1, 8, 8, 3)
    lean = as_pictures.sum((1, 3)) @ np.arange(3.5, -4, -1, dtype=np.float32)
    return np.where((lean >= 0)[:, None], vectors, as_pictures[:, :, ::-1].reshape(-1, 8 * 8 * 3))


def difference(a: Floats, b: Floats) -> NDArray[np.float64]:
    """Remaining difference of two pictures (M, 32, 32, 3) of 0 to 255 after alignment.

    Root mean square in units of the smaller standard deviation: 0 upwards, LOW is alike; infinite
    for pictures of nearly one colour, or where no allowed stretch and brightness were found. The
    smaller difference of both directions counts, so their order does not matter.
    """
    a, b = _blurred(a), _blurred(b)
    std = np.minimum(*(x.std((1, 2)).mean(1) for x in (a, b)))
    least = np.minimum(_remains(a, b), _remains(b, a))
    return np.where(std < FLAT, np.inf, least / np.maximum(std, FLAT))


def _remains(a: Floats, b: Floats) -> NDArray[np.float64]:
    """(M,) root mean square of the difference of ``a`` and the aligned ``b``."""
    place = np.zeros((len(a), 4), np.float32)  # stretch and shift across, then down
    least = np.full(len(a), np.inf)
    steps = (np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2) / SIDE  # from the middle, in sides
    for _ in range(N_STEPS + 1):
        b_there, mask = _moved(b, place)
        light, rest = _best_light(a, b_there, mask)
        n_compared = np.maximum(mask.sum((1, 2, 3)) * 3, 1)
        remains = np.sqrt(np.einsum("nhwc,nhwc->n", rest, rest) / n_compared)
        is_allowed = np.abs(place[:, ::2]).max(1) <= MAX_STRETCH
        is_allowed &= (light > GAIN[0]) & (light < GAIN[1])
        least = np.where(is_allowed, np.minimum(least, remains), least)
        across, down = (SIDE * np.gradient(b_there, axis=axis) for axis in (2, 1))
        slopes = np.stack(
            (across * steps[:, None], across, down * steps[:, None, None], down), axis=-1
        )
        slopes *= mask[..., None] * np.maximum(light, 0.5)[:, None, None, None, None]
        step = _solved(slopes.reshape(len(a), -1, 4), rest.reshape(len(a), -1), RIDGE)
        place += np.clip(step, -MAX_STEP, MAX_STEP)
    return least


def _moved(b: Floats, place: Floats) -> tuple[Floats, Floats]:
    """Pictures stretched and shifted, and 1 where they still have pixels (M, 32, 32, 1)."""
    across, in_width = _interpolation(place[:, 0], place[:, 1])
    down, in_height = _interpolation(place[:, 2], place[:, 3])
    n = len(b)
    moved = (down @ b.reshape(n, SIDE, SIDE * 3)).reshape(n, SIDE, SIDE, 3)
    moved = np.matmul(across[:, None], moved)
    mask = (in_height[:, :, None] & in_width[:, None, :])[..., None].astype(np.float32)
    return moved, mask


def _interpolation(stretch: Floats, shift: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(M, 32, 32) weights of the old pixels in the new; and (M, 32) which new ones have any."""
    middle = (SIDE - 1) / 2
    steps = np.arange(SIDE) - middle
    source = steps * (1 + stretch[:, None]) + shift[:, None] * SIDE + middle
    is_inside = (source >= -0.01) & (source <= SIDE - 0.99)
    source = np.clip(source, 0, SIDE - 1)
    weights = np.maximum(1 - np.abs(source[:, :, None] - np.arange(SIDE)), 0)
    return weights.astype(np.float32), is_inside


def _best_light(a: Floats, b: Floats, mask: Floats) -> tuple[Floats, Floats]:
    """The best factor (with a constant) from ``b`` to ``a``, and the remaining difference."""
    n = np.maximum(mask.sum((1, 2, 3), keepdims=True) * 3, 1)
    a = a - (a * mask).sum((1, 2, 3), keepdims=True) / n
    b = b - (b * mask).sum((1, 2, 3), keepdims=True) / n
    a, b = a * mask, b * mask
    factor = np.einsum("nhwc,nhwc->n", a, b) / (np.einsum("nhwc,nhwc->n", b, b) + 1e-3)
    return factor, a - b * factor[:, None, None, None]


def _solved(columns: Floats, target: Floats, ridge: float) -> Floats:
    """(M, k) least squares of ``target`` (M, n) by ``columns`` (M, n, k)."""
    turned = columns.transpose(0, 2, 1)
    normal = turned @ columns + ridge * np.eye(columns.shape[2], dtype=np.float32)
    return np.asarray(np.linalg.solve(normal, turned @ target[..., None])[..., 0], np.float32)


def _blurred(x: Floats) -> Floats:
    """(1, 2, 1) / 4 along both sides: what was resampled differs most from pixel to pixel."""
    for axis in (1, 2):
        first, last = x.take([0], axis), x.take([-1], axis)
        before = np.concatenate((first, x.take(range(SIDE - 1), axis)), axis)
        after = np.concatenate((x.take(range(1, SIDE), axis), last), axis)
        x = ((before + 2 * x + after) / 4).astype(np.float32)
    return x


def _rows(pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> Floats:
    return pixels[rows].astype(np.float32)
