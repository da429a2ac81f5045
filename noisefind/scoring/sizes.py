"""How large images are stored, seen by the feature network, and trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from noisefind.data.pixels import typical_side

if TYPE_CHECKING:
    from noisefind.config import TrainingConfig
    from noisefind.data.dataset import Dataset
    from noisefind.features.frozen import FrozenNetwork

SMALL_IMAGE = 64  # px: images up to here are kept at their own size


@dataclass(frozen=True)
class Sizes:
    """Sides in px of what is stored, seen by the feature network, and trained on."""

    stored: int
    features: int
    network: int


def trains_on_pixels(config: TrainingConfig, networks: tuple[str, ...]) -> bool:
    """Whether anything but the frozen feature network looks at pixels."""
    return set(networks) != {"probe"} or config.features == "swav"


def choose_sizes(
    dataset: Dataset,
    config: TrainingConfig,
    networks: tuple[str, ...],
    feature_network: FrozenNetwork | None,
) -> Sizes:
    """Small images are kept as they are; photographs are made small enough to be fast."""
    side = typical_side(dataset)
    is_small = 0 < side <= SMALL_IMAGE
    features = config.feature_size
    if not isinstance(features, int):
        own_size = feature_network.own_size if feature_network else None
        features = own_size or (96 if is_small else 192)
    network = config.image_size
    if not isinstance(network, int):
        network = max(8, side) if is_small else SMALL_IMAGE
    needed = [network] if trains_on_pixels(config, networks) else []
    if feature_network is not None:
        needed.append(min(features, max(8, side)) if is_small else features)
    return Sizes(max(needed, default=8), features, network)
