"""Out-of-sample probabilities by the small CNN that ``score --network cnn`` trains, in 5 folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold

from noisefind import ScoreConfig
from noisefind.data.decode import decoding, read_image
from noisefind.scoring.settings import choose_recipe
from noisefind.training.augment import draw_moves, move
from noisefind.training.network import learn, new_model, predict
from noisefind.training.normalize import choose_normalization, to_input
from noisefind.training.optimize import batches, build_optimizer
from noisefind.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

N_FOLDS = 5
CPU = torch.device("cpu")


def small_pixels(data: Path, ids: Sequence[str], side: int) -> NDArray[np.uint8]:
    """(N, side, side, 3) of the images."""
    with decoding():
        return np.stack([read_image(data / id_, side, ScoreConfig().max_pixels) for id_ in ids])


def out_of_sample_by_cnn(
    pixels: NDArray[np.uint8], labels: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """(N, C) probabilities: each fold by a network that was trained on the other four."""
    n_classes = int(labels.max()) + 1
    probabilities = np.zeros((len(labels), n_classes))
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    for number, (train, test) in enumerate(folds.split(pixels, labels)):
        fold_seed = N_FOLDS * seed + number
        model = trained(pixels[train], labels[train], n_classes, fold_seed)
        normalization = choose_normalization(ScoreConfig().normalize)
        for start, log_probs in predict(model, torch.from_numpy(pixels[test]), normalization, CPU):
            rows = test[start : start + len(log_probs)]
            probabilities[rows] = log_probs.double().exp().numpy()
    return probabilities


def trained(
    pixels: NDArray[np.uint8], labels: NDArray[np.int64], n_classes: int, seed: int
) -> torch.nn.Module:
    """One network, with the recipe and the augmentation of a member."""
    config = ScoreConfig()
    recipe = choose_recipe(config, "cnn", len(labels))
    normalization = choose_normalization(config.normalize)
    model = new_model("cnn", n_classes, pixels.shape[1], seed)
    model = model.to(memory_format=torch.channels_last)
    images, y = torch.from_numpy(pixels), torch.from_numpy(labels)
    plan = batches(len(y), recipe.batch_size)
    optimizer, schedule = build_optimizer(model.parameters(), recipe), Schedule(recipe, len(plan))
    random = torch.Generator().manual_seed(seed)
    model.train()
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(y), generator=random)
        for step, rows in enumerate(plan):
            moves = draw_moves(len(order[rows]), pixels.shape[1], random)
            batch = move(images[order[rows]], moves, crop=config.crop, flip=config.flip)
            optimizer.param_groups[0]["lr"] = schedule.rate(epoch * len(plan) + step)
            learn(model, optimizer, to_input(batch, normalization), y[order[rows]])
    return model
