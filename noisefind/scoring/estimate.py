"""Time and disk space that the rest of a run needs, from a first batch of everything."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from noisefind.features import swav
from noisefind.features.frozen import BATCH, batch_size, outputs
from noisefind.features.reduce import N_COMPONENTS
from noisefind.scores.predictions import FIELDS
from noisefind.training.ensemble import training_stage
from noisefind.training.examples import Examples
from noisefind.training.member import train_member
from noisefind.training.probes import train_probes
from noisefind.training.recipe import MemberKind
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from noisefind.features.compute import FeatureTask
    from noisefind.features.frozen import FeatureView
    from noisefind.training.network import NetworkOptions
    from noisefind.training.recipe import Recipe

FLOAT_BYTES = 4
TABLE_BYTES = 500  # of an image in all tables and lists of neighbours
MEASURED_SECONDS = 0.4  # of a measurement, at least: beside other programs a short one misleads
SIDE = 1024  # of the matrices whose product says how fast the machine is
PRODUCT_SECONDS = 0.012  # of that product on the machine of plan.py


class Estimate(NamedTuple):
    """Needs of the rest of a run."""

    seconds: dict[str, float]  # of the stages of features and members, by name
    run_bytes: int  # in the run folder
    cache_bytes: int  # in the cache


class _Forget:
    """An observer that keeps nothing."""

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """Do nothing."""


def estimate(
    task: FeatureTask,
    n_classes: int,
    recipes: dict[str, Recipe],
    options: NetworkOptions,
    *,
    has_features: bool,
    network_size: int,
    n_gpus: int = 0,
) -> Estimate:
    """Seconds of each stage, and bytes: features, members, record.

    Nothing is counted for features that the run folder has (``has_features``), or the cache.
    Every stage runs once to warm up, then for some tenths of a second, on a few images or on
    numbers of the same shape. Members from pixels are divided among ``n_gpus``. Processes on one
    CPU share its cores and are counted as if they ran one after the other.
    """
    n_images, device = len(task.pixels), task.device
    seconds: dict[str, float] = {}
    in_cache = 0
    in_run = run_bytes(recipes, n_images, n_classes)
    if not has_features:
        if not task.has_swav:
            name = f"Training SwAV at {network_size} px"
            per_image, n_features = _swav_cost(network_size, task.options.swav.epochs, device)
            seconds[name] = n_images * per_image
            in_cache += n_images * n_features * FLOAT_BYTES
        for view, n_missing in task.missing().items():
            per_image, n_features = _feature_cost(task, view)
            seconds[view.stage] = n_missing * per_image
            in_cache += n_images * n_features * FLOAT_BYTES
    for kind, recipe in recipes.items():
        if recipe.members == 0:
            continue
        once = _member_seconds(
            recipe, options, n_classes=n_classes, size=network_size, device=device
        )
        is_together = recipe.architecture == "probe"
        in_turn = 1 if is_together else math.ceil(recipe.members / max(1, n_gpus))
        name = training_stage(kind, recipe.members)
        seconds[name] = once * n_images * recipe.epochs * in_turn
    return Estimate(seconds, in_run, in_cache)


def slowness() -> float:
    """By which factor the CPU is slower now than that of plan.py, by a product on one thread."""
    matrix = np.ones((SIDE, SIDE), np.float32)
    with threadpool_limits(1, "blas"):  # two threads on busy cores wait for each other: too slow
        return _clocked(lambda: matrix @ matrix) / PRODUCT_SECONDS


def run_bytes(recipes: dict[str, Recipe], n_images: int, n_classes: int) -> int:
    """Bytes that the reduced features, the tables and the members of ``recipes`` take.

    Each kind needs the spread of its members twice, since the old one is deleted last.
    """
    numbers = min(N_COMPONENTS, n_images)
    for recipe in recipes.values():
        if recipe.members > 0:
            numbers += len(FIELDS) * recipe.members * recipe.epochs + 2 * 2 * n_classes
    return n_images * (numbers * FLOAT_BYTES + TABLE_BYTES)


def _feature_cost(task: FeatureTask, view: FeatureView) -> tuple[float, int]:
    """Seconds for one image, and the number of its features."""
    module = view.network.build(view.size).eval().to(task.device)
    n_batch = batch_size(task.device)  # a GPU prepares each new shape
    rows = np.resize(np.array(task.pixels[:n_batch]), (n_batch, *task.pixels.shape[1:]))
    n_features = 0

    def run() -> None:
        nonlocal n_features
        n_features = outputs(module, rows, task.device).cpu().shape[1]

    seconds = _clocked(run) / n_batch
    return seconds, n_features


def _swav_cost(size: int, epochs: int, device: torch.device) -> tuple[float, int]:
    """Seconds for one image in all epochs of SwAV, and the number of features of both outputs."""
    n_images = BATCH if device.type == "cpu" else swav.RECIPE.batch_size
    training = swav.SwavTraining(size, seed=0, device=device)
    batch = torch.zeros(n_images, size, size, 3, dtype=torch.uint8, device=device)
    seconds = _clocked(lambda: float(training.step(batch, torch.Generator()))) / n_images
    return seconds * epochs, len(swav.OUTPUTS) * swav.N_FEATURES


def _member_seconds(
    recipe: Recipe,
    options: NetworkOptions,
    *,
    n_classes: int,
    size: int,
    device: torch.device,
) -> float:
    """Seconds for one image in one epoch: of one network, or of all probes together."""
    n_images = 2 * recipe.batch_size
    labels = np.arange(n_images, dtype=np.int64) % n_classes
    kind = MemberKind(recipe.architecture, replace(recipe, epochs=1), seed=0)

    def run() -> None:
        if recipe.architecture == "probe":
            features = np.zeros((n_images, N_COMPONENTS), np.float32)
            train_probes(
                Examples(features, labels, n_classes), kind, range(recipe.members),
                device=device, observer=_Forget(), progress=Progress(),
            )  # fmt: skip
        else:
            pixels = np.zeros((n_images, size, size, 3), np.uint8)
            train_member(
                Examples(pixels, labels, n_classes), kind, options, 0,
                device=device, observer=_Forget(), progress=Progress(),
            )  # fmt: skip

    return _clocked(run) / n_images


def _clocked(run: Callable[[], object]) -> float:
    """Mean seconds of a call."""
    run()
    start, n_runs = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < MEASURED_SECONDS or n_runs == 0:
        run()
        n_runs += 1
    return passed / n_runs
