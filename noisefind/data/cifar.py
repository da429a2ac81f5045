"""CIFAR-10 and CIFAR-100 in their python format, from a directory, the archive or the network.

Ids are positions in CIFAR's own order, which papers and label files count by: ``train/00042`` is
the 43rd image of data_batch_1, 2, ... one after the other.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from noisefind.data.cifar_archive import MAX_FILE, MAX_READ, files_in_archive
from noisefind.data.found import Found, file_stamp
from noisefind.data.safe_pickle import read_pickle
from noisefind.errors import ConfigError, DataError
from noisefind.utils.text import error_text, is_text, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

CifarLabels = Literal["fine", "coarse"]

_MEMBER = re.compile(r"batches\.meta|data_batch_[1-9][0-9]{0,3}|test_batch|meta|train|test")
MAX_NAME = 255  # characters of a class name: as many as a folder may have


class CifarKind(NamedTuple):
    """Names of files and keys in one of the two datasets."""

    name: str
    url: str
    folder: str
    meta: str
    test: str
    keys: dict[str, tuple[str, str]]  # fine or coarse -> key of the labels, of the class names


CIFAR10 = CifarKind(
    name="CIFAR-10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    folder="cifar-10-batches-py",
    meta="batches.meta",
    test="test_batch",
    keys={"fine": ("labels", "label_names")},
)
CIFAR100 = CifarKind(
    name="CIFAR-100",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    folder="cifar-100-python",
    meta="meta",
    test="test",
    keys={
        "fine": ("fine_labels", "fine_label_names"),
        "coarse": ("coarse_labels", "coarse_label_names"),
    },
)


class _File(NamedTuple):
    """The content of a file of CIFAR."""

    content: dict[str, object]
    stamp: str
    where: str


def find_cifar(path: Path) -> Path | None:
    """The CIFAR archive or directory that ``path`` is or directly contains, if any.

    Raises:
        DataError: the directory contains both CIFAR-10 and CIFAR-100.
    """
    if path.name.lower().endswith((".tar.gz", ".tgz")) and path.is_file():
        return path
    if _kind(_members(path)):
        return path
    inside = (path / CIFAR10.folder, path / CIFAR100.folder)
    found = [folder for folder in inside if _kind(_members(folder))]
    if len(found) > 1:
        raise DataError(f"{str(path)!r} contains {found[0].name} and {found[1].name}: give one")
    return found[0] if found else None


def open_cifar(path: Path, cifar_labels: CifarLabels) -> Found:
    """Read all images of a CIFAR directory or archive.

    Args:
        path: what `find_cifar` found.
        cifar_labels: the 100 fine or the 20 coarse classes of CIFAR-100.

    Returns:
        The images of both splits.

    Raises:
        DataError: a file is missing, damaged or of another shape.
        ConfigError: coarse labels of CIFAR-10.
    """
    files = {
        name: _File(read_pickle(raw, str(path / name)), f"{name} {stamp}", str(path / name))
        for name, raw, stamp in _contents(path)
    }
    kind = _kind(files)
    if kind is None:
        raise DataError(
            f"{shown_path(path)} holds neither CIFAR-10 nor CIFAR-100 in python format; images of "
            "another compressed archive cannot be read one by one: unpack it (tar -xf) and give "
            "the folder, or repack it as .tar or .zip"
        )
    if cifar_labels not in kind.keys:
        raise ConfigError(f"coarse labels: {str(path)!r} is {kind.name}, only CIFAR-100 has them")
    names = {"train": _train_names(kind, files), "test": [kind.test]}
    for name in (kind.meta, *names["train"], kind.test):
        if name not in files:
            raise DataError(f"{str(path / name)!r} is missing: this {kind.name} is incomplete")
    label_key, classes_key = kind.keys[cifar_labels]
    classes = _class_names(files[kind.meta], classes_key)
    splits = {split: [files[name] for name in names[split]] for split in names}
    return _join(path, splits, label_key, classes)


def _join(path: Path, splits: dict[str, list[_File]], label_key: str, classes: list[str]) -> Found:
    """The images of all files, numbered through each split."""
    found = Found(path, [], [], [], stamps=[], default_split="train")
    pixels = []
    for split, files in splits.items():
        n_before = len(found.labels)
        for file in files:
            pixels.append(_pixels(file))
            found.labels.extend(_labels(file, label_key, classes, len(pixels[-1])))
            found.stamps.extend([file.stamp] * len(pixels[-1]))
        n_images = len(found.labels) - n_before
        found.ids.extend(f"{split}/{position:05d}" for position in range(n_images))
        found.splits.extend([split] * n_images)
    # Without out, the result would be laid out in memory as the files are: plane by plane.
    joined = np.empty((len(found.ids), 32, 32, 3), np.uint8)
    return replace(found, pixels=np.concatenate(pixels, out=joined))


def _members(folder: Path) -> set[str]:
    """Names of files in a folder that may belong to CIFAR."""
    if not folder.is_dir():
        return set()
    return {
        path.name for path in folder.iterdir() if _MEMBER.fullmatch(path.name) and path.is_file()
    }


def _kind(names: Collection[str]) -> CifarKind | None:
    if "batches.meta" in names or "data_batch_1" in names:
        return CIFAR10
    return CIFAR100 if "meta" in names and "train" in names else None


def _train_names(kind: CifarKind, names: Collection[str]) -> list[str]:
    """The training files in CIFAR's order; if a number is missing, the list has it."""
    if kind is CIFAR100:
        return ["train"]
    n_batches = sum(name.startswith("data_batch_") for name in names)
    return [f"data_batch_{number}" for number in range(1, max(n_batches, 1) + 1)]


def _contents(path: Path) -> Iterator[tuple[str, bytes, str]]:
    """Name, content and stamp of each of CIFAR's files in a folder or an archive."""
    try:
        if path.is_file():
            stamp = file_stamp(path.stat())
            for name, content in files_in_archive(path, _MEMBER):
                yield name, content, stamp
            return
        n_read = 0
        for name in sorted(_members(path)):
            info = (path / name).stat()
            n_read += info.st_size
            if info.st_size > MAX_FILE or n_read > MAX_READ:
                raise DataError(
                    f"{str(path / name)!r} has {info.st_size:,} bytes; CIFAR has at most "
                    f"{MAX_FILE:,} in a file and {MAX_READ:,} in all: fetch it again"
                )
            yield name, (path / name).read_bytes(), file_stamp(info)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error_text(error)}") from error


def _pixels(file: _File) -> NDArray[np.uint8]:
    """The images (N, 32, 32, 3); the file holds rows of 3 planes of 32 x 32."""
    data = file.content.get("data")
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.shape[1:] != (3072,)
        or not len(data)
    ):
        what = type(data).__name__
        if isinstance(data, np.ndarray):
            what = f"{data.dtype} {shortened(data.shape)}"
        raise DataError(f"{file.where!r}: 'data' must be uint8 (N, 3072), not {what}")
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def _labels(file: _File, key: str, classes: list[str], n_images: int) -> list[str]:
    """The class name of each image of a file."""
    numbers = file.content.get(key)
    if isinstance(numbers, np.ndarray) and numbers.ndim == 1:
        numbers = numbers.tolist()
    if not isinstance(numbers, list) or len(numbers) != n_images:
        raise DataError(f"{file.where!r}: {key!r} must be a list of {n_images} class numbers")
    for number in numbers:
        if not isinstance(number, int) or not 0 <= number < len(classes):
            raise DataError(
                f"{file.where!r}: {key!r} holds {shortened(number)}, not 0 to {len(classes) - 1}"
            )
    return [classes[number] for number in numbers]


def _class_names(meta: _File, key: str) -> list[str]:
    """The class names in the order of their numbers."""
    names = meta.content.get(key)
    if isinstance(names, list):
        names = [name.decode("latin1") if isinstance(name, bytes) else name for name in names]
        are_texts = all(
            isinstance(name, str) and 0 < len(name) <= MAX_NAME and is_text(name) for name in names
        )
        if are_texts and len(names) == len(set(names)):
            return names
    raise DataError(f"{meta.where!r}: {key!r} must be a list of different class names")
