"""Inputs of a run: images, labels, pixels, the features to compute and the members to train."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisefind.data.left_out import describe_left_out
from noisefind.data.open import open_dataset
from noisefind.data.pixels import open_pixels, resized_pixels, with_view
from noisefind.data.splits import describe_splits, hold_out
from noisefind.detection.label_issues import LEAST_WEIGHT
from noisefind.detection.noise_model import evidence_weights
from noisefind.errors import DataError
from noisefind.features.compute import FeatureTask, open_networks
from noisefind.scoring.estimate import run_bytes
from noisefind.scoring.plan import Amount, first_plan
from noisefind.scoring.settings import choose_recipes, feature_options, network_options
from noisefind.scoring.sizes import choose_sizes, trains_on_pixels
from noisefind.training.ensemble import try_networks
from noisefind.training.networks import require_known
from noisefind.training.recipe import OWN, own_recipe
from noisefind.training.record import n_recorded
from noisefind.training.recorder import n_recorded_epochs
from noisefind.utils.seeds import derived_seed
from noisefind.utils.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from noisefind.config import ScoreConfig
    from noisefind.data.dataset import Dataset
    from noisefind.data.pixels import Stored
    from noisefind.runs.folder import RunFolder
    from noisefind.runs.summary import Sizes
    from noisefind.scoring.context import Context
    from noisefind.training.network import NetworkOptions
    from noisefind.training.recipe import Recipe

SPACE_HINT = "free some, or give -o and --cache-dir folders on a larger disk"


@dataclass(frozen=True)
class Inputs:
    """Inputs of a run.

    Attributes:
        dataset: N images with their labels, without their files.
        held_out: the images that ``--hold-out`` sets aside; None without it.
        stored: decoded pixels of the N images.
        sizes: in px.
        recipes: one for each kind of member.
        features: how to compute the features.
        network_pixels: (N, S, S, 3) at the size of the networks; None where none is trained.
        network_options: of the networks from pixels.
        amount: of images and classes, for the plan.
    """

    dataset: Dataset
    held_out: Dataset | None
    stored: Stored
    sizes: Sizes
    recipes: dict[str, Recipe]
    features: FeatureTask
    network_pixels: NDArray[np.uint8] | None
    network_options: NetworkOptions
    amount: Amount


def open_inputs(data: str | Path, config: ScoreConfig, context: Context, run: RunFolder) -> Inputs:
    """Find the images, decode them, and choose what is trained on them.

    Raises:
        DataError, ConfigError: the data or an option cannot be used. Options are checked first.
        RunError: the disk has too little space for the run.
    """
    networks = config.networks(on_gpu=context.device.type == "cuda")
    require_known(networks)
    wanted = feature_options(config, on_gpu=context.device.type == "cuda")
    feature_networks = open_networks(wanted, context.progress)
    with context.timed("open"):
        dataset, held_out = _open(data, config, context)
        sizes = choose_sizes(
            dataset, networks, feature_networks, options=wanted, image_size=config.image_size
        )
        try_networks(
            networks, len(dataset.classes), sizes.network, weights=config.network_weights,
            progress=context.progress,
        )  # fmt: skip
        recipes = missing_members(_recipes(config, networks, len(dataset)), run)
        n_others = 0 if dataset.elsewhere is None or not config.leaks else len(dataset.elsewhere)
        amount = Amount(len(dataset), len(dataset.classes), n_others, sizes.stored)
        context.progress.plan(first_plan(amount, trained(recipes)))
        in_run = run_bytes(recipes, len(dataset), len(dataset.classes))
    with context.timed("pixels"):
        stored = open_pixels(
            dataset, sizes.stored, cache=context.cache, max_pixels=config.max_pixels,
            n_threads=context.n_threads, progress=context.progress, later={run.path: in_run},
        )  # fmt: skip
        pixels, network_pixels = stored.pixels, None
        if trains_on_pixels(networks, wanted):
            network_pixels = resized_pixels(
                pixels, sizes.network, key=stored.key, cache=context.cache,
                progress=context.progress,
            )  # fmt: skip
    if network_pixels is not None and wanted.source == "swav":
        pixels = network_pixels
    return Inputs(
        dataset=replace(stored.dataset, images=[]),  # pixels are stored now: frees those of a CIFAR
        held_out=held_out,
        stored=stored,
        sizes=sizes,
        recipes=_recipes(config, networks, len(stored.dataset)),
        features=FeatureTask(
            options=wanted, networks=feature_networks, pixels=pixels, size=sizes.features,
            key=stored.key, cache=context.cache, device=context.device,
        ),
        network_pixels=network_pixels,
        amount=amount,
        network_options=network_options(config, network_pixels),
    )  # fmt: skip


def missing_members(recipes: dict[str, Recipe], run: RunFolder) -> dict[str, Recipe]:
    """The recipes with the number of members that are not recorded yet."""
    return {
        kind: replace(recipe, members=recipe.members - n_recorded(run.record / kind))
        for kind, recipe in recipes.items()
    }


def trained(recipes: dict[str, Recipe]) -> dict[str, Recipe]:
    """The recipes without those of the user's own predictions."""
    return {kind: recipe for kind, recipe in recipes.items() if recipe.architecture != OWN}


def _recipes(config: ScoreConfig, networks: tuple[str, ...], n_images: int) -> dict[str, Recipe]:
    """Of the members to train, or of the user's own predictions."""
    if config.record is not None:
        return {OWN: own_recipe(1, n_recorded_epochs(config.record))}
    missing = next((name for name in config.pred_probs if not Path(name).is_file()), None)
    if missing is not None:
        raise DataError(f"--pred-probs {missing}: is no file")
    if config.pred_probs:
        return {OWN: own_recipe(len(config.pred_probs), 1)}
    return choose_recipes(config, networks, n_images)


def _open(
    data: str | Path, config: ScoreConfig, context: Context
) -> tuple[Dataset, Dataset | None]:
    """The images to score, and those that --hold-out sets aside."""
    say = context.progress.say
    dataset = with_view(
        open_dataset(data, config, cache_dir=context.cache, say=say), config.stretch, config.bands,
        max_pixels=config.max_pixels, n_threads=context.n_threads,
    )  # fmt: skip
    left_out = describe_left_out(dataset.skipped)
    n_classes = counted(len(dataset.classes), "class", "classes")
    say(f"{counted(len(dataset), 'image')} in {n_classes} in {data}")
    if left_out:
        say(left_out)
    if text := dataset.view.describe():
        say(f"{text}; --stretch shows them otherwise")
    for line in describe_splits(dataset):
        say(line)
    for line in _few(dataset):
        say(line)
    kept, held_out = hold_out(dataset, config.hold_out, derived_seed(config.seed, "hold-out"))
    if held_out is not None:
        say(f"set aside: {counted(len(held_out), 'image')}; scored: {len(kept):,}")
    return kept, held_out


def _few(dataset: Dataset) -> Iterator[str]:
    """A line for the classes too small to judge, and one for those whose evidence counts less."""
    sizes = np.bincount(dataset.labels)
    weights = evidence_weights(dataset.labels, len(dataset.classes))
    is_too_few, is_few = weights < LEAST_WEIGHT, (weights >= LEAST_WEIGHT) & (weights < 1)
    for chosen, effect in (
        (is_too_few, "too few to judge, none of their labels is flagged"),
        (is_few, "few, their label_score is less certain"),
    ):
        names = [dataset.classes[row] for row in np.flatnonzero(chosen)]
        if names:
            n_classes = counted(len(names), "class has", "classes have")
            most = counted(int(sizes[chosen].max()), "image")
            yield f"{n_classes} at most {most}, {effect}: {listed(names)}"
