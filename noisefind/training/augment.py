"""Random crops, flips and rotations of whole batches of tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

MAX_SHIFT = 1 / 8  # of the side
MAX_DEGREES = 15.0


@dataclass(frozen=True)
class Augmentation:
    """The random changes that are applied to the images of a batch."""

    crop: bool = True
    flip: bool = True
    rotate: bool = False


class Moves(NamedTuple):
    """Random shifts and mirrors of B images, drawn whether they are used or not."""

    shifts: torch.Tensor  # (2, B, 1) rows and columns, in px
    mirrored: torch.Tensor  # (B, 1) bool


def draw_moves(n_images: int, size: int, generator: torch.Generator) -> Moves:
    """Two shifts and one mirror for each image of ``size`` px, from a CPU generator."""
    reach = int(size * MAX_SHIFT)
    shifts = torch.randint(-reach, reach + 1, (2, n_images, 1), generator=generator)
    return Moves(shifts, torch.randint(0, 2, (n_images, 1), generator=generator, dtype=torch.bool))


def draw_angles(n_images: int, generator: torch.Generator) -> torch.Tensor:
    """(B,) radians, up to 15 degrees to either side."""
    return (torch.rand(n_images, generator=generator) * 2 - 1).mul_(math.radians(MAX_DEGREES))


def move(batch: torch.Tensor, moves: Moves, *, crop: bool, flip: bool) -> torch.Tensor:
    """Shift each image by up to 1/8 of its side, reflected at the border, and mirror every other.

    Args:
        batch: (B, S, S, 3) of any dtype.
        moves: shifts and mirrors that were drawn.
        crop: whether to shift.
        flip: whether to mirror.

    Returns:
        A batch of the same shape, dtype and device. One gather does both.
    """
    n_images, size = batch.shape[:2]
    place = torch.arange(size).expand(n_images, size)
    rows = columns = place
    if crop:
        rows, columns = (_reflect(place + shift, size) for shift in moves.shifts)
    if flip:
        columns = torch.where(moves.mirrored, columns.flip(1), columns)
    rows, columns = rows.to(batch.device), columns.to(batch.device)
    images = torch.arange(n_images, device=batch.device)
    return batch[images[:, None, None], rows[:, :, None], columns[:, None, :]]


def turn(batch: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turn each image of a float batch (B, 3, S, S) by its angle (B,) in radians, reflected."""
    angle = angles.to(batch.device)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    matrix = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(batch.shape), align_corners=False)
    turned = F.grid_sample(batch, grid, padding_mode="reflection", align_corners=False)
    return turned.contiguous(memory_format=torch.channels_last)


def _reflect(place: torch.Tensor, size: int) -> torch.Tensor:
    """Positions outside 0..size-1 mirrored about the first and the last one."""
    return (size - 1) - ((size - 1) - place.abs()).abs()
