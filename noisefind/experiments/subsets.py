"""What each point of a sweep is trained on; pure numpy, by the rules of selection.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.config import plain
from noisefind.pruning.rules import Rule
from noisefind.pruning.selection import Selection, select
from noisefind.training.subsets import Phase, SubsetJob
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FULL, RANDOM = "full", "random"  # the controls, beside the names of scores
GIVEN, NOISY = "given", "noisy"  # whose labels are trained on


@dataclass(frozen=True)
class Images:
    """The M images that are chosen from, as a run ranks them.

    Attributes:
        ids: (M,) unique.
        rows: (M,) which of the N images of the training data each is.
        labels: (M,) class numbers that count in the choice.
        is_label_issue: (M,) whether the run suspects the label.
        suggested: (M,) class numbers that the run would give.
        hardness: score -> (M,), HIGH is hard.
    """

    ids: Sequence[str]
    rows: Ints
    labels: Ints
    is_label_issue: Bools
    suggested: Ints
    hardness: Mapping[str, Floats]


class Choice(NamedTuple):
    """How images are chosen, whatever the rule."""

    seed: int = 0  # of ties and of random subsets
    balance: bool = False
    min_per_class: int = 1


class Stage(NamedTuple):
    """Rows that are trained on for so many epochs of the full data."""

    rows: Ints
    epochs: int


class Point(NamedTuple):
    """One point of a sweep: what each seed trains on.

    Attributes:
        score: that ordered the images, or the name of a control.
        at: the position in the sweep; None where the point is on its own.
        subsets: the stages of each seed's training; a single one where all seeds share it.
        labels: (N,) labels to train on.
        whose: what these labels are.
    """

    score: str
    at: Decimal | None
    subsets: tuple[tuple[Stage, ...], ...]
    labels: Ints
    whose: str = GIVEN

    @property
    def name(self) -> str:
        """A name that no other point of the sweep has."""
        parts = [self.whose] if self.whose != GIVEN else []
        return "-".join([*parts, self.score, *([] if self.at is None else [plain(self.at)])])

    def stages(self, number: int) -> tuple[Stage, ...]:
        """What the seed of this number trains on."""
        return self.subsets[number % len(self.subsets)]


def kept(images: Images, rule: Rule, choice: Choice) -> Ints:
    """The rows, rising, that one rule leaves; equal scores are told apart by aum."""
    return np.sort(images.rows[chosen(images, rule, choice).keep])


def chosen(images: Images, rule: Rule, choice: Choice) -> Selection:
    """What one rule does to the images."""
    return select(
        [rule], ids=images.ids, labels=images.labels, is_label_issue=images.is_label_issue,
        difficulty=images.hardness, tie_breaker=images.hardness["aum"], balance=choice.balance,
        min_per_class=choice.min_per_class,
    )  # fmt: skip


def without(images: Images, kind: str, score: str, share: Decimal, choice: Choice) -> Ints:
    """The rows that stay when the ``kind`` (easiest, hardest) of them by a score go."""
    rule = Rule(kind, fraction=float(share), by=score, seed=choice.seed)  # type: ignore[arg-type]
    return kept(images, rule, choice)


def window(images: Images, score: str, start: Decimal, width: Decimal, choice: Choice) -> Ints:
    """The rows from ``start`` on in the order from easy to hard: ``round(width * M)`` at any start.

    So two windows of a sweep never differ in size, as two that are rounded at both ends can.
    """
    n_images = len(images.ids)
    n_kept = window_size(n_images, width)
    first = min(round(start * n_images), n_images - n_kept)
    edges = (first / n_images, (first + n_kept) / n_images)
    return kept(images, Rule("window", by=score, seed=choice.seed, window=edges), choice)


def window_size(n_images: int, width: Decimal) -> int:
    """How many images a window holds; one at least."""
    return max(1, round(width * n_images))


def random_subsets(images: Images, n_kept: int, n_draws: int, choice: Choice) -> list[Ints]:
    """The rows of ``n_draws`` random subsets of this size."""
    share = (len(images.ids) - n_kept) / len(images.ids)
    seeds = [derived_seed(choice.seed, "random subset", number) for number in range(n_draws)]
    return [kept(images, Rule("random", fraction=share, seed=seed), choice) for seed in seeds]


def simple(
    score: str,
    at: Decimal | None,
    subsets: Iterable[Ints],
    labels: Ints,
    epochs: int,
    whose: str = GIVEN,
) -> Point:
    """A point of one stage: a subset for all seeds, or one for each."""
    return Point(score, at, tuple((Stage(rows, epochs),) for rows in subsets), labels, whose)


def job(
    stages: Sequence[Stage], labels: Ints, seed: int, *, n_full: int, batch_size: int, equal: str,
    restart: bool = False,
) -> SubsetJob:  # fmt: skip
    """The training that stages ask for.

    Args:
        stages: rows and epochs.
        labels: (N,).
        seed: of the training.
        n_full: images in the full data.
        batch_size: images per step.
        equal: ``steps``: an epoch has as many steps as one of the full data, whatever the subset;
            ``epochs``: as many as the subset fills.
        restart: the schedule begins anew with each stage.
    """
    phases = []
    for stage in stages:
        n_images = n_full if equal == "steps" else len(stage.rows)
        steps = max(1, round(stage.epochs * n_images / batch_size))
        phases.append(Phase(stage.rows, stage.epochs, steps))
    return SubsetJob(tuple(phases), labels, seed, restart)
