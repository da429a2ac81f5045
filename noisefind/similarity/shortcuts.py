"""Ties of a class to what should not matter: brightness, colour, size, shape, format, folder.

A network can learn such a property instead of the class, and then fails where the tie is absent.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from noisefind.similarity.quality import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LEAST_STRENGTH = 0.6  # AUC of 0.8
LEAST_SIGMAS = 5.0  # standard deviations from what chance gives
LEAST_IMAGES = 10  # of a class, and of all others
N_EXAMPLES = 6  # images of a tie with the property, and without it
MOST_VALUES = 1000  # of a format or folder: the most frequent ones


class Tie(NamedTuple):
    """A class that a property alone tells from all others."""

    label: str
    property: str
    value: str  # low or high, or the name of the format or folder
    strength: float  # 0 to 1, HIGH is a strong tie
    most: tuple[int, ...]  # rows of the class that have the property most
    least: tuple[int, ...]  # rows of the class that have it least, or not at all


def find_ties(
    labels: NDArray[np.int64],
    classes: Sequence[str],
    numbers: Mapping[str, NDArray[np.float64]],
    names: Mapping[str, Sequence[str]],
) -> list[Tie]:
    """The ties of classes to properties, strongest first.

    The strength of a tie is ``|2 AUC - 1|``, where AUC is the share of pairs of an image of the
    class and another image in which the first has the larger number (half for equal ones). For a
    name it is the difference of two shares: of the class, and of all others, with this name.
    A tie counts from 0.6 on, if it is also 5 standard deviations of chance, ``sqrt((N + 1) / (3 n
    (N - n)))`` each, with n images of the class. So a small class needs a stronger tie. A property
    to whose values more than half of the classes are tied by name is left out: folders
    that are the classes.

    Args:
        labels: (N,) numbers of classes.
        classes: C names.
        numbers: (N,) values of each property.
        names: N values of each property.

    Examples:
        >>> dark = np.r_[np.linspace(0, 1, 50), np.linspace(2, 3, 50)]
        >>> find_ties(np.arange(100) // 50, ["a", "b"], {"brightness": dark}, {})[0][:4]
        ('a', 'brightness', 'low', 1.0)
    """
    found: list[Tie] = []
    for name, values in numbers.items():
        signed = _strengths(labels, len(classes), rankdata(values))
        for c in _tied(labels, signed):
            value, has = ("high", values) if signed[c] > 0 else ("low", -values)
            strength = round(abs(float(signed[c])), 6)
            found.append(Tie(classes[c], name, value, strength, *_examples(labels == c, has)))
    for name, texts in names.items():
        ties: dict[int, Tie] = {}
        for value, _ in Counter(texts).most_common(MOST_VALUES):
            has = np.array([text == value for text in texts])
            signed = _strengths(labels, len(classes), rankdata(has))
            for c in _tied(labels, np.maximum(signed, 0)):
                if c not in ties or ties[c].strength < signed[c]:
                    strength = round(float(signed[c]), 6)
                    near = _examples(labels == c, has)
                    ties[c] = Tie(classes[c], name, value, strength, *near)
        if len(ties) <= len(classes) / 2:
            found += ties.values()
    return sorted(found, key=lambda tie: (-tie.strength, tie.label, tie.property))


def numbers_of(
    measures: NDArray[np.float32], sizes: NDArray[np.int32]
) -> dict[str, NDArray[np.float64]]:
    """The properties of images that are numbers, from the measures of quality.py and (N, 2) sizes.

    Brightness is the mean of its two percentiles, size the square root of the number of pixels.
    """
    of = dict(zip(MEASURES, measures.T.astype(np.float64), strict=True))
    width, height = sizes.T.astype(np.float64)
    return {
        "brightness": (of["bright_5"] + of["bright_99"]) / 2,
        "colour": of["colour"],
        "size": np.sqrt(width * height),
        "aspect_ratio": width / height,
    }


def names_of(ids: Sequence[str], classes: Sequence[str]) -> dict[str, list[str]]:
    """The properties of images that are names: file format, and folder without those of classes.

    Examples:
        >>> names_of(["camera1/cat/1.JPG"], ["cat", "dog"])
        {'format': ['jpg'], 'folder': ['camera1']}
    """
    paths, known = [id_.split("/") for id_ in ids], set(classes)
    return {
        "format": [
            path[-1].rpartition(".")[2].lower() if "." in path[-1] else "" for path in paths
        ],
        "folder": ["/".join(p for p in path[:-1] if p not in known) for path in paths],
    }


def _strengths(
    labels: NDArray[np.int64], n_classes: int, ranks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(C,) ``2 AUC - 1`` of each class against all others; 0 where one of them is empty."""
    n = np.bincount(labels, minlength=n_classes).astype(np.float64)
    others = len(labels) - n
    wins = np.bincount(labels, ranks, n_classes) - n * (n + 1) / 2
    pairs = n * others
    return np.where(pairs > 0, 2 * wins / np.maximum(pairs, 1) - 1, 0.0)


def _examples(
    is_class: NDArray[np.bool_], values: NDArray[Any]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows of the class with the largest and with the smallest values; none is in both."""
    rows = np.flatnonzero(is_class)
    order = rows[np.argsort(values[rows], kind="stable")].tolist()
    n = min(N_EXAMPLES, len(order) // 2)
    return tuple(order[::-1][:n]), tuple(order[:n])


def _tied(labels: NDArray[np.int64], signed: NDArray[np.float64]) -> list[int]:
    """The classes whose tie is strong and not by chance."""
    n = np.bincount(labels, minlength=len(signed)).astype(np.float64)
    others = len(labels) - n
    chance = np.sqrt((len(labels) + 1) / (3 * np.maximum(n * others, 1)))
    is_tied = np.abs(signed) >= np.maximum(LEAST_STRENGTH, LEAST_SIGMAS * chance)
    return np.flatnonzero(is_tied & (np.minimum(n, others) >= LEAST_IMAGES)).tolist()
