"""Meaning of folders: which are splits, which are classes, and which are neither.

Only names of folders and numbers of images count, so it is the same on a disk and in an archive.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from noisefind.data.found import split_name
from noisefind.utils.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SPLITS = ("train", "validation", "test")
# Folders that hold the images of one class or of one split; never classes beside each other.
_CONTAINERS = frozenset({"image", "images", "img", "imgs", "photos", "masks", "mask", "labels"})


class Place(NamedTuple):
    """What the images of a folder are."""

    label: str
    split: str


@dataclass
class Reading:
    """What the folders mean.

    Attributes:
        n_above: number of folders above a class folder.
        base: the folder in which the splits or classes lie; "" for the data itself.
        splits: a folder in ``base`` -> its split; empty where there are no splits.
        left_out: a folder -> the reason why no image below it is taken.
        notes: lines for the user.
    """

    n_above: int = 0
    base: str = ""
    splits: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def place(self, folder: str) -> Place | None:
        """Label and split of the images below a folder; None if it is in no class folder."""
        parts = folder.split("/")
        if not folder or len(parts) <= self.n_above or self.is_left_out(folder):
            return None
        depth = len(self.base.split("/")) if self.base else 0
        return Place(parts[self.n_above], self.splits[parts[depth]] if self.splits else "")

    def is_left_out(self, folder: str) -> bool:
        """Whether the folder or one above it is left out."""
        parts = folder.split("/")
        return any("/".join(parts[:n]) in self.left_out for n in range(1, len(parts) + 1))


class _Top(NamedTuple):
    """What one of the folders beside each other holds."""

    n_loose: int  # images directly in it
    below: Counter[str]  # folder in it -> images anywhere below

    @property
    def n_images(self) -> int:
        return self.n_loose + self.below.total()


def read_folders(n_in: Mapping[str, int], class_depth: int | None) -> Reading:
    """Decide what the folders mean.

    Args:
        n_in: folder -> number of images directly in it; "" is the data itself.
        class_depth: which folder on the way to an image is its class, from 1; None: decide.
    """
    reading = Reading()
    tops, splits = _go_in(n_in, reading)
    depth = len(reading.base.split("/")) if reading.base else 0
    if class_depth is not None and class_depth <= depth + bool(splits):
        return Reading(n_above=class_depth - 1)
    if splits:
        _set_splits(reading, tops, splits)
    if class_depth is not None:
        reading.n_above = class_depth - 1
        return reading
    reading.n_above = depth + bool(splits)
    while splits and _shares_one_folder(n_in, reading):
        reading.n_above += 1
    reading.notes.extend(_two_readings(n_in, reading))
    return reading


def _go_in(n_in: Mapping[str, int], reading: Reading) -> tuple[dict[str, _Top], dict[str, str]]:
    """Go through lone folders to the folders that are splits or classes."""
    while True:
        tops = _tops(n_in, reading.base)
        splits = _splits(tops)
        inner = None if splits else _inner(n_in, reading.base, tops)
        if inner is None:
            break
        for other in tops.keys() - {inner}:
            _leave_out(reading, other, tops[other].n_images, "beside the folder with the splits")
        reading.base = _join(reading.base, inner)
    if reading.base:
        reading.notes.append(f"read from {reading.base}, the folder that holds the classes")
    return tops, splits


def _tops(n_in: Mapping[str, int], base: str) -> dict[str, _Top]:
    """The folders in ``base`` with an image anywhere below them."""
    start = f"{base}/" if base else ""
    loose: Counter[str] = Counter()
    below: dict[str, Counter[str]] = {}
    for folder, n_images in n_in.items():
        if not folder.startswith(start) or folder == start:
            continue
        top, slash, rest = folder[len(start) :].partition("/")
        under = below.setdefault(top, Counter())
        if slash:
            under[rest.partition("/")[0]] += n_images
        else:
            loose[top] += n_images
    return {top: _Top(loose[top], below[top]) for top in sorted(below)}


def _inner(n_in: Mapping[str, int], base: str, tops: dict[str, _Top]) -> str | None:
    """The folder that holds all classes: a lone one, or the only one with named splits in it."""
    if len(tops) == 1:
        (top,) = tops
        return top if tops[top].below else None
    holding = [
        top
        for top in tops
        if len(set(map(split_name, tops[top].below)) - {""}) > 1
        and _splits(_tops(n_in, _join(base, top)))
    ]
    return holding[0] if len(holding) == 1 else None


def _splits(tops: dict[str, _Top]) -> dict[str, str]:
    """The folders that are splits, each with its name; empty if they are classes."""
    named = {top: split_name(top) for top in tops if split_name(top)}
    if named and _are_splits(named, tops):
        classes = {name for top in named for name in tops[top].below}
        own = {top: top for top in tops.keys() - named.keys() if _is_split(tops[top], classes)}
        return {**named, **own}
    return {top: named.get(top, top) for top in tops} if _hold_the_same(tops) else {}


def _are_splits(named: dict[str, str], tops: dict[str, _Top]) -> bool:
    """Whether folders that are named like splits are splits, and not classes of such names."""
    holding = [top for top in named if tops[top].below]
    if named.keys() == tops.keys():  # {train station, train track} hold no folders
        return bool(holding) or all(top.lower() in {*SPLITS, "val", "valid"} for top in named)
    several = [top for top in holding if len(tops[top].below) > 1]
    if len(set(named.values())) > 1:
        return bool(several)
    n_images = sum(top.n_images for top in tops.values())
    return any(not tops[top].n_loose and 2 * tops[top].n_images > n_images for top in several)


def _is_split(top: _Top, classes: set[str]) -> bool:
    """Whether most folders in a folder of another name are classes of the splits."""
    return 2 * len(top.below.keys() & classes) > len(top.below)


def _hold_the_same(tops: dict[str, _Top]) -> bool:
    """Whether folders without a split's name hold most of the same class folders.

    Cats and dogs with pictures from the front and the side also do: there are no fewer classes
    than views there, or the names differ in more than a number (fold1, fold2).
    """
    every = {name for top in tops.values() for name in top.below}
    if len(tops) < 2 or any(top.n_loose or len(top.below) < 2 for top in tops.values()):
        return False
    if every <= _CONTAINERS or all(map(split_name, every)):
        return False
    if any(2 * len(top.below) <= len(every) for top in tops.values()):
        return False
    return len(tops) <= len(every) or len({re.sub(r"\d+$", "", top) for top in tops}) == 1


def _set_splits(reading: Reading, tops: dict[str, _Top], splits: dict[str, str]) -> None:
    """Keep the splits with class folders; all else is left out and said."""
    order = sorted(splits, key=lambda top: (splits[top] != "train", -len(tops[top].below), top))
    classes = set(tops[order[0]].below)
    for top, content in tops.items():
        if top not in splits:
            _leave_out(reading, top, content.n_images, "no split: not the same class folders")
        elif not content.below or (len(content.below) == 1 and not content.below.keys() & classes):
            _leave_out(reading, top, content.n_images, "no class folders, so no labels")
        else:
            reading.splits[top] = splits[top]
    renamed = [f"{top} is {name}" for top, name in reading.splits.items() if top.lower() != name]
    own = [top for top, name in reading.splits.items() if name not in SPLITS]
    if len(own) == len(reading.splits) and own:
        reading.notes.append(
            f"{listed(own)} hold the same folders and are read as splits; "
            f"--class-depth {len(_join(reading.base, 'x').split('/'))} reads them as classes"
        )
    elif own:
        reading.notes.append(f"{listed(own)} beside the known splits: same classes, a split too")
    if renamed:
        reading.notes.append(f"names of splits: {listed(renamed)}")


def _leave_out(reading: Reading, top: str, n_images: int, reason: str) -> None:
    folder = _join(reading.base, top)
    images = counted(n_images, "image")
    reading.left_out[folder] = f"{reason} ({images})"
    reading.notes.append(f"left out: {folder}, {images}: {reason}")


def _shares_one_folder(n_in: Mapping[str, int], reading: Reading) -> bool:
    """Whether all classes of all splits would be one folder that holds more: train/images/cat."""
    depth = reading.n_above
    folders = [folder.split("/") for folder in n_in if reading.place(folder) is not None]
    names = {parts[depth] for parts in folders}
    return len(names) == 1 and all(len(parts) > depth + 1 for parts in folders)


def _two_readings(n_in: Mapping[str, int], reading: Reading) -> Iterable[str]:
    """A line where the folders below the class folders could be classes as well."""
    depth = reading.n_above
    folders = [folder.split("/") for folder in n_in if reading.place(folder) is not None]
    if any(len(parts) < depth + 2 for parts in folders):
        return
    upper = sorted({parts[depth] for parts in folders})
    pairs = {(parts[depth], parts[depth + 1]) for parts in folders}
    lower = sorted({name for _, name in pairs})
    if len(lower) > 1 and len(pairs) > len(upper) and not set(lower) <= _CONTAINERS:
        yield (
            f"classes: the {counted(len(upper), 'folder')} {listed(upper, 3)}; each holds folders "
            f"({listed(lower, 3)}), --class-depth {depth + 2} takes these as classes"
        )


def _join(base: str, name: str) -> str:
    return f"{base}/{name}" if base else name
