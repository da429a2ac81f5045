"""Pixels and features of all splits, and a trainer for them; the only file here with torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.data.pixels import Stored, open_pixels, resized_pixels
from noisefind.data.row_file import given_rows
from noisefind.errors import ConfigError
from noisefind.experiments.splits import Sources, Splits, settle
from noisefind.features.compute import features_of_views, open_networks, views_of
from noisefind.features.reduce import fit_projection
from noisefind.scoring.settings import choose_recipe, feature_options, network_options
from noisefind.scoring.sizes import choose_sizes
from noisefind.training.ensemble import try_networks
from noisefind.training.networks import require_known
from noisefind.training.subset_trainer import Split, SubsetData, SubsetTrainer
from noisefind.training.weights import file_digest
from noisefind.utils.device import choose_device, choose_threads, prepare_cpu
from noisefind.utils.files import row_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.config import SweepConfig
    from noisefind.data.dataset import Dataset
    from noisefind.features.joined import Features
    from noisefind.runs.ranking import Ranking
    from noisefind.training.recipe import Recipe
    from noisefind.training.subsets import TrainSubsets
    from noisefind.utils.progress import Progress

CHUNK = 4096
_OF_PIXELS = ("normalize", "crop", "flip", "rotate")  # options that a curve depends on


@dataclass(frozen=True)
class ReadyTrainer:
    """A trainer with its data, and the splits of the readable images."""

    trainer: TrainSubsets
    splits: Splits
    recipe: Recipe
    device: str
    key: str  # all that a curve depends on besides the images and their labels


def open_trainer(
    sources: Sources, ranking: Ranking, config: SweepConfig, *, max_pixels: int, cache: Path,
    progress: Progress,
) -> ReadyTrainer:  # fmt: skip
    """Decode what is not in the cache, compute features where a probe is trained on them.

    Args:
        sources: the images.
        ranking: of the run.
        max_pixels: how large an image may be, as for the run.
        config: network, features and device.
        cache: where pixels and features are kept.
        progress: receives the progress.

    Raises:
        ConfigError: the network or its features are not available.
        DataError: the data is not what was scored.
    """
    device, n_threads = choose_device(config.device), choose_threads(config.threads)
    prepare_cpu(n_threads)
    is_probe, networks = config.network == "probe", (config.network,)
    require_known(networks)
    if is_probe and config.features == "swav":
        raise ConfigError(
            "--features swav is trained on the images of a run alone; a sweep of probes needs "
            "lite0, lite2, timm:NAME or a .npy file with a row for every image"
        )
    wanted = feature_options(config, on_gpu=device.type == "cuda")
    frozen = open_networks(wanted, progress) if is_probe else ()
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

    def features_of(part: Stored) -> tuple[Features, NDArray[np.int64]]:
        """Features, and their row for each image of the split."""
        if not frozen:
            return given_rows(Path(wanted.source), config.feature_ids, part.dataset.ids)
        features = features_of_views(
            views_of(frozen, sizes.features, wanted.views), part.pixels, key=part.key, cache=cache,
            device=device, progress=progress,
        )  # fmt: skip
        return features, np.arange(len(features))

    scored, test = stored(sources.scored), stored(sources.test)
    apart = None if sources.validation is None else stored(sources.validation)
    readable = Sources(
        scored.dataset, None if apart is None else apart.dataset, test.dataset, sources.test_from
    )
    splits = settle(readable, ranking, config.seed, progress)
    every = [scored, test, *([] if apart is None else [apart])]
    arrays: list[NDArray[Any]]
    if is_probe:
        found = [features_of(part) for part in every]
        arrays = [*_reduced(found, splits)]
        options = network_options(config, None)
    else:
        arrays = [
            resized_pixels(p.pixels, sizes.network, key=p.key, cache=cache, progress=progress)
            for p in every
        ]
        arrays[0] = _rows(arrays[0], splits.is_train)
        options = network_options(config, arrays[0])
    own = (
        arrays[0][~splits.is_learned]
        if splits.is_validated is None
        else _rows(arrays[2], splits.is_validated)
    )
    recipe = choose_recipe(config, config.network, int(splits.is_learned.sum()))
    recipe = replace(recipe, members=1)
    data = SubsetData(
        arrays[0], len(splits.train.classes), Split(own, splits.validation),
        Split(_rows(arrays[1], splits.is_tested), splits.test),
    )  # fmt: skip
    trainer = SubsetTrainer(data, recipe, options, device=device, progress=progress)
    weights = file_digest(config.weights) if config.weights else None
    given = {} if is_probe else {n: getattr(config, n) for n in _OF_PIXELS}
    files = _stamp(wanted.source) if is_probe else ""
    of_features = (sizes.features, wanted.source, wanted.views)
    seen = [p.key for p in every], of_features if is_probe else sizes.network
    key = repr((asdict(recipe), given, weights, files, seen, device.type))
    return ReadyTrainer(trainer=trainer, splits=splits, recipe=recipe, device=str(device), key=key)


def _reduced(
    found: list[tuple[Features, NDArray[np.int64]]], splits: Splits
) -> list[NDArray[np.float32]]:
    """The features of the scored images in training, then of the other splits, reduced.

    The principal axes are fitted on the images that subsets are chosen from.
    """
    features, order = found[0]
    train = order[splits.is_train]
    projection = fit_projection(features, order=train[splits.is_learned])
    return [
        np.concatenate([projection.apply(chunk) for chunk in row_chunks(f, CHUNK, rows)])
        for f, rows in ((features, train), *found[1:])
    ]


def _rows(array: NDArray[Any], chosen: NDArray[np.bool_]) -> NDArray[Any]:
    """The chosen rows; a memory-mapped array stays memory-mapped if all rows are chosen."""
    return array if chosen.all() else array[chosen]


def _stamp(features: str) -> str:
    """Digest of a file of features, for the key; empty for a network."""
    file = Path(features)
    return file_digest(file) if file.is_file() else ""
