"""What a network is trained on and how right it was: the contract between training and sweeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class Phase(NamedTuple):
    """So many optimiser steps on some of the images, judged ``epochs`` times at even distances."""

    rows: Ints  # rising
    epochs: int
    steps: int


@dataclass(frozen=True)
class Job:
    """One training from scratch.

    Attributes:
        phases: one after the other; but for a curriculum there is one.
        labels: (N,) of all images; only those of the phases' rows are learned.
        seed: of initial weights, order and augmentation; what two jobs of one seed do differently
            comes from their rows and labels alone.
        restart: begin the schedule of the learning rate anew with each phase.
    """

    phases: tuple[Phase, ...]
    labels: Ints
    seed: int
    restart: bool = False

    @property
    def shape(self) -> tuple[object, ...]:
        """What jobs that train side by side have in common."""
        return (self.restart, *((phase.epochs, phase.steps) for phase in self.phases))


class Curve(NamedTuple):
    """Accuracy, 0 to 1, after each of the T epochs."""

    validation: Floats
    test: Floats


Trainer = Callable[[Sequence[Job]], Iterator[tuple[int, Curve]]]
"""Trains jobs and yields, in any order, the number of each and its curve."""
