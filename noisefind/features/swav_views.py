"""Two random views of every image for SwAV: crop, flip and colours, on whole batches of tensors.

The choices are those of lightly's SwaVTransform with two crops of the image's own size and no
blur. Two things differ, so that a batch takes a few products of matrices: the steps of the jitter
come in one order (torchvision shuffles them) with one clamp at the end, and the hue turns about the
grey axis in YIQ instead of in HSV.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.training.normalize import QUARTER, to_input

MIN_AREA = 0.14  # of the image, that a crop shows
MAX_ASPECT = 4 / 3  # of a crop
MIRROR_SHARE = 0.5  # of the views
JITTER_SHARE = 0.8  # of the views whose colours change
MAX_JITTER = 0.8  # of brightness, contrast and saturation: factors from .2 to 1.8
MAX_HUE = 0.2  # of a full turn
GREY_SHARE = 0.2  # of the views that lose their colours
GREY = (0.299, 0.587, 0.114)  # luminance of red, green, blue (ITU-R BT.601)
YIQ = (GREY, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


class Colours(NamedTuple):
    """Colour changes of B images: ``contrast * (turn @ x) + (1 - contrast) * mean grey``."""

    turn: torch.Tensor  # (B, 3, 3), brightness, saturation and hue
    contrast: torch.Tensor  # (B,)


def random_view(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One view of each image, as networks take it.

    Args:
        batch: uint8 (B, S, S, 3).
        generator: a CPU generator; every image draws twelve numbers from it.

    Returns:
        (B, 3, S, S) float32, about -2 to 2, on the batch's device, channels last.
    """
    draws = torch.rand(12, len(batch), generator=generator)
    view = recolour(batch, random_colours(draws[5:]))
    views = F.grid_sample(
        to_input(view, QUARTER), _grid(random_boxes(draws[:5]), view), mode="bilinear",
        padding_mode="border", align_corners=False,
    )  # fmt: skip
    return views.contiguous(memory_format=torch.channels_last)


def random_boxes(draws: torch.Tensor) -> torch.Tensor:
    """Boxes (B, 4) from draws (5, B): centre x, centre y, width, height on an image of -1 to 1.

    The area is uniform from .14 to 1, the aspect ratio log-uniform from 3/4 to 4/3; a side longer
    than the image is cut to it. Every second width is negative: the view is mirrored.
    """
    area = MIN_AREA + (1 - MIN_AREA) * draws[0]
    aspect = torch.exp((2 * draws[1] - 1) * math.log(MAX_ASPECT))
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    x, y = (1 - width) * (2 * draws[2] - 1), (1 - height) * (2 * draws[3] - 1)
    return torch.stack([x, y, torch.where(draws[4] < MIRROR_SHARE, -width, width), height], 1)


def random_colours(draws: torch.Tensor) -> Colours:
    """Changes of B images' colours from draws (7, B): changed, grey, and the amount."""
    brightness, contrast, saturation = 1 + MAX_JITTER * (2 * draws[:3] - 1)
    angle = 2 * math.pi * MAX_HUE * (2 * draws[3] - 1)
    still = draws[4] >= JITTER_SHARE
    one = torch.ones(())
    brightness, contrast, saturation = (
        torch.where(still, one, factor) for factor in (brightness, contrast, saturation)
    )
    angle = torch.where(still, 0 * angle, angle)
    saturation = torch.where(draws[5] < GREY_SHARE, 0 * saturation, saturation)
    return Colours(colour_turn(brightness, saturation, angle), contrast)


def colour_turn(
    brightness: torch.Tensor, saturation: torch.Tensor, angle: torch.Tensor
) -> torch.Tensor:
    """Matrices (B, 3, 3) on red, green and blue.

    In YIQ all grows by ``brightness``, I and Q by ``saturation`` too, and they turn by ``angle``
    (radians).
    """
    to_yiq = torch.tensor(YIQ)
    scale, zero = brightness * saturation, torch.zeros_like(angle)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = [brightness, zero, zero, zero, cos, -sin, zero, sin, cos]
    turned = torch.stack(rows, 1).view(-1, 3, 3)
    back: torch.Tensor = torch.linalg.inv(to_yiq)
    return back @ turned @ to_yiq


def recolour(batch: torch.Tensor, colours: Colours) -> torch.Tensor:
    """uint8 images (B, S, S, 3) in other colours: float32 (B, S, S, 3), cut to 0 .. 255."""
    turn, contrast = (part.to(batch.device) for part in colours)
    x = batch.flatten(1, 2).float() @ turn.transpose(1, 2)
    mean_grey = x.mean(1) @ torch.tensor(GREY, device=x.device)
    x = torch.lerp(mean_grey[:, None, None], x, contrast[:, None, None])
    return x.clamp_(0, 255).view(batch.shape)


def _grid(boxes: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
    """The place in its image of each pixel of a view of the box: (B, S, S, 2)."""
    x, y, width, height = boxes.T
    zero = torch.zeros_like(x)
    theta = torch.stack([width, zero, x, zero, height, y], 1).view(-1, 2, 3).to(batch.device)
    n_images, size = batch.shape[:2]
    return F.affine_grid(theta, [n_images, 3, size, size], align_corners=False)
