"""From the members' predictions to the ranking: scores, label issues, order of all images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.detection.duplicate_labels import without_swaps
from noisefind.detection.label_issues import (
    CELLS_AT_ONCE,
    ROWS_AT_ONCE,
    LabelIssues,
    Members,
    judge,
)
from noisefind.detection.label_quality import worst_first
from noisefind.detection.reasons import CODES, Indicators, Reason, find_reasons, reasons_of
from noisefind.runs.ranking import Ranking
from noisefind.scores import SCORES, forgetting
from noisefind.similarity.neighbours import neighbour_agreement
from noisefind.utils.seeds import random_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.detection.leave_one_out import LeaveOneOut
    from noisefind.scores.predictions import Predictions
    from noisefind.similarity.findings import Findings
    from noisefind.training.record import Record

OF_TRAJECTORIES = ("flips", "forgetting")  # from trajectory members where there are any


class Ensemble(NamedTuple):
    """The records of an ensemble, one for each kind of member.

    Attributes:
        records: each score is computed per kind and averaged.
        trajectories: of trajectory members: ``flips`` and ``forgetting`` come from them alone.
        never_learned: how ``forgetting`` counts what was never learned.
    """

    records: Sequence[Record]
    trajectories: Sequence[Record] = ()
    never_learned: str = "top"

    def mean(self, rows: slice) -> NDArray[np.floating]:
        """(n, C) mean predicted probabilities of some images."""
        return np.asarray(np.mean([record.mean[rows] for record in self.records], axis=0))


class Judgement(NamedTuple):
    """Label issues and indicators of every image, in the order of the dataset, and the ranking.

    ``applies`` (N, K) is true where a reason applies to an image.
    """

    issues: LabelIssues
    indicators: Indicators
    applies: NDArray[np.bool_]
    ranking: Ranking

    def reasons(self, row: int, dataset: Dataset) -> list[Reason]:
        """The reasons of the image in ``row`` of the dataset."""
        return reasons_of(
            row, self.applies, self.issues.evidence, self.indicators, labels=dataset.labels,
            names=dataset.classes, ids=dataset.ids,
        )  # fmt: skip


def rank(
    dataset: Dataset,
    ensemble: Ensemble,
    km_distance: NDArray[np.float64],
    leave_one_out: LeaveOneOut,
    *,
    findings: Findings,
    seed: int,
) -> Judgement:
    """Compute all scores, find the label issues and order the images, worst first.

    Args:
        dataset: N images.
        ensemble: its records.
        km_distance: (N,) the one score that comes from features.
        leave_one_out: predictions for each label without it.
        findings: of the image checks.
        seed: of the last tie-break.
    """
    scores = {name: np.empty(len(dataset)) for name in _known_scores(ensemble)}
    scores["km_distance"] = km_distance
    n_rows = min(ROWS_AT_ONCE, CELLS_AT_ONCE // len(dataset.classes))
    for start in range(0, len(dataset), n_rows):
        _fill_scores(scores, slice(start, start + n_rows), ensemble, dataset.labels)
    members = Members(scores["aum"], ensemble.mean)
    issues = judge(dataset.labels, dataset.classes, leave_one_out, members, seed=seed)
    issues = without_swaps(issues, findings.duplicate_group)
    near = findings.neighbours.rows
    agreement = neighbour_agreement(near, dataset.labels, len(dataset.classes))
    indicators = Indicators(
        scores["correctness"], (near >= 0).sum(1), *agreement,
        conflicting_duplicate=findings.conflicting_duplicate, is_outlier=findings.is_outlier,
    )  # fmt: skip
    applies = find_reasons(issues.evidence, indicators, dataset.labels, issues.suggested)
    shuffle = random_keys(dataset.ids, seed)[:, 0]
    order = worst_first(issues.label_score, issues.margin, shuffle).tolist()
    ranking = _ordered(order, dataset, scores, issues=issues, findings=findings)
    judgement = Judgement(issues, indicators, applies, ranking)
    for place, row in enumerate(order):
        if applies[row].any():
            ranking.reasons[place] = "; ".join(map(str, judgement.reasons(row, dataset)))
    return judgement


def reason_codes(applies: NDArray[np.bool_]) -> str:
    """The codes that apply to one image, joined by ";"; ``applies`` (K,)."""
    return ";".join(code for code, is_one in zip(CODES, applies.tolist(), strict=True) if is_one)


def _ordered(
    order: list[int],
    dataset: Dataset,
    scores: dict[str, NDArray[np.float64]],
    *,
    issues: LabelIssues,
    findings: Findings,
) -> Ranking:
    """Everything in its order, classes by their names; the reasons are still empty."""
    names = np.array(dataset.classes, dtype=object)
    return Ranking(
        ids=[dataset.ids[row] for row in order],
        splits=[dataset.splits[row] for row in order],
        given_labels=names[dataset.labels[order]].tolist(),
        predicted_labels=names[issues.suggested[order]].tolist(),
        predicted_probs=issues.suggested_prob[order],
        label_scores=issues.label_score[order],
        is_label_issue=issues.is_label_issue[order],
        is_worth_a_look=issues.is_worth_a_look[order],
        reasons=[""] * len(order),
        scores={name: values[order] for name, values in scores.items()},
        duplicate_groups=findings.duplicate_group[order],
        is_outlier_issue=findings.is_outlier[order],
        image_issues=[findings.image_issues[row] for row in order],
    )


def _known_scores(ensemble: Ensemble) -> list[str]:
    """The scores that the predictions allow, in the order of the columns."""
    longer = ensemble.trajectories or ensemble.records
    return [
        name
        for name, score in SCORES.items()
        if all(
            score.is_known(n_members=record.n_members, n_epochs=record.n_epochs)
            for record in (longer if name in OF_TRAJECTORIES else ensemble.records)
        )
    ]


def _fill_scores(
    scores: dict[str, NDArray[np.float64]],
    rows: slice,
    ensemble: Ensemble,
    labels: NDArray[np.int64],
) -> None:
    """Fill in all scores of some rows, each the average over the kinds of members."""
    kinds: list[Predictions] = [record.rows(rows, labels[rows]) for record in ensemble.records]
    longer = [record.rows(rows, labels[rows]) for record in ensemble.trajectories] or kinds
    for name, known in SCORES.items():
        compute = known.compute
        if name == "forgetting":
            compute = partial(forgetting, never_learned=ensemble.never_learned)
        if compute is not None and name in scores:
            source = longer if name in OF_TRAJECTORIES else kinds
            scores[name][rows] = np.mean([compute(kind) for kind in source], axis=0)
