"""Laws of the stratified sample that hold-out and validation splits are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.data.dataset import Dataset
from noisefind.data.splits import describe_splits, hold_out, stratified_sample
from noisefind.errors import ConfigError

if TYPE_CHECKING:
    import random

class_sizes = st.lists(st.integers(1, 30), min_size=1, max_size=5)
shares = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.5, 1.0]))


def of_sizes(sizes: list[int]) -> tuple[list[str], np.ndarray]:
    """Ids and labels of classes that have so many images."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return [f"{row}.png" for row in range(len(labels))], labels


@settings(max_examples=200, deadline=None)
@given(class_sizes, shares, st.integers(0, 99))
def test_the_total_is_exact(sizes: list[int], share: float, seed: int) -> None:
    """round(share * N) images are taken, unless that would empty a class."""
    ids, labels = of_sizes(sizes)
    n_possible = len(ids) - len(sizes)
    n_taken = stratified_sample(ids, labels, share, seed).sum()
    assert n_taken == min(round(share * len(ids)), n_possible)


@settings(max_examples=200, deadline=None)
@given(class_sizes, shares, st.integers(0, 99))
def test_each_class_gives_its_share_and_keeps_an_image(
    sizes: list[int], share: float, seed: int
) -> None:
    """To within one image, where no class is so small that others give more instead."""
    ids, labels = of_sizes(sizes)
    n_taken = np.bincount(labels[stratified_sample(ids, labels, share, seed)], minlength=len(sizes))
    assert (n_taken < np.array(sizes)).all()
    exact = round(share * len(ids)) * np.array(sizes) / len(ids)
    if (exact + 1 <= np.array(sizes) - 1).all():
        assert (np.abs(n_taken - exact) < 1).all()


@settings(max_examples=50, deadline=None)
@given(class_sizes, shares, st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    sizes: list[int], share: float, seed: int, chance: random.Random
) -> None:
    """The same ids are taken after the rows are shuffled."""
    ids, labels = of_sizes(sizes)
    is_taken = stratified_sample(ids, labels, share, seed)
    order = chance.sample(range(len(ids)), len(ids))
    again = stratified_sample([ids[row] for row in order], labels[order], share, seed)
    np.testing.assert_array_equal(again, is_taken[order])


def test_the_seed_decides() -> None:
    """Two seeds take different images, of each class 5 of 50; one seed always the same."""
    ids, labels = of_sizes([50, 50])
    first, second = (stratified_sample(ids, labels, 0.1, seed) for seed in (0, 1))
    assert (first != second).any()
    assert np.bincount(labels[first]).tolist() == np.bincount(labels[second]).tolist() == [5, 5]
    np.testing.assert_array_equal(first, stratified_sample(ids, labels, 0.1, 0))


def test_the_sample_is_the_same_in_every_version() -> None:
    """A run that is resumed, or compared with an older one, holds out the same images."""
    ids, labels = of_sizes([8, 5, 1])
    assert np.flatnonzero(stratified_sample(ids, labels, 0.3, 7)).tolist() == [3, 6, 9, 11]


def test_hold_out_parts_the_dataset() -> None:
    """Both parts together are the data; no share, nothing held out; too small a share, an error."""
    ids, labels = of_sizes([10, 10])
    data = Dataset(Path(), tuple(ids), labels, ("a", "b"), ("",) * 20, [Path(i) for i in ids], "")
    kept, held = hold_out(data, 0.2, seed=0)
    assert held is not None
    assert sorted((*kept.ids, *held.ids)) == sorted(ids)
    assert np.bincount(held.labels).tolist() == [2, 2]
    assert hold_out(data, None, seed=0) == (data, None)
    with pytest.raises(ConfigError, match=r"--hold-out 0\.01 of 20 images is none"):
        hold_out(data, 0.01, seed=0)


def test_splits_are_described_with_their_sizes_and_missing_classes() -> None:
    """Train is scored; test has one image and lacks a class. Without splits there is no line."""

    def part(split: str, classes: tuple[str, ...]) -> Dataset:
        n = len(classes)
        ids = tuple(f"{split}/{name}.png" for name in classes)
        return Dataset(Path(), ids, np.arange(n), classes, (split,) * n, [Path()] * n, "")

    train = part("train", ("cat", "dog"))
    assert describe_splits(replace(train, elsewhere=part("test", ("cat",)))) == [
        "splits: test 1 image, train 2 images; only train is scored, --split all takes all",
        "test lacks 1 class of the other splits: dog",
    ]
    assert describe_splits(part("", ("cat",))) == []
