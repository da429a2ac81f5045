"""The learning rate of a member from step to step, and the held-out images of ``plateau``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.training.recipe import Recipe

WARM_UP = 0.2  # share of the steps in which the one-cycle schedule rises
IMPROVEMENT = 1e-4  # share by which a loss must fall to count as better; PyTorch's default
HELD_OUT = 10  # every tenth image


class Schedule:
    """The learning rate of one member, or of members that train together."""

    def __init__(self, recipe: Recipe, steps_per_epoch: float) -> None:
        self._recipe, self._steps_per_epoch = recipe, steps_per_epoch
        self._best, self._n_bad, self._cut = math.inf, 0, 1.0

    def rate(self, step: int) -> float:
        """The rate at a step, counted from 0 over all epochs.

        ``cosine`` falls from the full rate to 0; ``one-cycle`` rises from 0 over the first fifth
        and then falls linearly to 0; ``steps`` is multiplied by the factor after each of the
        epochs named, ``plateau`` as :meth:`epoch_ended` describes.
        """
        recipe = self._recipe
        done = step / (self._steps_per_epoch * recipe.epochs)
        share = self._cut
        if recipe.schedule == "cosine":
            share = 0.5 * (1 + math.cos(math.pi * done))
        elif recipe.schedule == "one-cycle":
            # never quite 0: the first step would otherwise be lost
            share = max(1e-3, min(done / WARM_UP, (1 - done) / (1 - WARM_UP)))
        elif recipe.schedule == "steps":
            epoch = int(step // self._steps_per_epoch)
            passed = [e for e in (recipe.schedule_epochs or "").split(",") if e and int(e) <= epoch]
            share = recipe.schedule_factor ** len(passed)
        return recipe.learning_rate * share

    def epoch_ended(self, held_out_loss: float) -> None:
        """Lower the rate after more than ``schedule_patience`` epochs without a better loss.

        As PyTorch's ReduceLROnPlateau with its defaults: with patience 2 the third such epoch
        lowers it, and the count starts again.
        """
        if held_out_loss < self._best * (1 - IMPROVEMENT):
            self._best, self._n_bad = held_out_loss, 0
        else:
            self._n_bad += 1
        if self._n_bad > self._recipe.schedule_patience:
            self._cut, self._n_bad = self._cut * self._recipe.schedule_factor, 0


def needs_held_out(recipe: Recipe) -> bool:
    """Whether a plateau could lower the rate before the last epoch.

    The first epoch sets the best loss, patience + 1 must pass without a better one, and one more
    must follow. A member that trains for fewer can as well learn from every image.
    """
    return recipe.schedule == "plateau" and recipe.epochs >= recipe.schedule_patience + 3


def held_out_rows(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Rows, rising, of about a tenth of the images: of each class a tenth, to within one image.

    Args:
        labels: (N,) given labels, N at least 2.
        seed: decides which.

    Returns:
        (M,) with M at least 1. The only image of a class is not taken unless all are such.
    """
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(labels)), labels))  # by class, shuffled within
    has_others = (np.bincount(labels) > 1)[labels[order]]
    candidates = order[has_others] if has_others.any() else order
    every = min(HELD_OUT, len(candidates))
    return np.sort(candidates[rng.integers(every) :: every]).astype(np.int64)
