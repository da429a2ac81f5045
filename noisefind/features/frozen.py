"""One pass of a frozen network over all images: computed once, then read from the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.errors import ConfigError
from noisefind.utils.cache import build_once, cache_key
from noisefind.utils.device import autocast
from noisefind.utils.files import open_array, row_chunks, row_writer
from noisefind.utils.numbers import usable_rows

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

    def build(folder: Path) -> None:
        module = view.network.build(view.size).to(device)
        progress.stage(view.stage, len(pixels))
        write_features(
            module, pixels, folder / "features.npy", is_mirrored=view.is_mirrored, device=device,
            progress=progress,
        )  # fmt: skip

    place = features_folder(view, key=key, cache=cache, device=device)
    folder = build_once(place, build, say=progress.say)
    return cast("NDArray[np.float32]", open_array(folder / "features.npy"))


def features_folder(view: FeatureView, *, key: str, cache: Path, device: torch.device) -> Path:
    """The folder in the cache for the result of :func:`frozen_features`."""
    mirrored = ("mirrored",) if view.is_mirrored else ()
    name = cache_key(view.network.name, FORMAT, key, view.size, device.type, *mirrored)
    return cache / "features" / name


def write_features(
    module: nn.Module,
    pixels: NDArray[np.uint8],
    path: Path,
    *,
    is_mirrored: bool = False,
    device: torch.device,
    progress: Progress,
) -> None:
    """Write the outputs of ``module`` for all ``pixels`` to ``path``: float32 .npy, (N, d).

    Raises:
        ConfigError: an output is not finite.
    """
    module.eval()

    def run(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen = rows[:, :, ::-1] if is_mirrored else rows
        batch = torch.from_numpy(np.ascontiguousarray(seen)).to(device)
        with torch.inference_mode(), autocast(device):
            features: NDArray[np.float32] = module(batch).float().cpu().numpy()
        return features

    n_features = run(pixels[[0]]).shape[1]
    with row_writer(path, (len(pixels), n_features)) as write:
        for rows in row_chunks(pixels, BATCH if device.type == "cpu" else 16 * BATCH):
            features = run(rows)
            if not usable_rows(features).all():
                raise ConfigError(
                    "the network of --features gives numbers that are not finite; give other "
                    "--features or --weights, or another --feature-size"
                )
            write(features)
            progress.advance(len(rows))


def resize(batch: torch.Tensor, size: int, mode: str = "bilinear") -> torch.Tensor:
    """uint8 images (B, S, S, 3) as float (B, 3, size, size) of 0 to 255."""
    x = batch.permute(0, 3, 1, 2).float()
    if x.shape[-1] != size:
        x = F.interpolate(x, (size, size), mode=mode, antialias=x.shape[-1] > size)
    return x
