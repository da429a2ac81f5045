"""Digests of images: of their files before decoding, and of their pixels after it."""

from __future__ import annotations

import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from io import FileIO

    from numpy.typing import NDArray

    from noisefind.data.image_source import ImageSource

BLOCK = 1 << 14  # bytes; 16 kB
N_BLOCKS = 16  # a file of up to 256 kB is read whole, of a larger one so many blocks
FILES = 64  # per task of a thread
_NO_SAMPLE = bytes(32)


def content_digest(
    images: Sequence[ImageSource] | NDArray[np.uint8],
    *,
    n_threads: int,
    advance: Callable[[int], None],
) -> str:
    """A digest of the content of all images, in their order; of large files a sample counts.

    Sizes and times are not enough: two folders, or a folder before and after its files were
    replaced, can have the same names, sizes and times with other pixels.
    """
    digest = hashlib.sha256()
    if isinstance(images, np.ndarray):
        digest.update(repr(images.shape).encode())
        digest.update(np.ascontiguousarray(images).data)
        advance(len(images))
        return digest.hexdigest()

    def read(start: int) -> list[bytes]:
        return [
            file_sample(image) if isinstance(image, Path) else image.sample()
            for image in images[start : start + FILES]
        ]

    with ThreadPoolExecutor(n_threads) as pool:
        for digests in pool.map(read, range(0, len(images), FILES)):
            digest.update(b"".join(digests))
            advance(len(digests))
    return digest.hexdigest()


def file_sample(path: Path) -> bytes:
    """Digest of a file, or of evenly spread blocks of a large one, its first and last included.

    A file that cannot be read has a digest too: the reader of its pixels gives the reason.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait forever
            return _NO_SAMPLE
        with path.open("rb", buffering=0) as file:
            return sample_of_range(file, 0, file.seek(0, 2))
    except OSError:
        return _NO_SAMPLE


def sample_of_range(file: FileIO, start: int, size: int) -> bytes:
    """Digest of ``size`` bytes of a file from ``start``, or of evenly spread blocks of many."""
    digest = hashlib.sha256()
    is_large = size > N_BLOCKS * BLOCK
    digest.update(str(size).encode())
    for block in range(N_BLOCKS if is_large else 1):
        file.seek(start + ((size - BLOCK) * block // (N_BLOCKS - 1) if is_large else 0))
        digest.update(file.read(BLOCK if is_large else size))
    return digest.digest()


def pixels_digest(ids: Sequence[str], digests: NDArray[np.uint8], sizes: NDArray[np.int32]) -> str:
    """A digest of the decoded pixels of all images.

    Args:
        ids: (N,) of the images.
        digests: (N, b) of the decoded pixels of each image.
        sizes: (N, 2) width and height of the originals.
    """
    digest = hashlib.sha256(repr(tuple(ids)).encode())
    for array in (digests, sizes):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
