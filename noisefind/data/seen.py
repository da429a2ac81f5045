"""Pixels as a viewer shows them: any mode of Pillow to RGB, transparency laid over a ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIGHT = 224  # mean grey level; a picture lighter than this would vanish on white
TRANSPARENT = 0.5  # share of the visible pixels of a TIFF that are opaque if its alpha is one

_PHOTOMETRIC, _COLOR_MAP, _EXTRA_SAMPLES = 0x0106, 0x0140, 0x0152  # TIFF tags
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
    args = image.tile[0][3] if getattr(image, "tile", None) else ""
    name = args[0] if isinstance(args, tuple) and args else args
    return name if isinstance(name, str) else ""


def as_seen(image: Image.Image, raw: str) -> Seen:
    """A loaded image in any mode as RGB; ``raw`` is its :func:`raw_mode`.

    Transparent pixels show white, or black where what is visible is light: white icons differ.
    """
    if image.mode.startswith(("I", "F")):
        return _opaque(_deep_grey_to_rgb(image))
    _stretch_palette(image)
    if image.mode not in _ALPHA and "transparency" not in image.info:
        return _opaque(image.convert("RGB"))
    _scale_transparency(image, raw)
    rgba = image.convert("RGBA")
    alpha = np.asarray(rgba)[..., 3]
    if alpha.min(initial=255) == 255 or not _is_opacity(image, alpha):
        return _opaque(rgba.convert("RGB"))
    return Seen(_laid_over(rgba, alpha), rgba)


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
    return n_visible == 0 or np.count_nonzero(alpha == 255) >= TRANSPARENT * n_visible


def _stretch_palette(image: Image.Image) -> None:
    """Read a TIFF colour map of 0 to 255 as such; it should reach 65,535 and Pillow relies on it."""
    if image.format == "TIFF" and image.mode in ("P", "PA"):
        colours = getattr(image, "tag_v2", {}).get(_COLOR_MAP, ())
        if colours and 0 < max(colours) <= 255:
            image.putpalette([c for colour in np.reshape(colours, (3, -1)).T for c in colour])


def _scale_transparency(image: Image.Image, raw: str) -> None:
    """A PNG of 1, 2 or 4 bits names its transparent grey in its own levels, Pillow shows 8 bits."""
    value = image.info.get("transparency")
    if image.format == "PNG" and image.mode in ("1", "L") and isinstance(value, int):
        image.info["transparency"] = min(255, value * _GREY_STEPS.get(raw, 1))


def _deep_grey_to_rgb(image: Image.Image) -> Image.Image:
    """16-bit and float greyscale to 8 bits; ``convert`` would clip all above 255 to white."""
    values = np.asarray(image).astype(np.float64)
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        low, high = 0.0, 65535.0
    else:  # no fixed white: use the range of the values, as viewers do
        values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
    grey = (values - low) * (255.0 / max(high - low, 1e-12))
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero; Pillow heeds this up to 8 bits only
        grey = 255.0 - grey
    return Image.fromarray(np.round(grey).astype(np.uint8)).convert("RGB")
