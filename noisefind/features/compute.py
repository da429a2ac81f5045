"""The features that were asked for: whether they can be had, and their way into the run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noisefind.config import TIMM
from noisefind.errors import ConfigError
from noisefind.features.frozen import FrozenNetwork, features_folder, frozen_features
from noisefind.features.pretrained import pretrained_network
from noisefind.features.reduce import write_reduced
from noisefind.features.swav import lightly_parts, swav_features, swav_folder
from noisefind.features.timm_network import timm_network
from noisefind.features.user_file import given_features

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from noisefind.config import ScoreConfig, TrainingConfig
    from noisefind.runs.folder import RunFolder
    from noisefind.utils.progress import Progress


def open_network(config: TrainingConfig, progress: Progress) -> FrozenNetwork | None:
    """The network that ``--features`` names; None for swav, which is trained, and for a file.

    Raises:
        ConfigError: it cannot be had, or cannot see images of ``--feature-size``; for swav, the
            extra is not installed.
    """
    name = config.features
    if name == "pretrained":
        return pretrained_network()
    if name == "swav":
        lightly_parts()
    if not name.startswith(TIMM):
        if name != "swav" and not Path(name).is_file():
            raise ConfigError(
                f"--features is {name!r}; it must be pretrained, swav, timm:NAME or a .npy file"
            )
        return None
    network = timm_network(name.removeprefix(TIMM), config.weights, progress)
    if network.own_size and config.feature_size not in ("auto", network.own_size):
        raise ConfigError(
            f"--feature-size is {config.feature_size}, but {name} takes only {network.own_size}"
        )
    return network


@dataclass(frozen=True)
class FeatureTask:
    """What the features of a run are computed from, and where they are kept."""

    config: ScoreConfig
    network: FrozenNetwork | None  # from open_network
    pixels: NDArray[np.uint8]  # (N, S, S, 3); for swav at the size that it trains on
    size: int  # in px, at which the network sees them
    key: str  # names the pixels
    cache: Path
    device: torch.device

    @property
    def is_cached(self) -> bool:
        """Whether nothing is left to compute."""
        if self.network is not None:
            folder = features_folder(
                self.network, self.size, key=self.key, cache=self.cache, device=self.device
            )
        elif self.config.features == "swav":
            folder = swav_folder(
                self.pixels, epochs=self.config.swav_epochs, seed=self.config.seed, key=self.key,
                cache=self.cache, device=self.device,
            )  # fmt: skip
        else:
            return True
        return folder.exists()

    def write(self, run: RunFolder, ids: tuple[str, ...], progress: Progress) -> None:
        """Compute the features, or find them in the cache, and write them reduced into ``run``.

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
        elif self.config.features == "swav":
            run.swav_loss.parent.mkdir(exist_ok=True)
            features = swav_features(
                self.pixels, epochs=self.config.swav_epochs, output=self.config.swav_output,
                seed=self.config.seed, key=self.key, cache=self.cache,
                checkpoint=run.swav_checkpoint, loss_file=run.swav_loss, device=self.device,
                progress=progress,
            )  # fmt: skip
        else:
            file = Path(self.config.features)
            features, order = given_features(file, self.config.feature_ids, ids)
        run.reduced_features.parent.mkdir(exist_ok=True)
        write_reduced(features, run.reduced_features, order)
