"""Every kind of image file is read as a person sees it, and every broken one has its reason."""

from __future__ import annotations

import ctypes
import io
import logging
import os
import re
import socket
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile, TiffImagePlugin, _imaging
from PIL import features as pillow_features

from noisefind.data import decode
from noisefind.data.decode import (
    DECODERS,
    UnreadableImageError,
    decoding,
    read_image,
    shorter_side,
    to_square,
)
from tests.fuzz import fuzzed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

RED, GREEN, BLUE, YELLOW = (220, 40, 40), (40, 200, 60), (50, 60, 210), (230, 220, 70)
COLOURS = [RED, GREEN, BLUE, YELLOW]  # of the four quarters, row by row
GREYS = [(94,) * 3, (136,) * 3, (74,) * 3, (206,) * 3]  # .299 R + .587 G + .114 B of them
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
MAX_PIXELS = 10**6
ORIENTATION = 0x0112

# how a picture must be stored so that an EXIF orientation turns it upright
STORED = {
    1: lambda picture: picture,
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: picture.swapaxes(0, 1),
    6: lambda picture: np.rot90(picture, 1),
    7: lambda picture: picture[::-1, ::-1].swapaxes(0, 1),
    8: lambda picture: np.rot90(picture, -1),
}

needs_avif = pytest.mark.skipif(
    "avif" not in pillow_features.get_supported(), reason="this Pillow cannot write AVIF"
)


@pytest.fixture(autouse=True)
def _quiet(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """In no test of this file does a decoder, in Python or in C, print or log a word."""
    yield
    assert tuple(capfd.readouterr()) == ("", "")
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.levelno > logging.INFO] == []


def quarters(height: int = 32, width: int = 48) -> NDArray[np.uint8]:
    """A picture with a colour in each quarter."""
    picture = np.empty((height, width, 3), np.uint8)
    for number, colour in enumerate(COLOURS):
        row, column = divmod(number, 2)
        rows = slice(row * height // 2, (row + 1) * height // 2)
        picture[rows, column * width // 2 : (column + 1) * width // 2] = colour
    return picture


def grey() -> NDArray[np.uint8]:
    """The greys of the picture."""
    return np.asarray(Image.fromarray(quarters()).convert("L"))


def read(path: Path, size: int = 16, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    with decoding():
        return read_image(path, size, max_pixels)


def seen(path: Path) -> list[tuple[int, ...]]:
    """The colours in the middles of the quarters."""
    picture = read(path)
    assert picture.shape == (16, 16, 3)
    assert picture.dtype == np.uint8
    middles = [picture[row : row + 4, column : column + 4] for row in (2, 10) for column in (2, 10)]
    return [tuple(np.median(middle, (0, 1)).round().astype(int).tolist()) for middle in middles]


def assert_seen(path: Path, colours: list[Any], tolerance: int = 3) -> None:
    np.testing.assert_allclose(seen(path), colours, atol=tolerance)


def why(path: Path, max_pixels: int = MAX_PIXELS) -> str:
    """The reason for which a file cannot be read, which must be fit for a table."""
    with pytest.raises(UnreadableImageError) as caught:
        read(path, max_pixels=max_pixels)
    assert caught.value.__cause__ is None
    reason = str(caught.value)
    assert reason.isprintable()  # so it is one line
    assert len(reason) < 150
    assert str(path.parent) not in reason
    assert not re.search(r"<\w|at 0x", reason)
    return reason


def chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def png(width: int, height: int, bits: int, kind: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def png16(picture: NDArray[np.uint8]) -> bytes:
    """A PNG with 16 bits per channel, which Pillow cannot write."""
    height, width, channels = picture.shape
    deep = (picture.astype(">u2") * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    return png(width, height, 16, {3: 2, 4: 6}[channels], chunk(b"IDAT", zlib.compress(rows)))


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def right_half_clear() -> Image.Image:
    """The picture, transparent in its right half."""
    picture = Image.fromarray(quarters())
    alpha = np.full((32, 48), 255, np.uint8)
    alpha[:, 24:] = 0
    picture.putalpha(Image.fromarray(alpha))
    return picture


def frames(**options: Any) -> Callable[[Path], None]:
    """Writes an animation that begins with the picture and goes on black."""
    black = Image.new("RGB", (48, 32), "black")

    def write(path: Path) -> None:
        picture = Image.fromarray(quarters())
        picture.save(path, save_all=True, append_images=[black, black], **options)

    return write


def saved(mode: str = "RGB", **options: Any) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(quarters()).convert(mode).save(path, **options)


def without_adobe(path: Path) -> None:
    """A CMYK JPEG without Adobe's marker; viewers take it for inverted all the same."""
    buffer = io.BytesIO()
    Image.fromarray(quarters()).convert("CMYK").save(buffer, "JPEG", quality=95)
    start = buffer.getvalue().index(b"\xff\xee")
    assert buffer.getvalue()[start + 4 : start + 9] == b"Adobe"
    path.write_bytes(buffer.getvalue()[:start] + buffer.getvalue()[start + 16 :])


def white_is_zero(path: Path) -> None:
    deep = Image.fromarray((255 - grey()).astype(np.uint16) * 257)
    deep.save(path, tiffinfo={TiffImagePlugin.PHOTOMETRIC_INTERPRETATION: 0})
    with Image.open(path) as image:
        assert image.tag_v2[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] == 0  # type: ignore[attr-defined]


def palette_with_hole(path: Path) -> None:
    picture = Image.fromarray(quarters()).quantize(8)
    picture.save(path, transparency=picture.getpixel((36, 8)))


STRETCHED = [tuple([round((v[0] - 74) * 255 / (206 - 74))] * 3) for v in GREYS]
HALF = [RED, WHITE, BLUE, WHITE]
HALF_GREY = [GREYS[0], WHITE, GREYS[2], WHITE]

AS_SEEN: dict[str, tuple[Callable[[Path], object], list[Any]]] = {
    "rgb.png": (saved(), COLOURS),
    "rgb.jpg": (saved(quality=95), COLOURS),
    "rgb.jfif": (saved(format="JPEG", quality=95), COLOURS),
    "rgb.bmp": (saved(), COLOURS),
    "rgb.ppm": (saved(), COLOURS),
    "rgb.webp": (saved(lossless=True), COLOURS),
    "rgb.tiff": (saved(), COLOURS),
    "png named.jpg": (saved(format="PNG"), COLOURS),
    "progressive.jpg": (saved(progressive=True, quality=95), COLOURS),
    "grey.jpg": (saved("L", quality=95), GREYS),
    "grey.png": (saved("L"), GREYS),
    "grey.pgm": (saved("L"), GREYS),
    "1 bit.png": (
        lambda path: Image.fromarray(grey() > 100).convert("1").save(path),
        [BLACK, WHITE, BLACK, WHITE],
    ),
    "16-bit grey.png": (
        lambda path: Image.fromarray(grey().astype(np.uint16) * 257).save(path), GREYS
    ),
    "16-bit grey.tiff": (
        lambda path: Image.fromarray(grey().astype(np.uint16) * 257).save(path), GREYS
    ),
    "16-bit big-endian grey.tiff": (
        lambda path: Image.fromarray((grey().astype(">u2") * 257).astype(">u2")).save(path), GREYS
    ),
    "16-bit grey, packed.tiff": (
        lambda path: Image.fromarray(grey().astype(np.uint16) * 257).save(
            path, compression="tiff_lzw"
        ),
        GREYS,
    ),
    "16-bit grey, white is zero.tiff": (white_is_zero, GREYS),
    "16-bit grey.pgm": (
        lambda path: path.write_bytes(
            b"P5 48 32 65535\n" + (grey().astype(">u2") * 257).astype(">u2").tobytes()
        ),
        GREYS,
    ),
    "10-bit grey.pgm": (
        lambda path: path.write_bytes(
            b"P5 48 32 1023\n" + (grey() * (1023 / 255)).astype(">u2").tobytes()
        ),
        GREYS,
    ),
    "16-bit rgb.png": (lambda path: path.write_bytes(png16(quarters())), COLOURS),
    "16-bit rgba.png": (
        lambda path: path.write_bytes(png16(np.asarray(right_half_clear()))), HALF
    ),
    "float.tiff": (
        lambda path: Image.fromarray(grey().astype(np.float32) / 255).save(path), STRETCHED
    ),
    "float over all its range.tiff": (
        lambda path: Image.fromarray((grey().astype(np.float32) - 140) * np.float32(5e36)).save(
            path
        ),
        STRETCHED,
    ),
    "32-bit integers.tiff": (
        lambda path: Image.fromarray(grey().astype(np.int32) * 10**6).save(path), STRETCHED
    ),
    "alpha.png": (lambda path: right_half_clear().save(path), HALF),
    "alpha.webp": (lambda path: right_half_clear().save(path, lossless=True), HALF),
    "alpha.tiff": (lambda path: right_half_clear().save(path), HALF),
    "alpha.gif": (lambda path: right_half_clear().save(path), HALF),
    "grey and alpha.png": (lambda path: right_half_clear().convert("LA").save(path), HALF_GREY),
    "palette.png": (lambda path: Image.fromarray(quarters()).quantize(8).save(path), COLOURS),
    "palette.gif": (lambda path: Image.fromarray(quarters()).quantize(8).save(path), COLOURS),
    "palette.bmp": (lambda path: Image.fromarray(quarters()).quantize(8).save(path), COLOURS),
    "palette with a hole.png": (palette_with_hole, [RED, WHITE, BLUE, YELLOW]),
    "one colour clear.png": (saved(transparency=GREEN), [RED, WHITE, BLUE, YELLOW]),
    "one grey clear.png": (saved("L", transparency=136), [GREYS[0], WHITE, *GREYS[2:]]),
    "cmyk.jpg": (saved("CMYK", quality=95), COLOURS),
    "cmyk, no adobe.jpg": (without_adobe, COLOURS),
    "cmyk.tiff": (saved("CMYK"), COLOURS),
    "ycbcr.tiff": (saved("YCbCr"), COLOURS),
    "animated.gif": (frames(duration=100), COLOURS),
    "animated.webp": (frames(lossless=True), COLOURS),
    "animated.png": (frames(), COLOURS),
    "animated, with another still.png": (frames(default_image=True), COLOURS),
    "pages.tiff": (frames(), COLOURS),
    "two pictures.jpg": (frames(format="MPO", quality=95), COLOURS),
}  # fmt: skip


@pytest.mark.parametrize("name", AS_SEEN)
def test_seen_as_a_person_sees_it(tmp_path: Path, name: str) -> None:
    """Whatever the kind of file, the colours come out that were painted into it."""
    write, colours = AS_SEEN[name]
    write(tmp_path / name)

    assert_seen(tmp_path / name, colours)


@needs_avif
def test_avif(tmp_path: Path) -> None:
    """AVIF is read, also with transparency and several frames."""
    saved(quality=95)(tmp_path / "rgb.avif")
    right_half_clear().save(tmp_path / "alpha.avif", quality=95)
    frames(quality=95)(tmp_path / "animated.avif")

    assert_seen(tmp_path / "rgb.avif", COLOURS)
    assert_seen(tmp_path / "alpha.avif", HALF)
    assert_seen(tmp_path / "animated.avif", COLOURS)


def test_avif_that_this_pillow_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Pillow has no AVIF decoder, the reason says which Pillow has."""
    monkeypatch.setattr(decode, "_decoders", lambda: ("JPEG", "PNG"))
    for name in ("a.avif", "a.webp"):
        (tmp_path / name).write_bytes(b"\0\0\0\x20ftypavif" + bytes(50))

    assert why(tmp_path / "a.avif") == "AVIF needs Pillow 11.3 or newer"
    assert why(tmp_path / "a.webp") == "not an image that can be decoded"


TURNED: dict[str, dict[str, Any]] = {
    "a.jpg": {"quality": 95},
    "a.png": {},
    "a.webp": {"lossless": True},
    "a.tiff": {},
    "packed.tiff": {"compression": "tiff_lzw"},
    "a.avif": {"quality": 95},
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_avif if "avif" in name else ()) for name in TURNED]
)
def test_orientation(tmp_path: Path, name: str, orientation: int) -> None:
    """All eight EXIF orientations are turned upright, once, in every format that has EXIF."""
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](quarters())))
    tags: dict[str, Any] = {"exif": exif(orientation)}
    if name == "packed.tiff":  # for libtiff, Pillow wants the tag another way
        tags = {"tiffinfo": {ORIENTATION: orientation}}
    stored.save(tmp_path / name, **tags, **TURNED[name])
    with Image.open(tmp_path / name) as image:
        assert image.getexif().get(ORIENTATION, 1) == orientation

    assert_seen(tmp_path / name, COLOURS, tolerance=4)


def test_orientation_after_the_pixels(tmp_path: Path) -> None:
    """A PNG may say only after its pixels how it must be turned."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(STORED[6](quarters()))).save(buffer, "PNG")
    whole, end = buffer.getvalue(), chunk(b"IEND", b"")
    late = chunk(b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0"))
    (tmp_path / "a.png").write_bytes(whole.removesuffix(end) + late + end)

    assert_seen(tmp_path / "a.png", COLOURS)


def test_floats_that_are_no_numbers(tmp_path: Path) -> None:
    """NaN and the infinities in a float image count as 0 and disturb no other pixel."""
    values = grey().astype(np.float32) - 74
    values[0, :3] = np.nan, np.inf, -np.inf
    Image.fromarray(values).save(tmp_path / "a.tiff")

    assert_seen(tmp_path / "a.tiff", STRETCHED)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_a_flat_image_without_a_fixed_white(tmp_path: Path, dtype: type[np.generic]) -> None:
    """Where all numbers are equal there is nothing to stretch: black."""
    Image.fromarray(np.full((9, 9), 7, dtype)).save(tmp_path / "a.tiff")

    assert seen(tmp_path / "a.tiff") == [BLACK] * 4


def smooth(side: int) -> Image.Image:
    """A large picture without sharp edges, as photographs are."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def resized_from(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the pictures that are given to to_square, as they come."""
    sizes: list[tuple[int, int]] = []

    def watched(picture: Image.Image, size: int) -> Image.Image:
        sizes.append(picture.size)
        return to_square(picture, size)

    monkeypatch.setattr(decode, "to_square", watched)
    return sizes


@pytest.mark.parametrize(("size", "decoded_at"), [(32, 128), (200, 256), (600, 1024)])
def test_draft(
    tmp_path: Path, resized_from: list[tuple[int, int]], size: int, decoded_at: int
) -> None:
    """A large JPEG is decoded at a fraction of its size, which is hardly to be seen."""
    smooth(1024).save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(tmp_path / "same.png")

    quick, whole = read(tmp_path / "a.jpg", size, 2**20), read(tmp_path / "same.png", size, 2**20)

    assert resized_from == [(decoded_at, decoded_at), (1024, 1024)]
    difference = np.abs(quick.astype(int) - whole)
    assert difference.mean() < 1
    assert difference.max() <= 16


def test_nothing_is_cut_off(tmp_path: Path) -> None:
    """Proportions give way: all four quarters of a very wide and of a very high picture stay."""
    for name, shape in {"wide.png": (4, 2000), "high.png": (2000, 4)}.items():
        Image.fromarray(quarters(*shape)).save(tmp_path / name)

        assert_seen(tmp_path / name, COLOURS, tolerance=10)


@pytest.mark.parametrize("size", [1, 3, 33])
def test_the_smallest_picture(tmp_path: Path, size: int) -> None:
    """A single pixel fills a square of any size."""
    Image.new("RGB", (1, 1), RED).save(tmp_path / "a.png")

    assert read(tmp_path / "a.png", size).tolist() == [[list(RED)] * size] * size


def test_to_square_of_a_square() -> None:
    """A picture of the right size stays as it is, to the bit."""
    picture = smooth(20)

    assert to_square(picture, 20) is picture
    assert to_square(picture, 10).size == (10, 10)


def test_other_decoders_are_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EPS, PDF and ICO that are named .jpg are refused, and no program is started on them."""
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / "eps.jpg").write_bytes(eps)
    Image.fromarray(quarters()).save(tmp_path / "pdf.jpg", "PDF")
    Image.fromarray(quarters()).save(tmp_path / "ico.jpg", "ICO")
    kinds = []
    for name in ("eps.jpg", "ico.jpg"):
        with Image.open(tmp_path / name) as image:
            kinds.append(image.format)
    assert kinds == ["EPS", "ICO"]  # so Pillow left to itself would take them
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(os, "system", None)

    for name in ("eps.jpg", "pdf.jpg", "ico.jpg"):
        kind = {"eps": "PostScript", "pdf": "a PDF", "ico": "an icon"}[name[:3]]
        assert why(tmp_path / name) == f"this is {kind}, which cannot be decoded"
        assert shorter_side(tmp_path / name) is None


def test_the_decoders(tmp_path: Path) -> None:
    """One file in each format of DECODERS can be read, AVIF where Pillow has it, and no others."""
    readable = set()
    for kind in ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP", "GIF", "AVIF", "TGA", "JPEG2000"):
        try:
            Image.fromarray(quarters()).save(tmp_path / "a", kind)
        except (KeyError, OSError):
            continue
        try:
            read(tmp_path / "a")
        except UnreadableImageError:
            continue
        readable.add(kind)

    assert readable | {"AVIF"} == set(DECODERS)


def whole_file(kind: str, **options: Any) -> bytes:
    """A valid file of noise, which packs to nothing shorter."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind, **options)
    return buffer.getvalue()


def cut(kind: str, share: float, **options: Any) -> bytes:
    whole = whole_file(kind, **options)
    return whole[: int(share * len(whole))]


def flipped(data: bytes, after: bytes, offset: int) -> bytes:
    """One byte is another, ``offset`` bytes after a marker."""
    changed = bytearray(data)
    changed[changed.index(after) + offset] ^= 0xFF
    return bytes(changed)


def many_samples() -> bytes:
    """A TIFF with nine samples in a pixel; Pillow logs an error."""
    buffer = io.BytesIO()
    Image.fromarray(quarters()).save(buffer, "TIFF")
    entry = struct.pack("<HHI", TiffImagePlugin.SAMPLESPERPIXEL, 3, 1)  # one short
    return buffer.getvalue().replace(entry + b"\3", entry + b"\x09")


NOT_AN_IMAGE = r"not an image that can be decoded"
TRUNCATED = r"cannot be decoded: .*(truncated|Truncated|incomplete|decoder error).*"
DAMAGED = r"cannot be decoded: .+"
LARGE = r"\d+ x \d+ pixels is more than --max-pixels 1000000"
EITHER = rf"{NOT_AN_IMAGE}|this is .+|TIFF with .+|{DAMAGED}|{LARGE}"
RANDOM = np.random.default_rng(0).bytes(500)
MAGIC = {
    "JPEG": b"\xff\xd8\xff\xe0",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "GIF": b"GIF89a",
    "WEBP": b"RIFF\xff\0\0\0WEBPVP8 ",
    "TIFF": b"II*\0",
    "big TIFF": b"MM\0+",
    "BMP": b"BM",
    "PPM": b"P6 ",
    "AVIF": b"\0\0\0\x20ftypavif",
}
BROKEN = {
    "empty": (b"", "empty file"),
    "text": (b"<html>404\nnot found</html>\n" * 9, "this is an HTML page, which cannot be decoded"),
    "zeros": (bytes(1000), NOT_AN_IMAGE),
    "JPEG, cut in its header": (cut("JPEG", 0.02), DAMAGED),
    "JPEG, cut early": (cut("JPEG", 0.5), TRUNCATED),
    "progressive JPEG, cut": (cut("JPEG", 0.5, progressive=True), TRUNCATED),
    "PNG, cut in its header": (cut("PNG", 0.005), EITHER),
    "PNG, cut early": (cut("PNG", 0.3), TRUNCATED),
    "PNG, cut late": (cut("PNG", 0.98), TRUNCATED),
    "PNG with a wrong CRC": (flipped(whole_file("PNG"), b"IHDR", 17), NOT_AN_IMAGE),
    "PNG with damaged data": (flipped(whole_file("PNG"), b"IDAT", 1000), DAMAGED),
    "PNG without data": (png(8, 8, 8, 2), DAMAGED),
    "PNG, unknown depth": (png(8, 8, 7, 2, chunk(b"IDAT", b"")), EITHER),
    "PNG of 2.5e9 pixels": (
        png(50_000, 50_000, 8, 2, chunk(b"IDAT", zlib.compress(bytes(2**20)))),
        "50000 x 50000 pixels is more than --max-pixels 1000000",
    ),
    "GIF, cut": (cut("GIF", 0.7), TRUNCATED),
    "GIF without a frame": (b"GIF89a\x08\0\x08\0\0\0\0;", NOT_AN_IMAGE),
    "WebP, cut": (cut("WEBP", 0.7), DAMAGED),
    "BMP, cut": (cut("BMP", 0.7), TRUNCATED),
    "PPM, cut": (cut("PPM", 0.7), TRUNCATED),
    "PPM of a very long number": (b"P6 " + b"9" * 3000, EITHER),
    "TIFF, cut": (cut("TIFF", 0.7), EITHER),
    "packed TIFF, damaged": (
        flipped(whole_file("TIFF", compression="tiff_lzw"), b"II*\0", 200), DAMAGED
    ),
    "TIFF with a broken directory": (b"II*\0\x08\0\0\0\xff\xff" + b"\1" * 30, NOT_AN_IMAGE),
    "TIFF with a directory beyond its end": (b"II*\0\xff\xff\xff\xff", NOT_AN_IMAGE),
    "TIFF with nine samples": (many_samples(), EITHER),
    **{f"{kind} and then noise": (magic + RANDOM, EITHER) for kind, magic in MAGIC.items()},
    **{f"{kind} and no more": (magic, EITHER) for kind, magic in MAGIC.items()},
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(tmp_path: Path, name: str) -> None:
    """Each broken file is refused with a short reason, in silence."""
    content, reason = BROKEN[name]
    (tmp_path / "broken.png").write_bytes(content)

    assert re.fullmatch(reason, why(tmp_path / "broken.png"))


@pytest.mark.timeout(20)  # what opens a pipe waits for ever
def test_files_that_are_none(tmp_path: Path) -> None:
    """Folders, pipes, sockets and devices with an image's name are refused without being opened."""
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket must be short
        try:
            server.bind("socket.jpg")
        finally:
            os.chdir(here)

        for name in ("folder.jpg", "pipe.jpg", "device.jpg", "socket.jpg"):
            assert why(tmp_path / name) == "not a regular file"
            assert shorter_side(tmp_path / name) is None


def test_files_out_of_reach(tmp_path: Path) -> None:
    """A file that vanished, a link to itself and a name too long each have the system's reason."""
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")

    assert why(tmp_path / "gone.jpg") == "cannot be read: No such file or directory"
    assert why(tmp_path / "loop.jpg") == "cannot be read: Too many levels of symbolic links"
    assert why(tmp_path / f"{'x' * 300}.jpg") == "cannot be read: File name too long"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file(tmp_path: Path) -> None:
    """A file without permission to read has that as its reason."""
    saved()(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)

    assert why(tmp_path / "a.png") == "cannot be read: Permission denied"


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system is told in its words, without the path (also to root)."""
    saved()(tmp_path / "a.png")

    def forbidden(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", forbidden)

    assert why(tmp_path / "a.png") == "cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "needs more memory than is available"),
        (ValueError(), "cannot be decoded: ValueError"),
        (ValueError("two\nlines\x1b[31m"), "cannot be decoded: two lines [31m"),
        (OSError("bad <_io.BytesIO object at 0x7f3a>"), "cannot be decoded: bad it"),
        (OSError("bad <_io.BufferedReader name='/a/b.png'>"), "cannot be decoded: bad it"),
        (OSError("x" * 1000), f"cannot be decoded: {'x' * 100}"),
    ],
)
def test_any_error_of_a_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """Whatever a decoder raises becomes one short line without an address or a path."""
    saved()(tmp_path / "a.png")

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)

    assert why(tmp_path / "a.png") == reason


def test_an_error_that_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the path in a decoder's message the file's name remains."""
    saved()(tmp_path / "a.png")

    def fail(_: object) -> None:
        raise OSError(f"cannot load {tmp_path / 'a.png'}")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)

    assert why(tmp_path / "a.png") == "cannot be decoded: cannot load a.png"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Ctrl-C while a file is decoded ends the program, and does not make the file unreadable."""
    saved()(tmp_path / "a.png")

    def interrupt(_: object) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", interrupt)

    with pytest.raises(error):
        read(tmp_path / "a.png")


def test_max_pixels_is_checked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of max_pixels is read; with one more, no pixel is decoded."""
    for name in ("a.png", "a.jpg", "a.gif", "a.tiff", "a.webp", "a.bmp", "a.ppm"):
        saved()(tmp_path / name)
        assert read(tmp_path / name, max_pixels=48 * 32).shape == (16, 16, 3)

    monkeypatch.setattr(ImageFile.ImageFile, "load", None)

    for path in sorted(tmp_path.iterdir()):
        reason = "48 x 32 pixels is more than --max-pixels 1535"
        assert why(path, max_pixels=48 * 32 - 1) == reason


def test_larger_than_pillow_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only max_pixels limits the size; Pillow's own limit is set aside, and put back."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    saved()(tmp_path / "a.png")

    assert_seen(tmp_path / "a.png", COLOURS)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_decoding_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    """After decoding, also after an error in it, Pillow warns and logs as it did before."""
    log = logging.getLogger("PIL")
    caplog.set_level(logging.ERROR, "PIL")
    before = (Image.MAX_IMAGE_PIXELS, log.level, warnings.filters[:])

    def speak_and_fail() -> None:
        with decoding():
            assert Image.MAX_IMAGE_PIXELS is None
            warnings.warn("not to be heard", stacklevel=1)
            log.error("not to be heard")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        speak_and_fail()

    assert (Image.MAX_IMAGE_PIXELS, log.level, warnings.filters[:]) == before


def test_libtiff_speaks_again() -> None:
    """After decoding, the errors of libtiff go where the program sent them before."""
    try:
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except AttributeError:
        pytest.skip("this Pillow was built so that libtiff cannot be reached")
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    own = ctypes.cast(ctypes.CFUNCTYPE(None)(lambda: None), ctypes.c_void_p)
    before = set_handler(own)
    try:
        with decoding():
            assert set_handler(None) is None
    finally:
        after = set_handler(before)

    assert after == own.value


def test_without_decoding(tmp_path: Path) -> None:
    """read_image needs nothing before it: in a fresh process it reads every kind of file."""
    names = ["a.webp", "a.tiff", "a.png"]
    for name in names:
        saved()(tmp_path / name)
    code = (
        "import sys, pathlib; from noisefind.data.decode import read_image\n"
        "for name in sys.argv[1:]: print(read_image(pathlib.Path(name), 4, 9999).shape)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["(4, 4, 3)"] * 3


def test_shorter_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shorter side comes from the header alone, so also of a file that is cut after it."""
    saved()(tmp_path / "a.png")
    (tmp_path / "cut.jpg").write_bytes(cut("JPEG", 0.9))
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)

    assert shorter_side(tmp_path / "a.png") == 32
    assert shorter_side(tmp_path / "cut.jpg") == 32
    assert shorter_side(tmp_path / "gone.jpg") is None


TAGS = Image.Exif()
TAGS.update({ORIENTATION: 6, 0x010F: "Maker", 0x011A: 72.0})
TAGS[0x8769] = {0x9000: b"0230", 0x927C: b"Nikon123"}
TAGS[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}


@fuzzed(100)
@given(
    name=st.sampled_from(["a.jpg", "a.webp", "a.png"]),
    changes=st.dictionaries(st.integers(6, 200), st.integers(0, 255), max_size=5),
    length=st.integers(6, 200),
)
def test_broken_exif(tmp_path: Path, name: str, changes: dict[int, int], length: int) -> None:
    """An image stays readable whatever is wrong with its EXIF block."""
    block = bytearray(TAGS.tobytes())
    for place, value in changes.items():
        block[place % len(block)] = value
    saved(exif=bytes(block[:length]))(tmp_path / name)

    assert read(tmp_path / name).shape == (16, 16, 3)


@pytest.mark.parametrize("value", [0, 9, 65535, -1, "6", b"\6", (6, 6), 6.5, ()])
def test_orientations_that_do_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    """An orientation that is none of the eight turns nothing."""
    saved()(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "getexif", lambda _: {ORIENTATION: value})

    expected = COLOURS if value not in ("6", 6.5) else [BLUE, RED, YELLOW, GREEN]  # int() of it
    assert_seen(tmp_path / "a.png", expected)


WHOLE = {
    "a.jpg": whole_file("JPEG"),
    "mpo.jpg": whole_file("MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))]),
    "progressive.jpg": whole_file("JPEG", progressive=True, exif=TAGS),
    "a.png": whole_file("PNG"),
    "turned.png": whole_file("PNG", exif=TAGS),
    "a.gif": whole_file("GIF"),
    "a.webp": whole_file("WEBP"),
    "turned.webp": whole_file("WEBP", lossless=True, exif=TAGS),
    "a.tiff": whole_file("TIFF"),
    "packed.tiff": whole_file("TIFF", compression="tiff_lzw"),
    "deflated.tiff": whole_file("TIFF", compression="tiff_adobe_deflate"),
    "a.bmp": whole_file("BMP"),
    "a.ppm": whole_file("PPM"),
}


def read_or_why(path: Path) -> None:
    """The file is read, or refused with a reason that is fit for a table."""
    try:
        picture = read(path)
    except UnreadableImageError:
        why(path)
    else:
        assert picture.shape == (16, 16, 3)
        assert picture.dtype == np.uint8


@fuzzed(400)
@given(
    name=st.sampled_from(sorted(WHOLE)),
    in_header=st.booleans(),
    changes=st.lists(
        st.tuples(st.integers(0, 10**6), st.binary(max_size=4), st.integers(0, 9)), max_size=6
    ),
)
def test_damaged_files(
    tmp_path: Path, name: str, in_header: bool, changes: list[tuple[int, bytes, int]]
) -> None:
    """A file with some bytes replaced, lost or put in is read or refused; nothing else happens."""
    content = bytearray(WHOLE[name])
    for place, new, n_lost in changes:
        start = place % (min(300, len(content)) if in_header else len(content))
        content[start : start + n_lost] = new
    (tmp_path / name).write_bytes(content)

    read_or_why(tmp_path / name)


@fuzzed(100)
@given(magic=st.sampled_from([b"", *MAGIC.values()]), rest=st.binary(max_size=300))
def test_random_bytes(tmp_path: Path, magic: bytes, rest: bytes) -> None:
    """Random bytes, also after a valid beginning, are read or refused; nothing else happens."""
    (tmp_path / "a.jpg").write_bytes(magic + rest)

    read_or_why(tmp_path / "a.jpg")
