"""Subset jobs and their accuracy curves: the contract between training and experiments."""

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
    """A number of steps on some of the images, evaluated ``epochs`` times at equal distances."""

    rows: Ints  # rising
    epochs: int
    steps: int


@dataclass(frozen=True)
class SubsetJob:
    """One training from scratch.

    Attributes:
        phases: one after the other; only a curriculum has several.
        labels: (N,) of all images; only those of the phases' rows are learned.
        seed: of initial weights, order and augmentation; two jobs with the same seed differ by
            their rows and labels alone.
        restart: restart the schedule of the learning rate with each phase.
        name: of the subset, for messages.
    """

    phases: tuple[Phase, ...]
    labels: Ints
    seed: int
    restart: bool = False
    name: str = ""

    @property
    def shape(self) -> tuple[object, ...]:
        """Jobs of the same shape can be trained together."""
        return (self.restart, *((phase.epochs, phase.steps) for phase in self.phases))


class Curve(NamedTuple):
    """Accuracy, 0 to 1, after each of the T epochs."""

    validation: Floats
    test: Floats


TrainSubsets = Callable[[Sequence[SubsetJob]], Iterator[tuple[int, Curve]]]
"""Trains jobs and yields the number of each and its curve, in any order."""
