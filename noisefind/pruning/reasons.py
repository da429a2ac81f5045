"""Why an image is dropped or stays: the column ``reason`` of manifest.csv.

A dropped image has the text of its rule, or DROPPED. A kept image has a reason where a reviewer saw
it, and where its label is flagged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.pruning.decisions import Review

    Bools = NDArray[np.bool_]

KEPT, RELABELLED, DROPPED = "kept by review", "relabelled by review", "dropped by review"
UNSURE, DISPUTED = "unsure in review", "disputed in review"
UNDECIDED = "undecided"  # flagged, and neither a reviewer nor a rule decided
CONFLICT = "conflicting duplicates"  # all of them flagged: one label may be right
SPARED = "min-per-class"
_WORDS = {"keep": KEPT, "relabel": RELABELLED, "drop": DROPPED}


def reasons_of(
    by_rule: Sequence[str],
    *,
    ids: Sequence[str],
    keep: Bools,
    is_flagged: Bools,
    is_open: Bools,
    drops_noise: bool,
    review: Review,
) -> list[str]:
    """The reason of each image; "" for a kept one that is neither flagged nor reviewed.

    Args:
        by_rule: (N,) the rule that dropped the image, "" where none did.
        ids: (N,) unique.
        keep: (N,) which stay.
        is_flagged: (N,) the label issues.
        is_open: (N,) see `duplicates.is_undecided`.
        drops_noise: whether ``noise`` is one of the rules.
        review: of the reviewers.

    Examples:
        >>> import numpy as np
        >>> from noisefind.pruning.decisions import Review
        >>> from noisefind.pruning.reviewed_tasks import Decision
        >>> reasons_of(
        ...     ["", "random 0.3 seed 0", "", ""],
        ...     ids=["a", "b", "c", "d"],
        ...     keep=np.array([False, False, True, True]),
        ...     is_flagged=np.array([False, True, True, False]),
        ...     is_open=np.zeros(4, dtype=np.bool_),
        ...     drops_noise=False,
        ...     review=Review({"a": Decision("drop")}),
        ... )
        ['dropped by review', 'random 0.3 seed 0', 'undecided', '']
    """
    of_review = {id_: _WORDS[decision.word] for id_, decision in review.decisions.items()}
    of_review |= dict.fromkeys(review.unsure, UNSURE) | dict.fromkeys(review.disputed, DISPUTED)
    reasons = list(by_rule)
    for row in np.flatnonzero(keep & is_flagged).tolist():
        reasons[row] = UNDECIDED if not drops_noise else CONFLICT if is_open[row] else SPARED
    for row, id_ in enumerate(ids):
        reason = of_review.get(id_)
        if reason and (keep[row] or reason == DROPPED):
            reasons[row] = reason
    return reasons
