"""WebDataset shards: tar archives in which files of one key are one example.

``0007.jpg`` and ``0007.cls`` are an image and its label. The id is ``shard.tar#0007.jpg``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from noisefind.data.archive import tar_members
from noisefind.data.dataset import Skipped
from noisefind.data.found import Found, file_stamp, split_name
from noisefind.data.layout import is_image_name
from noisefind.errors import DataError
from noisefind.utils.text import is_text, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from noisefind.data.image_source import ImageSource
    from noisefind.data.packed import TarMember

LABELS = ("cls", "txt", "json")  # the extension of the file with the label; the first one counts
KEYS = ("label", "class", "cls", "category", "target")  # of the label in a .json file
MAX_LABEL = 1_000_000  # bytes of a label's file
N_PROBED = 64  # members of a tar archive that show whether it is a shard

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


def find_shards(path: Path) -> list[Path]:
    """The shards that a path names: a folder of .tar files, one of them, or a{00..12}.tar.

    Returns:
        The shards in their order; empty if the path is something else.

    Raises:
        DataError: a shard of the range is missing.
    """
    if found := _RANGE.search(path.name):
        return _range(path, found)
    if path.is_dir():
        shards = sorted(entry for entry in path.iterdir() if entry.suffix.lower() == ".tar")
        return shards if shards and _is_shard(shards[0]) else []
    return [path] if path.suffix.lower() == ".tar" and _is_shard(path) else []


def is_range(path: Path) -> bool:
    """Whether a path names shards by a range, such as a{00..12}.tar."""
    return bool(_RANGE.search(path.name))


def _range(path: Path, found: re.Match[str]) -> list[Path]:
    first, last = found.groups()
    if int(last) - int(first) >= 1_000_000:
        raise DataError(f"{shown_path(path)} names {int(last) - int(first) + 1:,} files")
    shards = [
        path.with_name(
            f"{path.name[: found.start()]}{number:0{len(first)}}{path.name[found.end() :]}"
        )
        for number in range(int(first), int(last) + 1)
    ]
    missing = [shard for shard in shards if not shard.is_file()]
    if missing or not shards:
        first_missing = shown_path(missing[0]) if missing else "all"
        raise DataError(
            f"{shown_path(path)}: {len(missing)} of {len(shards)} shards do not exist, "
            f"first {first_missing}"
        )
    return shards


def _is_shard(path: Path) -> bool:
    """Whether a tar archive has an image and its label's file among its first members."""
    labelled: dict[str, bool] = {}  # key -> whether its first file was a label
    try:
        for _, member in zip(range(N_PROBED), tar_members(path), strict=False):
            key, extension = _key(member.name)
            is_label = extension in LABELS
            if (is_label or is_image_name(f"x.{extension}")) and (
                labelled.setdefault(key, is_label) != is_label
            ):
                return True
    except DataError:
        return False
    return False


def open_shards(path: Path, shards: Sequence[Path]) -> Found:
    """Read the images and labels of all shards.

    Args:
        path: as the user gave it.
        shards: the tar archives, in one folder. The split of a shard is the word for a split that
            its name starts with, where all have one (``train-000.tar``).

    Raises:
        DataError: an archive is damaged, or no image has a label.
    """
    splits = [split_name(re.split(r"[-_.\d]", shard.name)[0]) for shard in shards]
    has_splits = all(splits)
    images: list[ImageSource] = []
    root = shards[0].parent
    default_split = "train" if "train" in splits and has_splits else "all"
    found = Found(root, [], [], [], stamps=[], default_split=default_split, images=images)
    for shard, split in zip(shards, splits, strict=True):
        stamp = file_stamp(shard.stat())
        for image, label, reason in _examples(shard, found.skipped):
            id_ = f"{shard.name}#{image.name}"
            if reason:
                found.skipped.append(Skipped(id_, reason))
                continue
            found.ids.append(id_)
            found.labels.append(label)
            found.splits.append(split if has_splits else "")
            found.stamps.append(f"{stamp} {image.offset} {image.n_bytes}")
            images.append(image)
    if not found.ids:
        raise DataError(
            f"{shown_path(path)}: no image has a label; expected x.jpg beside x.cls, x.txt or "
            f"x.json with one of {', '.join(KEYS)}"
        )
    return found


def _examples(shard: Path, skipped: list[Skipped]) -> Iterator[tuple[TarMember, str, str]]:
    """Image, label and the reason to leave it out, of each key with an image."""
    groups: dict[str, dict[str, TarMember]] = {}
    for member in tar_members(shard):
        key, extension = _key(member.name)
        if not is_text(member.name) or "\0" in member.name:
            skipped.append(Skipped(f"{shard.name}#{member.name!a}", "name is not UTF-8"))
        elif extension in groups.setdefault(key, {}):
            skipped.append(Skipped(f"{shard.name}#{member.name}", "appears twice in the shard"))
        else:
            groups[key][extension] = member
    for key, members in groups.items():
        # Of x.jpg and x.mask.png the one with the short extension is the image.
        extensions = sorted(
            (extension for extension in members if is_image_name(f"{key}.{extension}")),
            key=lambda extension: (extension.count("."), extension),
        )
        if extensions:
            label, reason = _label(members)
            yield members[extensions[0]], label, reason


def _key(name: str) -> tuple[str, str]:
    """Key and extension: the base name is split at its first dot, as WebDataset does."""
    folder, slash, base = name.rpartition("/")
    stem, _, extension = base.partition(".")
    return f"{folder}{slash}{stem}", extension.lower()


def _label(members: dict[str, TarMember]) -> tuple[str, str]:
    """The label, and "" or the reason why there is none."""
    extension = next((extension for extension in LABELS if extension in members), None)
    if extension is None:
        return "", "no .cls, .txt or .json file with its label"
    member = members[extension]
    if member.n_bytes > MAX_LABEL:
        return "", f"a .{extension} file of {member.n_bytes:,} bytes is no label"
    try:
        text = member.read_bytes().decode().strip()
        value = _field(text) if extension == "json" else text
    except (OSError, ValueError, RecursionError) as error:
        return "", f"the .{extension} file cannot be read: {type(error).__name__}"
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value or not is_text(value):
        return "", f"no label in the .{extension} file: {shortened(value)}"
    return value, ""


def _field(text: str) -> object:
    record = json.loads(text)
    if not isinstance(record, dict):
        return record
    return next((record[key] for key in KEYS if key in record), None)
