"""Images recognised by their first bytes, where the name has no suffix of an image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from noisefind.data.left_out import suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable

N_BYTES = 16  # the longest signature
# Annotations may be as many as images; they are not opened.
_TEXTS = frozenset({".csv", ".json", ".jsonl", ".md", ".txt", ".xml", ".yaml", ".yml"})

# A TIFF under another name is most often the raw file of a camera, which is no image to be read.
_IMAGE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|....ftypavi[fs]|P[56]\s"
    rb"|BM....\x00\x00\x00\x00",
    re.DOTALL,
)
_TIFF = re.compile(rb"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+")


def is_image(start: bytes, *, has_suffix: bool) -> bool:
    """Whether the first `N_BYTES` bytes of a file are those of an image that can be decoded.

    Examples:
        >>> is_image(b"GIF89a", has_suffix=False), is_image(b"file_name,label", has_suffix=False)
        (True, False)
    """
    return bool(_IMAGE.match(start) or (not has_suffix and _TIFF.match(start)))


def holds_image(name: str, read_start: Callable[[], bytes]) -> bool:
    """Whether a file whose name has no suffix of an image starts as one.

    Args:
        name: of the file; texts are not opened.
        read_start: its first `N_BYTES` bytes.
    """
    if suffix_of(name) in _TEXTS:
        return False
    return is_image(read_start(), has_suffix="." in name.rpartition("/")[2])
