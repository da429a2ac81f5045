"""The images of a training from step to step, in an order that all subsets of the data share.

Every pass over the N images has one order and one augmentation of each image, drawn for all of them
from the seed and the number of the pass. A subset sees its images in that order with the others
left out, so two subsets differ by their images and not by chance (as in KellerJordan's airbench).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch

from noisefind.training.augment import Moves, draw_angles, draw_moves
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from noisefind.training.subsets import Phase


class Batch(NamedTuple):
    """Images of one step."""

    rows: torch.Tensor  # (B,)
    passes: torch.Tensor  # (B,) number of the pass that each comes from


class Passes:
    """Random order and augmentation of N images in each pass."""

    def __init__(self, n_images: int, seed: int) -> None:
        self.n_images, self._seed = n_images, seed
        self.order = lru_cache(maxsize=64)(self._order)
        self._drawn = lru_cache(maxsize=4)(self._draw)

    def _order(self, number: int) -> torch.Tensor:
        """(N,) the order of all images."""
        return torch.randperm(self.n_images, generator=self._generator("order", number))

    def moves(self, batch: Batch, size: int) -> tuple[Moves, torch.Tensor]:
        """Shifts, mirrors and angles of the images of a batch, which are ``size`` px large."""
        shifts = torch.zeros(2, len(batch.rows), 1, dtype=torch.int64)
        mirrored = torch.zeros(len(batch.rows), 1, dtype=torch.bool)
        angles = torch.zeros(len(batch.rows))
        for number in sorted(set(batch.passes.tolist())):
            here = batch.passes == number
            (all_shifts, all_mirrored), all_angles = self._drawn(number, size)
            rows = batch.rows[here]
            shifts[:, here], mirrored[here] = all_shifts[:, rows], all_mirrored[rows]
            angles[here] = all_angles[rows]
        return Moves(shifts, mirrored), angles

    def _draw(self, number: int, size: int) -> tuple[Moves, torch.Tensor]:
        generator = self._generator("augmentation", number)
        moves = draw_moves(self.n_images, size, generator)
        return moves, draw_angles(self.n_images, generator)

    def _generator(self, purpose: str, number: int) -> torch.Generator:
        return torch.Generator().manual_seed(derived_seed(self._seed, "subset", purpose, number))


def stream(phases: Sequence[Phase], passes: Passes, batch_size: int) -> Iterator[Batch]:
    """The batches of all phases one after the other, each of exactly ``batch_size`` images.

    A batch that a pass does not fill goes on with the next pass; a phase begins with a new one.
    """
    number = 0
    for phase in phases:
        is_in = torch.zeros(passes.n_images, dtype=torch.bool)
        is_in[torch.from_numpy(phase.rows)] = True
        rows, numbers = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
        for _ in range(phase.steps):
            while len(rows) < batch_size:
                order = passes.order(number)
                rows = torch.cat((rows, order[is_in[order]]))
                more = torch.full((len(rows) - len(numbers),), number)
                numbers, number = torch.cat((numbers, more)), number + 1
            yield Batch(rows[:batch_size], numbers[:batch_size])
            rows, numbers = rows[batch_size:], numbers[batch_size:]
