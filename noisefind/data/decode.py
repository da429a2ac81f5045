"""Decoding of one image file to a square uint8 array, upright and in RGB."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import re
import stat
import warnings
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError, _imaging

from noisefind.data.kinds import N_BYTES, kind_of
from noisefind.data.repair import repaired
from noisefind.data.seen import as_seen, is_deep_colour, lower_mode, numbers_of, raw_mode
from noisefind.data.tiff import describe, read_numbers, size_of, tags_of
from noisefind.data.view import ORDINARY, extent, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from noisefind.data.image_source import ImageSource
    from noisefind.data.view import Extent, Numbers, View

# The decoders that may be used; Pillow's others are never tried (its EPS reader, for one, starts
# Ghostscript on the file). A decoder that this Pillow lacks (AVIF before 11.3) is left out.
DECODERS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP", "GIF", "AVIF", "JPEG2000")
PLUGINS = {"pillow_heif": "HEIF", "pillow_jxl": "JXL"}  # packages that add one to Pillow

DIGEST_SIZE = 16  # bytes: that two different pictures of a billion agree has a chance of 10^-21
NO_IMAGE = "not an image that can be decoded"
LARGEST = 1 << 28  # bytes of a damaged file that is read again
MISSING = 1 / 16  # share of a cut JPEG that may be missing
REASON_LENGTH = 100  # characters of a decoder's message

_ORIENTATION = 0x0112  # the EXIF tag; 2 to 8 are the ways to turn the stored pixels
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}


_SIDEWAYS = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
}


class UnreadableImageError(Exception):
    """An image file cannot be read; its text is the reason, for skipped.csv."""


class Picture(NamedTuple):
    """One decoded image."""

    pixels: NDArray[np.uint8]  # (size, size, 3)
    width: int  # of the original, upright
    height: int
    digest: bytes  # of all decoded pixels, before they were resized
    is_mended: bool = False  # the file is damaged, and was read all the same


@contextmanager
def decoding() -> Iterator[None]:
    """Turn Pillow's own size limit and log off, for many calls of :func:`read_image`.

    ``max_pixels`` is checked before any pixel is decoded; Pillow only warns at its limit and raises
    at twice that.
    """
    log = logging.getLogger("PIL")
    level = log.level
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), _quiet_libtiff():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before
        log.setLevel(level)


@contextmanager
def _quiet_libtiff() -> Iterator[None]:
    """Libtiff prints errors to stderr by itself; Pillow turns only its warnings off."""
    try:
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):  # this Pillow was built so that it cannot be reached
        yield
        return
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    before = set_handler(None)
    try:
        yield
    finally:
        set_handler(before)


def read_image(
    source: ImageSource, size: int, max_pixels: int, view: View = ORDINARY
) -> NDArray[np.uint8]:
    """Read, turn upright, make RGB and resize to ``(size, size, 3)``; nothing is cut off.

    Greyscale, palette, RGBA (over white or black), 16-bit, CMYK and EXIF-turned images come out as
    a viewer shows them; of an animation the first frame counts.

    Raises:
        UnreadableImageError: empty, truncated, not an image of :data:`DECODERS`, or larger than
            ``max_pixels``.
    """
    return read_picture(source, size, max_pixels, view).pixels


def read_picture(source: ImageSource, size: int, max_pixels: int, view: View = ORDINARY) -> Picture:
    """The pixels of :func:`read_image`, the size of the original and a digest of its pixels.

    Raises:
        UnreadableImageError: as of :func:`read_image`.
    """
    picture, original, digest, is_mended = _read(source, size, max_pixels, to_square, view)
    return Picture(np.asarray(picture), *original, digest, is_mended)


def picture_of(pixels: NDArray[np.uint8], size: int) -> Picture:
    """A Picture from pixels (height, width, 3) that are decoded already."""
    picture = Image.fromarray(pixels)
    return Picture(np.asarray(to_square(picture, size)), *picture.size, _digest(picture, ()))


def read_thumbnail(
    source: ImageSource, size: int, max_pixels: int, view: View = ORDINARY
) -> Image.Image:
    """The same picture with its proportions, neither side longer than ``size``, never enlarged.

    Raises:
        UnreadableImageError: as of :func:`read_image`.
    """
    return _read(source, size, max_pixels, to_fit, view)[0]


def shorter_side(source: ImageSource) -> int | None:
    """The shorter side in pixels, from the header alone; None if it cannot be read."""
    try:
        with _open(source) as image:
            return min(image.size)
    except Exception:  # noqa: BLE001  as above; read_image will name the reason
        return None


def deep_extent(
    source: ImageSource, max_pixels: int, bands: list[int] | None = None
) -> Extent | None:
    """The range of the values of an image of more than 8 bits; None of any other.

    Only the header of other images is read. A PPM says itself what is white.
    """
    try:
        file = _file(source)
        if describe(tags := tags_of(file)):
            return extent(_read_bands(file, tags, max_pixels, bands))
        with _identified(file, source.name) as image:
            raw = raw_mode(image)
            is_deep = image.mode.startswith(("I", "F")) or is_deep_colour(raw)
            if not is_deep or image.format == "PPM":
                return None
            _require_size(image, max_pixels)
            image.load()
            lower = _lower_half(source, raw) if is_deep_colour(raw) else None
            numbers = numbers_of(image, lower)
            return extent(numbers) if numbers else None
    except Exception:  # noqa: BLE001  as above; read_image will name the reason
        return None


def _lower_half(source: ImageSource, raw: str) -> Image.Image:
    """The lower 8 bits of colours of 16 bits; Pillow keeps only one half at a time."""
    with _open(source) as image:
        tile: list[Any] = []
        for decoder, box, offset, args in image.tile:  # type: ignore[attr-defined]
            rest = args[1:] if isinstance(args, tuple) else None
            mode = lower_mode(raw)
            tile.append((decoder, box, offset, mode if rest is None else (mode, *rest)))
        image.tile = tile  # type: ignore[attr-defined]
        image.load()
        return image


def to_square(picture: Image.Image, size: int) -> Image.Image:
    """Resize to ``size`` x ``size``; the proportions change so that nothing is cut off."""
    if picture.size == (size, size):
        return picture
    return picture.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)


def to_fit(picture: Image.Image, size: int) -> Image.Image:
    """Shrink until neither side is longer than ``size``; a smaller picture stays as it is."""
    fitted = picture.copy()
    fitted.thumbnail((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return fitted


class _Mended(NamedTuple):
    """The bytes of a damaged file without the damage."""

    name: str
    data: bytes

    def read_bytes(self) -> bytes:
        return self.data

    def sample(self) -> bytes:
        return self.data


def _read(
    source: ImageSource,
    size: int,
    max_pixels: int,
    resize: Callable[[Image.Image, int], Image.Image],
    view: View,
) -> tuple[Image.Image, tuple[int, int], bytes, bool]:
    """As :func:`_read_once`, of a damaged file too, and whether it is one."""
    try:
        return *_read_once(source, size, max_pixels, resize, view), False
    except UnreadableImageError as error:
        mended = _mended(source)
        if mended is None:
            raise
        try:
            return *_read_once(mended, size, max_pixels, resize, view), True
        except UnreadableImageError:
            raise error from None


def _mended(source: ImageSource) -> _Mended | None:
    try:
        if isinstance(source, Path) and not 0 < source.stat().st_size <= LARGEST:
            return None
        if isinstance(source, Path) and not source.is_file():
            return None
        data = repaired(source.read_bytes())
    except (OSError, MemoryError):
        return None
    return None if data is None else _Mended(source.name, data)


def _require_nearly_whole(image: Image.Image) -> None:
    """Refuse a cut JPEG of which more than a few rows are missing; they are grey 128."""
    pixels = np.asarray(image.convert("RGB"))
    if np.mean((pixels == 128).all(2)) > MISSING:
        raise UnreadableImageError("cannot be decoded: image file is truncated")


def _read_bands(
    file: Path | BytesIO, tags: dict[int, Any], max_pixels: int, bands: list[int] | None
) -> Numbers:
    """A TIFF that Pillow cannot read."""
    width, height, n_numbers = size_of(tags)
    if width * height > max_pixels or n_numbers > 16 * max_pixels:
        raise UnreadableImageError(_too_large(width, height, max_pixels))
    try:
        return read_numbers(file, tags, bands)
    except LookupError as error:
        raise UnreadableImageError(str(error)) from None


def _read_once(
    source: ImageSource,
    size: int,
    max_pixels: int,
    resize: Callable[[Image.Image, int], Image.Image],
    view: View,
) -> tuple[Image.Image, tuple[int, int], bytes]:
    """The resized picture, width and height of the original, digest of its pixels."""
    turns: tuple[Image.Transpose, ...] = ()
    try:
        file = _file(source)
        if describe(tags := tags_of(file)):
            numbers = _read_bands(file, tags, max_pixels, view.bands)
            whole = Image.fromarray(to_bytes(numbers, view)).convert("RGB")
            return resize(whole, size), whole.size, _digest(whole, turns)
        with _identified(file, source.name) as image:
            _require_size(image, max_pixels)
            width, height = image.size
            # JPEG can be decoded at 1/2, 1/4 or 1/8 of its size at a fraction of the cost
            image.draft(None, (size, size))
            raw = raw_mode(image)
            image.load()
            if isinstance(source, _Mended) and image.format == "JPEG":
                _require_nearly_whole(image)
            needs_lower = view.integers or "transparency" in image.info
            lower = _lower_half(source, raw) if needs_lower and is_deep_colour(raw) else None
            turns = _TURNS.get(_orientation(image), ())  # not before: load() itself turns a TIFF
            seen = as_seen(image, raw, view, lower)
            picture, digest = resize(seen.rgb, size), _digest(seen.whole, turns)
    except UnreadableImageError:
        raise
    except MemoryError:
        raise UnreadableImageError("needs more memory than is available") from None
    except Exception as error:  # noqa: BLE001  decoders raise nearly anything on hostile bytes
        raise UnreadableImageError(_reason(error, source)) from None
    for turn in turns:
        picture = picture.transpose(turn)
        if turn in _SIDEWAYS:
            width, height = height, width
    return picture, (width, height), digest


def _digest(picture: Image.Image, turns: tuple[Image.Transpose, ...]) -> bytes:
    """Digest of all channels of a picture, its size and its orientation."""
    channels = () if picture.mode == "RGB" else (picture.mode,)
    head = repr((picture.size, [int(turn) for turn in turns], *channels)).encode()
    digest = hashlib.blake2b(head, digest_size=DIGEST_SIZE)
    digest.update(picture.tobytes())
    return digest.digest()


def _open(source: ImageSource) -> Image.Image:
    return _identified(_file(source), source.name)


def _file(source: ImageSource) -> Path | BytesIO:
    """What can be opened: a regular file that is not empty, or bytes."""
    file: Path | BytesIO
    if isinstance(source, Path):
        info = source.stat()
        if not stat.S_ISREG(info.st_mode):  # opening a pipe would wait forever
            raise UnreadableImageError("not a regular file")
        is_empty, file = info.st_size == 0, source
    else:
        content = source.read_bytes()
        is_empty, file = not content, BytesIO(content)
    if is_empty:
        raise UnreadableImageError("empty file")
    return file


def _identified(file: Path | BytesIO, name: str) -> Image.Image:
    try:
        return Image.open(file, formats=_decoders())
    except UnidentifiedImageError:
        if name.lower().endswith(".avif") and "AVIF" not in _decoders():
            raise UnreadableImageError("AVIF needs Pillow 11.3 or newer") from None
        kind = kind_of(_beginning(file))
        raise UnreadableImageError(
            f"this is {kind}, which cannot be decoded" if kind else NO_IMAGE
        ) from None


def _beginning(file: Path | BytesIO) -> bytes:
    if isinstance(file, BytesIO):
        return file.getvalue()[:N_BYTES]
    with file.open("rb") as opened:
        return opened.read(N_BYTES)


@cache
def _decoders() -> tuple[str, ...]:
    Image.init()
    for plugin in PLUGINS:
        with suppress(ImportError):
            plugged = import_module(plugin)
            getattr(plugged, "register_heif_opener", bool)()  # the other registers itself
    return tuple(name for name in (*DECODERS, *PLUGINS.values()) if name in Image.OPEN)


def _reason(error: Exception, source: ImageSource) -> str:
    """One short line that is the same on every computer: no path, no address in memory."""
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    text = re.sub(r"<\w[^<>]*>", "it", str(error).replace(str(source), source.name))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"cannot be decoded: {text[:REASON_LENGTH] or type(error).__name__}"


def _require_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise UnreadableImageError(_too_large(width, height, max_pixels))


def _too_large(width: int, height: int, max_pixels: int) -> str:
    return f"{width} x {height} pixels is more than --max-pixels {max_pixels}"


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  the pixels may be fine with a broken EXIF block
        return 1
