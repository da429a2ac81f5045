"""The sizes at which images are stored, seen by the feature network, and trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noisefind.config import AUTO, FINE
from noisefind.data.pixels import typical_side
from noisefind.runs.summary import Sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from noisefind.data.dataset import Dataset
    from noisefind.features.compute import FeatureOptions
    from noisefind.features.frozen import FrozenNetwork

SMALL_IMAGE = 64  # px: images up to here are kept at their own size
# Of features in px, by --feature-size: for small images and for photographs. Beyond 160 px small
# images gain nothing, and 224 px is worse.
FEATURE_SIZES = {AUTO: (128, 192), FINE: (160, 256)}


def trains_on_pixels(networks: tuple[str, ...], options: FeatureOptions) -> bool:
    """Whether a member or SwAV is trained from pixels."""
    return bool(set(networks) - {"probe"}) or options.source == "swav"


def choose_sizes(
    dataset: Dataset,
    networks: tuple[str, ...],
    feature_networks: Sequence[FrozenNetwork],
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
        features = FEATURE_SIZES[features][0 if is_small else 1]
        if len(feature_networks) == 1:
            features = feature_networks[0].own_size or features
    network = image_size
    if not isinstance(network, int):
        network = max(8, side) if is_small else SMALL_IMAGE
    # without a network too: image quality and duplicates are judged on the stored pixels
    needed = [max(8, side) if is_small else SMALL_IMAGE]
    if trains_on_pixels(networks, options):
        needed.append(network)
    for feature_network in feature_networks:
        seen = feature_network.own_size or features
        needed.append(min(seen, max(8, side)) if is_small else seen)
    return Sizes(max(needed), features, network)
