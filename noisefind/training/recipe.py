"""How each kind of member is trained unless the user says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from noisefind.config import AUTO

if TYPE_CHECKING:
    from noisefind.config import ScoreConfig, TrainingConfig

MIN_STEPS_PER_EPOCH = 16  # small datasets get smaller batches, so that they still take some steps


@dataclass(frozen=True)
class Recipe:
    """The settings of one kind of member; but for the first the names are those of the options."""

    architecture: str
    members: int
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    schedule: str
    schedule_factor: float = 0.5
    schedule_epochs: str | None = None
    schedule_patience: int = 2
    momentum: float = 0.9
    nesterov: bool = True


# The probe's settings were chosen on clothing (symmetric and pair noise) and 10,000 CIFAR-10 images
# (human, symmetric, asymmetric); docs/detection.md has the table. Those of the networks that only
# studies use (the two of the thesis, torchvision's) are usual ones that were not tuned.
RECIPES = {
    "probe": Recipe("probe", 10, 10, 128, "adamw", 1e-3, 0.05, "cosine"),
    "cnn": Recipe("cnn", 4, 12, 128, "sgd", 0.1, 5e-4, "one-cycle"),
    "lite0": Recipe("lite0", 2, 6, 64, "adamw", 5e-4, 0.05, "one-cycle"),
    "resnet18": Recipe("resnet18", 4, 20, 256, "sgd", 0.1, 5e-4, "one-cycle"),
    "one-conv": Recipe("one-conv", 10, 10, 64, "adam", 1e-3, 0.0, "constant"),
}
OTHER = Recipe("", 4, 20, 64, "adamw", 5e-4, 0.05, "one-cycle")


def choose_recipes(
    config: ScoreConfig, networks: tuple[str, ...], n_images: int
) -> dict[str, Recipe]:
    """The recipe of every kind of member: of each network, then of its trajectory members.

    The kind, ``cnn`` or ``cnn-trajectory``, names the folder of the record and is part of every
    seed of its members.
    """
    recipes = {name: choose_recipe(config, name, n_images) for name in networks}
    if isinstance(config.members, int):
        recipes = {k: replace(recipe, members=config.members) for k, recipe in recipes.items()}
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
    """The recipe of ``network`` with the user's options in it and a batch size that fits."""
    recipe = RECIPES.get(network, replace(OTHER, architecture=network))
    largest = max(16, n_images // MIN_STEPS_PER_EPOCH)
    recipe = replace(recipe, batch_size=min(recipe.batch_size, 2 ** (largest.bit_length() - 1)))
    own = {f.name for f in fields(Recipe)} - {"architecture", "members"}
    given = {f.name: getattr(config, f.name) for f in fields(config) if f.name in own}
    return replace(recipe, **{name: value for name, value in given.items() if value != AUTO})


def is_trajectory(kind: str) -> bool:
    """Whether a kind of member is there for ``flips`` and ``forgetting`` alone."""
    return kind.endswith("-trajectory")
