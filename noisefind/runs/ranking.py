"""The ranking of a run: all scores and flags of every image, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from noisefind.scores import SCORES, difficulty
from noisefind.utils.text import card, with_share

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Ranking:
    """The content of scores.csv: N images, worst first."""

    ids: list[str]
    splits: list[str]
    given_labels: list[str]
    predicted_labels: list[str]
    predicted_probs: NDArray[np.float64]
    label_scores: NDArray[np.float64]
    is_label_issue: NDArray[np.bool_]
    is_worth_a_look: NDArray[np.bool_]
    reasons: list[str]
    scores: dict[str, NDArray[np.float64]]  # those that the predictions allow
    duplicate_groups: NDArray[np.int64]  # 0 where the image is in none
    is_outlier_issue: NDArray[np.bool_]
    image_issues: list[str]  # joined by ";"

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return card(
            "Ranking", images=len(self), label_issues=with_share(self.n_label_issues, len(self)),
            worth_a_look=f"{self.n_worth_a_look:,} more",
        )  # fmt: skip

    @property
    def n_label_issues(self) -> int:
        """Number of flagged labels."""
        return int(self.is_label_issue.sum())

    @property
    def n_worth_a_look(self) -> int:
        """Number of labels that are not flagged, but should be seen by a reviewer."""
        return int(self.is_worth_a_look.sum())

    def columns(self) -> dict[str, list[str] | NDArray[Any]]:
        """Name of a column of scores.csv -> its N values, in the order of the file."""
        return {
            "rank": np.arange(1, len(self) + 1),
            "file_name": self.ids,
            "split": self.splits,
            "given_label": self.given_labels,
            "predicted_label": self.predicted_labels,
            "predicted_prob": self.predicted_probs,
            "label_score": self.label_scores,
            "is_label_issue": self.is_label_issue,
            "is_worth_a_look": self.is_worth_a_look,
            "reasons": self.reasons,
            **{name: self.scores.get(name, [""] * len(self)) for name in SCORES},
            "duplicate_group": self.duplicate_groups,
            "is_outlier_issue": self.is_outlier_issue,
            "image_issues": self.image_issues,
        }

    def hardness(self) -> dict[str, NDArray[np.float64]]:
        """Every score and ``label_score``, turned so that HIGH is hard."""
        values = {**self.scores, "label_score": self.label_scores}
        return {name: difficulty(name, value) for name, value in values.items()}
