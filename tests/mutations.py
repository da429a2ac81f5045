"""Damaged text files for fuzz tests: the same in every run, except in `make fuzz`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from noisefind.errors import NoisefindError
from tests.fuzz import SEED, n_mutations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")


def read_damaged(
    read: Callable[[Path], T], path: Path, content: bytes, tokens: list[bytes]
) -> tuple[list[T], list[str]]:
    """What was read from 400 damaged files, and the messages of those refused, each one line."""
    path.write_bytes(content)
    read(path)
    results, messages = [], []
    for damaged in mutations(content, tokens):
        path.write_bytes(damaged)
        try:
            results.append(read(path))
        except NoisefindError as error:
            messages.append(str(error))
    assert [text for text in messages if "\n" in text or len(text) > 2000] == []
    assert min(len(results), len(messages)) > 10  # the damage is neither too little nor too much
    return results, messages


def mutations(content: bytes, tokens: list[bytes]) -> Iterator[bytes]:
    """``content`` with one change or three: bytes or tokens put in, parts cut out or doubled."""
    draw = random.Random(SEED)
    for _ in range(n_mutations(400)):
        data = bytearray(content)
        for _ in range(draw.choice((1, 1, 1, 3))):
            start = draw.randrange(len(data) + 1)
            end = min(len(data), start + draw.randint(0, 5))
            kind = draw.randrange(4)
            if kind == 0:
                data[start:end] = draw.randbytes(draw.randint(1, 4))
            elif kind == 1:
                data[start:start] = draw.choice(tokens)
            elif kind == 2:
                del data[start:end]
            else:
                data[start:start] = data[start:end] * draw.randint(1, 3)
        yield bytes(data)
