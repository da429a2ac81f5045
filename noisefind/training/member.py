"""Train one network from pixels and report its predictions on every image after every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.seeds import derived_seed
from noisefind.training.augment import crop_and_flip, rotate
from noisefind.training.networks import build_network, to_input
from noisefind.training.optimize import batches, build_optimizer, learning_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from noisefind.config import ScoreConfig
    from noisefind.progress import Progress
    from noisefind.training.recipe import Recipe
    from noisefind.training.record import Observer

PREDICT_IMAGES = 512  # per batch; more is not faster on a CPU
RESIDENT_SHARE = 0.5  # of a GPU's free memory that the pixels may take


def train_member(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    n_classes: int,
    *,
    network: str,
    member: int,
    recipe: Recipe,
    config: ScoreConfig,
    device: torch.device,
    recorder: Observer,
    progress: Progress,
) -> None:
    """Train the member numbered ``member``; its number and the seed determine it.

    Args:
        pixels: (N, S, S, 3) uint8, may be memory-mapped.
        labels: (N,) given labels.
        n_classes: C.
        network: ``cnn`` or ``resnet18``.
        member: its number.
        recipe: epochs, batch size and optimiser.
        config: seed and augmentation.
        device: where to train.
        recorder: takes the predictions.
        progress: advanced once per epoch.
    """
    order = torch.Generator().manual_seed(derived_seed(config.seed, network, "order", member))
    augmentation = torch.Generator().manual_seed(
        derived_seed(config.seed, network, "augmentation", member)
    )
    model = new_model(network, n_classes, pixels.shape[1], config.seed, member).to(device)
    model.to(memory_format=torch.channels_last)
    images, y = place_pixels(pixels, device), torch.from_numpy(labels)
    optimizer = build_optimizer(model.parameters(), recipe)
    plan = batches(len(y), recipe.batch_size)
    n_steps, step = len(plan) * recipe.epochs, 0
    for epoch in range(recipe.epochs):
        model.train()
        shuffled = torch.randperm(len(y), generator=order)
        for rows in plan:
            chosen = shuffled[rows]
            batch = images[chosen.to(images.device)].to(device)
            optimizer.param_groups[0]["lr"] = learning_rate(recipe, step / n_steps)
            with autocast(device):
                logits = model(_augmented(batch, augmentation, config))
            loss = F.cross_entropy(logits.float(), y[chosen].to(device))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
        for start, log_probs in predict(model, images, device):
            recorder.observe(member, epoch, start, log_probs)
        progress.advance()


def new_model(
    network: str, n_classes: int, image_size: int, seed: int, member: int
) -> torch.nn.Module:
    """A network whose initial weights are determined by the seed and the member's number."""
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        torch.manual_seed(derived_seed(seed, network, "weights", member))
        return build_network(network, n_classes, image_size)


@torch.inference_mode()
def predict(
    model: torch.nn.Module, images: torch.Tensor, device: torch.device
) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield (first row, log-probabilities (n, C) float32) of all images, un-augmented."""
    model.eval()
    for start in range(0, len(images), PREDICT_IMAGES):
        batch = images[start : start + PREDICT_IMAGES].to(device)
        with autocast(device):
            logits = model(to_input(batch))
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


def _augmented(
    batch: torch.Tensor, generator: torch.Generator, config: ScoreConfig
) -> torch.Tensor:
    batch = crop_and_flip(batch, generator, crop=config.crop, flip=config.flip)
    images = to_input(batch)
    return rotate(images, generator) if config.rotate else images
