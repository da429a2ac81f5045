"""What the verdict rests on, for the run folder: details of every image, noise of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noisefind.runs import tables
from noisefind.utils.files import cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from noisefind.data.dataset import Dataset
    from noisefind.detection.noise_rate import LabelNoise, NoiseRate
    from noisefind.runs.folder import RunFolder
    from noisefind.scoring.ranking import Judged

LEAST_IMAGES = 0.5  # of a pair of classes in transitions.csv; fewer are noise of the estimate


def memorised_warning(share: float) -> str:
    """One line for whoever trusts the ensemble."""
    return (
        f"the members repeat {share:.0%} of the labels that held-out witnesses doubt: they have "
        "learned the labels by heart, so label_score leans on the held-out witnesses alone; for "
        "scores that mean something train fewer --epochs"
    )


def write_details(run: RunFolder, dataset: Dataset, judged: Judged, noise: LabelNoise) -> None:
    """Write details.csv, noise_per_class.csv and transitions.csv."""
    tables.write_details(
        run, _details(dataset, judged), _class_rows(dataset, judged, noise), _pairs(dataset, noise)
    )


def _details(dataset: Dataset, judged: Judged) -> Iterator[tuple[object, ...]]:
    """The signs of every image, in the order of scores.csv."""
    row_of = {id_: row for row, id_ in enumerate(dataset.ids)}
    signs, names = judged.signs, dataset.classes
    for id_ in judged.ranking.ids:
        row = row_of[id_]
        near, twin = int(signs.neighbour_class[row]), int(signs.twin[row])
        yield (
            id_,
            cell(signs.held_out_prob[row]),
            names[signs.held_out_class[row]],
            names[signs.member_class[row]],
            cell(signs.member_prob[row]),
            cell(signs.neighbour_own_share[row]),
            names[near] if near >= 0 else "",
            cell(signs.neighbour_share[row]),
            dataset.ids[twin] if twin >= 0 else "",
        )


def _class_rows(
    dataset: Dataset, judged: Judged, noise: LabelNoise
) -> Iterator[tuple[object, ...]]:
    n_images = dict.fromkeys(dataset.classes, 0)
    n_issues = dict.fromkeys(dataset.classes, 0)
    ranking = judged.ranking
    for label, is_issue in zip(ranking.given_labels, ranking.is_label_issue.tolist(), strict=True):
        n_images[label] += 1
        n_issues[label] += is_issue
    for name, rate in zip(dataset.classes, noise.per_class, strict=True):
        yield (name, n_images[name], n_issues[name], *_text(rate))


def _text(rate: NoiseRate) -> list[str]:
    return [f"{value:.6g}" for value in rate]


def _pairs(dataset: Dataset, noise: LabelNoise) -> Iterator[tuple[object, ...]]:
    """Given class, suspected true class and the expected number of images, most first."""
    counts = noise.transitions
    order = (-counts).ravel().argsort(kind="stable").tolist()
    for place in order:
        given, true = divmod(place, len(counts))
        if counts[given, true] < LEAST_IMAGES:
            return
        if given != true:
            yield dataset.classes[given], dataset.classes[true], f"{counts[given, true]:.6g}"
