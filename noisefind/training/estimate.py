"""How long and how large the rest of a run will be, from a first batch of everything."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from noisefind.features.pretrained import BATCH, N_FEATURES, FeatureNetwork
from noisefind.features.reduce import N_COMPONENTS
from noisefind.predictions import FIELDS
from noisefind.progress import Progress
from noisefind.training.member import autocast, train_member
from noisefind.training.normalize import choose_normalization
from noisefind.training.probes import train_probes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from noisefind.config import ScoreConfig
    from noisefind.training.recipe import Recipe

FLOAT_BYTES = 4
FIXED_SECONDS = 5.0  # reduction, k-means and writing, for a few thousand images


class _Forget:
    """In the recorder's place: keeps nothing."""

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """Do nothing."""


def estimate(
    pixels: NDArray[np.uint8],
    n_classes: int,
    recipes: dict[str, Recipe],
    config: ScoreConfig,
    *,
    feature_size: int | None,
    network_size: int,
    device: torch.device,
) -> tuple[float, int]:
    """Seconds and bytes for features (``feature_size`` None: there already), members, record.

    Every stage runs once to warm up and once for the clock, on a few images or on numbers of the
    same shape.
    """
    n_images = len(pixels)
    seconds, n_bytes = FIXED_SECONDS, n_images * N_COMPONENTS * FLOAT_BYTES
    if feature_size is not None:
        seconds += n_images * _feature_seconds(pixels[:BATCH], feature_size, device)
        n_bytes += n_images * N_FEATURES * FLOAT_BYTES
    for recipe in recipes.values():
        if recipe.members == 0:
            continue
        once = _member_seconds(recipe, config, n_classes, network_size, device)
        together = 1 if recipe.architecture == "probe" else recipe.members
        seconds += once * n_images * recipe.epochs * together
        n_bytes += n_images * FLOAT_BYTES * len(FIELDS) * recipe.members * recipe.epochs
        n_bytes += n_images * FLOAT_BYTES * 2 * n_classes
    return seconds, n_bytes


def _feature_seconds(pixels: NDArray[np.uint8], size: int, device: torch.device) -> float:
    network = FeatureNetwork(size).eval().to(device)
    batch = torch.from_numpy(np.array(pixels)).to(device)

    def run() -> None:
        with torch.inference_mode(), autocast(device):
            network(batch).cpu()

    return _clocked(run) / len(pixels)


def _member_seconds(
    recipe: Recipe,
    config: ScoreConfig,
    n_classes: int,
    size: int,
    device: torch.device,
) -> float:
    """Seconds for one image in one epoch: of one network, or of all probes together."""
    n_images = 2 * recipe.batch_size
    labels = np.arange(n_images, dtype=np.int64) % n_classes
    recipe = replace(recipe, epochs=1)

    def run() -> None:
        if recipe.architecture == "probe":
            train_probes(
                np.zeros((n_images, N_COMPONENTS), np.float32), labels, n_classes, kind="probe",
                members=range(recipe.members), recipe=recipe, seed=0, device=device,
                recorder=_Forget(), progress=Progress(),
            )  # fmt: skip
        else:
            train_member(
                np.zeros((n_images, size, size, 3), np.uint8), labels, n_classes,
                kind=recipe.architecture, member=0, recipe=recipe, config=config,
                normalization=choose_normalization("half"), device=device, recorder=_Forget(),
                progress=Progress(),
            )  # fmt: skip

    return _clocked(run) / n_images


def _clocked(run: Callable[[], None]) -> float:
    run()
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
