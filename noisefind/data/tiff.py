"""TIFF files that Pillow does not read, or reads as garbage: by the package tifffile."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import TiffImagePlugin

from noisefind.data.view import Numbers

if TYPE_CHECKING:
    from io import BytesIO
    from pathlib import Path

_MAGIC = (b"II*\0", b"MM\0*")
_WIDTH, _HEIGHT, _BITS, _N_BANDS, _PLANAR, _FORMAT, _NODATA = 256, 257, 258, 277, 284, 339, 42113
EXTRA = "pip install 'noisefind[tiff]'"


def tags_of(file: Path | BytesIO) -> dict[int, Any]:
    """The tags of the first page of a TIFF; empty of any other file."""
    opened: Any = file.open("rb") if hasattr(file, "open") else file
    try:
        opened.seek(0)
        head = opened.read(8)
        if head[:4] not in _MAGIC:
            return {}
        directory = TiffImagePlugin.ImageFileDirectory_v2(head)
        opened.seek(directory.next)
        directory.load(opened)
        wanted = (_WIDTH, _HEIGHT, _BITS, _N_BANDS, _PLANAR, _FORMAT, _NODATA)
        return {tag: directory[tag] for tag in wanted if tag in directory}
    except Exception:  # noqa: BLE001  a damaged directory raises nearly anything
        return {}
    finally:
        if opened is not file:
            opened.close()


def describe(tags: dict[int, Any]) -> str:
    """As "TIFF with 13 bands of 16 bits"; "" where Pillow reads the file."""
    bits, n_bands = max(tags.get(_BITS, (1,))), int(tags.get(_N_BANDS, 1))
    is_float = 3 in tags.get(_FORMAT, (1,))
    is_split = tags.get(_PLANAR) == 2 and n_bands > 1 and bits > 8
    if not (is_split or n_bands > 4 or (is_float and (n_bands > 1 or bits != 32)) or bits > 32):
        return ""
    kind = " in floats" if is_float else ""
    return f"TIFF with {n_bands} {'band' if n_bands == 1 else 'bands'} of {bits} bits{kind}"


def size_of(tags: dict[int, Any]) -> tuple[int, int, int]:
    """Width, height, and all numbers of all bands."""
    width, height = int(tags.get(_WIDTH, 0)), int(tags.get(_HEIGHT, 0))
    return width, height, width * height * int(tags.get(_N_BANDS, 1))


def read_numbers(file: Path | BytesIO, tags: dict[int, Any], bands: list[int] | None) -> Numbers:
    """Three bands (or the only one) of a file that :func:`describe` describes.

    Raises:
        LookupError: the package is missing, or the bands are not named or not there.
        Exception: any other, of tifffile, on a damaged file.
    """
    what, n_bands = describe(tags), int(tags.get(_N_BANDS, 1))
    try:
        import tifffile
    except ImportError:
        raise LookupError(f"{what}: needs the package tifffile: {EXTRA}") from None
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # faults are told in skipped.csv
    if n_bands > 4 and bands is None:
        raise LookupError(f"{what}: name those of red, green and blue, as --bands 4,3,2")
    if bands is not None and n_bands > 1 and max(bands) > n_bands:
        raise LookupError(f"{what}: --bands {','.join(map(str, bands))} asks for more")
    if hasattr(file, "seek"):
        file.seek(0)
    values = np.asarray(tifffile.imread(file, key=0))
    if n_bands > 1:
        values = np.moveaxis(values, 0, 2) if tags.get(_PLANAR) == 2 else values
        chosen = bands or ([1, 2, 3] if n_bands >= 3 else [1, 1, 1])
        values = values[..., [band - 1 for band in chosen]]
    try:
        nodata = float(str(tags[_NODATA]).strip("\0 "))
    except (KeyError, ValueError):
        nodata = None
    return Numbers(values, "integers" if values.dtype == np.uint16 else "floats", nodata)
