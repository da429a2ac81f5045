"""Ties of classes to properties: planted ones are found, shuffled ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from noisefind.similarity.shortcuts import find_ties, names_of, numbers_of

CLASSES = ["a", "b", "c", "d"]


def planted(seed: int) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, list[str]]]:
    """400 images of four classes: a is dark, and b comes from one camera."""
    random = np.random.default_rng(seed)
    labels = np.arange(400) % 4
    brightness = random.normal(0.5, 0.1, 400) - 0.3 * (labels == 0)
    folder = np.where(labels == 1, "camera1", random.choice(["camera2", "camera3"], 400))
    folder[random.random(400) < 0.05] = "camera3"
    return labels, {"brightness": brightness, "size": random.random(400)}, {"folder": list(folder)}


@pytest.mark.parametrize("seed", range(20))
def test_planted_ties_are_found_and_shuffled_ones_are_not(seed: int) -> None:
    """Twenty seeds: exactly the two that were planted, and none once the labels are shuffled."""
    labels, numbers, names = planted(seed)
    found = find_ties(labels, CLASSES, numbers, names)
    assert sorted(tie[:3] for tie in found) == [
        ("a", "brightness", "low"), ("b", "folder", "camera1"),
    ]  # fmt: skip
    assert all(tie.strength > 0.8 for tie in found)
    shuffled = np.random.default_rng(seed).permutation(labels)
    assert find_ties(shuffled, CLASSES, numbers, names) == []


def test_strength_by_hand() -> None:
    """18 of 20 of a class have the format, and 2 of 80 others: 0.9 - 0.025."""
    labels = np.repeat([0, 1, 2], [20, 40, 40])
    formats = ["png"] * 18 + ["jpg"] * 2 + ["png"] * 2 + ["jpg"] * 78
    found = find_ties(labels, CLASSES[:3], {}, {"format": formats})
    assert [tie[:4] for tie in found] == [("a", "format", "png", 0.875)]
    assert found[0].least[:2] == (18, 19)
    assert set(found[0].most) < set(range(18))


def test_small_classes_and_folders_of_classes_are_no_ties() -> None:
    """Nine images never count; ten do if all agree; folders that are the classes are left out."""
    values = np.r_[np.zeros(9), np.arange(1, 92)]
    few = np.repeat([0, 1], [9, 91])
    assert find_ties(few, CLASSES[:2], {"size": values}, {}) == []
    ten = np.repeat([0, 1], [10, 90])
    assert find_ties(ten, CLASSES[:2], {"size": np.arange(100.0)}, {})[0].strength == 1
    labels = np.arange(100) % 4
    assert find_ties(labels, CLASSES, {}, {"folder": [f"n{c}" for c in labels]}) == []


def test_properties() -> None:
    """Numbers come from the measures; folders that are named like a class do not count."""
    measures = np.array([[0.8, 0.2, 5, 1, 1, 30]], np.float32)
    numbers = numbers_of(measures, np.array([[40, 10]], np.int32))
    assert {k: round(float(v[0]), 3) for k, v in numbers.items()} == {
        "brightness": 0.5, "colour": 30, "size": 20, "aspect_ratio": 4,
    }  # fmt: skip
    assert names_of(["train/a/x.PNG", "y"], ["a"]) == {
        "format": ["png", ""], "folder": ["train", ""],
    }  # fmt: skip
