"""Damaged copies of a file for tests of readers: the same in every run, except in `make fuzz`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, seed, settings

from noisefind.errors import NoisefindError
from tests.images import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED = int(os.environ.get("NOISEFIND_FUZZ_SEED", "0"))  # is added to the seed of each test
SECONDS = 10.0  # of a call; it takes milliseconds, and an attack would take for ever
LONGEST = 1500  # characters of a message, with the paths of a test
EXTREMES = (b"\0", b"\xff", b"\x7f", b"\x80", b"(", b".", b"\xff" * 4, b"\xff" * 8, b"\0\0\0\x80")


def n_mutations(usual: int) -> int:
    """The number of damaged copies for each test: the usual one, or that of `make fuzz`."""
    return int(os.environ.get("NOISEFIND_FUZZ_MUTATIONS", usual))


def fuzzed(usual: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A test of hypothesis that `make fuzz` runs too, with its seed and number of examples.

    It may write a file per example into one folder, each over the last one.
    """
    law = settings(
        max_examples=n_mutations(usual), deadline=None, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )  # fmt: skip

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        # without a seed, hypothesis derives one from the test itself
        marked: Callable[..., None] = pytest.mark.fuzz(law(seed(SEED)(test) if SEED else test))
        return marked

    return mark


def mutations(content: bytes, seed: int = 0) -> Iterator[bytes]:
    """Copies with bytes that are changed, cut, repeated or moved; half of them near the start."""
    rng = np.random.default_rng(SEED + seed)
    for _ in range(n_mutations(300)):
        copy = bytearray(content)
        for _ in range(int(rng.integers(1, 4))):
            most = len(copy) if rng.random() < 0.5 else min(len(copy), 300)
            start = int(rng.integers(0, most + 1))
            end = start + int(rng.integers(1, 40))
            match int(rng.integers(0, 5)):
                case 0:
                    copy[start:end] = rng.bytes(end - start)
                case 1:
                    new = EXTREMES[int(rng.integers(0, len(EXTREMES)))]
                    copy[start : start + len(new)] = new
                case 2:
                    del copy[start:end]
                case 3:
                    copy[start:start] = copy[start:end]
                case _:
                    copy = copy[:start] if rng.random() < 0.3 else copy[end:] + copy[start:]
        yield bytes(copy)


def refused(read: Callable[[], object]) -> str:
    """The message of a reader that refuses, or ``""``: one line of bounded length, and soon."""
    start = time.monotonic()
    message = ""
    try:
        read()
    except NoisefindError as error:
        message = str(error)
    assert not message or one_line(message)
    assert len(message) < LONGEST
    assert "weights_only" not in message
    assert time.monotonic() - start < SECONDS
    return message
