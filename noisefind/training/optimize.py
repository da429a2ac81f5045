"""Optimisers and batches of all kinds of members."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from noisefind.training.recipe import Recipe


def build_optimizer(
    parameters: Iterable[torch.nn.Parameter], recipe: Recipe
) -> torch.optim.Optimizer:
    """The recipe's optimiser; its learning rate is set before every step by the caller."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        nesterov = recipe.nesterov and recipe.momentum > 0
        return torch.optim.SGD(
            parameters, rate, momentum=recipe.momentum, weight_decay=decay, nesterov=nesterov
        )
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, rate, weight_decay=decay)
    return torch.optim.AdamW(parameters, rate, weight_decay=decay)


def batches(n_images: int, batch_size: int) -> list[slice]:
    """Slices of about ``batch_size`` that cover 0 .. n_images, their sizes equal to within one.

    A remainder as its own batch would give its few images a step of their own (and batch
    normalisation of a single image fails).
    """
    n_batches = max(1, round(n_images / batch_size))
    edges = np.linspace(0, n_images, n_batches + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]
