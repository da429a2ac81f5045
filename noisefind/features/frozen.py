"""One pass of a frozen network over all images: computed once, then read from the cache.

The features of an image do not depend on the others: all batches have one size, the last is filled
up. So an image that any dataset in the cache has is not computed again.
"""

from __future__ import annotations

import hashlib
from itertools import chain, pairwise, starmap
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.errors import ConfigError
from noisefind.utils.cache import build_once, cache_key
from noisefind.utils.device import to_device
from noisefind.utils.disk import require_space
from noisefind.utils.files import open_array, row_chunks, row_writer, save_array
from noisefind.utils.known_rows import KEYS, Known, fill_known, known_rows, missing_places
from noisefind.utils.numbers import usable_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from noisefind.utils.progress import Progress

FORMAT = 2  # of the stored features; raise it when they change for the same pixels
BATCH = 32  # 16 to 32 images are fastest on a CPU: larger ones fall out of its cache
GPU_BATCH = 512
FEATURES = "features.npy"
ROWS = 1024  # per step of a copy
T = TypeVar("T")
SPACE_HINT = "give --cache-dir a larger disk"


class FrozenNetwork(NamedTuple):
    """A network with its weights, for images of any size that it takes."""

    name: str  # of the network and its weights; part of the key in the cache
    own_size: int | None  # the only side in px that it takes; None: any
    build: Callable[[int], nn.Module]  # of a size: uint8 (B, S, S, 3) to float (B, d)


class FeatureView(NamedTuple):
    """How a network sees the images: one pass over them, with an entry of its own in the cache."""

    network: FrozenNetwork
    size: int  # in px
    is_mirrored: bool = False

    @property
    def stage(self) -> str:
        """The name of the pass for the user."""
        mirrored = ", mirrored" if self.is_mirrored else ""
        title = self.network.name.removeprefix("timm ").split()[0]  # without the digest
        return f"Computing features of {title} at {self.size} px{mirrored}"


def frozen_features(
    view: FeatureView,
    pixels: NDArray[np.uint8],
    *,
    key: str,
    cache: Path,
    device: torch.device,
    progress: Progress,
) -> NDArray[np.float32]:
    """The features (N, d) of ``pixels`` (N, S, S, 3), memory-mapped.

    ``key`` is that of the pixels in the cache: ``Stored.key``.
    """
    place = features_folder(view, key=key, cache=cache, device=device)

    def build(folder: Path) -> None:
        keys = pixel_keys(pixels)
        save_array(folder / KEYS, keys)
        known = known_rows(keys, _neighbours(place), [FEATURES])
        missing = missing_places(len(pixels), known)
        if known:
            n_bytes = (len(pixels) + len(missing)) * known[0].arrays[FEATURES][:1].nbytes
            require_space("the features need", {folder.parent: n_bytes}, SPACE_HINT)
        if len(missing) > 0:
            progress.stage(view.stage, len(missing))
            write_features(
                view.network.build(view.size).to(device), pixels, folder / FEATURES,
                order=missing, is_mirrored=view.is_mirrored, device=device, progress=progress,
            )  # fmt: skip
        if known:
            _join(folder, len(pixels), known, missing)

    folder = build_once(place, build, say=progress.say)
    return cast("NDArray[np.float32]", open_array(folder / FEATURES))


def n_missing_features(
    view: FeatureView, pixels: NDArray[np.uint8], *, key: str, cache: Path, device: torch.device
) -> int:
    """The number of images that :func:`frozen_features` has to compute."""
    place = features_folder(view, key=key, cache=cache, device=device)
    if place.exists():
        return 0
    if not (entries := _neighbours(place)):
        return len(pixels)
    return len(missing_places(len(pixels), known_rows(pixel_keys(pixels), entries, [])))


def features_folder(view: FeatureView, *, key: str, cache: Path, device: torch.device) -> Path:
    """The folder in the cache for the result of :func:`frozen_features`.

    Its name begins with a key of all but the images. The number of CPU threads is part of it,
    because the last digits depend on it.
    """
    means = (device.type, torch.get_num_threads() if device.type == "cpu" else 0)
    kind = cache_key(view.network.name, FORMAT, view.size, view.is_mirrored, means)
    return cache / "features" / f"{kind}-{cache_key(key)}"


def pixel_keys(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """SHA-256 (N, 32) of each of the stored images (N, S, S, 3)."""
    keys = np.empty((len(pixels), 32), np.uint8)
    start = 0
    for rows in row_chunks(pixels, ROWS):
        for row, image in enumerate(rows, start):
            digest = hashlib.sha256(np.ascontiguousarray(image).data).digest()
            keys[row] = np.frombuffer(digest, np.uint8)
        start += len(rows)
    return keys


def write_features(
    module: nn.Module,
    pixels: NDArray[np.uint8],
    path: Path,
    *,
    order: NDArray[np.int64] | None = None,
    is_mirrored: bool = False,
    device: torch.device,
    progress: Progress,
) -> None:
    """Write the outputs of ``module`` for ``pixels`` to ``path``: float32 .npy, (N, d).

    ``order`` are the row numbers of the images to compute; None: all. A GPU computes a batch while
    the next one is read. Where a batch does not fit into its memory, half of it is tried.

    Raises:
        ConfigError: an output is not finite, or a GPU has no memory for a single image.
    """
    module.eval()
    n_batch = batch_size(device)
    n_images = len(pixels) if order is None else len(order)

    def start(rows: NDArray[np.uint8]) -> tuple[int, torch.Tensor]:
        seen = rows[:, :, ::-1] if is_mirrored else rows
        filled = np.resize(seen, (n_batch, *rows.shape[1:]))  # else the last digits would differ
        return len(rows), outputs(module, filled, device)

    def take(n_rows: int, computed: torch.Tensor) -> NDArray[np.float32]:
        features: NDArray[np.float32] = computed.cpu().numpy()
        if not usable_rows(features).all():
            raise ConfigError(
                "the network of --features gives numbers that are not finite; give other "
                "--features or --weights, or another --feature-size"
            )
        return features[:n_rows]

    started = map(start, row_chunks(pixels, n_batch, order))
    taken = starmap(take, _one_ahead(started) if device.type == "cuda" else started)
    first = next(taken)
    with row_writer(path, (n_images, first.shape[1])) as write:
        for features in chain([first], taken):
            write(features)
            progress.advance(len(features))


def batch_size(device: torch.device) -> int:
    """Images in a batch."""
    return BATCH if device.type == "cpu" else GPU_BATCH


@torch.inference_mode()
def outputs(module: nn.Module, batch: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """The outputs (B, d) for images (B, S, S, 3), float32; a GPU may still be computing them.

    In halves where the batch does not fit into its memory. Not in bfloat16, which turned some
    vectors by 10 degrees: the network takes a small part of the time.

    Raises:
        ConfigError: not even one image fits.
    """
    try:
        computed: torch.Tensor = module(to_device(batch, device)).float()
    except torch.cuda.OutOfMemoryError:
        if len(batch) == 1:
            raise ConfigError(
                f"--device {device} has no memory for the network of --features and one image; "
                "give a smaller --feature-size, or --device cpu"
            ) from None
    else:
        return computed
    halves = np.array_split(batch, 2)  # out of the handler, whose error holds the memory
    return torch.cat([outputs(module, half, device) for half in halves])


def _one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Every item, after the next one has been made."""
    for item, _ in pairwise(chain(items, [None])):
        yield cast("T", item)


def _neighbours(place: Path) -> list[Path]:
    """The entries of the same network and view for other datasets."""
    kind = place.name.split("-")[0]
    return sorted(entry for entry in place.parent.glob(f"{kind}-*") if entry != place)


def _join(folder: Path, n_images: int, known: list[Known], missing: NDArray[np.int64]) -> None:
    """Write the features of all images: what is known, and what was computed for the others."""
    path, part = folder / FEATURES, folder / "new.npy"
    if len(missing) > 0:
        path.rename(part)
        new = Known(missing, np.arange(len(missing)), {FEATURES: open_array(part)})
        known = [*known, new]
    n_features = known[0].arrays[FEATURES].shape[1]
    with row_writer(path, (n_images, n_features)) as write:
        for start in range(0, n_images, ROWS):
            chunk = np.empty((min(ROWS, n_images - start), n_features), np.float32)
            fill_known(chunk, start, known, FEATURES)
            write(chunk)
    part.unlink(missing_ok=True)


def resize(batch: torch.Tensor, size: int, mode: str = "bilinear") -> torch.Tensor:
    """uint8 images (B, S, S, 3) as float (B, 3, size, size) of 0 to 255."""
    x = batch.permute(0, 3, 1, 2).float()
    if x.shape[-1] != size:
        x = F.interpolate(x, (size, size), mode=mode, antialias=x.shape[-1] > size)
    return x
