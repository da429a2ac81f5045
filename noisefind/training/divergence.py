"""Detection of trainings that diverge: their predictions are no longer usable numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from noisefind.errors import ConfigError
from noisefind.utils.numbers import LIMIT

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from noisefind.training.recipe import MemberKind, Recipe
    from noisefind.training.record import Observer


@dataclass(frozen=True)
class DivergenceCheck:
    """An observer that passes predictions on, unless the member has diverged.

    Attributes:
        observer: receives the predictions.
        kind: of the members, for the message.
        weights: the initial weights of the user, if there are any.
    """

    observer: Observer
    kind: MemberKind
    weights: Path | None = None

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """Pass the predictions on.

        Raises:
            ConfigError: a number is not finite.
        """
        if not are_usable(log_probs):
            raise divergence_error(
                f"{self.kind.name} member {member}", epoch, self.kind.recipe, self.weights
            )
        self.observer.observe(member, epoch, start, log_probs)


def are_usable(outputs: torch.Tensor) -> bool:
    """Whether all numbers are finite and not larger than ``LIMIT``; NaN is not."""
    return bool(outputs.abs().amax() <= LIMIT)


def divergence_error(who: str, epoch: int, recipe: Recipe, weights: Path | None) -> ConfigError:
    """The error of a training that diverged; ``epoch`` counts from 0."""
    other = f", or other --weights than {weights}" if weights else ""
    return ConfigError(
        f"{who} has diverged: its predictions after epoch {epoch + 1} are not finite; give a "
        f"lower --learning-rate (it is {recipe.learning_rate:g} with --optimizer "
        f"{recipe.optimizer}){other}"
    )
