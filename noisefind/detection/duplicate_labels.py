"""Duplicates under different labels: at least one of the labels is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.detection.label_issues import LabelIssues


def without_swaps(issues: LabelIssues, group: NDArray[np.int64]) -> LabelIssues:
    """Suggest to change one of two labels, where duplicates suggest each other's label.

    The two labels of one picture speak against each other, so both may be flagged. To swap them
    would be wrong again. The label with the highest score stays: it is no label issue and not
    worth a look, and the given class is its suggestion. Scores do not change.

    Args:
        issues: of N labels.
        group: (N,) groups of duplicates, 0 for none.

    Returns:
        LabelIssues: with other flags, ``suggested`` and ``suggested_prob``.
    """
    labels = issues.labels
    pairs: dict[tuple[int, ...], list[int]] = {}
    for row in np.flatnonzero((group > 0) & (issues.suggested != labels)).tolist():
        low, high = sorted((int(labels[row]), int(issues.suggested[row])))
        pairs.setdefault((int(group[row]), low, high), []).append(row)
    stays = np.zeros(len(labels), np.bool_)
    for rows in pairs.values():
        best = max(rows, key=lambda row: (issues.label_score[row], issues.margin[row]))
        of_best = [row for row in rows if labels[row] == labels[best]]
        if len(of_best) < len(rows):
            stays[of_best] = True
    return replace(
        issues,
        is_label_issue=issues.is_label_issue & ~stays,
        is_worth_a_look=issues.is_worth_a_look & ~stays,
        suggested=np.where(stays, labels, issues.suggested),
        suggested_prob=np.where(stays, issues.label_score, issues.suggested_prob),
    )
