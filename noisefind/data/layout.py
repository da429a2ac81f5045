"""Layouts of class folders: ``<class>/**/x.jpg``, or ``<split>/<class>/**/x.jpg``.

The names alone decide, wherever they come from: a folder, a zip or a tar archive. What the folders
mean is decided in `folders`. What is no image of a class ends up in ``Found.skipped`` with its
reason.
"""

from __future__ import annotations

import re
from collections import Counter
from fnmatch import translate
from typing import TYPE_CHECKING, NamedTuple

from noisefind.data.dataset import Skipped
from noisefind.data.folders import read_folders
from noisefind.data.found import Found
from noisefind.data.left_out import UNKNOWN, found_suffixes, suffix_of, way_out
from noisefind.data.side_images import side_images
from noisefind.errors import DataError
from noisefind.utils.text import counted, listed, shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from noisefind.data.image_source import ImageSource

# The decoders' own; HEIC and JPEG 2000 are no images here, and the way out names a converter.
IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo"}
    | {".jxl", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)

ONE_FOLDER_PER_CLASS = "images are expected in one folder per class"


class Files(NamedTuple):
    """All that lies below a root; names are POSIX paths relative to it."""

    root: Path
    images: dict[str, str]  # name -> stamp
    folders: list[str]
    skipped: list[Skipped]
    packed: Mapping[str, ImageSource] | None = None  # tables in an archive; None in a folder


def is_image_name(name: str) -> bool:
    """Whether a file's name ends in one of `IMAGE_SUFFIXES`, in any letter case."""
    return suffix_of(name) in IMAGE_SUFFIXES


def read_layout(files: Files, class_depth: int | None = None, exclude: Sequence[str] = ()) -> Found:
    """Labels and splits of the images by the folders that they lie in.

    Args:
        files: all names.
        class_depth: which folder on the way to an image is its class, from 1; None: decide.
        exclude: patterns of names to leave out; each is compared with the whole name and with
            each part of it.

    Returns:
        All images that lie in a class folder, of all splits.

    Raises:
        DataError: no image lies in a class folder.
    """
    files = without(files, exclude)
    n_in = Counter(file_name.rpartition("/")[0] for file_name in files.images)
    reading = read_folders(n_in, class_depth)
    has_known = not reading.splits or set(reading.splits.values()) & {"train", "validation", "test"}
    default_split = "train" if reading.splits and has_known else "all"
    found = Found(
        files.root, [], [], [], stamps=[], default_split=default_split, skipped=files.skipped,
        notes=reading.notes,
    )  # fmt: skip
    places = {folder: reading.place(folder) for folder in n_in}
    is_left_out = {folder: reading.is_left_out(folder) for folder in n_in}
    found.skipped.extend(Skipped(*item) for item in reading.left_out.items())
    for file_name, stamp in files.images.items():
        folder = file_name.rpartition("/")[0]
        place = places[folder]
        if place is not None:
            found.ids.append(file_name)
            found.labels.append(place.label)
            found.splits.append(place.split)
            found.stamps.append(stamp)
        elif not is_left_out[folder]:
            found.skipped.append(Skipped(file_name, "in no class folder"))
    if not found.ids:
        raise _no_class(files, n_in, class_depth)
    found.notes.extend(side_images(found.ids))
    _add_empty_folders(found, files, reading.n_above)
    return found


def without(files: Files, exclude: Sequence[str]) -> Files:
    """The files without those that a pattern names; a pattern that names none is an error."""
    images = files.images
    for pattern in exclude:
        matches = matcher(pattern)
        taken = {name: stamp for name, stamp in images.items() if not matches(name)}
        if len(taken) == len(images):
            raise DataError(
                f"--exclude {pattern!r} matches no image in {shown_path(files.root)}: a pattern "
                "is compared with each name and with the names of its folders (* is any text)"
            )
        reason = f"--exclude {pattern}"
        files.skipped.extend(Skipped(name, reason) for name in images if name not in taken)
        images = taken
    return files._replace(images=images)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a name, or a part of it, matches a pattern of ``--exclude``.

    Examples:
        >>> matches = matcher("*_mask.png")
        >>> matches("cat/1_mask.png"), matches("cat/1.png")
        (True, False)
    """
    match = re.compile(translate(pattern)).match
    return lambda name: any(map(match, (name, *name.split("/"))))


def _add_empty_folders(found: Found, files: Files, n_above: int) -> None:
    """List the folders that would be classes or splits if an image lay in them."""
    holding = {
        "/".join(folder.split("/")[:depth])
        for folder in {file_name.rpartition("/")[0] for file_name in files.images}
        for depth in range(1, n_above + 2)
    }
    empty = {
        folder for folder in files.folders if folder.count("/") <= n_above and folder not in holding
    }
    suffixes: dict[str, Counter[str]] = {}
    for name, reason, *_ in found.skipped:
        folder = "/".join(name.split("/")[: n_above + 1])
        if reason == UNKNOWN and name.count("/") > n_above and folder not in holding:
            suffixes.setdefault(folder, Counter())[suffix_of(name)] += 1
    if suffixes:
        shown = [f"{folder} ({found_suffixes(n)})" for folder, n in sorted(suffixes.items())]
        n_folders = counted(len(shown), "folder")
        found.notes.append(f"warning: no image can be read in {n_folders}: {listed(shown)}")
    found.skipped.extend(Skipped(folder, "no image in this folder") for folder in sorted(empty))


def _no_class(files: Files, n_in: Counter[str], class_depth: int | None) -> DataError:
    """The error for a folder without a single image in a class folder."""
    if not files.images:
        return DataError(
            f"no image in {shown_path(files.root)}: {ONE_FOLDER_PER_CLASS} "
            f"({' '.join(sorted(IMAGE_SUFFIXES))}){way_out(files.root, files.skipped)}"
        )
    if class_depth is not None:
        deepest = max(folder.count("/") + 1 if folder else 0 for folder in n_in)
        return DataError(
            f"--class-depth {class_depth}: no image in {shown_path(files.root)} lies in so many "
            f"folders, at most in {deepest}; give a smaller number, or omit it"
        )
    tops = {folder.partition("/")[0] for folder in n_in if folder}
    place = files.root / min(tops) if tops else files.root
    return DataError(
        f"images lie directly in {shown_path(place)}: {ONE_FOLDER_PER_CLASS}; "
        "or give a .csv or .jsonl table with file_name,label instead of the folder"
        f"{way_out(files.root, files.skipped)}"
    )
