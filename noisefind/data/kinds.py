"""What a file is that is no image: named by its first bytes."""

from __future__ import annotations

JXL = "JPEG XL (read with the extra noisefind[jxl])"
HEIC = "HEIC (read with the extra noisefind[heif])"
_BEGINNINGS = (
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop file"),
    (b"\xff\x0a", JXL),
    (b"\0\0\0\x0cJXL ", JXL),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xffO\xffQ", "JPEG 2000"),
    (b"%!PS", "PostScript"),
    (b"\0\0\1\0", "an icon"),
    (b"PK\3\4", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"version https://git-lfs", "a Git LFS pointer without its file: run git lfs pull"),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "XML"),
    (b"{", "JSON"),
)
_BRANDS = dict.fromkeys((b"hei", b"hev", b"mif", b"msf"), HEIC)
N_BYTES = 256  # that are looked at


def kind_of(beginning: bytes) -> str:
    """The name of what begins with these bytes, with its article; "" if it is not known."""
    if beginning[4:8] == b"ftyp":
        return "" if beginning[8:11] == b"avi" else _BRANDS.get(beginning[8:11], "a video")
    if beginning[128:132] == b"DICM":
        return "DICOM"
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, name in _BEGINNINGS:
        if beginning.startswith(start) or text.startswith(start):
            return name
    return ""
