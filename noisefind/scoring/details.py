"""The numbers behind the label issues, for the run folder: per image, per class, per pair."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from noisefind.runs import writers
from noisefind.scoring.ranking import reason_codes
from noisefind.utils.files import cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from noisefind.data.dataset import Dataset
    from noisefind.detection.noise_rate import LabelNoise, NoiseRate
    from noisefind.runs.folder import RunFolder
    from noisefind.scoring.ranking import Judgement

LEAST_IMAGES = 0.5  # of a pair of classes in joint.csv; fewer are noise of the estimate


def memorised_note(share: float, *, is_own: bool = False) -> str:
    """A line that says that predictions repeat doubted labels; ``is_own``: those of the user."""
    if is_own:
        return (
            f"warning: your predictions repeat {share:.0%} of the labels that leave-one-out "
            "predictions doubt. They have memorised the labels, so label_score comes from the "
            "leave-one-out predictions alone. Give out-of-sample predictions, as those of a "
            "cross-validation"
        )
    return (
        f"the members have memorised {share:.0%} of the labels that leave-one-out predictions "
        "doubt, which is usual with few images. label_score does not use them. For el2n, aum and "
        "the like fewer --epochs help"
    )


def write_details(run: RunFolder, dataset: Dataset, judgement: Judgement) -> None:
    """Write details.csv, noise_per_class.csv and joint.csv."""
    noise = judgement.issues.noise
    writers.write_details(
        run, _details(dataset, judgement), _class_rows(dataset, judgement), _pairs(dataset, noise)
    )


def _details(dataset: Dataset, judgement: Judgement) -> Iterator[tuple[object, ...]]:
    """The evidence and indicators of every image, in the order of scores.csv."""
    row_of = {id_: row for row, id_ in enumerate(dataset.ids)}
    evidence, indicators, names = judgement.issues.evidence, judgement.indicators, dataset.classes
    for id_ in judgement.ranking.ids:
        row = row_of[id_]
        near = int(indicators.neighbours_class[row])
        other = int(indicators.conflicting_duplicate[row])
        yield (
            id_,
            cell(evidence.loo_prob[row]),
            names[evidence.loo_class[row]],
            names[evidence.member_class[row]],
            cell(evidence.member_prob[row]),
            cell(indicators.neighbours_given[row]),
            names[near] if near >= 0 else "",
            cell(indicators.neighbours_share[row]),
            dataset.ids[other] if other >= 0 else "",
            int(indicators.n_neighbours[row]),
            reason_codes(judgement.applies[row]),
            cell(float(evidence.loo_class_prob[row])),
            _alternatives(judgement.issues.alternatives(row), names),
        )


def _alternatives(pairs: list[tuple[int, float]], names: Sequence[str]) -> str:
    """JSON: pairs of class name and probability, which has the digits of a cell."""
    return json.dumps([(names[c], float(f"{p:.7g}")) for c, p in pairs], ensure_ascii=False)


def _class_rows(dataset: Dataset, judgement: Judgement) -> Iterator[tuple[object, ...]]:
    n_images = dict.fromkeys(dataset.classes, 0)
    n_issues = dict.fromkeys(dataset.classes, 0)
    ranking = judgement.ranking
    for label, is_issue in zip(ranking.given_labels, ranking.is_label_issue.tolist(), strict=True):
        n_images[label] += 1
        n_issues[label] += is_issue
    for name, rate in zip(dataset.classes, judgement.issues.noise.per_class, strict=True):
        yield (name, n_images[name], n_issues[name], *_text(rate))


def _text(rate: NoiseRate) -> list[str]:
    return [f"{value:.6g}" for value in rate]


def _pairs(dataset: Dataset, noise: LabelNoise) -> Iterator[tuple[object, ...]]:
    """Given class, estimated true class and the expected number of images, most first."""
    counts = noise.joint
    order = (-counts).ravel().argsort(kind="stable").tolist()
    for place in order:
        given, true = divmod(place, len(counts))
        if counts[given, true] < LEAST_IMAGES:
            return
        if given != true:
            yield dataset.classes[given], dataset.classes[true], f"{counts[given, true]:.6g}"
