"""Small datasets for the tests: images with Pillow, CIFAR directories with pickle."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from noisefind.config import DataConfig
from noisefind.data.open import open_dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset

CIFAR10_NAMES = ["airplane", "automobile", "bird", "cat", "deer"]
CIFAR10_NAMES += ["dog", "frog", "horse", "ship", "truck"]


def write_images(root: Path, *names: str, size: int = 8) -> Path:
    """Writes an image under each name; those of one folder have the same colour but for noise."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = np.frombuffer(zlib.crc32(path.parent.name.encode()).to_bytes(4), np.uint8)[:3]
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        pixels = colour // 2 + rng.integers(0, 64, (size, size, 3), dtype=np.uint8)
        mode = "L" if path.suffix.lower() == ".pgm" else "RGB"
        Image.fromarray(pixels).convert(mode).save(path)
    return root


def write_csv(path: Path, *rows: tuple[str, str]) -> Path:
    """Writes a table of file_name,label, every cell in quotes."""
    lines = [
        ",".join('"{}"'.format(cell.replace('"', '""')) for cell in row)
        for row in (("file_name", "label"), *rows)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


def cifar_rows(n_images: int, seed: int) -> NDArray[np.uint8]:
    """Pixels as CIFAR keeps them: (N, 3072), 3 planes of 32 x 32."""
    return np.random.default_rng(seed).integers(0, 256, (n_images, 3072), dtype=np.uint8)


def write_pickle(path: Path, value: object, protocol: int = 2) -> Path:
    """Writes a pickle, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def write_cifar10(
    parent: Path, batch_sizes: Sequence[int] = (3, 2), n_test: int = 2, protocol: int = 2
) -> Path:
    """Writes cifar-10-batches-py; the images of batch k are ``cifar_rows(n, k)``, 0 is the test.

    The labels count 9, 8, ... 0, 9, ... within each batch.
    """
    folder = parent / "cifar-10-batches-py"
    names = ["test_batch", *(f"data_batch_{k}" for k in range(1, len(batch_sizes) + 1))]
    for k, (name, n_images) in enumerate(zip(names, (n_test, *batch_sizes), strict=True)):
        batch = {"data": cifar_rows(n_images, k), "labels": [9 - i % 10 for i in range(n_images)]}
        write_pickle(folder / name, batch, protocol)
    write_pickle(folder / "batches.meta", {"label_names": CIFAR10_NAMES}, protocol)
    return folder


def write_cifar100(parent: Path, n_train: int = 4, n_test: int = 2, protocol: int = 2) -> Path:
    """Writes cifar-100-python with the fine classes f00 to f99 and the coarse c00 to c19."""
    folder = parent / "cifar-100-python"
    for seed, (name, n_images) in enumerate({"test": n_test, "train": n_train}.items()):
        fine = [99 - i for i in range(n_images)]
        batch = {
            "data": cifar_rows(n_images, seed),
            "fine_labels": fine,
            "coarse_labels": [number % 20 for number in fine],
        }
        write_pickle(folder / name, batch, protocol)
    meta = {
        "fine_label_names": [f"f{i:02d}" for i in range(100)],
        "coarse_label_names": [f"c{i:02d}" for i in range(20)],
    }
    write_pickle(folder / "meta", meta, protocol)
    return folder


def opened(data: str | Path, **options: object) -> Dataset:
    """open_dataset without a cache and without a word; the options are those of DataConfig."""
    to = {name: options.pop(name) for name in ("cache_dir", "say") if name in options}
    config = DataConfig(**options)  # type: ignore[arg-type]
    return open_dataset(data, config, **{"cache_dir": Path("no-cache"), "say": print, **to})  # type: ignore[arg-type]


def given(dataset: Dataset) -> dict[str, str]:
    """Id -> class name."""
    return {
        id_: dataset.classes[label] for id_, label in zip(dataset.ids, dataset.labels, strict=True)
    }


def reasons(dataset: Dataset) -> dict[str, str]:
    """What was left out, and why."""
    return {skipped.file_name: skipped.reason for skipped in dataset.skipped}


def one_line(message: Iterable[str] | BaseException) -> bool:
    """Whether an error's message is one line."""
    return len(str(message).splitlines()) == 1
