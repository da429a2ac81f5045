"""Computation of the features that were requested, by any of the sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from noisefind.config import AUTO, FINE, PACKAGED, TIMM
from noisefind.data.row_file import given_rows
from noisefind.errors import ConfigError
from noisefind.features.frozen import (
    FeatureView,
    FrozenNetwork,
    frozen_features,
    n_missing_features,
)
from noisefind.features.joined import joined
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
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from noisefind.features.joined import Features
    from noisefind.utils.progress import Progress


@dataclass(frozen=True)
class FeatureOptions:
    """Options of the features; the values are those of the options of ``score``."""

    source: str = "lite0"  # networks separated by commas, or swav, or a .npy file
    views: int = 1  # 2: the mean of each image and its mirror image
    weights: Path | None = None  # of a timm network
    ids_file: Path | None = None  # of a .npy file
    size: int | str = AUTO  # in px, at which a frozen network sees the images
    swav: SwavOptions = field(default_factory=SwavOptions)


REDUCING = "Reducing features"


def open_networks(options: FeatureOptions, progress: Progress) -> tuple[FrozenNetwork, ...]:
    """The networks of ``--features``; none for swav, which is trained, and for a file.

    Raises:
        ConfigError: one is not available, or does not take images of ``--feature-size``; for swav,
            the extra is not installed.
    """
    source = options.source
    if source == "swav":
        lightly_modules()
        return ()
    if Path(source).is_file():
        return ()
    names = source.split(",")
    if len(set(names)) < len(names):
        raise ConfigError(f"--features is {source!r}; it must name each network once")
    return tuple(_open_network(name, options, progress) for name in names)


def _open_network(name: str, options: FeatureOptions, progress: Progress) -> FrozenNetwork:
    if name in PACKAGED:
        return pretrained_network(name)
    if not name.startswith(TIMM):
        raise ConfigError(
            f"--features is {options.source!r}; it must be {', '.join(PACKAGED)}, timm:NAME, "
            "several of these separated by commas, swav or a .npy file"
        )
    network = timm_network(name.removeprefix(TIMM), options.weights, progress)
    if network.own_size and options.size not in (AUTO, FINE, network.own_size):
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
    networks: tuple[FrozenNetwork, ...]  # from open_networks
    pixels: NDArray[np.uint8]  # (N, S, S, 3); for swav at the size that it trains on
    size: int  # in px, at which the network sees them
    key: str  # of the pixels in the cache
    cache: Path
    device: torch.device

    @property
    def views(self) -> list[list[FeatureView]]:
        """Of each network."""
        return views_of(self.networks, self.size, self.options.views)

    def missing(self) -> dict[FeatureView, int]:
        """Views -> number of images whose features have to be computed."""
        found = {
            view: n_missing_features(
                view, self.pixels, key=self.key, cache=self.cache, device=self.device
            )
            for views in self.views
            for view in views
        }
        return {view: n for view, n in found.items() if n > 0}

    @property
    def has_swav(self) -> bool:
        """Whether SwAV need not be trained."""
        return (
            self.options.source != "swav"
            or swav_folder(
                self.pixels, self.options.swav, key=self.key, cache=self.cache, device=self.device
            ).exists()
        )

    def write(self, files: FeatureFiles, ids: tuple[str, ...], progress: Progress) -> None:
        """Compute the features, or take them from the cache, and write them reduced.

        Raises:
            DataError: the user's own features do not fit.
        """
        order = None
        features: Features
        if self.networks:
            features = features_of_views(
                self.views, self.pixels, key=self.key, cache=self.cache, device=self.device,
                progress=progress,
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


def views_of(networks: Sequence[FrozenNetwork], size: int, n_views: int) -> list[list[FeatureView]]:
    """The views of each network at ``size`` px: as it is and, with two, mirrored."""
    mirrored = (False, True)[:n_views]
    return [
        [FeatureView(network, network.own_size or size, is_mirrored) for is_mirrored in mirrored]
        for network in networks
    ]


def features_of_views(
    views: Sequence[Sequence[FeatureView]],
    pixels: NDArray[np.uint8],
    *,
    key: str,
    cache: Path,
    device: torch.device,
    progress: Progress,
) -> Features:
    """(N, d) features of all networks; the views of one network are averaged.

    Every view is computed once for the same pixels and then read from the cache.
    """

    def computed(view: FeatureView) -> NDArray[np.float32]:
        return frozen_features(view, pixels, key=key, cache=cache, device=device, progress=progress)

    return joined([[computed(view) for view in of_network] for of_network in views])
