"""Damaged files that other programs show: made whole, as bytes."""

from __future__ import annotations

import struct
import zlib

_PNG = b"\x89PNG\r\n\x1a\n"
_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf", b"sRGB"}


def repaired(data: bytes) -> bytes | None:
    """The file without the damage that does not touch its pixels; None if there is none to mend.

    PNG: texts and other chunks beside the picture are left out, so that their length and their
    checksums do not count. JPEG: the mark of its end is added.
    """
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(b"\xff\xd8") and not data.endswith(b"\xff\xd9") and _is_last_scan(data):
        return data + b"\xff\xd9"
    return None


def _png(data: bytes) -> bytes | None:
    """The chunks of the picture; None if one of them is damaged, cut off or missing."""
    place, kept, names = len(_PNG), [_PNG], set()
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        name, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data):
            return None
        if name in _KEPT:
            body = data[place + 4 : end - 4]
            is_whole = zlib.crc32(body) == int.from_bytes(data[end - 4 : end])
            if is_whole:
                kept.append(data[place:end])
                names.add(name)
            elif name[:1].isupper():
                return None
        place = end
    return b"".join(kept) if {b"IHDR", b"IDAT", b"IEND"} <= names else None


def _is_last_scan(data: bytes) -> bool:
    """Whether a JPEG ends in the scan that a whole one ends in too."""
    start = data.rfind(b"\xff\xda")
    if start < 0 or start + 5 > len(data):
        return False
    is_progressive = b"\xff\xc2" in data[:start]
    n = data[start + 4]
    spectrum = data[start + 5 + 2 * n : start + 8 + 2 * n]
    return not is_progressive or (n == 1 and spectrum[2:] == b"\x10")
