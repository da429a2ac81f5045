"""From what the members said to the ranking: scores, verdict and order of all images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.detection.label_issues import MEMBERS_WEIGHT, Evidence, Verdict, judge, worst_first
from noisefind.detection.reasons import Signs, reasons
from noisefind.runs.ranking import Ranking
from noisefind.scores import SCORES, forgetting
from noisefind.similarity.neighbours import neighbour_agreement
from noisefind.utils.seeds import random_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.config import ScoreConfig
    from noisefind.data.dataset import Dataset
    from noisefind.detection.leave_one_out import Witness
    from noisefind.scores.predictions import Predictions
    from noisefind.similarity.findings import Findings
    from noisefind.training.record import Record

OF_TRAJECTORIES = ("flips", "forgetting")  # from trajectory members where there are any
ROWS_AT_ONCE = 65_536  # images whose predictions are in memory while they are scored
CELLS_AT_ONCE = 10_000_000  # images times classes, likewise


class Judged(NamedTuple):
    """The ranking, and what it rests on in the order of the dataset."""

    ranking: Ranking
    verdict: Verdict
    signs: Signs


def rank(
    dataset: Dataset,
    records: Sequence[Record],
    km_distance: NDArray[np.float64],
    witness: Witness,
    findings: Findings,
    config: ScoreConfig,
    *,
    trajectories: Sequence[Record] = (),
) -> Judged:
    """All scores and the verdict on every label, worst first.

    Args:
        dataset: N images.
        records: one per kind of member; each score is computed per kind and averaged.
        km_distance: (N,) the one score that comes from features.
        witness: what was learned of each label without it.
        findings: what the pictures alone told.
        config: which variants, and the seed of the last tie-break.
        trajectories: one per kind of trajectory member: ``flips`` and ``forgetting`` come from
            them alone, nothing else does.
    """
    scores = {name: np.empty(len(dataset)) for name in SCORES}
    scores["km_distance"] = km_distance
    views = []
    n_rows = min(ROWS_AT_ONCE, CELLS_AT_ONCE // len(dataset.classes))
    for start in range(0, len(dataset), n_rows):
        rows = slice(start, start + n_rows)
        labels = dataset.labels[rows]
        kinds = [record.rows(rows, labels) for record in records]
        longer = [record.rows(rows, labels) for record in trajectories] or kinds
        _score_rows(kinds, longer, rows, scores, config)
        mean = np.mean([kind.mean for kind in kinds], axis=0)
        views.append(_views(witness.posterior(rows, labels), mean, labels))
    view = _Views(*(np.concatenate(parts) for parts in zip(*views, strict=True)))
    evidence = Evidence(
        view.held_out_prob, scores["aum"], view.member_class, view.other, view.other_share
    )
    verdict = judge(evidence, dataset.labels)
    agreement = neighbour_agreement(findings.neighbours.rows, dataset.labels, len(dataset.classes))
    signs = Signs(
        view.held_out_prob, view.held_out_class, view.member_prob, view.member_class,
        scores["correctness"], (findings.neighbours.rows >= 0).sum(1), agreement.own_share,
        agreement.other_label, agreement.other_share, findings.twin, findings.is_outlier,
    )  # fmt: skip
    return Judged(_ranking(dataset, scores, verdict, signs, findings, config), verdict, signs)


class _Views(NamedTuple):
    """What witness and members say of each image."""

    held_out_prob: NDArray[np.float64]  # (N,) of the given label
    held_out_class: NDArray[np.int64]
    member_prob: NDArray[np.float64]  # (N,) of the class that the members favour
    member_class: NDArray[np.int64]
    other: NDArray[np.int64]  # (N,) the class besides the given one that all favour most
    other_share: NDArray[np.float64]  # (N,) its probability if the given label is wrong


def _views(
    posterior: NDArray[np.float64], mean: NDArray[np.floating], labels: NDArray[np.int64]
) -> _Views:
    """From the held-out posterior (n, C) and the members' mean prediction (n, C)."""
    every = np.arange(len(labels))
    p_given = posterior[every, labels]
    held_out_class = posterior.argmax(1)
    smallest = np.finfo(np.float64).tiny
    joint = np.log(np.maximum(posterior, smallest))
    joint += MEMBERS_WEIGHT * np.log(np.maximum(mean.astype(np.float64), smallest))
    joint[every, labels] = -np.inf
    other = joint.argmax(1)
    share = 1 / np.exp(joint - joint[every, other][:, None]).sum(1)
    return _Views(
        p_given, held_out_class, mean.max(1).astype(np.float64), mean.argmax(1), other, share
    )


def _ranking(
    dataset: Dataset,
    scores: dict[str, NDArray[np.float64]],
    verdict: Verdict,
    signs: Signs,
    findings: Findings,
    config: ScoreConfig,
) -> Ranking:
    """Everything in its order, classes by their names."""
    shuffle = random_keys(dataset.ids, config.seed)[:, 0]
    order = worst_first(verdict.label_score, verdict.margin, shuffle).tolist()
    names = np.array(dataset.classes, dtype=object)
    texts = reasons(signs, dataset.labels, dataset.classes, dataset.ids)
    return Ranking(
        ids=[dataset.ids[row] for row in order],
        splits=[dataset.splits[row] for row in order],
        given_labels=names[dataset.labels[order]].tolist(),
        predicted_labels=names[verdict.predicted[order]].tolist(),
        predicted_probs=verdict.predicted_prob[order],
        label_scores=verdict.label_score[order],
        is_label_issue=verdict.is_label_issue[order],
        reasons=[texts[row] for row in order],
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
) -> None:
    """Fill in all scores of some rows, each the average over the kinds of members."""
    for name, known in SCORES.items():
        compute = known.compute
        if name == "forgetting":
            compute = partial(forgetting, never_learned=config.never_learned)
        if compute is not None:
            source = trajectories if name in OF_TRAJECTORIES else kinds
            scores[name][rows] = np.mean([compute(kind) for kind in source], axis=0)
