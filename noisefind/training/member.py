"""Train one member from pixels and observe its predictions on every image after every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.training.augment import draw_angles, draw_moves
from noisefind.training.loop import train_epochs
from noisefind.training.network import NetworkTraining, PixelBatch, own_random_state
from noisefind.training.optimize import batches
from noisefind.training.schedule import Schedule, held_out_rows, needs_held_out
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from noisefind.training.examples import Examples
    from noisefind.training.network import NetworkOptions
    from noisefind.training.recipe import MemberKind
    from noisefind.training.record import Observer
    from noisefind.utils.progress import Progress


def train_member(
    examples: Examples,
    kind: MemberKind,
    options: NetworkOptions,
    member: int,
    *,
    device: torch.device,
    observer: Observer,
    progress: Progress,
) -> None:
    """Train the member numbered ``member``; its kind and its number determine it.

    With the schedule ``plateau`` it does not learn from a tenth of the images, whose loss lowers
    the rate. They are predicted like all others, so for this member they are out of sample.

    Args:
        examples: pixels and labels.
        kind: name, recipe and seed.
        options: initial weights, augmentation and normalisation.
        member: its number.
        device: where to train.
        observer: gets the predictions after each epoch.
        progress: advanced once per epoch.

    Raises:
        ConfigError: the initial weights are not those of this network.
    """

    def seed(purpose: str) -> int:
        return derived_seed(kind.seed, kind.name, purpose, member)

    recipe, size, rotates = kind.recipe, examples.inputs.shape[1], options.augmentation.rotate
    order = torch.Generator().manual_seed(seed("order"))
    augmentation = torch.Generator().manual_seed(seed("augmentation"))
    training = NetworkTraining(
        examples, recipe, options, weights_seed=seed("weights"), device=device
    )
    y = torch.from_numpy(examples.labels)
    is_held_out = torch.zeros(len(y), dtype=torch.bool)
    if needs_held_out(recipe):
        is_held_out[torch.from_numpy(held_out_rows(examples.labels, seed("held-out")))] = True
    trained = (~is_held_out).nonzero()[:, 0]
    plan = batches(len(trained), recipe.batch_size)

    def batch(rows: torch.Tensor) -> PixelBatch:
        moves = draw_moves(len(rows), size, augmentation)
        return PixelBatch(rows, moves, draw_angles(len(rows), augmentation) if rotates else None)

    def epochs() -> Iterator[Iterator[PixelBatch]]:
        for _ in range(recipe.epochs):
            shuffled = trained[torch.randperm(len(trained), generator=order)]
            yield map(batch, [shuffled[rows] for rows in plan])

    def after_epoch(epoch: int) -> float | None:
        held_out_loss = 0.0
        for start, log_probs in training.predict(training.images):
            observer.observe(member, epoch, start, log_probs)
            held_out_loss += _summed_loss(log_probs, y, is_held_out, start)
        progress.advance()
        return held_out_loss / int(is_held_out.sum()) if needs_held_out(recipe) else None

    with own_random_state(seed("dropout"), device):
        train_epochs(Schedule(recipe, len(plan)), epochs(), training.learn, after_epoch)


def _summed_loss(
    log_probs: torch.Tensor, labels: torch.Tensor, is_held_out: torch.Tensor, start: int
) -> float:
    """Summed cross-entropy of the held-out images among the rows from ``start`` on."""
    rows = slice(start, start + len(log_probs))
    held_out = is_held_out[rows].nonzero()[:, 0].to(log_probs.device)
    chosen = labels[rows].to(log_probs.device)[held_out]
    return F.nll_loss(log_probs[held_out], chosen, reduction="sum").item()
