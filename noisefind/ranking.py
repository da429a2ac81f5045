"""From what the members said to the ranking: scores, verdict and order of all images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from noisefind.detection.verdict import Verdict, judge, worst_first
from noisefind.run import Ranking
from noisefind.scores import SCORES, forgetting
from noisefind.seeds import random_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.config import ScoreConfig
    from noisefind.data.dataset import Dataset
    from noisefind.predictions import Predictions
    from noisefind.similarity.findings import Findings
    from noisefind.training.record import Record

OF_TRAJECTORIES = ("flips", "forgetting")  # from trajectory members where there are any
ROWS_AT_ONCE = 65_536  # images whose predictions are in memory while they are scored


def rank(
    dataset: Dataset,
    records: Sequence[Record],
    km_distance: NDArray[np.float64],
    findings: Findings,
    config: ScoreConfig,
    *,
    trajectories: Sequence[Record] = (),
) -> Ranking:
    """All scores and the verdict on every label, worst first.

    Args:
        dataset: N images.
        records: one per kind of member; each score is computed per kind and averaged.
        km_distance: (N,) the one score that comes from features.
        findings: what the pictures alone told.
        config: which variants, and the seed of the last tie-break.
        trajectories: one per kind of trajectory member: ``flips`` and ``forgetting`` come from
            them alone, nothing else does.
    """
    scores = {name: np.empty(len(dataset)) for name in SCORES}
    scores["km_distance"] = km_distance
    verdicts = []
    for start in range(0, len(dataset), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        labels = dataset.labels[rows]
        kinds = [record.rows(rows, labels) for record in records]
        longer = [record.rows(rows, labels) for record in trajectories] or kinds
        verdicts.append(_score_rows(kinds, longer, rows, scores, config))
    verdict = Verdict(*(np.concatenate(parts) for parts in zip(*verdicts, strict=True)))
    shuffle = random_keys(dataset.ids, config.seed)[:, 0]
    order = worst_first(verdict.label_score, scores["aum"], shuffle).tolist()
    names = np.array(dataset.classes, dtype=object)
    return Ranking(
        ids=[dataset.ids[row] for row in order],
        splits=[dataset.splits[row] for row in order],
        given_labels=names[dataset.labels[order]].tolist(),
        predicted_labels=names[verdict.predicted[order]].tolist(),
        predicted_probs=verdict.predicted_prob[order],
        label_scores=verdict.label_score[order],
        is_label_issue=verdict.is_label_issue[order],
        reasons=[""] * len(order),
        scores={name: values[order] for name, values in scores.items()},
        duplicate_groups=findings.duplicate_group[order],
        is_outlier_issue=findings.is_outlier[order],
        image_issues=[findings.image_issues[row] for row in order],
    )


def _score_rows(
    kinds: list[Predictions],
    trajectories: list[Predictions],
    rows: slice,
    scores: dict[str, NDArray[np.float64]],
    config: ScoreConfig,
) -> Verdict:
    """Fill in all scores of some rows, each the average over the kinds of members, and judge."""
    for name, known in SCORES.items():
        compute = known.compute
        if name == "forgetting":
            compute = partial(forgetting, never_learned=config.never_learned)
        if compute is not None:
            source = trajectories if name in OF_TRAJECTORIES else kinds
            scores[name][rows] = np.mean([compute(kind) for kind in source], axis=0)
    mean = np.mean([kind.mean for kind in kinds], axis=0)
    return judge(scores["aum"][rows], mean, kinds[0].labels)
