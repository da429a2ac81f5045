"""Features without labels: SwAV, trained on the dataset's own images.

Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments",
with the head, prototypes and loss of the package lightly (the extra ``swav``) on a ResNet-18: two
views of an image must get the same prototypes, and each batch is spread uniformly over them.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from dataclasses import dataclass, replace
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from noisefind.errors import ConfigError
from noisefind.features.frozen import write_features
from noisefind.features.swav_views import random_view
from noisefind.training.networks import resnet18
from noisefind.training.normalize import QUARTER, to_input
from noisefind.training.optimize import batches, build_optimizer
from noisefind.training.recipe import Recipe
from noisefind.training.schedule import Schedule
from noisefind.utils.cache import build_once, cache_key
from noisefind.utils.device import autocast, place_pixels
from noisefind.utils.files import open_array, whole_file, write_csv
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from noisefind.utils.progress import Progress

FORMAT = 2  # of the stored features; raise it when they change for the same pixels and options
RECIPE = Recipe(  # that of the thesis, for both CIFARs
    "resnet18", members=1, epochs=200, batch_size=512, optimizer="adam", learning_rate=1e-3,
    weight_decay=1e-6, schedule="cosine",
)  # fmt: skip
N_HIDDEN, N_PROJECTED, N_PROTOTYPES = 512, 128, 512
N_FEATURES = 512  # of either output
SAVE_SECONDS = 60.0  # at least, between two checkpoints of 134 MB
OUTPUTS = ("backbone", "prototypes")


@dataclass(frozen=True)
class SwavOptions:
    """Options of the training of SwAV, and the choice of its output as features.

    Attributes:
        epochs: passes over all images.
        output: ``backbone``: the network's own numbers; ``prototypes``: the scores for those.
        seed: of the weights, the order of images and the views.
    """

    epochs: int = 200
    output: str = "backbone"
    seed: int = 0


class SwavFiles(NamedTuple):
    """Paths of the files that a training writes outside of the cache."""

    checkpoint: Path  # the state of an interrupted training; removed at the end
    loss: Path  # the CSV file of the loss, rewritten after every epoch


class SwaV(nn.Module):
    """Images (B, 3, S, S) to their scores (B, 512) for the prototypes: cosines, plus a bias."""

    def __init__(self, image_size: int) -> None:
        super().__init__()
        lightly = lightly_modules()
        network: Any = resnet18(1, image_size)
        n_outputs = network.fc.in_features
        network.fc = nn.Identity()
        self.backbone: nn.Module = network
        self.head: nn.Module = lightly.SwaVProjectionHead(n_outputs, N_HIDDEN, N_PROJECTED)
        self.prototypes: Any = lightly.SwaVPrototypes(N_PROJECTED, N_PROTOTYPES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The scores."""
        projected = F.normalize(self.head(self.backbone(images)), dim=1)
        scores: torch.Tensor = self.prototypes(projected)
        return scores


class SwavTraining:
    """A network with its optimiser and loss."""

    def __init__(self, image_size: int, *, seed: int, device: torch.device) -> None:
        self.model = new_swav(image_size, seed).to(device)
        self.model.backbone.to(memory_format=torch.channels_last)
        self.optimizer = build_optimizer(self.model.parameters(), RECIPE)
        self._criterion = lightly_modules().SwaVLoss()
        self._device = device

    def step(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """One step on two views of each image of uint8 (B, S, S, 3); returns their mean loss."""
        self.model.train()
        self.model.prototypes.normalize()
        views = [random_view(batch, generator) for _ in range(2)]
        with autocast(self._device):
            scores = [self.model(view) for view in views]
        loss: torch.Tensor = self._criterion([one.float() for one in scores], [])
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach().squeeze()

    def save(self, checkpoint: Path, losses: list[float]) -> None:
        """Write the current state."""
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        content = BytesIO()  # torch's own writer hides that a disk is full
        torch.save({**state, "losses": losses}, content)
        with whole_file(checkpoint) as part:
            part.write_bytes(content.getbuffer())

    def load(self, checkpoint: Path) -> list[float]:
        """Restore the state of the checkpoint, if it exists; returns the losses of its epochs."""
        if not checkpoint.exists():
            return []
        state = torch.load(checkpoint, map_location=self._device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        losses: list[float] = state["losses"]
        return losses


def swav_features(
    pixels: NDArray[np.uint8],
    options: SwavOptions,
    files: SwavFiles,
    *,
    key: str,
    cache: Path,
    device: torch.device,
    progress: Progress,
) -> NDArray[np.float32]:
    """The features (N, 512) of ``pixels``, memory-mapped; trained once and then cached.

    Args:
        pixels: (N, S, S, 3) uint8, may be memory-mapped.
        options: epochs, output and seed.
        files: written outside of the cache.
        key: of the pixels in the cache: ``Stored.key``.
        cache: where both outputs are kept.
        device: where to train.
        progress: advanced after every step; prints the loss at every checkpoint.

    Raises:
        ConfigError: the extra is not installed.
    """

    def build(folder: Path) -> None:
        model = train_swav(pixels, options, files, device=device, progress=progress)
        progress.stage("Computing SwAV's features", len(OUTPUTS) * len(pixels))
        for name, part in zip(OUTPUTS, (model.backbone, model), strict=True):
            path = folder / f"{name}.npy"
            write_features(_FromPixels(part), pixels, path, device=device, progress=progress)
        shutil.copyfile(files.loss, folder / "loss.csv")

    place = swav_folder(pixels, options, key=key, cache=cache, device=device)
    folder = build_once(place, build, say=progress.say)
    shutil.copyfile(folder / "loss.csv", files.loss)
    files.checkpoint.unlink(missing_ok=True)
    return cast("NDArray[np.float32]", open_array(folder / f"{options.output}.npy"))


def swav_folder(
    pixels: NDArray[np.uint8],
    options: SwavOptions,
    *,
    key: str,
    cache: Path,
    device: torch.device,
) -> Path:
    """The folder in the cache for the result of :func:`swav_features`."""
    name = cache_key("swav", FORMAT, key, pixels.shape, options.epochs, options.seed, device.type)
    return cache / "features" / name


def train_swav(
    pixels: NDArray[np.uint8],
    options: SwavOptions,
    files: SwavFiles,
    *,
    device: torch.device,
    progress: Progress,
) -> SwaV:
    """Train from the checkpoint on, or from the start; see :func:`swav_features`.

    Every epoch draws from generators of its own, so a resumed training sees the same views.
    """
    epochs, seed = options.epochs, options.seed
    recipe = replace(RECIPE, epochs=epochs)
    training = SwavTraining(pixels.shape[1], seed=seed, device=device)
    losses = training.load(files.checkpoint)
    images, plan = place_pixels(pixels, device), batches(len(pixels), recipe.batch_size)
    schedule = Schedule(recipe, len(plan))
    progress.stage(f"Training SwAV at {pixels.shape[1]} px", (epochs - len(losses)) * len(plan))
    saved = time.monotonic()
    for epoch in range(len(losses), epochs):
        order, views = (
            torch.Generator().manual_seed(derived_seed(seed, "swav", purpose, epoch))
            for purpose in ("order", "views")
        )
        shuffled = torch.randperm(len(pixels), generator=order)
        total = torch.zeros((), device=device)
        for step, batch_rows in enumerate(plan):
            batch = images[shuffled[batch_rows].to(images.device)].to(device)
            training.optimizer.param_groups[0]["lr"] = schedule.rate(epoch * len(plan) + step)
            total += training.step(batch, views) * len(batch)
            progress.advance()
        losses.append(total.item() / len(pixels))
        if not math.isfinite(losses[-1]):
            raise ConfigError(
                f"the training of SwAV has diverged: its loss in epoch {epoch + 1} is not finite; "
                "give another --seed or other --features"
            )
        rows = ((e, f"{x:.6g}") for e, x in enumerate(losses, 1))
        write_csv(files.loss, ("epoch", "loss"), rows)
        if time.monotonic() - saved >= SAVE_SECONDS or epoch == epochs - 1:
            training.save(files.checkpoint, losses)
            saved = time.monotonic()
            progress.say(f"SwAV epoch {epoch + 1} of {epochs}: loss {losses[-1]:.3f}")
    if losses[-1] > 0.99 * math.log(N_PROTOTYPES):
        progress.say(
            f"SwAV's loss is still ln({N_PROTOTYPES}), as if all images were alike: it has learned "
            "almost nothing; it needs more images or more --swav-epochs"
        )
    return training.model


def new_swav(image_size: int, seed: int) -> SwaV:
    """The network before training; the seed determines its weights."""
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        torch.manual_seed(derived_seed(seed, "swav", "weights"))
        return SwaV(image_size)


def lightly_modules() -> Any:
    """lightly's modules and losses, in one namespace.

    Raises:
        ConfigError: it is not installed.
    """
    os.environ["LIGHTLY_DID_VERSION_CHECK"] = "True"  # else versions before 1.6 ask their server
    try:
        from lightly import loss
        from lightly.models import modules
    except ImportError:
        raise ConfigError(
            '--features swav needs the package lightly: pip install "noisefind[swav]"'
        ) from None
    return SimpleNamespace(**vars(modules), SwaVLoss=loss.SwaVLoss)


class _FromPixels(nn.Module):
    """A network that takes uint8 images."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.network(to_input(batch, QUARTER))
        return features
