"""The ranking of a run: all scores and flags of every image, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from noisefind.scores import difficulty

if TYPE_CHECKING:
    import numpy as np
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
    reasons: list[str]
    scores: dict[str, NDArray[np.float64]]
    duplicate_groups: NDArray[np.int64]  # 0 where the image is in none
    is_outlier_issue: NDArray[np.bool_]
    image_issues: list[str]  # joined by ";"

    def __len__(self) -> int:
        return len(self.ids)

    def hardness(self) -> dict[str, NDArray[np.float64]]:
        """Every score and ``label_score``, turned so that HIGH is hard."""
        values = {**self.scores, "label_score": self.label_scores}
        return {name: difficulty(name, value) for name, value in values.items()}
