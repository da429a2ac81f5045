"""Computation of the features that were requested, by any of the sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from noisefind.config import AUTO, TIMM
from noisefind.data.row_file import given_rows
from noisefind.errors import ConfigError
from noisefind.features.frozen import FrozenNetwork, features_folder, frozen_features
from noisefind.features.pretrained import pretrained_network
from noisefind.features.reduce import write_reduced
from noisefind.features.swav import (
    SwavFiles,
    SwavOptions,
    lightly_modules,
    swav_features,
    swav_folder,
)
from noisefind.features.timm_network import timm_network

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from noisefind.utils.progress import Progress


@dataclass(frozen=True)
class FeatureOptions:
    """Options of the features; the values are those of the options of ``score``."""

    source: str = "pretrained"  # or swav, timm:NAME, a .npy file
    weights: Path | None = None  # of a timm network
    ids_file: Path | None = None  # of a .npy file
    size: int | str = AUTO  # in px, at which a frozen network sees the images
    swav: SwavOptions = field(default_factory=SwavOptions)


REDUCING = "Reducing features"


def open_network(options: FeatureOptions, progress: Progress) -> FrozenNetwork | None:
    """The network of ``--features``; None for swav, which is trained, and for a file.

    Raises:
        ConfigError: it is not available, or does not take images of ``--feature-size``; for swav,
            the extra is not installed.
    """
    name = options.source
    if name == "pretrained":
        return pretrained_network()
    if name == "swav":
        lightly_modules()
    if not name.startswith(TIMM):
        if name != "swav" and not Path(name).is_file():
            raise ConfigError(
                f"--features is {name!r}; it must be pretrained, swav, timm:NAME or a .npy file"
            )
        return None
    network = timm_network(name.removeprefix(TIMM), options.weights, progress)
    if network.own_size and options.size not in (AUTO, network.own_size):
        raise ConfigError(
            f"--feature-size is {options.size}, but {name} takes only {network.own_size}"
        )
    return network


class FeatureFiles(NamedTuple):
    """Paths of the files of features in a run folder."""

    reduced: Path
    swav: SwavFiles


@dataclass(frozen=True)
class FeatureTask:
    """All input that the features of a dataset are computed from."""

    options: FeatureOptions
    network: FrozenNetwork | None  # from open_network
    pixels: NDArray[np.uint8]  # (N, S, S, 3); for swav at the size that it trains on
    size: int  # in px, at which the network sees them
    key: str  # of the pixels in the cache
    cache: Path
    device: torch.device

    @property
    def is_cached(self) -> bool:
        """Whether nothing has to be computed."""
        if self.network is not None:
            folder = features_folder(
                self.network, self.size, key=self.key, cache=self.cache, device=self.device
            )
        elif self.options.source == "swav":
            folder = swav_folder(
                self.pixels, self.options.swav, key=self.key, cache=self.cache, device=self.device
            )
        else:
            return True
        return folder.exists()

    def write(self, files: FeatureFiles, ids: tuple[str, ...], progress: Progress) -> None:
        """Compute the features, or take them from the cache, and write them reduced.

        Raises:
            DataError: the user's own features do not fit.
        """
        order = None
        features: NDArray[np.floating]
        if self.network is not None:
            features = frozen_features(
                self.network, self.pixels, self.size, key=self.key, cache=self.cache,
                device=self.device, progress=progress,
            )  # fmt: skip
        elif self.options.source == "swav":
            files.swav.loss.parent.mkdir(exist_ok=True)
            features = swav_features(
                self.pixels, self.options.swav, files.swav, key=self.key, cache=self.cache,
                device=self.device, progress=progress,
            )  # fmt: skip
        else:
            features, order = given_rows(Path(self.options.source), self.options.ids_file, ids)
        files.reduced.parent.mkdir(exist_ok=True)
        progress.stage(REDUCING, 3 * len(ids))
        write_reduced(features, files.reduced, order, advance=progress.advance)
