"""Seeds derived by purpose, so that one member or one draw can be repeated on its own."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def derived_seed(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, as ``derived_seed(0, "cnn", "order", 3)``."""
    digest = hashlib.blake2b(repr((seed, *purpose)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def random_keys(ids: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """(N, 2) random numbers from the seed and each id alone (1 s for a million).

    So a draw or a tie does not depend on the order of rows. Two, so that who won a tie does not
    decide who is sampled.
    """
    key = str(seed).encode()
    digests = (
        hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=16, key=key).digest()
        for id_ in ids
    )
    return np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2).astype(np.uint64)
