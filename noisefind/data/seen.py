"""Pixels as a viewer shows them: any mode of Pillow to RGB, transparency laid over a ground."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from noisefind.data.colour import to_srgb
from noisefind.data.view import ORDINARY, Numbers, to_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.data.view import Kind, View

LIGHT = 224  # mean grey level; a picture lighter than this would vanish on white
TRANSPARENT = 0.5  # share of the visible pixels of a TIFF that are opaque if its alpha is one

_BITS, _PHOTOMETRIC, _COLOR_MAP = 258, 262, 320  # TIFF tags
_EXTRA_SAMPLES, _SAMPLE_FORMAT, _NODATA = 338, 339, 42113
_GREY_STEPS = {"1": 255, "L;2": 85, "L;4": 17}  # PNG's grey levels below 8 bits, in those of 8
_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")


class Seen(NamedTuple):
    """A picture as it is shown, and all that its file holds of it."""

    rgb: Image.Image
    whole: Image.Image  # RGB, or RGBA where a pixel is transparent: for digests


def raw_mode(image: Image.Image) -> str:
    """How the pixels of an opened image lie in its file, in Pillow's words; "" if it does not say.

    It is gone once the image is loaded.
    """
    tile: Any = getattr(image, "tile", None)
    args = tile[0][3] if tile else ""
    name = args[0] if isinstance(args, tuple) and args else args
    return name if isinstance(name, str) else ""


def is_deep_colour(raw: str) -> bool:
    """Whether a :func:`raw_mode` is of colours of 16 bits, of which Pillow keeps the upper 8."""
    return raw[:-1] in ("RGB;16", "RGBA;16", "RGBX;16")


def lower_mode(raw: str) -> str:
    """The mode in which Pillow keeps the lower 8 bits: bytes in the opposite order."""
    big = raw[-1] == "B" or (raw[-1] == "N" and sys.byteorder == "big")
    return raw[:-1] + ("L" if big else "B")


def numbers_of(image: Image.Image, lower: Image.Image | None) -> Numbers | None:
    """The pixels of a loaded image of more than 8 bits; None of another.

    Args:
        image: of any mode.
        lower: of a picture of which :func:`is_deep_colour` holds: its lower 8 bits.
    """
    tags: Any = getattr(image, "tag_v2", {})
    is_signed = tags.get(_SAMPLE_FORMAT, (1,)) == (2,)
    kind: Kind = "floats"
    if lower is not None:
        upper, rest = (np.asarray(half)[..., :3].astype(np.uint16) for half in (image, lower))
        values: NDArray[Any] = upper << 8 | rest
        kind = "integers"
    elif image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
            kind = "integers"
        elif image.mode == "I" and tags.get(_BITS) == (32,) and not is_signed:
            values = values.view(np.uint32)
    elif image.mode == "L" and is_signed and tags.get(_BITS) == (8,):
        values = np.asarray(image).view(np.int8)
    else:
        return None
    # white is zero: Pillow heeds this up to 8 bits only
    return Numbers(values, kind, _nodata(tags), is_inverted=tags.get(_PHOTOMETRIC) == 0)


def _nodata(tags: Any) -> float | None:
    try:
        return float(str(tags[_NODATA]).strip("\0 "))
    except (KeyError, ValueError):
        return None


def as_seen(
    image: Image.Image, raw: str, view: View = ORDINARY, lower: Image.Image | None = None
) -> Seen:
    """A loaded image in any mode as RGB.

    Transparent pixels show white, or black where what is visible is light: white icons differ.

    Args:
        image: the image.
        raw: its :func:`raw_mode`.
        view: how numbers of more than 8 bits are shown.
        lower: as for :func:`numbers_of`.
    """
    numbers = numbers_of(image, lower)
    if numbers is not None:
        # Pillow has scaled the numbers of a PPM to 16 bits
        grey = to_bytes(numbers, ORDINARY if image.format == "PPM" else view)
        rgb = Image.fromarray(grey)
        rgb.info["icc_profile"] = image.info.get("icc_profile")
        rgb = to_srgb(rgb).convert("RGB")
        opacity = _deep_opacity(image, numbers)
        if opacity is None:
            return _opaque(rgb)
        rgba = rgb.copy()
        rgba.putalpha(opacity)
    else:
        _stretch_palette(image)
        if image.mode not in _ALPHA and "transparency" not in image.info:
            return _opaque(_coloured(image).convert("RGB"))
        _scale_transparency(image, raw)
        rgba = image.convert("RGBA")
        alpha_band = rgba.getchannel("A")
        rgba = _coloured(rgba.convert("RGB"))
        rgba.putalpha(alpha_band)
    alpha = np.asarray(rgba)[..., 3]
    if alpha.min(initial=255) == 255 or not _is_opacity(image, alpha):
        return _opaque(rgba.convert("RGB"))
    return Seen(_laid_over(rgba, alpha), rgba)


def _coloured(image: Image.Image) -> Image.Image:
    """The picture in sRGB; a palette is looked up first."""
    return to_srgb(image.convert("RGB") if image.mode == "P" else image)


def _deep_opacity(image: Image.Image, numbers: Numbers) -> Image.Image | None:
    """The opacity of an image of more than 8 bits; None where it has none."""
    if image.mode == "RGBA":
        return image.getchannel("A")
    clear = image.info.get("transparency")
    if image.format != "PNG" or clear is None:
        return None
    is_clear = numbers.values == np.asarray(clear)
    if numbers.values.ndim == 3:
        is_clear = is_clear.all(2)
    return Image.fromarray(np.where(is_clear, 0, 255).astype(np.uint8))


def _opaque(rgb: Image.Image) -> Seen:
    return Seen(rgb, rgb)


def _laid_over(rgba: Image.Image, alpha: NDArray[np.uint8]) -> Image.Image:
    """The picture on white, or on black where its visible part is light."""
    weight = float(alpha.sum(dtype=np.int64))
    grey = np.asarray(rgba.convert("RGB").convert("L"))
    is_light = weight > 0 and float((grey.astype(np.int64) * alpha).sum()) > LIGHT * weight
    ground = Image.new("RGBA", rgba.size, "black" if is_light else "white")
    return Image.alpha_composite(ground, rgba).convert("RGB")


def _is_opacity(image: Image.Image, alpha: NDArray[np.uint8]) -> bool:
    """Whether a fourth channel says how opaque a pixel is.

    BMP: many writers leave it 0 everywhere. TIFF: a near-infrared band is often tagged as
    alpha; it is hardly ever at its largest value, where most of a cut-out is.
    """
    if image.format == "BMP":
        return bool(alpha.any())
    if image.format != "TIFF":
        return True
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    if not {1, 2} & {*tags.get(_EXTRA_SAMPLES, ())}:
        return False
    n_visible = np.count_nonzero(alpha)
    return bool(np.count_nonzero(alpha == 255) >= TRANSPARENT * n_visible)


def _stretch_palette(image: Image.Image) -> None:
    """Read a TIFF colour map of 0 to 255 as such; Pillow expects 0 to 65,535."""
    if image.format == "TIFF" and image.mode in ("P", "PA"):
        colours = getattr(image, "tag_v2", {}).get(_COLOR_MAP, ())
        if colours and 0 < max(colours) <= 255:
            image.putpalette([c for colour in np.reshape(colours, (3, -1)).T for c in colour])


def _scale_transparency(image: Image.Image, raw: str) -> None:
    """A PNG of 1, 2 or 4 bits names its transparent grey in its own levels, Pillow shows 8 bits."""
    value = image.info.get("transparency")
    if image.format == "PNG" and image.mode in ("1", "L") and isinstance(value, int):
        image.info["transparency"] = min(255, value * _GREY_STEPS.get(raw, 1))
