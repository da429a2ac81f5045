"""Normalisation by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.training.normalize import choose_normalization, pixel_statistics, to_input


def one_pixel(*channels: int) -> torch.Tensor:
    return torch.tensor(channels, dtype=torch.uint8).view(1, 1, 1, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("half", [-1, 0.2, 1]),
        ("quarter", [-2, 0.4, 2]),
        ("none", [0, 0.6, 1]),
        ("imagenet", [-0.485 / 0.229, (0.6 - 0.456) / 0.224, (1 - 0.406) / 0.225]),
    ],
)
def test_by_hand(name: str, expected: list[float]) -> None:
    """Black, 153 of 255 and white in the three channels."""
    out = to_input(one_pixel(0, 153, 255), choose_normalization(name))
    assert (out.shape, out.dtype) == ((1, 3, 1, 1), torch.float32)
    assert out.flatten().tolist() == pytest.approx(expected, abs=1e-6)


def test_the_datasets_own_by_hand() -> None:
    """Red is 0 and 255: -1 and 1. Green is 0, 0, 0, 255. Blue never changes: only centred."""
    pixels = np.zeros((4, 1, 1, 3), np.uint8)
    pixels[:, 0, 0] = [(0, 0, 51), (255, 0, 51), (0, 0, 51), (255, 255, 51)]
    mean, deviation = pixel_statistics(pixels)
    assert mean.tolist() == pytest.approx([0.5, 0.25, 0.2])
    assert deviation.tolist() == pytest.approx([0.5, np.sqrt(3) / 4, 1])
    out = to_input(torch.from_numpy(pixels), choose_normalization("dataset", pixels))
    assert out[:, 0].flatten().tolist() == pytest.approx([-1, 1, -1, 1])
    assert out[3, 1].item() == pytest.approx(np.sqrt(3))
    assert out[:, 2].abs().max() < 1e-6


@settings(deadline=None)
@given(st.integers(1, 600), st.integers(1, 4), st.integers(0, 9))
def test_the_datasets_own_is_numpys(n_images: int, size: int, seed: int) -> None:
    """Mean and deviation over all places of all images; so normalised, they are 0 and 1."""
    pixels = np.random.default_rng(seed).integers(9, 200, (n_images, size, size, 3), dtype=np.uint8)
    mean, deviation = pixel_statistics(pixels)
    np.testing.assert_allclose(mean, (pixels / 255).mean((0, 1, 2)), atol=1e-9)
    theirs = (pixels / 255).std((0, 1, 2))
    np.testing.assert_allclose(deviation, np.where(theirs > 1e-12, theirs, 1), atol=1e-9)


def test_channels_last() -> None:
    """Whatever the normalisation, the layout is the fast one."""
    batch = torch.zeros(2, 4, 4, 3, dtype=torch.uint8)
    for name in ("quarter", "imagenet"):
        out = to_input(batch, choose_normalization(name))
        assert out.is_contiguous(memory_format=torch.channels_last)
