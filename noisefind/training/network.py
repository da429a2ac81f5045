"""One network that is trained from pixels: initial weights, steps and predictions."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.training.augment import Augmentation, Moves, move, turn
from noisefind.training.networks import build_network, main_logits
from noisefind.training.normalize import QUARTER, Normalization, to_input
from noisefind.training.optimize import build_optimizer
from noisefind.training.weights import load_weights
from noisefind.utils.device import autocast, place_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from noisefind.training.examples import Examples
    from noisefind.training.recipe import Recipe

PREDICT_IMAGES = 512  # per batch of small images; more is not faster on a CPU
PREDICT_PIXELS = 512 * 64**2  # per batch at most: activations of larger images would fill memory


@dataclass(frozen=True)
class NetworkOptions:
    """Options of networks from pixels besides their recipe."""

    weights: Path | None = None  # a state_dict to start from; None: random weights
    augmentation: Augmentation = field(default_factory=Augmentation)
    normalization: Normalization = QUARTER


class PixelBatch(NamedTuple):
    """The images of one step, and their random changes."""

    rows: torch.Tensor  # (B,)
    moves: Moves
    angles: torch.Tensor | None  # (B,) radians; None: no rotation


class NetworkTraining:
    """A network with its optimiser and the images that it learns from."""

    def __init__(
        self,
        examples: Examples,
        recipe: Recipe,
        options: NetworkOptions,
        *,
        weights_seed: int,
        device: torch.device,
    ) -> None:
        """Build the network.

        Raises:
            ConfigError: the initial weights are not those of this network.
        """
        name, size = recipe.architecture, examples.inputs.shape[1]
        model = new_model(name, examples.n_classes, size, weights_seed)
        if options.weights is not None:
            load_weights(
                model, options.weights, name=name, n_classes=examples.n_classes, image_size=size
            )
        self.model = model.to(device).to(memory_format=torch.channels_last)
        self.images = place_pixels(examples.inputs, device)
        self._labels = torch.from_numpy(examples.labels)
        self._optimizer = build_optimizer(self.model.parameters(), recipe)
        self._options, self._device = options, device

    def learn(self, batch: PixelBatch, rate: float) -> None:
        """One step at a learning rate."""
        augmentation = self._options.augmentation
        self._optimizer.param_groups[0]["lr"] = rate
        images = self.images[batch.rows.to(self.images.device)].to(self._device)
        images = move(images, batch.moves, crop=augmentation.crop, flip=augmentation.flip)
        inputs = to_input(images, self._options.normalization)
        if batch.angles is not None:
            inputs = turn(inputs, batch.angles)
        if not self.model.training:
            self.model.train()
        learn(self.model, self._optimizer, inputs, self._labels[batch.rows].to(self._device))

    def predict(self, images: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield (first row, log-probabilities (n, C) float32) of images, un-augmented."""
        return predict(self.model, images, self._options.normalization, self._device)


def learn(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: torch.Tensor,
    labels: torch.Tensor,
) -> None:
    """One step on normalised images (B, 3, S, S)."""
    with autocast(inputs.device):
        logits = main_logits(model(inputs))
    loss = F.cross_entropy(logits.float(), labels)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


@torch.inference_mode()
def predict(
    model: torch.nn.Module,
    images: torch.Tensor,
    normalization: Normalization,
    device: torch.device,
) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield (first row, log-probabilities (n, C) float32) of uint8 images, un-augmented."""
    model.eval()
    n_images = max(1, min(PREDICT_IMAGES, PREDICT_PIXELS // images.shape[1] ** 2))
    for start in range(0, len(images), n_images):
        batch = images[start : start + n_images].to(device)
        with autocast(device):
            logits = model(to_input(batch, normalization))
        yield start, F.log_softmax(logits.float(), dim=1)


def new_model(network: str, n_classes: int, image_size: int, seed: int) -> torch.nn.Module:
    """A network whose initial weights are determined by the seed."""
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        torch.manual_seed(seed)
        return build_network(network, n_classes, image_size)


@contextmanager
def own_random_state(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout draws from PyTorch's global state: this seeds it and restores it afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
