"""Why a label is doubted, in plain words: which independent signs fired, and their numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LIKE_OTHERS = 0.5  # share of the neighbours that carry one other label
UNLIKE_OWN = 0.2  # at most this share of them carries the given one
LATE = 0.5  # a label that was right in fewer epochs, but right on average at the end
# How the reasons below begin, but for the one that always comes first.
_BETWEEN = re.compile(
    r"; (?=held out: |ensemble: |\d+ of \d+ neighbours: |never learned|learned late|unlike any)"
)


class Signs(NamedTuple):
    """The numbers behind the reasons, a row per image; classes are numbers, -1 for none.

    Attributes:
        held_out_prob: (N,) probability of the given label by a witness that did not see it.
        held_out_class: (N,) the class it favours.
        member_prob: (N,) the members' mean probability of the class that they favour.
        member_class: (N,) that class.
        correctness: (N,) share of members and epochs that predicted the given label.
        n_neighbours: (N,) how many there are.
        neighbour_own_share: (N,) share of them with the given label.
        neighbour_class: (N,) the most frequent other label among them.
        neighbour_share: (N,) its share.
        twin: (N,) row of the same picture under another label.
        is_outlier: (N,) unlike all others.
    """

    held_out_prob: NDArray[np.float64]
    held_out_class: NDArray[np.int64]
    member_prob: NDArray[np.float64]
    member_class: NDArray[np.int64]
    correctness: NDArray[np.float64]
    n_neighbours: NDArray[np.int64]
    neighbour_own_share: NDArray[np.float64]
    neighbour_class: NDArray[np.int64]
    neighbour_share: NDArray[np.float64]
    twin: NDArray[np.int64]
    is_outlier: NDArray[np.bool_]


def reasons(
    signs: Signs, labels: NDArray[np.int64], names: Sequence[str], ids: Sequence[str]
) -> list[str]:
    """(N,) the signs that fired, joined by "; "; empty where none did."""
    texts: list[list[str]] = [[] for _ in labels]

    def fire(where: NDArray[np.bool_], text: Sequence[str] | str, of: NDArray[np.int64]) -> None:
        for row in np.flatnonzero(where).tolist():
            texts[row].append(text if isinstance(text, str) else f"{text[0]}{names[of[row]]}")

    is_twin = signs.twin >= 0
    for row in np.flatnonzero(is_twin).tolist():
        twin = signs.twin[row]
        texts[row].append(f"same picture under {names[labels[twin]]}: {ids[twin]}")
    fire(signs.held_out_prob < 0.5, ("held out: ",), signs.held_out_class)
    fire(signs.member_class != labels, ("ensemble: ",), signs.member_class)
    for row in np.flatnonzero(_is_among_others(signs)).tolist():
        count = round(float(signs.neighbour_share[row] * signs.n_neighbours[row]))
        name = names[signs.neighbour_class[row]]
        texts[row].append(f"{count} of {signs.n_neighbours[row]} neighbours: {name}")
    fire(signs.correctness == 0, "never learned", labels)
    is_late = (signs.correctness > 0) & (signs.correctness < LATE) & (signs.member_class == labels)
    fire(is_late, "learned late", labels)
    fire(signs.is_outlier, "unlike anything else", labels)
    return ["; ".join(parts) for parts in texts]


def split_reasons(text: str) -> list[str]:
    """The signs that :func:`reasons` joined, whole even where a name holds "; "."""
    return _BETWEEN.split(text)


def reason_kind(reason: str) -> str:
    """What all reasons of a sort share: ``neighbours`` of ``7 of 10 neighbours: dress``."""
    kind = re.sub(r"^\d+ of \d+ ", "", reason.partition(": ")[0])
    return kind.partition(" under ")[0]


def _is_among_others(signs: Signs) -> NDArray[np.bool_]:
    return (signs.neighbour_share >= LIKE_OTHERS) & (signs.neighbour_own_share <= UNLIKE_OWN)
