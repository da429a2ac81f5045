"""Kinds of findings -> the images of each, and a fair share of the pictures for each kind."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.detection.reasons import CODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from noisefind.reporting.data import ReportData, SameImages

N_GROUPS = 60  # shown of the duplicates, and of the leaks; the CSV files list all
N_IN_GROUP = 6
N_IN_GALLERY = 60  # shown of the outliers, and of each image issue
N_WORST = 12
OUTLIER = "outlier"


class Kind(NamedTuple):
    """One kind of findings: groups of ids, each shown together, the most important first."""

    name: str
    weight: int  # a kind of weight 2 gets twice as many pictures as one of weight 1
    groups: Sequence[tuple[str, ...]]


def kinds_of_findings(data: ReportData) -> list[Kind]:
    """All kinds of a report that show pictures; a kind without findings is left out."""
    ranking, ids = data.ranking, data.ranking.ids
    issues = np.flatnonzero(ranking.is_label_issue).tolist()
    looks = np.flatnonzero(ranking.is_worth_a_look).tolist()
    duplicates = data.duplicates or []
    kinds = [
        Kind("label issues", 4, [(ids[row],) for row in issues]),
        Kind("worth a look", 2, [(ids[row],) for row in looks]),
        Kind("random sample", 2, [(ids[row],) for row in data.sample]),
        Kind("conflicting duplicates", 1, _shown(g for g in duplicates if g.labels_differ)),
        Kind("duplicates", 1, _shown(g for g in duplicates if not g.labels_differ)),
        Kind("leaks", 1, _shown(data.leaks or [])),
        Kind("ties", 1, [(id_,) for tie in data.ties for id_ in (*tie.most, *tie.least)]),
        *(Kind(name, 1, [(id_,) for id_ in found]) for name, found in image_findings(data).items()),
    ]
    return [kind for kind in kinds if kind.groups]


def image_findings(data: ReportData) -> dict[str, list[str]]:
    """Ids of the outliers and of each image issue, worst label first; the most frequent first."""
    ranking = data.ranking
    found: dict[str, list[str]] = {}
    for row, names in enumerate(ranking.image_issues):
        for name in filter(None, names.split(";")):
            found.setdefault(name, []).append(ranking.ids[row])
    by_number = dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))
    outliers = [ranking.ids[row] for row in np.flatnonzero(ranking.is_outlier_issue).tolist()]
    return ({CODES[OUTLIER]: outliers} if outliers else {}) | by_number


def fair_split(kinds: Sequence[Kind], n_images: int) -> list[str]:
    """Ids of at most ``n_images`` images, shared among the kinds of findings.

    The kind with the fewest images for its weight takes its next group, again and again. So a
    kind with few findings gets all of them, and the others share the rest by their weights. An
    image of several kinds counts for each of them and takes one place. A group that does not fit
    into the places left ends its kind.

    Args:
        kinds: the weights are positive; of two kinds with the same right the first takes.
        n_images: at least 0.

    Returns:
        Different ids, in the order in which they were taken: the first M are a fair split of M.

    Examples:
        >>> kinds = [Kind("a", 1, [("1",), ("2",), ("3",)]), Kind("b", 1, [("8", "9")])]
        >>> fair_split(kinds, 4)
        ['1', '8', '9', '2']
    """
    chosen: dict[str, None] = {}
    waiting = [iter(kind.groups) for kind in kinds]
    taken = [0] * len(kinds)
    still = list(range(len(kinds)))
    while still:
        place = min(still, key=lambda place: taken[place] / kinds[place].weight)
        group = next(waiting[place], None)
        n_new = sum(id_ not in chosen for id_ in group or ())
        if group is None or len(chosen) + n_new > n_images:
            still.remove(place)
            continue
        chosen.update(dict.fromkeys(group))
        taken[place] += len(group)
    return list(chosen)


def pictured(data: ReportData, n_images: int) -> list[str]:
    """Ids of the images that are shown: a fair split, then the worst of all other images."""
    chosen = dict.fromkeys(fair_split(kinds_of_findings(data), n_images))
    others = (id_ for id_ in data.ranking.ids if id_ not in chosen)
    return [*chosen, *islice(others, n_images - len(chosen))]


def _shown(groups: Iterable[SameImages]) -> list[tuple[str, ...]]:
    """The ids of the first groups, without an image of a group beyond N_IN_GROUP."""
    of = [tuple(image.file_name for image in group.images[:N_IN_GROUP]) for group in groups]
    return of[:N_GROUPS]
