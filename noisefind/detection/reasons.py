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
    "disagreement": "sources disagree",
    "leave_one_out": "leave-one-out",
    "ensemble": "ensemble",
    "neighbours": "neighbours",
    "never_learned": "never learned",
    "learned_late": "learned late",
    "outlier": "outlier",
}
# What the words of a code mean, for a reader of the report.
EXPLANATIONS = {
    "conflicting_duplicate": "The same picture is in the data under another label. At least one of "
    "the labels is wrong.",
    "disagreement": "Leave-one-out, the ensemble or the neighbours name another class than the "
    "most probable one. The bars are leave-one-out and ensemble together. They decide the "
    "suggestion.",
    "leave_one_out": "A prediction from all other images and their labels. The label of this image "
    "was held out.",
    "ensemble": "The mean of several small networks that were trained on all given labels, this "
    "one too.",
    "neighbours": "The given labels of the images whose features are most similar.",
    "never_learned": "No network of the ensemble predicted the given label after any epoch, though "
    "it was trained on it.",
    "learned_late": "The ensemble predicted the given label in less than half of the epochs.",
    "outlier": "The image is far from all other images.",
}
SOURCES = ("leave_one_out", "ensemble", "neighbours")  # that name a class


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
        label: the class that it points to; "" for none. Of ``leave_one_out`` never the given one.
        share: for ``leave_one_out`` and ``ensemble``: the probability of ``label``, or that of the
            given label where there is none.
        n_same, n_neighbours: for ``neighbours``: how many of them have that label.
        other: for ``conflicting_duplicate``: the id of the other image.
    """

    code: str
    label: str = ""
    n_same: int = 0
    n_neighbours: int = 0
    other: str = ""
    share: float = 0.0

    def __str__(self) -> str:
        if self.code == "conflicting_duplicate":
            return f"duplicate with label {self.label}: {self.other}"
        if self.code == "neighbours":
            return f"the neighbours say {self.label} {self.n_same} of {self.n_neighbours}"
        if self.code == "ensemble":
            return f"the ensemble says {self.label} {_percent(self.share)}"
        if self.code == "leave_one_out" and self.label:
            return f"leave-one-out says {self.label} {_percent(self.share)}"
        if self.code == "leave_one_out":
            return f"leave-one-out is only {_percent(self.share)} sure of the given label"
        return kind_words(self)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def kind_words(reason: Reason) -> str:
    """Words for all reasons with one code, or for the code of an image issue."""
    return CODES.get(reason.code, reason.code.replace("_", " "))


def find_reasons(
    evidence: Evidence,
    indicators: Indicators,
    labels: NDArray[np.int64],
    suggested: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """(N, K) which of the K codes apply to each image, in the order of ``CODES``.

    Sources disagree where one that is a reason names another class than ``suggested`` (N,).
    """
    is_predicted = evidence.member_class == labels
    right = indicators.correctness
    by_loo = evidence.loo_prob < 0.5
    by_neighbours = (indicators.neighbours_share >= NEIGHBOURS_OTHER) & (
        indicators.neighbours_given <= NEIGHBOURS_GIVEN
    )
    return np.stack(
        [
            indicators.conflicting_duplicate >= 0,
            by_loo & (evidence.loo_class != labels) & (evidence.loo_class != suggested)
            | ~is_predicted & (evidence.member_class != suggested)
            | by_neighbours & (indicators.neighbours_class != suggested),
            by_loo,
            ~is_predicted,
            by_neighbours,
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
            most = int(evidence.loo_class[row])
            label = "" if most == labels[row] else names[most]
            found.append(Reason(code, label, share=float(evidence.loo_class_prob[row])))
        elif code == "ensemble":
            share = float(evidence.member_prob[row])
            found.append(Reason(code, names[evidence.member_class[row]], share=share))
        elif code == "neighbours":
            n = int(indicators.n_neighbours[row])
            n_same = round(float(indicators.neighbours_share[row] * n))
            found.append(Reason(code, names[indicators.neighbours_class[row]], n_same, n))
        else:
            found.append(Reason(code))
    return found
