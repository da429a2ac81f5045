"""The sizes at which images are stored, seen by the feature network, and trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noisefind.data.pixels import typical_side
from noisefind.runs.summary import Sizes

if TYPE_CHECKING:
    from noisefind.data.dataset import Dataset
    from noisefind.features.compute import FeatureOptions
    from noisefind.features.frozen import FrozenNetwork

SMALL_IMAGE = 64  # px: images up to here are kept at their own size


def trains_on_pixels(networks: tuple[str, ...], options: FeatureOptions) -> bool:
    """Whether a member or SwAV is trained from pixels."""
    return bool(set(networks) - {"probe"}) or options.source == "swav"


def choose_sizes(
    dataset: Dataset,
    networks: tuple[str, ...],
    feature_network: FrozenNetwork | None,
    *,
    options: FeatureOptions,
    image_size: int | str,
) -> Sizes:
    """Small images keep their size; photographs are made small enough to be fast.

    ``image_size`` is the side at which members are trained, or ``auto``.
    """
    side = typical_side(dataset)
    is_small = 0 < side <= SMALL_IMAGE
    features = options.size
    if not isinstance(features, int):
        own_size = feature_network.own_size if feature_network else None
        features = own_size or (96 if is_small else 192)
    network = image_size
    if not isinstance(network, int):
        network = max(8, side) if is_small else SMALL_IMAGE
    # without a network too: image quality and duplicates are judged on the stored pixels
    needed = [max(8, side) if is_small else SMALL_IMAGE]
    if trains_on_pixels(networks, options):
        needed.append(network)
    if feature_network is not None:
        needed.append(min(features, max(8, side)) if is_small else features)
    return Sizes(max(needed), features, network)
