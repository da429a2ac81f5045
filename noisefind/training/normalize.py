"""Normalisation of stored pixels to the input of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from noisefind.utils.files import row_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE = 255
# mean and standard deviation of pixels from 0 to 1; those of ImageNet are torchvision's
KNOWN = {
    "quarter": (0.5, 0.25),
    "half": (0.5, 0.5),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "none": (0.0, 1.0),
}


class Normalization(NamedTuple):
    """Centre and scale of pixels of 0 to 255: the centre is subtracted, then divided by the scale.

    Tensors of one number or of shape (3, 1, 1); one number is twice as fast.
    """

    center: torch.Tensor
    scale: torch.Tensor


def choose_normalization(name: str, pixels: NDArray[np.uint8] | None = None) -> Normalization:
    """The normalisation called ``name``; ``dataset`` is taken from ``pixels`` (N, S, S, 3)."""
    if name == "dataset":
        if pixels is None:
            raise ValueError("the dataset's own normalisation needs its pixels")
        mean, std = pixel_statistics(pixels)
    else:
        mean, std = (np.asarray(numbers) for numbers in KNOWN[name])
    center, scale = (torch.from_numpy(np.asarray(WHITE * v, np.float32)) for v in (mean, std))
    if center.dim():
        center, scale = center.view(3, 1, 1), scale.view(3, 1, 1)
    return Normalization(center, scale)


def pixel_statistics(
    pixels: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (ddof 0), each (3,), per channel of pixels scaled to 0 .. 1.

    A constant channel gets the standard deviation 1: it is only centred. The sums are whole
    numbers, so the result does not depend on their order.
    """
    total, squares = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for chunk in row_chunks(pixels, 256):
        values = chunk.reshape(-1, 3)
        counts = np.stack([np.bincount(values[:, c], minlength=WHITE + 1) for c in range(3)])
        total += counts @ np.arange(WHITE + 1)
        squares += counts @ np.arange(WHITE + 1) ** 2
    n_pixels = pixels.size // 3
    mean = total / n_pixels
    # n * squares - total^2 in whole numbers of any size: nothing cancels
    spread = [n_pixels * int(q) - int(t) ** 2 for q, t in zip(squares, total, strict=True)]
    std = np.sqrt(np.array([float(s) for s in spread])) / n_pixels
    std[std == 0] = WHITE
    return mean / WHITE, std / WHITE


def to_input(batch: torch.Tensor, normalization: Normalization) -> torch.Tensor:
    """uint8 images (B, S, S, 3) to the input of networks: (B, 3, S, S) float32.

    The result has the channels-last layout, in which CPUs and GPUs convolve fastest.
    """
    center, scale = (numbers.to(batch.device) for numbers in normalization)
    return batch.permute(0, 3, 1, 2).float().sub_(center).div_(scale)


QUARTER = choose_normalization("quarter")  # of networks that no option normalises
