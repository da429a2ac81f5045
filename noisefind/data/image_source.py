"""ImageSource: where the encoded bytes of one image are."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class PackedImage(Protocol):
    """The encoded bytes of one image that has no file of its own."""

    @property
    def name(self) -> str:
        """Short name for messages."""

    def read_bytes(self) -> bytes:
        """All bytes of the encoded image.

        Raises:
            OSError: they cannot be read, or they are damaged.
        """

    def sample(self) -> bytes:
        """A cheap digest that changes when the bytes do."""


ImageSource = Path | PackedImage
