"""Arrays of images in one .npz file: MedMNIST's ``train_images``, or ``images`` and ``labels``."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np

from noisefind.data.found import Found, file_stamp, split_name
from noisefind.errors import DataError
from noisefind.utils.text import error_text, shortened, shown_path

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PREFIXES = ("train_", "val_", "test_", "")


def open_arrays(path: Path) -> Found:
    """Read images and whole-number labels from a .npz file.

    Args:
        path: with ``images`` (N, height, width) or (N, height, width, 3) uint8 and ``labels`` (N,)
            or (N, 1), or the same with ``train_``, ``val_`` and ``test_`` before the names. All
            images have one size. An id is ``train/00042``, or ``00042`` without splits.

    Raises:
        DataError: the file is damaged, or its arrays are not of this form.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = [_part(path, file, prefix) for prefix in _prefixes(path, file.files)]
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, AttributeError) as error:
        raise DataError(
            f"{shown_path(path)} is damaged or no .npz file: {error_text(error)}"
        ) from error
    stamp = file_stamp(path.stat())
    found_splits = [split for split, _, _ in parts]
    found = Found(
        path,
        [],
        [],
        [],
        stamps=[],
        default_split="train" if "train" in found_splits else "all",
        pixels=_joined(path, [images for _, images, _ in parts]),
    )
    for split, images, labels in parts:
        width = max(5, len(str(len(images) - 1)))
        found.ids.extend(f"{split}/{row:0{width}}".lstrip("/") for row in range(len(images)))
        found.labels.extend(map(str, labels.tolist()))
        found.splits.extend([split] * len(images))
        found.stamps.extend([stamp] * len(images))
    return found


def _prefixes(path: Path, names: list[str]) -> list[str]:
    """The prefixes for which there are images and labels."""
    prefixes = [
        prefix for prefix in PREFIXES if {f"{prefix}images", f"{prefix}labels"} <= set(names)
    ]
    if not prefixes:
        raise DataError(
            f"{shown_path(path)} has the arrays {shortened(sorted(names), 200)}: expected images "
            "and labels, or train_images and train_labels"
        )
    return prefixes if prefixes == [""] else [prefix for prefix in prefixes if prefix]


def _part(
    path: Path, file: np.lib.npyio.NpzFile, prefix: str
) -> tuple[str, NDArray[np.uint8], NDArray[np.int64]]:
    """Split, images (N, height, width, 3) and labels (N,) of a prefix."""
    images, labels = file[f"{prefix}images"], file[f"{prefix}labels"]
    is_grey = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 1)
    is_colour = images.ndim == 4 and images.shape[3] == 3
    if images.dtype != np.uint8 or not (is_grey or is_colour) or 0 in images.shape:
        raise DataError(
            f"{shown_path(path)}: {prefix}images has shape {images.shape} and type {images.dtype}; "
            "expected (N, height, width) or (N, height, width, 3) uint8"
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) != len(images):
        raise DataError(
            f"{shown_path(path)}: {prefix}labels has shape {labels.shape} and type {labels.dtype} "
            f"for {len(images):,} images; expected one whole number for each image"
        )
    if is_grey:
        images = np.repeat(images.reshape(*images.shape[:3], 1), 3, axis=3)
    return split_name(prefix.rstrip("_")), images, labels.astype(np.int64)


def _joined(path: Path, parts: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError(
            f"{shown_path(path)}: the splits have images of the sizes "
            f"{', '.join(str(part.shape[1:3]) for part in parts)}; expected one size"
        )
    return np.concatenate(parts)
