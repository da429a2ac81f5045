"""Unusual encodings are shown as a viewer shows them, within 2 of 255."""

from __future__ import annotations

import struct
import zlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from noisefind.data.dataset import Dataset
from noisefind.data.decode import UnreadableImageError, _decoders, decoding, read_picture
from noisefind.data.pixels import with_view
from noisefind.data.view import View
from noisefind.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.data.decode import Picture

SIDE = 32


def photograph() -> NDArray[np.uint8]:
    """A smooth picture (32, 32, 3) with grey levels from nearly 0 to nearly 255."""
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def grey() -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(photograph()).convert("L"))


def read(path: Path, **options: Any) -> Picture:
    with decoding():
        return read_picture(path, SIDE, 10**6, **options)


def assert_shown(path: Path, expected: NDArray[np.uint8], **options: Any) -> None:
    if expected.ndim == 2:
        expected = np.repeat(expected[..., None], 3, 2)
    shown = read(path, **options).pixels
    np.testing.assert_allclose(shown.astype(int), expected.astype(int), atol=2)


def icon(value: int, number: int) -> Image.Image:
    """A bar of one grey level on transparent ground, at a place that depends on the number."""
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    pixels[2 * number : 2 * number + 2, 4:-4] = (value, value, value, 255)
    return Image.fromarray(pixels)


def test_white_icons_on_transparent_ground_differ(tmp_path: Path) -> None:
    """White icons lie on black, dark ones on white, and each has a digest of its own."""
    digests = set()
    for number in range(15):
        icon(255, number).save(tmp_path / "a.png")
        picture = read(tmp_path / "a.png")
        digests.add(picture.digest)
        assert picture.pixels[2 * number, 10].tolist() == [255] * 3
        assert picture.pixels[2 * number - 3, 10].tolist() == [0] * 3
    icon(40, 3).save(tmp_path / "a.png")

    assert len(digests) == 15
    assert read(tmp_path / "a.png").pixels[[6, 20], 10, 0].tolist() == [40, 255]


def test_what_is_hidden_counts_for_the_digest_and_an_opaque_alpha_does_not(tmp_path: Path) -> None:
    """Digests are of all channels; an alpha of 255 everywhere adds nothing to RGB."""
    picture = Image.fromarray(photograph())
    picture.save(tmp_path / "rgb.png")
    picture.convert("RGBA").save(tmp_path / "opaque.png")
    icon(255, 2).save(tmp_path / "white.png")
    Image.new("RGB", (SIDE, SIDE), "white").save(tmp_path / "blank.png")

    assert read(tmp_path / "rgb.png").digest == read(tmp_path / "opaque.png").digest
    assert read(tmp_path / "white.png").digest != read(tmp_path / "blank.png").digest


def test_a_bmp_whose_alpha_is_zero_everywhere_is_opaque(tmp_path: Path) -> None:
    """Writers of 32-bit BMP often leave the fourth byte 0."""
    clear = Image.fromarray(np.dstack([photograph(), np.zeros((SIDE, SIDE), np.uint8)]))
    blue_first = np.asarray(clear)[::-1, :, [2, 1, 0, 3]].tobytes()
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 124, SIDE, SIDE, 1, 32, 3, len(blue_first), 0, 0, 0, 0)
    head = (header + masks).ljust(124, b"\0")
    start = 14 + len(head)
    (tmp_path / "a.bmp").write_bytes(
        b"BM" + struct.pack("<IHHI", start + len(blue_first), 0, 0, start) + head + blue_first
    )
    with Image.open(tmp_path / "a.bmp") as image:
        assert image.mode == "RGBA"

    assert_shown(tmp_path / "a.bmp", photograph())


@pytest.mark.parametrize("tag", [0, 1, 2, None])
def test_a_fourth_band_of_light_is_not_opacity(tmp_path: Path, tag: int | None) -> None:
    """Near infrared is left out, also where its tag calls it alpha."""
    bands = Image.fromarray(np.dstack([photograph(), 255 - grey()]))
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[TiffImagePlugin.EXTRASAMPLES] = tag or 0
    bands.save(tmp_path / "a.tif", tiffinfo=info)
    data = (tmp_path / "a.tif").read_bytes()
    entry = struct.pack("<HHI", 338, 3, 1)
    place = data.index(entry)
    new = struct.pack("<HHIHH", 60338 if tag is None else 338, 3, 1, tag or 0, 0)
    (tmp_path / "a.tif").write_bytes(data[:place] + new + data[place + 12 :])

    if tag != 1:  # tagged as laid over black already, which band by band it is not
        assert_shown(tmp_path / "a.tif", photograph())
    read(tmp_path / "a.tif")


def test_a_tiff_palette_of_8_bits(tmp_path: Path) -> None:
    """A colour map of 0 to 255 instead of 0 to 65,535 is not black."""
    picture = Image.fromarray(grey()).quantize(64)
    colours = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)
    picture.save(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    wide = np.array(np.pad(colours, ((0, 256 - len(colours)), (0, 0))).T, "<u2")
    place = data.index((wide * 256).tobytes()[: 2 * len(colours)])
    data = data[:place] + wide.tobytes() + data[place + wide.nbytes :]
    (tmp_path / "a.tif").write_bytes(data)

    assert_shown(tmp_path / "a.tif", np.asarray(picture.convert("RGB")))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(bits: int, kind: int, rows: NDArray[Any], *chunks: bytes) -> bytes:
    """A PNG of rows (height, bytes) whose width is 32."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, len(rows), bits, kind, 0, 0, 0))
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    body = b"".join(chunks) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def test_a_transparent_grey_of_2_bits(tmp_path: Path) -> None:
    """The transparent level of a PNG counts in the levels of the file: 1 of 0 to 3."""
    levels = (grey() // 64).astype(np.uint8)
    packed = levels[:, ::4] << 6 | levels[:, 1::4] << 4 | levels[:, 2::4] << 2 | levels[:, 3::4]
    (tmp_path / "a.png").write_bytes(png(2, 0, packed, chunk(b"tRNS", b"\0\1")))

    assert_shown(tmp_path / "a.png", np.where(levels == 1, 255, levels * 85).astype(np.uint8))


def stored(folder: Path, n: int = 2, **settings: Any) -> Dataset:
    """A dataset of the images of a folder."""
    paths = sorted(folder.iterdir())
    labels = np.arange(len(paths)) % n
    ids, splits = tuple(path.name for path in paths), ("",) * len(paths)
    dataset = Dataset(folder, ids, labels, ("a", "b"), splits, paths, "")
    chosen = {"stretch": "auto", "bands": None, "max_pixels": 10**6, "n_threads": 1, **settings}
    return with_view(dataset, **chosen)


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (10, 1023), (12, 4095), (14, 16383)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_few_bits_in_16(tmp_path: Path, bits: int, white: int, suffix: str) -> None:
    """10, 12 or 14 bits in a 16-bit file fill the grey levels, in grey and in colour."""
    scale = 2 ** (bits - 8)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(grey().astype(np.uint16) * scale).save(path)
    view = stored(tmp_path).view

    assert view == View(integers=[0, white])
    assert_shown(path, grey(), view=view)


def rgb16(values: NDArray[np.uint16], *chunks: bytes) -> bytes:
    rows = values.astype(">u2").reshape(SIDE, -1).view(np.uint8)
    return png(16, 2, rows, *chunks)


def test_12_bits_of_colour(tmp_path: Path) -> None:
    """Of 16-bit colours both bytes count, though Pillow keeps one."""
    (tmp_path / "a.png").write_bytes(rgb16(photograph().astype(np.uint16) * 16))
    view = stored(tmp_path).view

    assert view.integers == [0, 4095]
    assert_shown(tmp_path / "a.png", photograph(), view=view)
    assert read(tmp_path / "a.png").pixels.max() < 16


def test_reflectance(tmp_path: Path) -> None:
    """Colours from 0 to 10,000 have their white there."""
    (tmp_path / "a.png").write_bytes(rgb16(photograph().astype(np.uint16) * 39))
    view = stored(tmp_path).view

    assert view.integers == [0, 10000]
    assert_shown(tmp_path / "a.png", photograph(), view=view)


def test_a_transparent_16_bit_value(tmp_path: Path) -> None:
    """Only the pixels of exactly this value are clear, in grey and in colour."""
    deep = grey().astype(np.uint16) * 257
    deep[0], deep[1] = 5000, 5001
    clear = struct.pack(">H", 5000)
    (tmp_path / "g.png").write_bytes(
        png(16, 0, deep.astype(">u2").view(np.uint8), chunk(b"tRNS", clear))
    )
    (tmp_path / "c.png").write_bytes(
        rgb16(np.repeat(deep[..., None], 3, 2), chunk(b"tRNS", clear * 3))
    )
    expected = np.round(deep / 257).astype(np.uint8)
    expected[0] = 255

    assert_shown(tmp_path / "g.png", expected)
    assert_shown(tmp_path / "c.png", expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -9999, -3.4e38, 1e20])
def test_a_corner_without_a_value_leaves_the_other_pixels(tmp_path: Path, bad: float) -> None:
    """No number, infinities and far values do not stretch the range."""
    values = grey().astype(np.float32) / 25.5 + 300
    values[:3, :3] = bad
    Image.fromarray(values).save(tmp_path / "a.tif")
    view = stored(tmp_path).view

    rest = values[3:]
    expected = (rest - rest.min()) * (255 / (rest.max() - rest.min()))
    for look in (view, View()):
        shown = read(tmp_path / "a.tif", view=look).pixels[3:, :, 0]
        np.testing.assert_allclose(shown, expected, atol=3)


def test_the_nodata_tag(tmp_path: Path) -> None:
    """A value that the file names as none is left out however near it is."""
    values = grey().astype(np.float32) + 100
    values[:16] = 0
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[42113] = "0"
    info.tagtype[42113] = 2
    Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo=info)
    low, high = float(values[16:].min()), float(values[16:].max())

    assert stored(tmp_path).view.floats == [low, high]


def test_floats_are_shown_alike_unless_images_differ_much(tmp_path: Path) -> None:
    """One range for all floats; each its own where one picture would make the others black."""
    ramp = np.linspace(0, 1, 1024, dtype=np.float32).reshape(32, 32)
    for number, factor in enumerate((1, 2, 3)):
        Image.fromarray(ramp * factor).save(tmp_path / f"{number}.tif")

    assert stored(tmp_path).view.floats == [0, 3]
    Image.fromarray(ramp * 1000).save(tmp_path / "9.tif")
    assert stored(tmp_path).view.floats is None
    assert stored(tmp_path, stretch="0:2").view == View([0, 2], [0, 2])
    assert stored(tmp_path, stretch="none").view == View()
    with pytest.raises(ConfigError, match="--stretch 5:1: LOW must be less than HIGH"):
        stored(tmp_path, stretch="5:1")


@pytest.mark.parametrize("dtype", [np.uint32, np.int32])
def test_32_bits(tmp_path: Path, dtype: Any) -> None:
    """Unsigned numbers beyond 2^31 are not negative."""
    shift = 0 if dtype == np.uint32 else 128
    values = ((grey().astype(np.int64) - shift) << 24).astype(dtype)
    info = TiffImagePlugin.ImageFileDirectory_v2()
    sign = 1 if dtype == np.uint32 else 2
    info[339] = sign
    image = Image.fromarray(values.view(np.int32))
    image.save(tmp_path / "a.tif", tiffinfo=info)
    data = (tmp_path / "a.tif").read_bytes()
    entry, kind = struct.pack("<HHIH", 339, 3, 1, 2), struct.pack("<HHIH", 339, 3, 1, sign)
    (tmp_path / "a.tif").write_bytes(data.replace(entry, kind))
    full = (grey().astype(float) - grey().min()) * (255 / np.ptp(grey()))

    assert_shown(tmp_path / "a.tif", full.round().astype(np.uint8))


def test_signed_8_bits(tmp_path: Path) -> None:
    """Values from -128 to 127: the lowest is black."""
    Image.fromarray(grey()).save(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    pixels = (grey().astype(int) - 128).astype(np.int8).tobytes()
    plain = struct.pack("<HHII", 284, 3, 1, 1)  # not planar, which is the default
    signed = struct.pack("<HHII", 339, 3, 1, 2)
    data = data.replace(grey().tobytes(), pixels)
    place = data.index(plain)
    (tmp_path / "a.tif").write_bytes(data[:place] + signed + data[place + 12 :])
    full = (grey().astype(float) - grey().min()) * (255 / np.ptp(grey()))

    assert_shown(tmp_path / "a.tif", full.round().astype(np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_colour_profile_is_obeyed(tmp_path: Path, mode: str) -> None:
    """The colours of a profile become those of sRGB, as lcms makes them."""
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert xyz != lab
    # red and blue primaries change places: a profile that nobody takes for sRGB
    changed = lab.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    image = Image.fromarray(photograph()).convert(mode)
    image.save(tmp_path / "a.png", icc_profile=changed)
    image.save(tmp_path / "same.png", icc_profile=lab)
    shown = np.asarray(image.convert("RGB"))

    assert_shown(tmp_path / "a.png", shown[..., ::-1])
    assert np.array_equal(read(tmp_path / "same.png").pixels, shown)


def test_lab(tmp_path: Path) -> None:
    """Lab colours of a TIFF are those of the photograph."""
    lab = ImageCms.profileToProfile(
        Image.new("RGB", (SIDE, SIDE), (120, 130, 90)),
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB",
    )  # fmt: skip
    assert lab is not None
    lab.save(tmp_path / "a.tif")

    assert_shown(tmp_path / "a.tif", np.full((SIDE, SIDE, 3), (120, 130, 90), np.uint8))


def test_a_jpeg_short_by_a_few_bytes_and_a_png_with_a_wrong_text(tmp_path: Path) -> None:
    """What every other program shows is read, and counts as damaged."""
    picture = Image.fromarray(photograph())
    picture.save(tmp_path / "a.jpg", quality=95)
    picture.save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    text = bytearray(chunk(b"tEXt", b"a\0b"))
    text[-1] ^= 1
    start = whole.index(b"IDAT") - 4
    (tmp_path / "text.png").write_bytes(whole[:start] + text + whole[start:])
    jpeg = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "short.jpg").write_bytes(jpeg[:-2])
    expected = read(tmp_path / "a.jpg").pixels

    assert_shown(tmp_path / "text.png", photograph())
    assert read(tmp_path / "text.png").is_mended
    assert not read(tmp_path / "a.png").is_mended
    assert_shown(tmp_path / "short.jpg", expected)


def test_planes_of_16_bits(tmp_path: Path) -> None:
    """Pillow reads them as garbage: they are read by tifffile, or refused by name."""
    planes = np.moveaxis(photograph().astype("<u2") * 257, 2, 0)
    tags = [(256, SIDE), (257, SIDE), (258, 16), (259, 1), (262, 2), (277, 3), (284, 2)]
    entries = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    rows = struct.pack("<HHII", 278, 3, 1, SIDE)
    start = 8 + 2 + 12 * (len(tags) + 3) + 4
    offsets = struct.pack("<3I", *(start + 24 + n * planes[0].nbytes for n in range(3)))
    lengths = struct.pack("<3I", *[planes[0].nbytes] * 3)
    place = struct.pack("<HHII", 273, 4, 3, start)
    lasting = struct.pack("<HHII", 279, 4, 3, start + 12)
    ordered = entries[:60] + place + entries[60:72] + rows + lasting + entries[72:]
    (tmp_path / "a.tif").write_bytes(
        b"II*\0" + struct.pack("<IH", 8, len(tags) + 3) + ordered + bytes(4)
        + offsets + lengths + planes.tobytes()
    )  # fmt: skip

    if find_spec("tifffile"):
        assert_shown(tmp_path / "a.tif", photograph())
    else:
        with pytest.raises(UnreadableImageError, match="TIFF with 3 bands of 16 bits: needs"):
            read(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("package", "name"), [("pillow_heif", "a.heic"), ("pillow_jxl", "a.jxl"), ("", "a.jp2")]
)
def test_formats_of_plugins(tmp_path: Path, package: str, name: str) -> None:
    """HEIC and JPEG XL are read where their package is, JPEG 2000 everywhere."""
    if package:
        pytest.importorskip(package)
        assert _decoders()
    picture = Image.new("RGB", (SIDE, SIDE), (200, 120, 60))
    picture.save(tmp_path / name, quality=95) if package else picture.save(tmp_path / name)

    assert_shown(tmp_path / name, np.asarray(picture))


@pytest.mark.parametrize(
    ("beginning", "what"),
    [
        (b"%PDF-1.7", "a PDF"),
        (b"<!DOCTYPE html><p>404", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        (b"\0\0\0\x18ftypqt  ", "a video"),
    ],
)
def test_what_is_no_image_says_what_it_is(tmp_path: Path, beginning: bytes, what: str) -> None:
    """The first bytes name the kind of file."""
    (tmp_path / "a.jpg").write_bytes(beginning + bytes(50))

    with pytest.raises(UnreadableImageError, match=f"this is {what}"):
        read(tmp_path / "a.jpg")
