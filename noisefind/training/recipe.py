"""Default training settings of each kind of member."""

from __future__ import annotations

from dataclasses import dataclass, replace

OWN = "own"  # the kind of member whose predictions come from the user
MIN_STEPS_PER_EPOCH = 16  # small datasets get smaller batches, so that they still take some steps


@dataclass(frozen=True)
class Recipe:
    """The settings of one kind of member; all names but the first are those of the options."""

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
# (human, symmetric, asymmetric); docs/research/detection.md has the table. Networks
# that only studies use (those of the thesis and of torchvision) have usual settings that were not
# tuned.
RECIPES = {
    "probe": Recipe(
        "probe", members=10, epochs=10, batch_size=128, optimizer="adamw", learning_rate=1e-3,
        weight_decay=0.05, schedule="cosine",
    ),
    "cnn": Recipe(
        "cnn", members=4, epochs=12, batch_size=128, optimizer="sgd", learning_rate=0.1,
        weight_decay=5e-4, schedule="one-cycle",
    ),
    "lite0": Recipe(
        "lite0", members=2, epochs=6, batch_size=64, optimizer="adamw", learning_rate=5e-4,
        weight_decay=0.05, schedule="one-cycle",
    ),
    "resnet18": Recipe(
        "resnet18", members=4, epochs=20, batch_size=256, optimizer="sgd", learning_rate=0.1,
        weight_decay=5e-4, schedule="one-cycle",
    ),
    "one-conv": Recipe(
        "one-conv", members=10, epochs=10, batch_size=64, optimizer="adam", learning_rate=1e-3,
        weight_decay=0.0, schedule="constant",
    ),
}  # fmt: skip
OTHER = Recipe(
    "", members=4, epochs=20, batch_size=64, optimizer="adamw", learning_rate=5e-4,
    weight_decay=0.05, schedule="one-cycle",
)  # fmt: skip


def default_recipe(network: str, n_images: int) -> Recipe:
    """The recipe of ``network``, with a batch size that fits the number of images."""
    recipe = RECIPES.get(network, replace(OTHER, architecture=network))
    largest = max(16, n_images // MIN_STEPS_PER_EPOCH)
    return replace(recipe, batch_size=min(recipe.batch_size, 2 ** (largest.bit_length() - 1)))


def own_recipe(members: int, epochs: int) -> Recipe:
    """The recipe of predictions that the user's own training made: nothing else is known of it."""
    return Recipe(
        OWN, members=members, epochs=epochs, batch_size=0, optimizer="", learning_rate=0.0,
        weight_decay=0.0, schedule="",
    )  # fmt: skip


@dataclass(frozen=True)
class MemberKind:
    """Members that differ by their number alone."""

    name: str  # as ``cnn`` or ``cnn-trajectory``; part of every seed of its members
    recipe: Recipe
    seed: int  # of the run


def is_trajectory(kind: str) -> bool:
    """Whether a kind of member is used for ``flips`` and ``forgetting`` alone."""
    return kind.endswith("-trajectory")
