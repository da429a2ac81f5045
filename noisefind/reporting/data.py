"""What the page shows, read from a run folder: ReportData. Pure reading; no pictures."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind.detection.reasons import Reason
from noisefind.errors import RunError
from noisefind.utils.files import open_array
from noisefind.utils.seeds import derived_seed, random_keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Skipped
    from noisefind.runs.folder import RunFolder
    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunSummary

REASON_COLUMNS = (
    "file_name", "reason_codes", "loo_label", "ensemble_label", "neighbours_label",
    "neighbours_label_share", "n_neighbours", "conflicting_duplicate",
)  # fmt: skip
N_SAMPLE = 100  # drawn of the suspected; enough for an interval of +-10 points
N_NEIGHBOURS = 5  # shown of each image


class Interval(NamedTuple):
    """An estimated share and its 95 % interval."""

    estimate: float
    low: float
    high: float


class ClassRow(NamedTuple):
    """One given class."""

    name: str
    n_images: int
    n_suspected: int
    noise: Interval | None  # None where the run has no estimate

    @property
    def suspected_share(self) -> float:
        """Share of its labels that are suspected."""
        return self.n_suspected / self.n_images


class Transition(NamedTuple):
    """How many images are filed under ``given`` and are (estimated or suspected to be) ``true``."""

    given: str
    true: str
    n_images: float


class PairImage(NamedTuple):
    """One of several images that are the same, or nearly."""

    file_name: str
    split: str
    label: str


class SameImages(NamedTuple):
    """Images that are the same (exact) or nearly (near)."""

    kind: str
    images: tuple[PairImage, ...]

    @property
    def labels_differ(self) -> bool:
        """Whether they are filed under different classes: one of the labels must be wrong."""
        return len({image.label for image in self.images}) > 1


class Neighbour(NamedTuple):
    """A near image of another one: its row in the ranking, and the cosine (None: not kept)."""

    row: int
    similarity: float | None


@dataclass(frozen=True)
class ReportData:
    """A finished run, ready to be drawn; None stands for what the run does not hold.

    Attributes:
        summary: run.json.
        ranking: N images, worst first; rows below are rows of it.
        noise: the estimated share of wrong labels.
        classes: one per given class, sorted by name.
        transitions: off-diagonal, largest first; estimated where ``transitions_are_estimated``,
            else counts of the suspected labels by their suggestion.
        reasons: for each row what is against its label, and the issues of the image itself.
        sample: suspected rows in random order, for an unbiased look.
        neighbours: for each row its nearest others, nearest first.
        duplicates, leaks: images that are there twice, in this split or in another.
        skipped: files that were left out.
    """

    summary: RunSummary
    ranking: Ranking
    noise: Interval
    classes: list[ClassRow]
    transitions: list[Transition]
    transitions_are_estimated: bool
    reasons: list[tuple[Reason, ...]]
    sample: list[int]
    neighbours: Neighbours | None
    duplicates: list[SameImages] | None
    leaks: list[SameImages] | None
    skipped: list[Skipped]

    @property
    def name(self) -> str:
        """What was scored, in a word: the last part of its path."""
        return PurePath(self.summary.data).name or self.summary.data

    @property
    def has_noise_per_class(self) -> bool:
        """Whether the run has an estimate for at least one class."""
        return any(row.noise is not None for row in self.classes)

    @property
    def n_suspected(self) -> int:
        """How many labels are suspected."""
        return int(self.ranking.is_label_issue.sum())


class Neighbours:
    """The nearest other images, read row by row: the arrays of a large run stay on the disk."""

    def __init__(
        self,
        ids: Sequence[str],
        numbers: NDArray[np.int32],
        similarity: NDArray[np.float32] | None,
    ) -> None:
        self._by_name = sorted(range(len(ids)), key=ids.__getitem__)
        self._place = np.argsort(np.array(self._by_name))
        self._numbers, self._similarity = numbers, similarity

    def of(self, row: int) -> list[Neighbour]:
        """The nearest others of the image in ``row`` of the ranking."""
        place = int(self._place[row])
        near = self._numbers[place, :N_NEIGHBOURS].tolist()
        cosines: list[float | None] = [None] * len(near)
        if self._similarity is not None:
            cosines = [round(cosine, 3) for cosine in self._similarity[place].tolist()]
        pairs = zip(near, cosines, strict=False)
        return [Neighbour(self._by_name[number], cosine) for number, cosine in pairs if number >= 0]


def read_report_data(run: RunFolder) -> ReportData:
    """Everything that a page shows of a run.

    Raises:
        RunError: the run is not whole, or one of its files cannot be read.
    """
    summary, ranking = run.read_summary(), run.read_ranking()
    estimated = _transitions(run)
    return ReportData(
        summary=summary,
        ranking=ranking,
        noise=Interval(*astuple(summary.noise_rate)),
        classes=_classes(run, ranking),
        transitions=_suspected_pairs(ranking) if estimated is None else estimated,
        transitions_are_estimated=estimated is not None,
        reasons=_reasons(run, ranking),
        sample=_sample(ranking, summary.score_config().seed),
        neighbours=_neighbours(run, ranking.ids),
        duplicates=_duplicates(run, ranking),
        leaks=_leaks(run),
        skipped=run.read_skipped(),
    )


def _classes(run: RunFolder, ranking: Ranking) -> list[ClassRow]:
    given = np.array(ranking.given_labels, dtype=object)
    names, numbers = np.unique(given, return_inverse=True)
    n_images = np.bincount(numbers, minlength=len(names)).tolist()
    n_suspected = np.bincount(numbers[ranking.is_label_issue], minlength=len(names)).tolist()
    numeric = ("noise_rate", "low", "high")
    columns = run.read_optional("noise_per_class.csv", ("class", *numeric), numeric)
    noise: dict[str, Interval] = {}
    if columns is not None:
        for name, *values in zip(*columns.values(), strict=True):
            if all(values):
                noise[name] = Interval(*map(float, values))
    return [
        ClassRow(name, n, n_issues, noise.get(name))
        for name, n, n_issues in zip(names.tolist(), n_images, n_suspected, strict=True)
    ]


def _transitions(run: RunFolder) -> list[Transition] | None:
    columns = run.read_optional(
        "joint.csv", ("given_label", "true_label", "n_images"), ("n_images",)
    )
    if columns is None:
        return None
    rows = zip(*columns.values(), strict=True)
    return [Transition(given, true, float(count)) for given, true, count in rows]


def _suspected_pairs(ranking: Ranking) -> list[Transition]:
    suspected = np.flatnonzero(ranking.is_label_issue).tolist()
    counts: dict[tuple[str, str], int] = {}
    for row in suspected:
        pair = (ranking.given_labels[row], ranking.predicted_labels[row])
        counts[pair] = counts.get(pair, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Transition(*pair, float(count)) for pair, count in ordered]


def _reasons(run: RunFolder, ranking: Ranking) -> list[tuple[Reason, ...]]:
    """The reasons of details.csv, then one for each issue of the image itself."""
    columns = run.read_optional(
        "details.csv", REASON_COLUMNS, ("neighbours_label_share", "n_neighbours")
    )
    found: dict[str, list[Reason]] = {}
    if columns is not None:
        label_of = dict(zip(ranking.ids, ranking.given_labels, strict=True))
        for id_, codes, *cells in zip(*columns.values(), strict=True):
            if codes:
                found[id_] = [_reason(code, cells, label_of) for code in codes.split(";")]
    same: dict[tuple[Reason, ...], tuple[Reason, ...]] = {}  # few different ones, many rows
    rows = []
    for id_, issues in zip(ranking.ids, ranking.image_issues, strict=True):
        reasons = (*found.get(id_, ()), *(Reason(issue) for issue in issues.split(";") if issue))
        rows.append(same.setdefault(reasons, reasons))
    return rows


def _reason(code: str, cells: list[str], label_of: Mapping[str, str]) -> Reason:
    """One reason, from the cells of REASON_COLUMNS after the codes."""
    loo_label, ensemble_label, neighbours_label, share, n_neighbours, other = cells
    if code == "conflicting_duplicate":
        return Reason(code, label_of.get(other, ""), other=other)
    if code == "neighbours":
        n = int(n_neighbours)
        return Reason(code, neighbours_label, round(float(share) * n), n)
    return Reason(code, {"leave_one_out": loo_label, "ensemble": ensemble_label}.get(code, ""))


def _sample(ranking: Ranking, seed: int) -> list[int]:
    """Up to N_SAMPLE of the suspected rows, in an order that depends on seed and ids alone."""
    rows = np.flatnonzero(ranking.is_label_issue).tolist()
    keys = random_keys([ranking.ids[row] for row in rows], derived_seed(seed, "report", "sample"))
    order = np.lexsort((keys[:, 1], keys[:, 0])).tolist()
    return [rows[place] for place in order[:N_SAMPLE]]


def _neighbours(run: RunFolder, ids: Sequence[str]) -> Neighbours | None:
    if not run.neighbours.exists():
        return None
    numbers: Any = open_array(run.neighbours)
    if len(numbers) != len(ids):
        raise RunError(f"{run.neighbours}: {len(numbers)} rows for {len(ids)} images")
    has_cosines = run.neighbour_similarity.exists()
    similarity: Any = open_array(run.neighbour_similarity) if has_cosines else None
    return Neighbours(ids, numbers, similarity)


def _duplicates(run: RunFolder, ranking: Ranking) -> list[SameImages] | None:
    names = ("duplicate_group", "file_name", "given_label", "kind")
    columns = run.read_optional("duplicates.csv", names, ("duplicate_group",))
    if columns is None:
        return None
    splits = dict(zip(ranking.ids, ranking.splits, strict=True))
    rows = sorted(zip(*columns.values(), strict=True), key=lambda row: (int(row[0]), row[1]))
    groups = []
    for _, members in groupby(rows, key=lambda row: row[0]):
        listed = list(members)
        images = (PairImage(name, splits.get(name, ""), label) for _, name, label, _ in listed)
        kinds = {kind for *_, kind in listed}
        groups.append(SameImages("near" if "near" in kinds else "exact", tuple(images)))
    return sorted(groups, key=lambda group: not group.labels_differ)


def _leaks(run: RunFolder) -> list[SameImages] | None:
    names = (
        "kind", "file_name", "split", "given_label", "other_file_name", "other_split", "other_label"
    )  # fmt: skip
    columns = run.read_optional("leaks.csv", names)
    if columns is None:
        return None
    leaks = [
        SameImages(kind, (PairImage(*cells[:3]), PairImage(*cells[3:])))
        for kind, *cells in zip(*columns.values(), strict=True)
    ]
    return sorted(leaks, key=lambda leak: not leak.labels_differ)
