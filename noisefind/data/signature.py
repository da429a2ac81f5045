"""Images recognised by their first bytes, where the name has no suffix of an image."""

from __future__ import annotations

import re

N_BYTES = 16  # the longest signature

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
