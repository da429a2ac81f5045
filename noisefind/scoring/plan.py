"""Stages of ``noisefind score`` to come, with the seconds that each is expected to take.

Seconds per image are those of two cores of an Intel Xeon, of photographs at 192 px. ``slowness``
is a factor for other machines. Progress corrects both as the stages go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from noisefind.features.compute import REDUCING
from noisefind.scores.distance import SAMPLE
from noisefind.training.ensemble import training_stage
from noisefind.utils.progress import Stage

if TYPE_CHECKING:
    from noisefind.training.recipe import Recipe

OPENING = "Opening the data"
CLUSTERING = "Clustering"
LEAVE_ONE_OUT = "Predicting each label without it"
NOISE_MODEL = "Fitting the noise model"
NEIGHBOURS = "Finding neighbours"
DUPLICATES = "Finding duplicates"
OTHER_SPLITS = "Checking other splits"
MEASURING = "Measuring a first batch"
RANKING = "Ranking"
WRITING = "Writing the run folder"
PIXEL = 1.2e-7  # seconds of the default features for each pixel of an image
MEMBER_PIXEL = 3e-7  # seconds of an epoch of the small CNN
PROBE = 3e-6  # seconds of an epoch of one probe for each image


class Amount(NamedTuple):
    """Number of images, of classes, of images in other splits, and the side of images in px."""

    n_images: int
    n_classes: int
    n_others: int = 0
    size: int = 192


def first_plan(amount: Amount, recipes: dict[str, Recipe]) -> list[Stage]:
    """The stages after opening the data, before anything is measured."""
    n, pixels = amount.n_images, amount.size**2
    seconds = {f"Computing features at {amount.size} px": n * pixels * PIXEL}
    for kind, recipe in recipes.items():
        per_image = PROBE if recipe.architecture == "probe" else MEMBER_PIXEL * pixels
        seconds[training_stage(kind, recipe.members)] = (
            n * per_image * recipe.members * recipe.epochs
        )
    return [
        Stage("Checking files", n * 5e-5),
        Stage("Reading images", n * 1.5e-8 * pixels, is_kept=True),
        Stage(MEASURING, 1.0),
        *work_plan(amount, seconds, 1.0),
    ]


def work_plan(amount: Amount, measured: dict[str, float], slowness: float) -> list[Stage]:
    """The stages after the pixels are read.

    Args:
        amount: of the data.
        measured: name -> seconds on this machine, of features and members that are missing.
        slowness: of this machine.
    """
    n, c, others = amount.n_images, amount.n_classes, amount.n_others
    training = {name: s for name, s in measured.items() if name.startswith("Training ")}
    of_swav = {name: s for name, s in training.items() if "SwAV" in name}
    features = {name: s for name, s in measured.items() if name not in training} | of_swav
    known = [
        (REDUCING, 1.8 + 2e-4 * n, False),
        (CLUSTERING, 0.2 + 4e-4 * min(n, SAMPLE) * max(1, c / 33), False),
    ]
    after = [
        (LEAVE_ONE_OUT, 2e-4 * n + 1.0 * min(1, n / 2000), False),
        (NOISE_MODEL, 0.05 + 2e-6 * min(n, 20_000) * c, False),
        ("Measuring image quality", 4e-4 * n, True),
        (NEIGHBOURS, 1e-4 * n * max(1, min(n, 16_384) / 5000), False),
        ("Resizing to 32 px", 1e-4 * n, True),
        (DUPLICATES, 3e-4 * n, False),
    ]
    if others:
        after += [
            ("Checking files", 5e-5 * others, False),
            ("Reading images", 6e-4 * others, True),
            ("Resizing to 32 px", 1e-4 * others, True),
            (OTHER_SPLITS, 4e-4 * others, False),
        ]
    after += [(RANKING, 2e-5 * n, False), (WRITING, 0.05 + 2e-5 * n, False)]
    return [
        *(Stage(name, s, is_kept=True) for name, s in features.items()),
        *(Stage(name, slowness * s, kept) for name, s, kept in known),
        *(Stage(name, s) for name, s in training.items() if name not in of_swav),
        *(Stage(name, slowness * s, kept) for name, s, kept in after),
    ]
