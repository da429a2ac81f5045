"""The kinds of data that can be read, and the reader of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from noisefind.data.archive import is_archive, open_archive
from noisefind.data.arrays import open_arrays
from noisefind.data.cifar import find_cifar, open_cifar
from noisefind.data.cifar_download import BY_NAME, fetch_cifar
from noisefind.data.columnar import find_columnar, open_columnar
from noisefind.data.image_folder import open_folder
from noisefind.data.table import TableOptions, is_table, open_table
from noisefind.data.webdataset import find_shards, is_range, open_shards
from noisefind.errors import ConfigError, DataError
from noisefind.utils.text import is_text, shown_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from noisefind.config import DataConfig
    from noisefind.data.cifar import CifarLabels
    from noisefind.data.found import Found


def find_images(
    data: str | Path, config: DataConfig, cache_dir: Path, say: Callable[[str], None]
) -> Found:
    """All images in the data, read by the reader for its kind.

    Raises:
        DataError: the data is of no known kind, or not as that kind must be.
        ConfigError: an option is for another kind of data.
    """
    path, root = Path(data), config.root
    if "\0" in str(data) or not is_text(str(path.absolute())):
        raise DataError(f"{shown_path(data)}: a path must be UTF-8 text without NUL; rename it")
    cifar_labels = cast("CifarLabels", config.cifar_labels)
    if not path.exists() and not is_range(path):
        if str(data) not in BY_NAME:
            known = " or ".join(BY_NAME)
            raise DataError(f"{shown_path(data)} does not exist: expected a path, or {known}")
        path = fetch_cifar(str(data), cache_dir / "datasets", say)
    if root is not None and not is_table(path):
        raise ConfigError(f"--root is for tables, and {shown_path(path)} is no table")
    cifar = find_cifar(path)
    if cifar is not None:
        return open_cifar(cifar, cifar_labels)
    if cifar_labels != "fine":
        raise ConfigError(f"--cifar-labels {cifar_labels}: {shown_path(path)} is not CIFAR-100")
    found = _read(path, config)
    if found is not None:
        return found
    raise DataError(
        f"{shown_path(path)} is not a dataset: expected a folder of images, a .csv, .tsv, .json, "
        ".jsonl or .txt table, a .zip or .tar archive, .parquet, .arrow or .npz files, CIFAR-10 or "
        "CIFAR-100"
    )


def _read(path: Path, config: DataConfig) -> Found | None:
    """The images of a path that is no CIFAR; None if it is of no known kind."""
    found = _read_listed(path, config)
    if found is None:
        read = open_archive if is_archive(path) else open_folder if path.is_dir() else None
        return read and read(path, config.class_depth, config.exclude)
    if config.class_depth is not None or config.exclude:
        raise ConfigError(
            "--class-depth and --exclude are for folders and archives of images: the labels of "
            f"{shown_path(path)} are no folders"
        )
    return found


def table_options(config: DataConfig) -> TableOptions:
    """The options of tables."""
    return TableOptions(config.root, config.path_column, config.label_column, config.skip_missing)


def _read_listed(path: Path, config: DataConfig) -> Found | None:
    """The images of a file or folder that holds their labels; None if it is of no such kind."""
    if is_table(path):
        return open_table(path, table_options(config))
    if path.suffix.lower() == ".npz":
        return open_arrays(path)
    if shards := find_shards(path):
        return open_shards(path, shards)
    if tables := find_columnar(path):
        return open_columnar(path, tables)
    return None
