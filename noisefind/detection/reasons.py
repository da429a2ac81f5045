"""Reasons to doubt a label: codes of the indicators that apply, and their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.detection.label_issues import Evidence

NEIGHBOURS_OTHER = 0.5  # share of the neighbours that have one other label
NEIGHBOURS_GIVEN = 0.2  # at most this share of them has the given one
LATE = 0.5  # a label that was predicted in fewer epochs, but is predicted at the end

# Code and words of each reason, in the order in which they are named.
CODES = {
    "conflicting_duplicate": "duplicate with another label",
    "leave_one_out": "leave-one-out",
    "ensemble": "ensemble",
    "neighbours": "neighbours",
    "never_learned": "never learned",
    "learned_late": "learned late",
    "outlier": "outlier",
}


class Indicators(NamedTuple):
    """Indicators of N images besides predictions; classes are numbers, -1 for none.

    Attributes:
        correctness: (N,) share of members and epochs that predicted the given label.
        n_neighbours: (N,) number of neighbours.
        neighbours_given: (N,) share of them with the given label.
        neighbours_class: (N,) the most frequent other label among them.
        neighbours_share: (N,) its share.
        conflicting_duplicate: (N,) row of a duplicate with another label.
        is_outlier: (N,) far from all others.
    """

    correctness: NDArray[np.float64]
    n_neighbours: NDArray[np.int64]
    neighbours_given: NDArray[np.float64]
    neighbours_class: NDArray[np.int64]
    neighbours_share: NDArray[np.float64]
    conflicting_duplicate: NDArray[np.int64]
    is_outlier: NDArray[np.bool_]


class Reason(NamedTuple):
    """One reason of one image.

    Attributes:
        code: of ``CODES``, or that of an image issue such as ``low_contrast``.
        label: the class that it points to; "" for none.
        n_same, n_neighbours: for ``neighbours``: how many of them have that label.
        other: for ``conflicting_duplicate``: the id of the other image.
    """

    code: str
    label: str = ""
    n_same: int = 0
    n_neighbours: int = 0
    other: str = ""

    def __str__(self) -> str:
        if self.code == "conflicting_duplicate":
            return f"duplicate with label {self.label}: {self.other}"
        if self.code == "neighbours":
            return f"{self.n_same} of {self.n_neighbours} neighbours: {self.label}"
        return f"{kind_words(self)}: {self.label}" if self.label else kind_words(self)


def kind_words(reason: Reason) -> str:
    """Words for all reasons with one code, or for the code of an image issue."""
    return CODES.get(reason.code, reason.code.replace("_", " "))


def find_reasons(
    evidence: Evidence, indicators: Indicators, labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(N, K) which of the K codes apply to each image, in the order of ``CODES``."""
    is_predicted = evidence.member_class == labels
    right = indicators.correctness
    return np.stack(
        [
            indicators.conflicting_duplicate >= 0,
            evidence.loo_prob < 0.5,
            ~is_predicted,
            (indicators.neighbours_share >= NEIGHBOURS_OTHER)
            & (indicators.neighbours_given <= NEIGHBOURS_GIVEN),
            right == 0,
            (right > 0) & (right < LATE) & is_predicted,
            indicators.is_outlier,
        ],
        axis=1,
    )


def reasons_of(
    row: int,
    applies: NDArray[np.bool_],
    evidence: Evidence,
    indicators: Indicators,
    *,
    labels: NDArray[np.int64],
    names: Sequence[str],
    ids: Sequence[str],
) -> list[Reason]:
    """The reasons of one image, from the arrays of all N; ``applies`` is :func:`find_reasons`."""
    found = []
    for place, code in enumerate(CODES):
        if not applies[row, place]:
            continue
        if code == "conflicting_duplicate":
            other = int(indicators.conflicting_duplicate[row])
            found.append(Reason(code, names[labels[other]], other=ids[other]))
        elif code == "leave_one_out":
            found.append(Reason(code, names[evidence.loo_class[row]]))
        elif code == "ensemble":
            found.append(Reason(code, names[evidence.member_class[row]]))
        elif code == "neighbours":
            n = int(indicators.n_neighbours[row])
            n_same = round(float(indicators.neighbours_share[row] * n))
            found.append(Reason(code, names[indicators.neighbours_class[row]], n_same, n))
        else:
            found.append(Reason(code))
    return found
