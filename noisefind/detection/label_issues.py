"""LabelIssues: what is known of every label, and the one way to it from predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from noisefind.detection.label_quality import (
    MEMORISED_SHARE,
    calibrated,
    log_odds,
    memorised_share,
    suspected,
    worst_first,
)
from noisefind.utils.frame import data_frame
from noisefind.utils.text import card, interval, with_share

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from noisefind.detection.leave_one_out import LeaveOneOut
    from noisefind.detection.noise_rate import LabelNoise, NoiseRate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Of the members' margin beside the leave-one-out log-odds; 1 to 3 differ by .002 AP.
MEMBERS_WEIGHT = 1.5
# Of the evidence of a class, below which its labels are not flagged: classes of up to 12 examples.
LEAST_WEIGHT = 0.5
ROWS_AT_ONCE = 65_536  # examples whose predictions are in memory at once
CELLS_AT_ONCE = 10_000_000  # examples times classes, likewise


class Members(NamedTuple):
    """The predictions of an ensemble.

    Attributes:
        margin: (N,) mean over members of log p[given] - log max other p; HIGH is EASY.
        mean: rows to (n, C), the members' mean predicted probabilities.
    """

    margin: Floats
    mean: Callable[[slice], NDArray[np.floating]]


class Evidence(NamedTuple):
    """Predictions for N labels; without members ``member_class`` is -1, ``member_prob`` NaN.

    Attributes:
        loo_prob: (N,) leave-one-out probability that the given label is right.
        loo_class: (N,) the class with the highest leave-one-out probability.
        loo_class_prob: (N,) that probability.
        member_prob: (N,) the members' mean probability of the class that they predict.
        member_class: (N,) that class.
        other: (N, K) the K = min(2, C - 1) most probable classes besides the given one, by
            leave-one-out and members together; without members that have memorised the labels.
        other_share: (N, K) their probabilities if the given label is wrong.
    """

    loo_prob: Floats
    loo_class: Ints
    loo_class_prob: Floats
    member_prob: Floats
    member_class: Ints
    other: Ints
    other_share: Floats


@dataclass(frozen=True)
class LabelIssues:
    """Result of :func:`find_label_issues` for N labels.

    Attributes:
        classes: (C,) class names, or class numbers where the labels are numbers without names.
        labels: (N,) int64 given labels as numbers of ``classes``.
        label_score: (N,) 0 to 1, the probability that the given label is right; LOWER IS WORSE.
        is_label_issue: (N,) the flagged labels: more likely wrong than right.
        is_worth_a_look: (N,) further labels that a reviewer should see.
        suggested: (N,) number of the suggested class; never the given one where a label is flagged.
        suggested_prob: (N,) probability of the suggested class.
        margin: (N,) any real number; ``label_score`` is a rising function of it, without ties that
            come from rounding.
        noise: noise rates and the estimated joint of given and true labels.
        memorised_share: of the labels that leave-one-out predictions doubt, the share that the
            members predict; None where it could not be checked: without features, without
            predicted probabilities, or with fewer than ten doubted labels.
        evidence: the predictions behind ``label_score``.
        seed: of the order of examples that are equal in everything else.
    """

    classes: tuple[Any, ...]
    labels: Ints
    label_score: Floats
    is_label_issue: Bools
    is_worth_a_look: Bools
    suggested: Ints
    suggested_prob: Floats
    margin: Floats
    noise: LabelNoise
    memorised_share: float | None
    evidence: Evidence
    seed: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return card(
            "LabelIssues",
            examples=f"{len(self):,} in {len(self.classes):,} classes",
            label_issues=with_share(int(self.is_label_issue.sum()), len(self)),
            worth_a_look=f"{int(self.is_worth_a_look.sum()):,} more",
            noise_rate=interval(*self.noise_rate),
            memorised={None: "not checked", False: "no", True: "yes"}[self.memorised],
        )

    @property
    def given_label(self) -> NDArray[Any]:
        """(N,) given labels as they were passed: names or numbers."""
        return _named(self.classes, self.labels)

    @property
    def suggested_label(self) -> NDArray[Any]:
        """(N,) suggested labels, as names or numbers like the given ones."""
        return _named(self.classes, self.suggested)

    def alternatives(self, row: int) -> list[tuple[int, float]]:
        """The given class of one example and the two most probable others, most probable first.

        Pairs of a class number and its probability. All come from one distribution: the given class
        has ``label_score``, the other classes share the rest by leave-one-out and members together.
        """
        given = (int(self.labels[row]), float(self.label_score[row]))
        others = (1 - self.label_score[row]) * self.evidence.other_share[row]
        pairs = [given, *zip(self.evidence.other[row].tolist(), others.tolist(), strict=True)]
        return sorted(pairs, key=lambda pair: -pair[1])

    @property
    def noise_rate(self) -> NoiseRate:
        """Estimated share of wrong labels with its 95 % interval."""
        return self.noise.rate

    @property
    def noise_rate_per_class(self) -> dict[Any, NoiseRate]:
        """The same of the labels of each given class."""
        return dict(zip(self.classes, self.noise.per_class, strict=True))

    @property
    def joint(self) -> Floats:
        """(C, C) estimated joint of given labels (rows) and true labels (columns), in examples."""
        return self.noise.joint

    @property
    def memorised(self) -> bool | None:
        """Whether the predicted probabilities repeat wrong labels; None: could not be checked.

        Memorised predictions are no evidence. ``label_score`` then comes from features alone.
        """
        return None if self.memorised_share is None else self.memorised_share > MEMORISED_SHARE

    def ranked(self) -> Ints:
        """(N,) row numbers, the most probably wrong label first."""
        shuffle = np.random.default_rng(self.seed).permutation(len(self)).astype(np.uint64)
        return worst_first(self.label_score, self.margin, shuffle)

    def to_pandas(self) -> pd.DataFrame:
        """A row per example in the order of the labels.

        Raises:
            ConfigError: pandas is not installed.
        """
        return data_frame(
            {
                "given_label": self.given_label,
                "label_score": self.label_score,
                "is_label_issue": self.is_label_issue,
                "is_worth_a_look": self.is_worth_a_look,
                "suggested_label": self.suggested_label,
                "suggested_prob": self.suggested_prob,
            }
        )


def judge(
    labels: Ints,
    classes: tuple[Any, ...],
    leave_one_out: LeaveOneOut,
    members: Members | None,
    *,
    seed: int = 0,
) -> LabelIssues:
    """Join leave-one-out predictions and members, and flag the labels that are worth a look.

    The margin is the leave-one-out log-odds of the given label plus 1.5 times the members' margin.
    Where the members have memorised the labels, their margin is no evidence and is left out.
    ``label_score`` is a logistic function of the margin, fitted to the leave-one-out probabilities
    (or to ``leave_one_out.target``).
    So it reads as the probability that the label is right, and its sum is the expected number of
    right labels. Suspected are as many labels as make the expected F1 the highest, if each is wrong
    with probability .3 or more, and those that would be if the pair model alone were right. Those
    with a ``label_score`` below .5 are flagged, the others are worth a look. Evidence on a class of
    fewer than 25 examples counts less, and no label of a class of fewer than 13 is suspected.

    Args:
        labels: (N,) given labels, numbers of ``classes``.
        classes: (C,) names or numbers.
        leave_one_out: of the same N examples.
        members: of the same N examples; None where there are none.
        seed: of :meth:`LabelIssues.ranked`.
    """
    evidence = _evidence(labels, leave_one_out, members)
    weights = leave_one_out.weights[labels]
    margin, repeated = log_odds(evidence.loo_prob), math.nan
    if members is not None:
        repeated = memorised_share(evidence.loo_prob, evidence.member_class, labels)
        if not repeated > MEMORISED_SHARE:
            margin = margin + weights * MEMBERS_WEIGHT * members.margin
        else:
            alone = _evidence(labels, leave_one_out, None)
            evidence = evidence._replace(other=alone.other, other_share=alone.other_share)
    target = evidence.loo_prob if leave_one_out.target is None else leave_one_out.target
    label_score = calibrated(margin, target)
    is_suspected = suspected(1 - label_score)
    if leave_one_out.p_pair is not None:
        is_suspected |= suspected(1 - calibrated(margin, leave_one_out.p_pair))
    is_suspected &= weights >= LEAST_WEIGHT
    is_issue = is_suspected & (label_score < 0.5)
    p_other = (1 - label_score) * evidence.other_share[:, 0]
    is_other = is_issue | (p_other > label_score)
    return LabelIssues(
        classes=classes,
        labels=labels,
        label_score=label_score,
        is_label_issue=is_issue,
        is_worth_a_look=is_suspected & ~is_issue,
        suggested=np.where(is_other, evidence.other[:, 0], labels),
        suggested_prob=np.where(is_other, p_other, label_score),
        margin=margin,
        noise=leave_one_out.noise,
        memorised_share=None if math.isnan(repeated) else repeated,
        evidence=evidence,
        seed=seed,
    )


def _evidence(labels: Ints, leave_one_out: LeaveOneOut, members: Members | None) -> Evidence:
    """Of all N examples, some rows at once."""
    n_rows = min(ROWS_AT_ONCE, CELLS_AT_ONCE // len(leave_one_out.scores[0]))
    parts = []
    for start in range(0, len(labels), n_rows):
        rows = slice(start, start + n_rows)
        posterior = leave_one_out.posterior(rows, labels[rows])
        mean = members.mean(rows) if members else None
        parts.append(_evidence_of(posterior, mean, labels[rows]))
    return Evidence(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _evidence_of(posterior: Floats, mean: NDArray[np.floating] | None, labels: Ints) -> Evidence:
    """From leave-one-out class probabilities (n, C) and the members' mean prediction (n, C)."""
    every = np.arange(len(labels))
    p_given = posterior[every, labels]
    smallest = np.finfo(np.float64).tiny
    joint = np.log(np.maximum(posterior, smallest))
    if mean is not None:
        joint += MEMBERS_WEIGHT * np.log(np.maximum(mean.astype(np.float64), smallest))
    joint[every, labels] = -np.inf
    first = joint.argmax(1)
    weight = np.exp(joint - joint[every, first][:, None])
    joint[every, first] = -np.inf
    n_others = min(2, joint.shape[1] - 1)
    other = np.stack((first, joint.argmax(1)), 1)[:, :n_others]
    share = weight[every[:, None], other] / weight.sum(1, keepdims=True)
    nothing = np.full(len(labels), -1)
    return Evidence(
        loo_prob=p_given,
        loo_class=posterior.argmax(1),
        loo_class_prob=posterior.max(1),
        member_prob=nothing * np.nan if mean is None else mean.max(1).astype(np.float64),
        member_class=nothing if mean is None else mean.argmax(1),
        other=other,
        other_share=share,
    )


def _named(classes: tuple[Any, ...], numbers: Ints) -> NDArray[Any]:
    return np.asarray(classes, dtype=object if isinstance(classes[0], str) else None)[numbers]
