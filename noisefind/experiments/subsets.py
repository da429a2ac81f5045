"""Subsets of the training images, chosen by the rules of ``prune``; pure numpy."""

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
class RankedImages:
    """The M images that subsets are chosen from, with labels and scores of a run.

    Attributes:
        ids: (M,) unique.
        rows: (M,) which of the N images of the training data each is.
        labels: (M,) class numbers, for floors and balance.
        is_label_issue: (M,) whether the run flags the label.
        suggested: (M,) class numbers that the run suggests.
        hardness: score -> (M,), HIGH is hard.
    """

    ids: Sequence[str]
    rows: Ints
    labels: Ints
    is_label_issue: Bools
    suggested: Ints
    hardness: Mapping[str, Floats]


class Choice(NamedTuple):
    """Options of a selection that do not depend on the rule."""

    seed: int = 0  # of ties and of random subsets
    balance: bool = False
    min_per_class: int = 1


class SubsetPhase(NamedTuple):
    """Rows that are trained on for so many epochs of the full data."""

    rows: Ints
    epochs: int


class Subset(NamedTuple):
    """One subset of a sweep: the images and labels that each seed trains on.

    Attributes:
        score: that ordered the images, or the name of a control.
        position: share or start in the sweep; None for a subset without one.
        draws: the phases of the training, one entry per seed, or a single one for all seeds.
        labels: (N,) labels to train on.
        whose: ``given`` or ``noisy``.
    """

    score: str
    position: Decimal | None
    draws: tuple[tuple[SubsetPhase, ...], ...]
    labels: Ints
    whose: str = GIVEN

    @property
    def name(self) -> str:
        """A name that no other subset of the sweep has."""
        parts = [self.whose] if self.whose != GIVEN else []
        parts.append(self.score)
        if self.position is not None:
            parts.append(plain(self.position))
        return "-".join(parts)

    def phases(self, number: int) -> tuple[SubsetPhase, ...]:
        """The images of each phase of the training with this seed."""
        return self.draws[number % len(self.draws)]


def kept(images: RankedImages, rule: Rule, choice: Choice) -> Ints:
    """The rows, rising, that one rule keeps; aum breaks ties."""
    return np.sort(images.rows[chosen(images, rule, choice).keep])


def chosen(images: RankedImages, rule: Rule, choice: Choice) -> Selection:
    """The selection of one rule."""
    return select(
        [rule], ids=images.ids, labels=images.labels, is_label_issue=images.is_label_issue,
        difficulty=images.hardness, tie_breaker=images.hardness["aum"], balance=choice.balance,
        min_per_class=choice.min_per_class,
    )  # fmt: skip


def without(images: RankedImages, kind: str, score: str, share: Decimal, *, choice: Choice) -> Ints:
    """The rows that remain without the ``kind`` (easiest, hardest) images by a score."""
    rule = Rule(kind, fraction=float(share), by=score, seed=choice.seed)  # type: ignore[arg-type]
    return kept(images, rule, choice)


def window(
    images: RankedImages, score: str, start: Decimal, width: Decimal, *, choice: Choice
) -> Ints:
    """The rows from ``start`` on in the order from easy to hard: ``round(width * M)`` at any start.

    So all windows of a sweep have the same size; rounding both ends would not ensure that.
    """
    n_images = len(images.ids)
    n_kept = window_size(n_images, width)
    first = min(round(start * n_images), n_images - n_kept)
    edges = (first / n_images, (first + n_kept) / n_images)
    return kept(images, Rule("window", by=score, seed=choice.seed, window=edges), choice)


def window_size(n_images: int, width: Decimal) -> int:
    """Number of images in a window; at least one."""
    return max(1, round(width * n_images))


def random_subsets(images: RankedImages, n_kept: int, n_draws: int, choice: Choice) -> list[Ints]:
    """The rows of ``n_draws`` random subsets of this size."""
    share = (len(images.ids) - n_kept) / len(images.ids)
    seeds = [derived_seed(choice.seed, "random subset", number) for number in range(n_draws)]
    return [kept(images, Rule("random", fraction=share, seed=seed), choice) for seed in seeds]


def single_phase(
    score: str,
    position: Decimal | None,
    draws: Iterable[Ints],
    labels: Ints,
    *,
    epochs: int,
    whose: str = GIVEN,
) -> Subset:
    """A subset that is trained on in one phase: the rows for all seeds, or for each of them."""
    phases = tuple((SubsetPhase(rows, epochs),) for rows in draws)
    return Subset(score=score, position=position, draws=phases, labels=labels, whose=whose)


def job(
    subset_phases: Sequence[SubsetPhase], labels: Ints, seed: int, *, n_full: int, batch_size: int,
    equal: str, restart: bool = False,
) -> SubsetJob:  # fmt: skip
    """The training job of these phases.

    Args:
        subset_phases: rows and epochs.
        labels: (N,).
        seed: of the training.
        n_full: images in the full data.
        batch_size: images per step.
        equal: ``steps``: an epoch of every subset has as many steps as one of the full data;
            ``epochs``: as many as the subset fills.
        restart: the learning rate schedule starts again with each phase.
    """
    phases = []
    for phase in subset_phases:
        n_images = n_full if equal == "steps" else len(phase.rows)
        steps = max(1, round(phase.epochs * n_images / batch_size))
        phases.append(Phase(phase.rows, phase.epochs, steps))
    return SubsetJob(tuple(phases), labels, seed, restart)
