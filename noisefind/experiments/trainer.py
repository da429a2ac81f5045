"""Pixels and features of all parts, and a trainer for them: the one file here that needs torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.data.pixels import Stored, open_pixels, resized_pixels
from noisefind.errors import ConfigError
from noisefind.experiments.splits import Parts, Sources, settle
from noisefind.features.compute import open_network
from noisefind.features.frozen import frozen_features
from noisefind.features.reduce import fit_projection
from noisefind.features.user_file import given_features
from noisefind.scoring.settings import choose_recipe, feature_options, network_options
from noisefind.scoring.sizes import choose_sizes
from noisefind.training.ensemble import try_networks
from noisefind.training.networks import require_known
from noisefind.training.subset_trainer import Split, SubsetData, SubsetTrainer
from noisefind.training.weights import file_digest
from noisefind.utils.device import choose_device, choose_threads, prepare_cpu
from noisefind.utils.files import row_chunks

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from noisefind.config import SweepConfig
    from noisefind.data.dataset import Dataset
    from noisefind.features.frozen import FrozenNetwork
    from noisefind.runs.folder import Ranking
    from noisefind.training.recipe import Recipe
    from noisefind.training.subsets import TrainSubsets
    from noisefind.utils.progress import Progress

CHUNK = 4096
_OF_PIXELS = ("normalize", "crop", "flip", "rotate")  # options that a curve depends on
_OF_FEATURES = ("features", "feature_size")


@dataclass(frozen=True)
class Machine:
    """A trainer that is ready, and the readable images as it sees them."""

    trainer: TrainSubsets
    parts: Parts
    recipe: Recipe
    device: str
    key: str  # what decides a curve besides the images and their labels


def open_machine(
    sources: Sources, ranking: Ranking, max_pixels: int, config: SweepConfig, cache: Path,
    progress: Progress,
) -> Machine:  # fmt: skip
    """Decode what is not in the cache, compute features where a probe is trained on them.

    Args:
        sources: the images.
        ranking: of the run.
        max_pixels: how large an image may be, as for the run.
        config: network, features and machine.
        cache: where pixels and features are kept.
        progress: told how far it is.

    Raises:
        ConfigError: the network or its features cannot be had.
        DataError: the data is not what was scored.
    """
    device, n_threads = choose_device(config.device), choose_threads(config.threads)
    prepare_cpu(n_threads)
    is_probe, networks = config.network == "probe", (config.network,)
    require_known(networks)
    if is_probe and config.features == "swav":
        raise ConfigError(
            "--features swav is trained on the images of a run alone; a sweep of probes needs "
            "pretrained, timm:NAME or a .npy file with a row for every image"
        )
    wanted = feature_options(config)
    frozen = open_network(wanted, progress) if is_probe else None
    sizes = choose_sizes(
        sources.scored, networks, frozen, options=wanted, image_size=config.image_size
    )
    n_classes = len(set(ranking.given_labels))
    try_networks(
        networks, n_classes, sizes.network, weights=config.network_weights, progress=progress
    )

    def stored(dataset: Dataset) -> Stored:
        return open_pixels(
            dataset, sizes.stored, cache=cache, max_pixels=max_pixels, n_threads=n_threads,
            progress=progress,
        )  # fmt: skip

    scored, test = stored(sources.scored), stored(sources.test)
    apart = None if sources.validation is None else stored(sources.validation)
    readable = Sources(
        scored.dataset, None if apart is None else apart.dataset, test.dataset, sources.test_from
    )
    parts = settle(readable, ranking, config.seed, progress)
    every = [scored, test, *([] if apart is None else [apart])]
    arrays: list[NDArray[Any]]
    if is_probe:
        arrays = _features(every, parts, config, frozen, sizes.features, cache, device, progress)
        options = network_options(config, None)
    else:
        arrays = [
            resized_pixels(p.pixels, sizes.network, key=p.key, cache=cache, progress=progress)
            for p in every
        ]
        arrays[0] = _rows(arrays[0], parts.is_train)
        options = network_options(config, arrays[0])
    own = (
        arrays[0][~parts.is_learned]
        if parts.is_validated is None
        else _rows(arrays[2], parts.is_validated)
    )
    recipe = choose_recipe(replace(config, members=1), config.network, int(parts.is_learned.sum()))
    data = SubsetData(
        arrays[0], len(parts.train.classes), Split(own, parts.validation),
        Split(_rows(arrays[1], parts.is_tested), parts.test),
    )  # fmt: skip
    trainer = SubsetTrainer(data, recipe, options, device=device, progress=progress)
    weights = file_digest(config.weights) if config.weights else None
    given = {n: getattr(config, n) for n in (_OF_FEATURES if is_probe else _OF_PIXELS)}
    files = _stamp(config.features) if is_probe else ""
    seen = [p.dataset.fingerprint for p in every], sizes.features if is_probe else sizes.network
    key = repr((asdict(recipe), given, weights, files, seen, device.type))
    return Machine(trainer, parts, recipe, str(device), key)


def _features(
    every: list[Stored], parts: Parts, config: SweepConfig, network: FrozenNetwork | None,
    size: int, cache: Path, device: torch.device, progress: Progress,
) -> list[NDArray[np.float32]]:  # fmt: skip
    """The features of the training images and of the other parts, reduced.

    The axes that they are reduced to are those of the images that are learned from.
    """
    found: list[tuple[NDArray[Any], NDArray[np.int64]]] = []
    for part in every:
        if network is None:
            file = Path(config.features)
            found.append(given_features(file, config.feature_ids, part.dataset.ids))
        else:
            features = frozen_features(
                network, part.pixels, size, key=part.key, cache=cache, device=device,
                progress=progress,
            )  # fmt: skip
            found.append((features, np.arange(len(features))))
    features, order = found[0]
    found[0] = features, order[parts.is_train]
    projection = fit_projection(features, order=found[0][1][parts.is_learned])
    return [
        np.concatenate([projection.apply(chunk) for chunk in row_chunks(f, CHUNK, rows)])
        for f, rows in found
    ]


def _rows(array: NDArray[Any], chosen: NDArray[np.bool_]) -> NDArray[Any]:
    """The chosen rows; a memory-mapped array stays one where they are all."""
    return array if chosen.all() else array[chosen]


def _stamp(features: str) -> str:
    """What tells a changed file of features from the one before; nothing of a network."""
    file = Path(features)
    return file_digest(file) if file.is_file() else ""
