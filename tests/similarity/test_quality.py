"""Image quality: dark, light, blurry and the like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from noisefind.similarity.quality import image_issues, measure_image

Pixels = NDArray[np.uint8]


def texture(low: int = 0, high: int = 256, channels: int = 3) -> Pixels:
    rng = np.random.default_rng(0)
    pixels = rng.integers(low, high, (64, 64, channels), dtype=np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (64, 64, 3)))


def waves() -> Pixels:
    y, x = np.mgrid[:64, :64]
    grey = 100 + 45 * np.sin(x / 11) + 45 * np.cos(y / 13)
    return np.stack((grey, 0.9 * grey, 0.8 * grey), -1).astype(np.uint8)


PICTURES: dict[str, tuple[Pixels, tuple[int, int], str]] = {
    "plain": (texture(), (64, 64), ""),
    "night": (texture(0, 60), (64, 64), "dark"),
    "snow": (texture(247, 256), (64, 64), "light"),
    "black": (np.zeros((64, 64, 3), np.uint8), (64, 64), "dark;low_information;grayscale"),
    "waves": (waves(), (64, 64), "blurry"),
    "panorama": (texture(), (640, 200), "odd_aspect_ratio;odd_size"),
    "old": (texture(channels=1), (64, 64), "grayscale"),
    "huge": (texture(), (6400, 6400), "odd_size"),
}


def issues(*named: tuple[Pixels, tuple[int, int]]) -> list[str]:
    measures = np.array([measure_image(pixels, *size) for pixels, size in named], np.float32)
    return image_issues(measures, np.array([size for _, size in named], np.int32))


@pytest.mark.parametrize("name", PICTURES)
def test_each_fault_has_its_name(name: str) -> None:
    """Among nine plain pictures a faulty one has its faults, and they have none."""
    pixels, size, expected = PICTURES[name]
    plain: list[tuple[Pixels, Any]] = [(texture(), (64, 64))] * 9

    assert issues((pixels, size), *plain) == [expected, *[""] * 9]


def test_what_most_images_have_is_no_issue() -> None:
    """Where six of ten are grey, none is called so; where five are, those five are."""
    grey, colour = (texture(channels=1), (64, 64)), (texture(), (64, 64))

    assert set(issues(*[grey] * 6, *[colour] * 4)) == {""}
    assert issues(*[grey] * 5, *[colour] * 5) == ["grayscale"] * 5 + [""] * 5


def test_nearly_one_size_makes_no_size_odd() -> None:
    """Where all but one image are 200 px wide, 210 px is not odd and 500 px is."""
    usual = (texture(), (200, 200))

    found = issues(*[usual] * 8, (texture(), (210, 200)), (texture(), (500, 500)))

    assert found == [""] * 9 + ["odd_size"]


def test_one_image() -> None:
    """A dataset of one size and two images has no odd ones."""
    assert issues((texture(), (1, 1))) == [""]
