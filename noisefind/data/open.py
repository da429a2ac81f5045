"""Opening of data: its format is recognised, and a Dataset is made of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from noisefind.data.class_names import joined_warning, named, warning
from noisefind.data.dataset import Dataset
from noisefind.data.found import split_name
from noisefind.data.layout import ONE_FOLDER_PER_CLASS
from noisefind.data.left_out import way_out
from noisefind.data.readers import find_images, table_options
from noisefind.data.table import read_table
from noisefind.data.table_faults import Fault, require_usable
from noisefind.errors import ConfigError, DataError
from noisefind.utils.text import shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.config import DataConfig
    from noisefind.data.found import Found
    from noisefind.data.image_source import ImageSource
    from noisefind.data.table import Row


def open_dataset(
    data: str | Path, config: DataConfig, *, cache_dir: Path, say: Callable[[str], None]
) -> Dataset:
    """Open labelled images of any kind; reads no pixel of an image file.

    Args:
        data: class folders; split folders; a .csv or .jsonl table with file_name and label; a .zip
            or .tar of class folders; WebDataset shards; Parquet or Arrow files; a .npz file; a
            CIFAR directory or .tar.gz; or ``cifar10`` or ``cifar100``, which are downloaded.
        config: the options that choose images and labels. ``split`` may also be
            ``val`` or ``valid``; ``labels`` replace those of ``data`` by id and in any split.
        cache_dir: downloads go to ``datasets`` in it.
        say: called with a message before a download, with how the folders were read where that
            is not plain, and with a warning where names of classes differ only in spaces, letter
            case or Unicode form.

    Returns:
        The chosen images, sorted by id, with the classes in use.

    Raises:
        DataError: the data, or a table, is not as it must be.
        ConfigError: the arguments contradict each other or the kind of data.
    """
    labels = config.labels
    if config.only_listed and labels is None:
        raise ConfigError("--only-listed needs --labels FILE, the table that lists what to take")
    try:
        found = find_images(data, config, cache_dir, say)
    except OSError as error:
        raise DataError(
            f"{shown_path(error.filename or data)}: {error.strerror or error}"
        ) from error
    for line in found.notes:
        say(line)
    if config.class_names is not None:
        found.labels[:] = named(found.labels, config.class_names)
    listed = {} if labels is None else _read_labels(labels, config)
    if labels is not None:
        _require_ids(found, listed, labels)
    in_split = _in_split(found, config.split)
    rows = [
        row
        for row, id_ in enumerate(found.ids)
        if found.splits[row] in in_split and (id_ in listed or not config.only_listed)
    ]
    if not rows:
        raise DataError(f"{shown_path(labels)} lists no image of {', '.join(sorted(in_split))}")
    dataset = _dataset(found, listed, rows)
    if len(dataset.classes) < 2:
        raise DataError(
            f"all images of {shown_path(found.root)} have the label "
            f"{shortened(dataset.classes[0])}, and finding wrong labels takes two "
            f"classes: {ONE_FOLDER_PER_CLASS}, or a table with file_name,label"
            f"{way_out(found.root, found.skipped)}"
        )
    names = [dataset.classes[label] for label in dataset.labels.tolist()]
    for text in filter(None, (warning(dataset.classes), joined_warning(names))):
        say(text)
    others = [row for row, split in enumerate(found.splits) if split not in in_split]
    return replace(dataset, elsewhere=_dataset(found, listed, others) if others else None)


def _read_labels(table: Path, config: DataConfig) -> dict[str, Row]:
    """The labels of --labels, which count instead of those of the data."""
    return read_table(table, options=table_options(config)._replace(skip_missing=False))


def _require_ids(found: Found, listed: dict[str, Row], table: Path) -> None:
    """DataError if an id of the table is not in the data."""
    missing = sorted(listed.keys() - set(found.ids), key=lambda id_: listed[id_].line)
    reasons = {skipped.file_name: skipped.reason for skipped in found.skipped}
    faults = []
    for id_ in missing:
        over = (id_, *map(str, PurePosixPath(id_).parents))  # a folder may have been left out
        reason = next((f" (left out: {reasons[name]})" for name in over if name in reasons), "")
        faults.append(
            Fault(listed[id_].line, id_, f"{shortened(id_, 200)} is not in the data{reason}")
        )
    require_usable(table, faults, len(listed), hint=f"; the data is {shown_path(found.root)}")


def _in_split(found: Found, split: str | None) -> set[str]:
    """The names of splits to take."""
    available = set(found.splits)
    requested = (split or found.default_split).lower()
    if requested == "all":
        return available
    if available == {""}:
        raise DataError(f"{shown_path(found.root)} has no splits, so no split {shortened(split)}")
    named = {split_name(requested)} if split_name(requested) in available else set()
    named |= {split for split in available if split.lower() == requested}
    if not named:
        names = ", ".join(sorted(available))
        raise DataError(
            f"{shown_path(found.root)} has no split {shortened(requested)}: choose of {names}, all"
        )
    return named


def _dataset(found: Found, listed: dict[str, Row], rows: list[int]) -> Dataset:
    """The Dataset of the chosen rows, with the listed labels instead of the found ones."""
    rows = sorted(rows, key=found.ids.__getitem__)
    ids = tuple(found.ids[row] for row in rows)
    labels = [
        listed[id_].label if id_ in listed else found.labels[row]
        for id_, row in zip(ids, rows, strict=True)
    ]
    classes = sorted(set(labels))
    numbers = {name: number for number, name in enumerate(classes)}
    digest = hashlib.sha256()
    for id_, row in zip(ids, rows, strict=True):
        digest.update(f"{id_}\0{found.stamps[row]}\n".encode())
    return Dataset(
        root=found.root,
        ids=ids,
        labels=np.array([numbers[label] for label in labels], dtype=np.int64),
        classes=tuple(classes),
        splits=tuple(found.splits[row] for row in rows),
        images=_images(found, rows),
        fingerprint=digest.hexdigest(),
        skipped=tuple(sorted(found.skipped)),
    )


def _images(found: Found, rows: list[int]) -> Sequence[ImageSource] | NDArray[np.uint8]:
    """The images of the rows."""
    if found.pixels is not None:
        return found.pixels[rows]
    if found.images is not None:
        return [found.images[row] for row in rows]
    return [found.root / found.ids[row] for row in rows]
