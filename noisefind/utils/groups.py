"""Arithmetic on groups of rows: shares in whole numbers, and ranks within each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def spread(total: int, sizes: Ints) -> Ints:
    """``total`` over groups in proportion to their sizes, by largest remainder, in whole numbers.

    Exact: the shares add up to ``total``; with ``total <= sizes.sum()`` none exceeds its size.
    """
    if total == 0:
        return np.zeros_like(sizes)
    shares, remainders = np.divmod(total * sizes, sizes.sum())
    largest = np.argsort(-remainders, kind="stable")
    shares[largest[: total - shares.sum()]] += 1
    return shares


def spread_within(wanted: Ints, capacity: Ints) -> Ints:
    """``wanted`` (G,) of each group, but at most ``capacity`` (G,).

    What a group cannot give is spread over the others in proportion to the room that they have.
    """
    quota = np.minimum(wanted, capacity)
    room = capacity - quota
    return quota + spread(min(int((wanted - quota).sum()), int(room.sum())), room)


def rank_within(groups: Ints) -> Ints:
    """For each element of (M,) group numbers: how many equal ones come before it."""
    sizes = np.bincount(groups)
    ranks = np.empty_like(groups)
    starts = np.cumsum(sizes) - sizes
    ranks[np.argsort(groups, kind="stable")] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return ranks
