"""The training loop of probes and networks, of ensembles and subsets."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from noisefind.training.schedule import Schedule

Batch = TypeVar("Batch")


def train_epochs(
    schedule: Schedule,
    epochs: Iterable[Iterable[Batch]],
    learn: Callable[[Batch, float], None],
    after_epoch: Callable[[int], float | None],
) -> None:
    """Learn all batches of all epochs at the schedule's rate.

    Args:
        schedule: gives the learning rate of each step.
        epochs: the batches of each epoch. A batch is requested only after the one before was
            learned, so random numbers are drawn in the order of the steps.
        learn: one step on a batch at a learning rate.
        after_epoch: called with the number of each epoch, from 0. It returns the loss that a
            plateau watches, or None where the schedule watches nothing.
    """
    step = 0
    for number, batches in enumerate(epochs):
        for batch in batches:
            learn(batch, schedule.rate(step))
            step += 1
        loss = after_epoch(number)
        if loss is not None:
            schedule.epoch_ended(loss)
