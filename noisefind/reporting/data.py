"""ReportData: the content of the page except pictures, read from a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.reporting.evidence import (
    Alternatives,
    ClassTie,
    read_alternatives,
    read_reasons,
    read_ties,
)
from noisefind.runs.summary import EstimatedShare
from noisefind.similarity.layout import layout, on_grid
from noisefind.utils.arrays import DamagedError
from noisefind.utils.seeds import derived_seed, random_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Skipped
    from noisefind.detection.reasons import Reason
    from noisefind.runs.folder import RunFolder
    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunSummary

N_SAMPLE = 100  # flagged images in the random sample; the 95 % interval is at most +-10 %
N_NEIGHBOURS = 5  # shown of each image


class ClassRow(NamedTuple):
    """One given class."""

    name: str
    n_images: int
    n_flagged: int
    noise: EstimatedShare | None  # share of its labels that are wrong; None: no estimate
    recognised: float | None  # share of its images whose leave-one-out class it is; None: unknown

    @property
    def flagged_share(self) -> float:
        """Share of the labels of this class that are flagged."""
        return self.n_flagged / self.n_images


class LabelPair(NamedTuple):
    """Number of images with a given and a true class, estimated or counted from flagged labels."""

    given: str
    true: str
    n_images: float


class PairImage(NamedTuple):
    """One image of a group of duplicates, or of a leak."""

    file_name: str
    split: str
    label: str


class SameImages(NamedTuple):
    """Exact or near duplicates; ``kind`` is exact or near."""

    kind: str
    images: tuple[PairImage, ...]

    @property
    def labels_differ(self) -> bool:
        """Whether their labels differ; then at least one of the labels is wrong."""
        return len({image.label for image in self.images}) > 1


class Neighbour(NamedTuple):
    """A nearest neighbour: its row in the ranking, and the cosine (None: not kept)."""

    row: int
    similarity: float | None


@dataclass(frozen=True)
class ReportData:
    """The content of a report; None where the run does not have the data.

    Attributes:
        summary: run.json.
        ranking: N images, worst first; rows below are rows of it.
        noise: the estimated share of wrong labels.
        classes: one per given class, sorted by name.
        label_pairs: pairs of different classes, largest first: the estimated joint of given and
            true labels where ``pairs_are_estimated``, else counts of the flagged labels by given
            and predicted label.
        reasons: for each row the reasons against its label, and the issues of the image itself.
        alternatives: for each row the likeliest classes with their probabilities, likeliest first.
        sample: flagged rows in random order, for an unbiased share of wrong labels.
        neighbours: for each row its nearest other images, nearest first.
        duplicates: groups of duplicates within the scored images.
        leaks: pairs of duplicates of a scored image and an image of another split.
        skipped: files that were left out.
        ties: of classes to properties, strongest first.
        places: (N, 2) for each row its place on the map of the features, 0 to 65,535.
    """

    summary: RunSummary
    ranking: Ranking
    noise: EstimatedShare
    classes: list[ClassRow]
    label_pairs: list[LabelPair]
    pairs_are_estimated: bool
    reasons: list[tuple[Reason, ...]]
    alternatives: list[Alternatives] | None
    sample: list[int]
    neighbours: NearestImages | None
    duplicates: list[SameImages] | None
    leaks: list[SameImages] | None
    skipped: list[Skipped]
    places: NDArray[np.uint16] | None
    ties: list[ClassTie]

    @property
    def name(self) -> str:
        """The name of the scored data: the last part of its path."""
        return PurePath(self.summary.data).name or self.summary.data

    @property
    def has_noise_per_class(self) -> bool:
        """Whether the run has an estimate for at least one class."""
        return any(row.noise is not None for row in self.classes)

    @property
    def has_recognised(self) -> bool:
        """Whether the run has leave-one-out predictions of its images."""
        return any(row.recognised is not None for row in self.classes)

    @property
    def imbalance(self) -> float:
        """Images of the largest class for each image of the smallest."""
        sizes = [row.n_images for row in self.classes]
        return max(sizes) / min(sizes)

    @cached_property
    def conflicting(self) -> list[list[int]]:
        """The rows of each group of duplicates whose labels differ, worst first."""
        row_of = {id_: row for row, id_ in enumerate(self.ranking.ids)}
        groups = [group for group in self.duplicates or () if group.labels_differ]
        return sorted(
            sorted(row_of[image.file_name] for image in group.images if image.file_name in row_of)
            for group in groups
        )

    @property
    def n_flagged(self) -> int:
        """Number of flagged labels."""
        return self.ranking.n_label_issues

    @property
    def n_worth_a_look(self) -> int:
        """Number of further labels that should be seen."""
        return self.ranking.n_worth_a_look


class NearestImages:
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
        """The nearest neighbours of the image in ``row`` of the ranking."""
        place = int(self._place[row])
        near = self._numbers[place, :N_NEIGHBOURS].tolist()
        cosines: list[float | None] = [None] * len(near)
        if self._similarity is not None:
            cosines = [round(cosine, 3) for cosine in self._similarity[place].tolist()]
        pairs = zip(near, cosines, strict=False)
        return [Neighbour(self._by_name[number], cosine) for number, cosine in pairs if number >= 0]


def read_report_data(run: RunFolder) -> ReportData:
    """Read the content of a report from a run folder.

    Raises:
        RunError: the run is not complete, or one of its files cannot be read.
    """
    summary, ranking = run.read_summary(), run.read_ranking()
    estimated = _estimated_pairs(run)
    return ReportData(
        summary=summary,
        ranking=ranking,
        noise=summary.noise_rate,
        classes=_classes(run, ranking),
        label_pairs=_flagged_pairs(ranking) if estimated is None else estimated,
        pairs_are_estimated=estimated is not None,
        reasons=read_reasons(run, ranking),
        alternatives=read_alternatives(run, ranking),
        sample=_sample(ranking, summary.score_config().seed),
        neighbours=_neighbours(run, ranking.ids),
        duplicates=_duplicates(run, ranking),
        leaks=_leaks(run),
        skipped=run.read_skipped(),
        ties=read_ties(run),
        places=_places(run, ranking.ids, summary.score_config().seed),
    )


def _classes(run: RunFolder, ranking: Ranking) -> list[ClassRow]:
    given = np.array(ranking.given_labels, dtype=object)
    names, numbers = np.unique(given, return_inverse=True)
    n_images = np.bincount(numbers, minlength=len(names)).tolist()
    n_flagged = np.bincount(numbers[ranking.is_label_issue], minlength=len(names)).tolist()
    numeric = ("noise_rate", "low", "high")
    columns = run.read_optional("noise_per_class.csv", ("class", *numeric), numeric)
    noise: dict[str, EstimatedShare] = {}
    if columns is not None:
        for name, *values in zip(*columns.values(), strict=True):
            if all(values):
                noise[name] = EstimatedShare(*map(float, values))
    recognised = _recognised(run, ranking)
    return [
        ClassRow(name, n, n_issues, noise.get(name), recognised.get(name))
        for name, n, n_issues in zip(names.tolist(), n_images, n_flagged, strict=True)
    ]


def _recognised(run: RunFolder, ranking: Ranking) -> dict[str, float]:
    """Class -> share of its images whose leave-one-out class it is; {} in a run without them."""
    columns = run.read_optional("details.csv", ("file_name", "loo_label"))
    if columns is None:
        return {}
    predicted = dict(zip(*columns.values(), strict=True))
    right: dict[str, list[bool]] = {}
    for id_, label in zip(ranking.ids, ranking.given_labels, strict=True):
        right.setdefault(label, []).append(predicted.get(id_) == label)
    return {label: sum(found) / len(found) for label, found in right.items()}


def _estimated_pairs(run: RunFolder) -> list[LabelPair] | None:
    columns = run.read_optional(
        "joint.csv", ("given_label", "true_label", "n_images"), ("n_images",)
    )
    if columns is None:
        return None
    rows = zip(*columns.values(), strict=True)
    return [LabelPair(given, true, float(count or 0)) for given, true, count in rows]


def _flagged_pairs(ranking: Ranking) -> list[LabelPair]:
    flagged = np.flatnonzero(ranking.is_label_issue).tolist()
    counts: dict[tuple[str, str], int] = {}
    for row in flagged:
        pair = (ranking.given_labels[row], ranking.predicted_labels[row])
        counts[pair] = counts.get(pair, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [LabelPair(*pair, float(count)) for pair, count in ordered]


def _sample(ranking: Ranking, seed: int) -> list[int]:
    """Up to N_SAMPLE flagged rows, in an order that depends on seed and ids alone."""
    rows = np.flatnonzero(ranking.is_label_issue).tolist()
    keys = random_keys([ranking.ids[row] for row in rows], derived_seed(seed, "report", "sample"))
    order = np.lexsort((keys[:, 1], keys[:, 0])).tolist()
    return [rows[place] for place in order[:N_SAMPLE]]


def _neighbours(run: RunFolder, ids: Sequence[str]) -> NearestImages | None:
    found = run.open_neighbours(len(ids))
    return None if found is None else NearestImages(ids, *found)


def _places(run: RunFolder, ids: Sequence[str], seed: int) -> NDArray[np.uint16] | None:
    """The map of the features; None for a run without features."""
    if not run.reduced_features.exists():
        return None
    found = run.open_neighbours(len(ids))
    features = np.asarray(run.open_features(len(ids))[:, :2])
    if not np.isfinite(features).all():
        raise DamagedError(run.reduced_features, "has numbers that are not finite")
    seed = derived_seed(seed, "report", "map")
    places = on_grid(layout(features, None if found is None else found[0], seed=seed))
    by_name = sorted(range(len(ids)), key=ids.__getitem__)
    return places[np.argsort(np.array(by_name))]


def _duplicates(run: RunFolder, ranking: Ranking) -> list[SameImages] | None:
    names = ("duplicate_group", "file_name", "given_label", "kind")
    columns = run.read_optional("duplicates.csv", names, ("duplicate_group",))
    if columns is None:
        return None
    splits = dict(zip(ranking.ids, ranking.splits, strict=True))
    rows = sorted(zip(*columns.values(), strict=True), key=lambda row: (float(row[0] or 0), row[1]))
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
