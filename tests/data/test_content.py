"""Digests of files and of decoded pixels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.data.content import BLOCK, N_BLOCKS, content_digest, file_sample, pixels_digest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [1, BLOCK, BLOCK + 1, N_BLOCKS * BLOCK])
def test_files_up_to_256_kb_are_read_whole(tmp_path: Path, size: int) -> None:
    """Any byte that changes makes another digest."""
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    before = file_sample(path)
    for place in {0, size // 3, size // 2, size - 1}:
        content = bytearray(size)
        content[place] = 1
        path.write_bytes(content)
        assert file_sample(path) != before


def test_of_large_files_blocks_are_read(tmp_path: Path) -> None:
    """The size, the first and the last bytes count, and a sixteenth of a 4 MB file in all."""
    path, size = tmp_path / "file", N_BLOCKS * N_BLOCKS * BLOCK
    path.write_bytes(bytes(size))
    before = file_sample(path)
    for place in (0, size // 5 * 2, size - 1):
        content = bytearray(size)
        content[place : place + size // N_BLOCKS] = b"\1" * (min(size // N_BLOCKS, size - place))
        path.write_bytes(content)
        assert file_sample(path) != before
    path.write_bytes(bytes(size + 1))
    assert file_sample(path) != before


def test_what_cannot_be_read_has_a_digest(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe neither raise nor wait."""
    os.mkfifo(tmp_path / "pipe")
    paths = [tmp_path / "missing", tmp_path, tmp_path / "pipe"]
    n_done: list[int] = []
    digest = content_digest(paths, n_threads=2, advance=n_done.append)
    assert len(digest) == 64
    assert sum(n_done) == 3


def test_order_and_threads(tmp_path: Path) -> None:
    """The order of the files counts, the number of threads does not."""
    paths = []
    for number in range(150):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(bytes([number]))

    def digest(n_threads: int) -> str:
        return content_digest(paths, n_threads=n_threads, advance=lambda _: None)

    before = digest(1)
    assert digest(4) == before
    paths[0], paths[149] = paths[149], paths[0]
    assert digest(4) != before


def test_arrays() -> None:
    """Of an array every pixel and the shape count."""
    images = np.zeros((4, 2, 3, 3), np.uint8)
    other = images.copy()
    other[2, 1, 1, 1] = 1
    arrays = [images, other, images.reshape(4, 3, 2, 3)]
    digests = {content_digest(a, n_threads=1, advance=lambda _: None) for a in arrays}
    assert len(digests) == 3


def test_pixels_digest() -> None:
    """Ids, digests and sizes count, each in its order."""
    digests = np.arange(32, dtype=np.uint8).reshape(2, 16)
    sizes = np.array([[8, 9], [10, 11]], np.int32)
    cases = [(("a", "b"), digests, sizes), (("b", "a"), digests, sizes)]
    cases += [(("a", "b"), digests[::-1], sizes), (("a", "b"), digests, sizes + 1)]
    assert len({pixels_digest(*case) for case in cases}) == 4
