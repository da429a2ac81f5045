"""Colour profiles (ICC) are obeyed: pixels become sRGB, as a viewer shows them."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image, ImageCms

CLOSE = 2  # grey levels; a profile whose colours all differ less is sRGB by any name
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # colour space of a profile -> Pillow's mode


def to_srgb(image: Image.Image) -> Image.Image:
    """An image of mode RGB, L, CMYK or LAB as a viewer shows it; of another mode as it is.

    A profile that is damaged, or of another kind of image, does not count.
    """
    if image.mode == "LAB":
        transform: ImageCms.ImageCmsTransform | None = _from_lab()
    else:
        profile = image.info.get("icc_profile")
        if not isinstance(profile, bytes) or image.mode not in _MODES.values():
            return image
        transform = _transform(profile, image.mode)
    return image if transform is None else transform.apply(image)


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; None where nothing changes, or the profile is of no use."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if _MODES.get(source.profile.xcolor_space) != mode:
            return None
        transform = ImageCms.ImageCmsTransform(source, _made("sRGB"), mode, "RGB")
        sample = Image.fromarray(_lattice()).convert(mode)
        if mode == "CMYK":
            return transform
        change = np.asarray(transform.apply(sample), np.int16) - np.asarray(sample.convert("RGB"))
    except Exception:  # noqa: BLE001  a profile is as hostile as an image
        return None
    return None if np.abs(change).max() < CLOSE else transform


@lru_cache(maxsize=1)
def _from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.ImageCmsTransform(_made("LAB"), _made("sRGB"), "LAB", "RGB")


def _made(space: Literal["LAB", "sRGB"]) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space))


def _lattice() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Colours from all of the cube, one row."""
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
