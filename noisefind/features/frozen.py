"""One pass of a frozen network over all images: computed once, then read from the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.utils.cache import build_once, cache_key
from noisefind.utils.device import autocast
from noisefind.utils.files import open_array, row_chunks, row_writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from noisefind.utils.progress import Progress

FORMAT = 1  # of the stored features; raise it when they change for the same pixels
BATCH = 32  # 16 to 32 images are fastest on a CPU: larger ones fall out of its cache


class FrozenNetwork(NamedTuple):
    """A network with its weights, for images of any size that it takes."""

    name: str  # of the network and its weights; part of the key in the cache
    own_size: int | None  # the only side in px that it takes; None: any
    build: Callable[[int], nn.Module]  # of a size: uint8 (B, S, S, 3) to float (B, d)


def frozen_features(
    network: FrozenNetwork,
    pixels: NDArray[np.uint8],
    size: int,
    *,
    key: str,
    cache: Path,
    device: torch.device,
    progress: Progress,
) -> NDArray[np.float32]:
    """The features (N, d) of ``pixels`` (N, S, S, 3) seen at ``size`` px, memory-mapped.

    ``key`` is that of the pixels in the cache: ``Stored.key``.
    """

    def build(folder: Path) -> None:
        module = network.build(size).to(device)
        progress.stage(f"Computing features at {size} px", len(pixels))
        write_features(module, pixels, folder / "features.npy", device=device, progress=progress)

    place = features_folder(network, size, key=key, cache=cache, device=device)
    folder = build_once(place, build, say=progress.say)
    return cast("NDArray[np.float32]", open_array(folder / "features.npy"))


def features_folder(
    network: FrozenNetwork, size: int, *, key: str, cache: Path, device: torch.device
) -> Path:
    """The folder in the cache for the result of :func:`frozen_features`."""
    return cache / "features" / cache_key(network.name, FORMAT, key, size, device.type)


def write_features(
    module: nn.Module,
    pixels: NDArray[np.uint8],
    path: Path,
    *,
    device: torch.device,
    progress: Progress,
) -> None:
    """Write the outputs of ``module`` for all ``pixels`` to ``path``: float32 .npy, (N, d)."""
    module.eval()

    def run(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = torch.from_numpy(np.ascontiguousarray(rows)).to(device)
        with torch.inference_mode(), autocast(device):
            features: NDArray[np.float32] = module(batch).float().cpu().numpy()
        return features

    n_features = run(pixels[[0]]).shape[1]
    with row_writer(path, (len(pixels), n_features)) as write:
        for rows in row_chunks(pixels, BATCH if device.type == "cpu" else 16 * BATCH):
            write(run(rows))
            progress.advance(len(rows))


def resize(batch: torch.Tensor, size: int, mode: str = "bilinear") -> torch.Tensor:
    """uint8 images (B, S, S, 3) as float (B, 3, size, size) of 0 to 255."""
    x = batch.permute(0, 3, 1, 2).float()
    if x.shape[-1] != size:
        x = F.interpolate(x, (size, size), mode=mode, antialias=x.shape[-1] > size)
    return x
