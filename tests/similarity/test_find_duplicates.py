"""``find_duplicates`` on arrays: copies of many sorts found, and what does not fit refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from noisefind import find_duplicates
from noisefind.similarity.duplicates import thumbnails

N, SIDE = 40, 64


def pictures(seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(N, 64, 64, 3) smooth random pictures, all different."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (N, 8, 8, 3))
    place = np.linspace(0, 7, SIDE)
    low, part = np.minimum(place.astype(int), 6), (place % 1)
    part = place - low

    def stretched(x: Any, axis: int) -> Any:
        shape = [1, 1, 1, 1]
        shape[axis] = SIDE
        w = part.reshape(shape)
        return x.take(low, axis) * (1 - w) + x.take(low + 1, axis) * w

    return np.asarray(stretched(stretched(coarse, 1), 2), np.uint8)


def test_copies_are_grouped() -> None:
    """Exact, brighter, shifted and mirrored copies are in the group of their original."""
    images = pictures()
    images[11] = images[1]
    images[12] = np.clip(images[2] * 1.1 + 5, 0, 255)
    images[13] = np.roll(images[3], 1, axis=0)
    images[14] = images[4][:, ::-1]
    found = find_duplicates(images)
    for original in (1, 2, 3, 4):
        rows = np.flatnonzero(found.group == found.group[original])
        assert found.group[original] > 0
        assert rows.tolist() == [original, original + 10]
    assert np.flatnonzero(found.is_exact).tolist() == [1, 11]
    assert (found.group > 0).sum() == 8
    assert (found.conflicting == -1).all()


def test_labels_show_conflicts() -> None:
    """A duplicate with another label is named; one with the same label is not."""
    images = pictures()
    images[11], images[12] = images[1], images[2]
    labels = np.array(["cat"] * N)
    labels[11] = "dog"
    found = find_duplicates(images, labels=labels)
    assert found.conflicting[[1, 11]].tolist() == [11, 1]
    assert (np.delete(found.conflicting, [1, 11]) == -1).all()


def test_features_alone() -> None:
    """Equal rows are exact, nearly equal directions near; other rows are in no group."""
    x = np.random.default_rng(0).normal(size=(N, 20))
    x[11], x[12] = x[1], 1.5 * x[2] + 0.001
    found = find_duplicates(features=x)
    assert found.group[[1, 11]].tolist() == [1, 1]
    assert found.group[[2, 12]].tolist() == [2, 2]
    assert found.is_exact.sum() == 2
    assert (found.group > 0).sum() == 4


def test_grey_images_and_other_sizes() -> None:
    """(N, H, W) images of 40 x 24 px work as well."""
    images = pictures()[:, :40, :24, 0].copy()
    images[5] = images[6]
    found = find_duplicates(images)
    assert np.flatnonzero(found.group).tolist() == [5, 6]


def test_thumbnails_are_area_means() -> None:
    """Against the mean of blocks where the side is a multiple of 32; the mean stays elsewhere."""
    images = pictures()[:3]
    blocks = images.reshape(3, 32, 2, 32, 2, 3).mean((2, 4))
    np.testing.assert_allclose(thumbnails(images), blocks, atol=0.51)
    odd = images[:, :45, :50]
    np.testing.assert_allclose(thumbnails(odd).mean((1, 2)), odd.mean((1, 2)), atol=1.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "needs images, features or both"),
        ({"images": np.zeros((2, 4, 4, 3))}, "images are float64"),
        ({"images": np.zeros((2, 4, 4, 4), np.uint8)}, "must be uint8"),
        ({"features": np.zeros(3)}, "must be numbers"),
        ({"features": np.full((2, 2), np.nan)}, "must be finite"),
        ({"images": np.zeros((2, 4, 4, 3), np.uint8), "labels": [1]}, "labels have 1 rows for 2"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], words: str) -> None:
    """A ValueError that names the array and the rule."""
    with pytest.raises(ValueError, match=words):
        find_duplicates(**arguments)
