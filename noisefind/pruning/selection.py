"""Selection of images by rules: label issues, duplicates, difficulty, chance, coverage; pure numpy.

Rules are applied in the order given, each to the images that the earlier ones left. A fraction is
always of ALL N images: ``noise`` then ``hardest 0.3`` drops ``round(0.3 * N)`` images besides the
noise. Every rule becomes an order in which images would be dropped and a number of images to drop.
So the class minimum and the class balance are written once, in `_take`.

Numbers of images are ``round(fraction * N)``, halves to the even number: 0.57 of 100 is 57. Ties
are broken by a finer score, then by a hash of seed and id, never by the row order: folders are
sorted by class, and a stable sort would drop images of one class first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind.errors import ConfigError
from noisefind.utils.groups import rank_within, spread, spread_within
from noisefind.utils.seeds import random_keys
from noisefind.utils.text import card, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from noisefind.pruning.rules import Rule

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.floating[Any]]

_N_STRATA = 50  # as in the paper's code; its results hardly depend on it


class Selection(NamedTuple):
    """The images that stay, and why the others were dropped."""

    keep: Bools  # (N,)
    reasons: list[str]  # N, the rule that dropped the image; "" where no rule did
    n_spared: int = 0  # images that the rules would have dropped without ``min_per_class``

    def __repr__(self) -> str:
        n_images, n_kept = len(self.keep), int(self.keep.sum())
        return card("Selection", images=n_images, kept=counted(n_kept, n_images))


class _Images(NamedTuple):
    """The N images as the input of one rule.

    ``duplicates`` (N,) are groups of duplicates, 0 for none. The rule is applied within each of
    ``groups`` (N,): the classes, or one group for all. ``ascending`` (N,) are the rows from the
    easiest to the hardest. ``chance`` (N,) uint64 is a random order; it depends on seed and id
    alone.
    """

    alive: Bools
    labels: Ints
    groups: Ints
    is_label_issue: Bools
    duplicates: Ints
    difficulty: Floats
    ascending: Ints
    chance: NDArray[np.uint64]


# Ten parameters: the columns of the N images and three settings, all by keyword. A record of them
# would be built for this one call.
def select(
    rules: Sequence[Rule],
    *,
    ids: Sequence[str],
    labels: Ints,
    is_label_issue: Bools,
    difficulty: Mapping[str, Floats],
    tie_breaker: Floats,
    duplicate_group: Ints | None = None,
    balance: bool = False,
    min_per_class: int = 1,
    is_gone: Bools | None = None,
) -> Selection:
    """Select the images to keep: apply rules one after another.

    The result depends on ids, not on row order: the same rows in another order give the same kept
    ids. ``coverage`` follows Zheng et al. 2023, "Coverage-centric Coreset Selection for High
    Pruning Rates", algorithm 1.

    Args:
        rules: the rules in order; without any, all images stay.
        ids: (N,) str, unique.
        labels: (N,) int64, class numbers from 0.
        is_label_issue: (N,) bool, the images that ``noise`` drops.
        difficulty: score name -> (N,) float, finite; HIGH is hard (see ``scores.difficulty``). It
            needs every score that a rule has as ``by``.
        tie_breaker: (N,) float, finite; HIGH is hard. It orders images of equal difficulty,
            decides which label issues ``noise`` keeps for ``min_per_class``, and is the difficulty
            by which ``duplicates`` keeps the easiest image.
        duplicate_group: (N,) int64, groups of duplicates, 0 for none. None: no groups.
        balance: apply each rule within each class, so that class shares stay the same. The number
            to drop is spread over the classes in proportion to the images left (largest-remainder
            method). It has no effect on ``noise`` and ``duplicates``.
        min_per_class: no class falls below this number, over all rules together; a class that has
            fewer keeps all. A rule then keeps the images of that class which it would have dropped
            last, and drops its next choices in other classes. ``noise`` has no next choice and
            drops fewer.
        is_gone: (N,) bool, images dropped before by no rule. They still count among the N images,
            like those that an earlier rule dropped. None: none.

    Returns:
        (N,) bool ``keep``, N ``reasons`` and the number ``n_spared``. ``keep`` is False where
        ``reasons`` is not "" or ``is_gone`` is True, and True elsewhere.

    Raises:
        ConfigError: ``min_per_class`` is below 0.
        ValueError: lengths differ, ids repeat, a score is missing or not finite.

    Examples:
        >>> import numpy as np
        >>> from noisefind.pruning import Rule, select
        >>> hardness = np.arange(10) / 10
        >>> chosen = select(
        ...     [Rule("noise"), Rule("easiest", 0.2, by="el2n")],
        ...     ids=list("abcdefghij"),
        ...     labels=np.array([0, 1] * 5),
        ...     is_label_issue=np.isin(np.arange(10), [0, 9]),
        ...     difficulty={"el2n": hardness},
        ...     tie_breaker=hardness,
        ... )
        >>> np.flatnonzero(chosen.keep).tolist()
        [3, 4, 5, 6, 7, 8]
        >>> chosen.reasons[:4]
        ['noise', 'easiest 0.2 by el2n', 'easiest 0.2 by el2n', '']
    """
    if min_per_class < 0:
        raise ConfigError(f"--min-per-class is {min_per_class}, must be at least 0")
    scores = {rule.by: difficulty.get(rule.by) for rule in rules if rule.by}
    gone = np.zeros(len(ids), dtype=np.bool_) if is_gone is None else is_gone
    masks = {"is_label_issue": is_label_issue, "is_gone": gone}
    _check(ids, labels, masks, {**scores, "tie_breaker": tie_breaker})
    keys = {rule.seed: random_keys(ids, rule.seed) for rule in rules}
    alive = ~gone
    dropped_by = np.zeros(len(ids), dtype=np.int64)
    n_spared = 0
    for number, rule in enumerate(rules, start=1):
        hardness = difficulty[rule.by] if rule.by else tie_breaker
        tie_key, chance = keys[rule.seed].T
        images = _Images(
            alive=alive,
            labels=labels,
            groups=labels if balance else np.zeros_like(labels),
            is_label_issue=is_label_issue,
            duplicates=np.zeros_like(labels) if duplicate_group is None else duplicate_group,
            difficulty=hardness,
            ascending=np.lexsort((tie_key, tie_breaker, hardness)),
            chance=chance,
        )
        order, wanted = _plan(rule, images)
        dropped = _take(order, wanted, images, min_per_class)
        n_spared += int(wanted.sum()) - len(dropped)
        alive[dropped] = False
        dropped_by[dropped] = number
    texts = ["", *map(str, rules)]
    return Selection(alive, [texts[number] for number in dropped_by.tolist()], n_spared)


def _check(
    ids: Sequence[str],
    labels: Ints,
    masks: Mapping[str, Bools],
    scores: Mapping[str, Floats | None],
) -> None:
    """ValueError unless everything is (N,), the ids differ and the scores are finite."""
    n = len(ids)
    if len(set(ids)) != n:
        raise ValueError("ids must be unique")
    for name, values in {"labels": labels, **masks, **scores}.items():
        if values is None:
            raise ValueError(f"no difficulty is given for the score {name!r}")
        if values.shape != (n,):
            raise ValueError(f"{name} must have shape ({n},), has {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite, has NaN or infinity")


def _plan(rule: Rule, images: _Images) -> tuple[Ints, Ints]:
    """The rows that may be dropped, first choice first, and how many of each group (G,)."""
    groups, alive = images.groups, images.alive
    n_groups = int(groups.max(initial=0)) + 1
    if rule.kind == "window":
        return _window_plan(rule.window, images, n_groups)
    ascending = images.ascending[alive[images.ascending]]
    if rule.kind == "noise":
        order = ascending[images.is_label_issue[ascending]][::-1]
        return order, np.bincount(groups[order], minlength=n_groups)
    if rule.kind == "duplicates":
        order = _copies(images.duplicates[ascending], ascending)[::-1]
        return order, np.bincount(groups[order], minlength=n_groups)
    sizes = np.bincount(groups[alive], minlength=n_groups)
    n_drop = min(round(rule.fraction * len(alive)), len(ascending))
    if rule.kind == "random":
        order = ascending[np.argsort(images.chance[ascending])]
    elif rule.kind == "easiest":
        order = ascending
    elif rule.kind == "hardest":
        order = ascending[::-1]
    else:
        n_cut = min(round(rule.fraction / 3 * len(alive)), n_drop)
        order = _coverage_order(ascending[::-1], spread(n_cut, sizes), images)
    return order, spread(n_drop, sizes)


def _copies(duplicates: Ints, rows: Ints) -> Ints:
    """The ``rows`` (M,) of whose group of duplicates (M,; 0: none) another row came before."""
    is_first = np.zeros(len(rows), dtype=np.bool_)
    is_first[np.unique(duplicates, return_index=True)[1]] = True
    return rows[(duplicates > 0) & ~is_first]


def _window_plan(window: tuple[float, float], images: _Images, n_groups: int) -> tuple[Ints, Ints]:
    """Farthest from the middle of the window first; as many as are left outside of it.

    After the images outside of the window the order continues from its edges inwards. Those are
    dropped instead of images that ``min_per_class`` protects.
    """
    groups, ascending = images.groups, images.ascending
    position = np.empty_like(ascending)
    position[ascending] = rank_within(groups[ascending])
    sizes = np.bincount(groups, minlength=n_groups)
    first, last = (round(edge * len(groups)) for edge in window)
    n_keep = spread(last - first, sizes)
    low = np.minimum(spread(first, sizes), sizes - n_keep)
    # Twice the distance, so that the middle of an even window is a whole number too.
    distance = np.abs(2 * position - (2 * low + n_keep - 1)[groups])
    is_outside = distance > (n_keep - 1)[groups]
    order = np.lexsort((position, distance))[::-1]
    n_drop = np.bincount(groups[is_outside & images.alive], minlength=n_groups)
    return order[images.alive[order]], n_drop


def _coverage_order(hardest_first: Ints, n_cut: Ints, images: _Images) -> Ints:
    """Coverage-centric coreset selection (CCS) as an order of dropping.

    First the ``n_cut`` very hardest of each group, hardest first: most are wrong or atypical. The
    rest is put into 50 strata of equal width over the range of its difficulty, and the kept are
    sampled uniformly over the strata: each gets the same budget, a stratum that is smaller stays
    whole, and its unused budget goes to the larger ones. As an order: number the images
    of each stratum by chance and drop the highest numbers first, at equal numbers in the smaller
    stratum. This gives the budgets of the paper's loop from the smallest stratum up.

    The cut is a third of what is dropped (0.9 -> 0.3, the paper's choice for CIFAR-10 at 90 %).

    Source: Zheng, Liu, Lai, Prakash, "Coverage-centric Coreset Selection for High Pruning Rates",
    ICLR 2023, algorithm 1.
    """
    groups = images.groups[hardest_first]
    is_cut = rank_within(groups) < n_cut[groups]
    rest, groups = hardest_first[~is_cut], groups[~is_cut]
    low, high = np.full(len(n_cut), np.inf), np.full(len(n_cut), -np.inf)
    values = images.difficulty[rest].astype(np.float64)
    np.minimum.at(low, groups, values)
    np.maximum.at(high, groups, values)
    width = np.where(high > low, high - low, 1.0)[groups]
    stratum = np.minimum((values - low[groups]) / width * _N_STRATA, _N_STRATA - 1)
    stratum = groups * _N_STRATA + stratum.astype(np.int64)
    chance = images.chance[rest]
    number = np.empty_like(rest)
    by_chance = np.argsort(chance)
    number[by_chance] = rank_within(stratum[by_chance])
    size = np.bincount(stratum)[stratum]
    return np.concatenate((hardest_first[is_cut], rest[np.lexsort((chance, size, -number))]))


def _take(order: Ints, wanted: Ints, images: _Images, min_per_class: int) -> Ints:
    """The rows to drop: ``wanted`` (G,) of each group, in ``order``, over the class floors.

    Of each class only as many may go as it has more than ``min_per_class``: the first in order.
    What a group then cannot give is spread over the room that the other groups have.
    """
    classes = images.labels[order]
    spare = np.maximum(np.bincount(images.labels[images.alive]) - min_per_class, 0)
    order = order[rank_within(classes) < spare[classes]]
    groups = images.groups[order]
    capacity = np.bincount(groups, minlength=len(wanted))
    quota = spread_within(wanted, capacity)
    return order[rank_within(groups) < quota[groups]]
