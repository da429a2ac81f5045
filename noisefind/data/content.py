"""Digests of images: of their files before decoding, and of their pixels after it."""

from __future__ import annotations

import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BLOCK = 1 << 14  # bytes; 16 kB
N_BLOCKS = 16  # a file of up to 256 kB is read whole, of a larger one so many blocks
FILES = 64  # per task of a thread


def content_digest(
    images: Sequence[Path] | NDArray[np.uint8],
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
        return [file_sample(path) for path in images[start : start + FILES]]

    with ThreadPoolExecutor(n_threads) as pool:
        for digests in pool.map(read, range(0, len(images), FILES)):
            digest.update(b"".join(digests))
            advance(len(digests))
    return digest.hexdigest()


def file_sample(path: Path) -> bytes:
    """Digest of a file, or of evenly spread blocks of a large one, its first and last included.

    A file that cannot be read has a digest too: the reader of its pixels gives the reason.
    """
    digest = hashlib.sha256()
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait forever
            return bytes(digest.digest_size)
        with path.open("rb", buffering=0) as file:
            size = file.seek(0, 2)
            is_large = size > N_BLOCKS * BLOCK
            digest.update(str(size).encode())
            for block in range(N_BLOCKS if is_large else 1):
                file.seek((size - BLOCK) * block // (N_BLOCKS - 1) if is_large else 0)
                digest.update(file.read(BLOCK if is_large else size))
    except OSError:
        return bytes(digest.digest_size)
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
