"""Rows of entries of the cache, found by the content of their image in any entry of one kind.

An entry that can be searched has ``keys.npy``: (n, 32) uint8, a SHA-256 for each row of its arrays.
So what is known of an image is used again in a dataset that was renamed, divided or enlarged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from noisefind.utils.checksums import damage_of
from noisefind.utils.files import open_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

KEYS = "keys.npy"
KEY_BYTES = 32


class Known(NamedTuple):
    """Rows that one entry of the cache has for some images of a dataset."""

    places: NDArray[np.int64]  # (n,) row numbers in the dataset, ascending
    rows: NDArray[np.int64]  # (n,) row numbers in the arrays of the entry
    arrays: dict[str, NDArray[np.generic]]  # by file name


def known_rows(
    keys: NDArray[np.uint8], entries: Iterable[Path], names: Sequence[str]
) -> list[Known]:
    """The rows that intact entries have for ``keys``, each place at most once.

    Args:
        keys: (N, 32) of the images of a dataset.
        entries: folders of the cache; damaged ones are ignored, they are made again when their own
            dataset is opened.
        names: of the files to open.
    """
    wanted = _as_bytes(keys)
    missing = np.arange(len(keys))
    found = []
    for entry in entries:
        if len(missing) == 0:
            break
        if damage_of(entry, entry.name, {KEYS}):
            continue
        try:
            held = _as_bytes(cast("NDArray[np.uint8]", open_array(entry / KEYS)))
            rows = _rows_of(wanted[missing], held)
            if (rows < 0).all() or damage_of(entry, entry.name):  # a full check reads all of it
                continue
            arrays = {name: open_array(entry / name) for name in names}
        except OSError:  # removed by another process at this moment
            continue
        found.append(Known(missing[rows >= 0], rows[rows >= 0], arrays))
        missing = missing[rows < 0]
    return found


def missing_places(n_images: int, known: Iterable[Known]) -> NDArray[np.int64]:
    """Ascending row numbers of the images of a dataset that no entry knows."""
    is_missing = np.ones(n_images, np.bool_)
    for one in known:
        is_missing[one.places] = False
    return np.flatnonzero(is_missing)


def fill_known(chunk: NDArray[np.generic], start: int, known: Iterable[Known], name: str) -> None:
    """Copy what is known into ``chunk``: the rows of a dataset's array from ``start`` on."""
    for one in known:
        first, end = np.searchsorted(one.places, (start, start + len(chunk)))
        chunk[one.places[first:end] - start] = one.arrays[name][one.rows[first:end]]


def _rows_of(wanted: NDArray[np.bytes_], held: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """For each wanted key its row among the held ones; -1: none."""
    if len(held) == 0:
        return np.full(len(wanted), -1)
    order = np.argsort(held, kind="stable")
    near = np.searchsorted(held, wanted, sorter=order).clip(max=len(held) - 1)
    return np.where(held[order[near]] == wanted, order[near], -1)


def _as_bytes(keys: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """A string of bytes per key, which numpy can sort; all have equal length, so none is cut."""
    return np.ascontiguousarray(keys).view(f"S{KEY_BYTES}").reshape(-1)
