"""Train one network from pixels and report its predictions on every image after every epoch."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.training.augment import crop_and_flip, rotate
from noisefind.training.networks import build_network, main_logits
from noisefind.training.normalize import to_input
from noisefind.training.optimize import batches, build_optimizer
from noisefind.training.schedule import Schedule, held_out_rows, needs_held_out
from noisefind.training.weights import load_weights
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from noisefind.config import TrainingConfig
    from noisefind.training.normalize import Normalization
    from noisefind.training.recipe import Recipe
    from noisefind.training.record import Observer
    from noisefind.utils.progress import Progress

PREDICT_IMAGES = 512  # per batch of small images; more is not faster on a CPU
PREDICT_PIXELS = 512 * 64**2  # per batch at most: activations of larger images would fill memory
RESIDENT_SHARE = 0.5  # of a GPU's free memory that the pixels may take


def train_member(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    n_classes: int,
    *,
    kind: str,
    member: int,
    recipe: Recipe,
    config: TrainingConfig,
    normalization: Normalization,
    device: torch.device,
    recorder: Observer,
    progress: Progress,
) -> None:
    """Train the member numbered ``member``; its kind, its number and the seed determine it.

    With the schedule ``plateau`` it does not train on a tenth of the images, whose loss lowers the
    rate. They are predicted like all others, so for this member they are out of sample.

    Args:
        pixels: (N, S, S, 3) uint8, may be memory-mapped.
        labels: (N,) given labels.
        n_classes: C.
        kind: name of this kind of member; part of its seeds.
        member: its number.
        recipe: network, epochs, batch size, optimiser and schedule.
        config: seed, initial weights and augmentation.
        normalization: of the pixels.
        device: where to train.
        recorder: takes the predictions.
        progress: advanced once per epoch.

    Raises:
        ConfigError: the initial weights are not this network's.
    """

    def seed(purpose: str) -> int:
        return derived_seed(config.seed, kind, purpose, member)

    order = torch.Generator().manual_seed(seed("order"))
    augmentation = torch.Generator().manual_seed(seed("augmentation"))
    name, image_size = recipe.architecture, pixels.shape[1]
    model = new_model(name, n_classes, image_size, seed("weights"))
    if config.network_weights is not None:
        load_weights(
            model, config.network_weights, name=name, n_classes=n_classes, image_size=image_size
        )
    model = model.to(device).to(memory_format=torch.channels_last)
    images, y = place_pixels(pixels, device), torch.from_numpy(labels)
    is_held_out = torch.zeros(len(y), dtype=torch.bool)
    if needs_held_out(recipe):
        is_held_out[torch.from_numpy(held_out_rows(labels, seed("held-out")))] = True
    trained = (~is_held_out).nonzero()[:, 0]
    plan = batches(len(trained), recipe.batch_size)
    optimizer = build_optimizer(model.parameters(), recipe)
    schedule, step = Schedule(recipe, len(plan)), 0
    with own_random_state(seed("dropout"), device):
        for epoch in range(recipe.epochs):
            model.train()
            shuffled = trained[torch.randperm(len(trained), generator=order)]
            for rows in plan:
                chosen = shuffled[rows]
                batch = images[chosen.to(images.device)].to(device)
                batch = _augmented(batch, augmentation, config, normalization)
                optimizer.param_groups[0]["lr"] = schedule.rate(step)
                learn(model, optimizer, batch, y[chosen].to(device))
                step += 1
            held_out_loss = 0.0
            for start, log_probs in predict(model, images, normalization, device):
                recorder.observe(member, epoch, start, log_probs)
                held_out_loss += _summed_loss(log_probs, y, is_held_out, start)
            if needs_held_out(recipe):
                schedule.epoch_ended(held_out_loss / int(is_held_out.sum()))
            progress.advance()


def learn(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: torch.Tensor,
    labels: torch.Tensor,
) -> None:
    """One step."""
    with autocast(batch.device):
        logits = main_logits(model(batch))
    loss = F.cross_entropy(logits.float(), labels)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def new_model(network: str, n_classes: int, image_size: int, seed: int) -> torch.nn.Module:
    """A network whose initial weights are determined by the seed."""
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        torch.manual_seed(seed)
        return build_network(network, n_classes, image_size)


@torch.inference_mode()
def predict(
    model: torch.nn.Module,
    images: torch.Tensor,
    normalization: Normalization,
    device: torch.device,
) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield (first row, log-probabilities (n, C) float32) of all images, un-augmented."""
    model.eval()
    n_images = max(1, min(PREDICT_IMAGES, PREDICT_PIXELS // images.shape[1] ** 2))
    for start in range(0, len(images), n_images):
        batch = images[start : start + n_images].to(device)
        with autocast(device):
            logits = model(to_input(batch, normalization))
        yield start, F.log_softmax(logits.float(), dim=1)


def place_pixels(pixels: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """The pixels as a tensor: on the GPU if they fit there, else where they are."""
    images = torch.from_numpy(pixels)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if images.numel() < RESIDENT_SHARE * free:
            return images.to(device)
    return images


def autocast(device: torch.device) -> torch.autocast:
    """Half precision on a GPU only: on a CPU without AMX it is 4 to 8 times slower."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")


@contextmanager
def own_random_state(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout draws from PyTorch's global state: it is seeded here and given back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _summed_loss(
    log_probs: torch.Tensor, labels: torch.Tensor, is_held_out: torch.Tensor, start: int
) -> float:
    """Summed cross-entropy of the held-out images among the rows from ``start`` on."""
    rows = slice(start, start + len(log_probs))
    held_out = is_held_out[rows].nonzero()[:, 0].to(log_probs.device)
    chosen = labels[rows].to(log_probs.device)[held_out]
    return F.nll_loss(log_probs[held_out], chosen, reduction="sum").item()


def _augmented(
    batch: torch.Tensor,
    generator: torch.Generator,
    config: TrainingConfig,
    normalization: Normalization,
) -> torch.Tensor:
    batch = crop_and_flip(batch, generator, crop=config.crop, flip=config.flip)
    images = to_input(batch, normalization)
    return rotate(images, generator) if config.rotate else images
