"""Run folders made up by hand, for what only reads them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.config import ScoreConfig
from noisefind.data.dataset import Skipped
from noisefind.runs.folder import RunFolder
from noisefind.runs.ranking import Ranking
from noisefind.runs.summary import EstimatedShare, RunSummary, Sizes
from noisefind.runs.tables import DETAIL_COLUMNS
from noisefind.runs.writers import write_results
from noisefind.scores import SCORES
from noisefind.utils.files import write_csv

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class MadeUp:
    """N images in the order of the ranking; the first ``n_flagged`` are flagged."""

    ids: list[str]
    given: list[str]
    predicted: list[str]
    n_flagged: int = 1
    splits: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    issues: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    details: list[tuple[object, ...]] = field(default_factory=list)  # rows of details.csv

    def ranking(self) -> Ranking:
        """Scores rise evenly over the rows."""
        n = len(self.ids)
        rising = np.linspace(0.01, 1, n)
        return Ranking(
            ids=self.ids,
            splits=self.splits or [""] * n,
            given_labels=self.given,
            predicted_labels=self.predicted,
            predicted_probs=rising[::-1],
            label_scores=rising,
            is_label_issue=np.arange(n) < self.n_flagged,
            is_worth_a_look=np.arange(n) == self.n_flagged,
            reasons=self.reasons or [""] * n,
            scores={name: np.roll(rising, place) for place, name in enumerate(SCORES)},
            duplicate_groups=np.array(self.groups or [0] * n, np.int64),
            is_outlier_issue=np.zeros(n, np.bool_),
            image_issues=self.issues or [""] * n,
        )


def made_up_summary(**changes: Any) -> RunSummary:
    """A run of one image, but for ``changes``."""
    summary = RunSummary(
        run_id="5eed", version="0", data="data", root="data", fingerprint="f", labels="l",
        members={"probe": 2}, weights=None, config=ScoreConfig().to_dict(),
        finished="2026-01-01", versions={"python": "3"}, device="cpu", threads=1,
        recipes={"probe": {"epochs": 10}}, sizes=Sizes(32, 96, 32), n_clusters=3, n_images=1,
        classes=["a", "b"], n_skipped=0, n_label_issues=0, label_issue_share=0.0, n_worth_a_look=0,
        seconds={"open": 1.0, "total": 2.0}, n_duplicate_groups=0, n_conflicting_duplicates=0,
        n_outliers=0, n_image_issues=0, noise_rate=EstimatedShare(0.03, 0.01, 0.06),
        memorised=False, memorised_share=None,
    )  # fmt: skip
    return replace(summary, **changes)


def write_run(path: Path, made_up: MadeUp, data: Path, **changes: Any) -> RunFolder:
    """A whole run folder of ``made_up``, whose images lie in ``data``."""
    run, ranking = RunFolder(path), made_up.ranking()
    (path / "features").mkdir(parents=True)
    write_results(run, ranking, [Skipped("<b>.txt", "not an image")], {2: 1.0})
    if made_up.details:
        write_csv(path / "details.csv", DETAIL_COLUMNS, made_up.details)
    n_label_issues = int(ranking.is_label_issue.sum())
    summary = made_up_summary(
        data=str(data), root=str(data), n_images=len(ranking), n_skipped=1,
        classes=sorted({*ranking.given_labels, *ranking.predicted_labels}),
        n_label_issues=n_label_issues, label_issue_share=n_label_issues / len(ranking),
        n_worth_a_look=ranking.n_worth_a_look,
    )  # fmt: skip
    run.finish(replace(summary, **changes))
    return run
