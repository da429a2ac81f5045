"""The map: nearest neighbours are near each other, the same seed gives the same map."""

from __future__ import annotations

import numpy as np

from noisefind.similarity.layout import layout, on_grid
from noisefind.similarity.neighbours import nearest_neighbours


def three_groups(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of 300 images around three centres, and the group of each."""
    random = np.random.default_rng(seed)
    group = np.arange(300) % 3
    centres = 4 * np.eye(3, 20)
    return (centres[group] + random.normal(size=(300, 20)) * 0.5).astype(np.float32), group


def test_groups_stay_together_and_the_seed_decides() -> None:
    """The nearest place of most is of their group, although the start is noise."""
    features, group = three_groups(0)
    near = nearest_neighbours(features).rows
    noise = np.random.default_rng(1).normal(size=(300, 2)).astype(np.float32)
    places = layout(noise, near, seed=7)
    far = ((places[:, None] - places[None]) ** 2).sum(2)
    np.fill_diagonal(far, np.inf)
    assert (group[far.argmin(1)] == group).mean() > 0.7  # by chance: a third
    assert np.array_equal(places, layout(noise, near, seed=7))
    assert not np.array_equal(places, layout(noise, near, seed=8))


def test_few_images_and_no_neighbours() -> None:
    """Without neighbours the ranks of the components are the map; nothing is ever infinite."""
    assert layout(np.array([[3.0], [9.0], [4.0]], np.float32), None).tolist() == [
        [-10.0, 0.0], [10.0, 0.0], [0.0, 0.0],
    ]  # fmt: skip
    for n in (1, 2, 4, 9):
        same = layout(np.zeros((n, 2), np.float32), np.full((n, 10), -1, np.int32))
        assert np.isfinite(same).all()
        assert on_grid(same).shape == (n, 2)


def test_the_grid_keeps_proportions_and_bounds() -> None:
    """Both directions have one scale; an image far outside lies on the edge."""
    places = np.stack([np.linspace(-2, 2, 1001), np.linspace(-1, 1, 1001)], axis=1)
    places[0] = (-1e6, 0)
    grid = on_grid(places).astype(int)
    assert grid[0].tolist()[0] == 0
    span = np.ptp(grid[100:-100], axis=0)
    assert abs(span[0] / span[1] - 2) < 0.01
    assert np.ptp(on_grid(np.zeros((3, 2)))) == 0
