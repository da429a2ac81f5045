"""How each kind of member is trained unless the user says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from noisefind.config import AUTO

if TYPE_CHECKING:
    from noisefind.config import ScoreConfig

MIN_STEPS_PER_EPOCH = 16  # small datasets get smaller batches, so that they still take some steps


@dataclass(frozen=True)
class Recipe:
    """The settings of one kind of member; the names are those of the options."""

    members: int
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    schedule: str
    momentum: float = 0.9


# The probe's settings were chosen on clothing (symmetric and pair noise) and 10,000 CIFAR-10 images
# (human, symmetric, asymmetric); docs/detection.md has the table.
RECIPES = {
    "probe": Recipe(10, 10, 128, "adamw", 1e-3, 0.05, "cosine"),
    "cnn": Recipe(4, 12, 128, "sgd", 0.1, 5e-4, "one-cycle"),
    "resnet18": Recipe(4, 20, 256, "sgd", 0.1, 5e-4, "one-cycle"),
}


def choose_recipe(config: ScoreConfig, network: str, n_images: int) -> Recipe:
    """The recipe of ``network`` with the user's options in it and a batch size that fits."""
    recipe = RECIPES[network]
    largest = max(16, n_images // MIN_STEPS_PER_EPOCH)
    recipe = replace(recipe, batch_size=min(recipe.batch_size, 2 ** (largest.bit_length() - 1)))
    given = {f.name: getattr(config, f.name) for f in fields(Recipe)}
    return replace(recipe, **{name: value for name, value in given.items() if value != AUTO})
