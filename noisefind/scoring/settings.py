"""The values that features and training need, from the options of ``score``."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from noisefind.config import AUTO, EnsembleConfig, automatic_preset
from noisefind.features.compute import FeatureOptions
from noisefind.features.swav import SwavOptions
from noisefind.training.augment import Augmentation
from noisefind.training.network import NetworkOptions
from noisefind.training.normalize import choose_normalization
from noisefind.training.recipe import Recipe, default_recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noisefind.config import TrainingConfig


def choose_recipes(
    config: EnsembleConfig, networks: tuple[str, ...], n_images: int
) -> dict[str, Recipe]:
    """The recipe of every kind of member: of each network, then of its trajectory members.

    The kind, ``cnn`` or ``cnn-trajectory``, names the folder of the record and is part of every
    seed of its members.
    """
    recipes = {name: choose_recipe(config, name, n_images) for name in networks}
    if config.trajectory_members == 0:
        return recipes
    for name in networks:
        epochs = config.trajectory_epochs
        recipes[f"{name}-trajectory"] = replace(
            recipes[name],
            members=config.trajectory_members,
            epochs=epochs if isinstance(epochs, int) else recipes[name].epochs,
        )
    return recipes


def choose_recipe(config: TrainingConfig, network: str, n_images: int) -> Recipe:
    """The recipe of ``network``: its defaults, replaced by the options that the user gave."""
    names = {f.name for f in fields(Recipe)} & {f.name for f in fields(config)}
    given = {name: getattr(config, name) for name in names}
    recipe = default_recipe(network, n_images)
    return replace(recipe, **{name: value for name, value in given.items() if value != AUTO})


def feature_options(config: TrainingConfig, *, on_gpu: bool) -> FeatureOptions:
    """Options of the features; only ensembles have options for the training of SwAV."""
    swav = SwavOptions(seed=config.seed)
    if isinstance(config, EnsembleConfig):
        swav = SwavOptions(config.swav_epochs, config.swav_output, config.seed)
    preset = automatic_preset(on_gpu=on_gpu)

    def chosen(name: str) -> Any:
        value = getattr(config, name)
        return preset[name] if value == AUTO else value

    return FeatureOptions(
        source=chosen("features"),
        views=chosen("feature_views"),
        weights=config.weights,
        ids_file=config.feature_ids,
        size=chosen("feature_size"),
        swav=swav,
    )


def network_options(config: TrainingConfig, pixels: NDArray[np.uint8] | None) -> NetworkOptions:
    """Options of networks from pixels (N, S, S, 3); the defaults if no network is trained."""
    if pixels is None:
        return NetworkOptions()
    return NetworkOptions(
        weights=config.network_weights,
        augmentation=Augmentation(config.crop, config.flip, config.rotate),
        normalization=choose_normalization(config.normalize, pixels),
    )
