"""What details.csv says against each label, and ties.csv of classes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from noisefind.detection.reasons import Reason
from noisefind.errors import RunError
from noisefind.runs.tables import DETAIL_NUMBERS, TIE_COLUMNS
from noisefind.utils.text import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from noisefind.runs.folder import RunFolder
    from noisefind.runs.ranking import Ranking

REASON_COLUMNS = (
    "file_name", "reason_codes", "loo_label", "loo_label_prob", "ensemble_label", "ensemble_prob",
    "neighbours_label", "neighbours_label_share", "n_neighbours", "conflicting_duplicate",
)  # fmt: skip
Alternatives: TypeAlias = tuple[tuple[str, float], ...]  # classes with their probabilities


class ClassTie(NamedTuple):
    """A class that a property tells from the others; images that have it most and least."""

    label: str
    property: str
    value: str
    strength: float
    most: list[str]
    least: list[str]


def read_ties(run: RunFolder) -> list[ClassTie]:
    """The ties of ties.csv; empty for a run without the file.

    Raises:
        RunError: a cell is not a number, or not a JSON list of file names.
    """
    columns = run.read_optional("ties.csv", TIE_COLUMNS, ("strength",)) or {}
    ties = []
    for number, (label, name, value, strength, *examples) in enumerate(
        zip(*columns.values(), strict=True), 1
    ):
        files = [_file_names(text) for text in examples]
        if None in files:
            raise RunError(
                f"{run.path / 'ties.csv'}: row {number}: with and without must be JSON lists of "
                "file names; score the data again"
            )
        most, least = (listed or [] for listed in files)
        ties.append(ClassTie(label, name, value, float(strength or 0), most, least))
    return ties


def _file_names(text: str) -> list[str] | None:
    """None where the text is not a list of names."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_valid = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if is_valid else None


def read_reasons(run: RunFolder, ranking: Ranking) -> list[tuple[Reason, ...]]:
    """For each row the reasons of details.csv, then one for each issue of the image itself."""
    columns = run.read_optional("details.csv", REASON_COLUMNS, DETAIL_NUMBERS)
    found: dict[str, list[Reason]] = {}
    if columns is not None:
        label_of = dict(zip(ranking.ids, ranking.given_labels, strict=True))
        for id_, codes, *cells in zip(*columns.values(), strict=True):
            if codes:
                given = label_of.get(id_, "")
                found[id_] = [_reason(code, cells, given, label_of) for code in codes.split(";")]
    same: dict[tuple[Reason, ...], tuple[Reason, ...]] = {}  # few different ones, many rows
    rows = []
    for id_, issues in zip(ranking.ids, ranking.image_issues, strict=True):
        reasons = (*found.get(id_, ()), *(Reason(issue) for issue in issues.split(";") if issue))
        rows.append(same.setdefault(reasons, reasons))
    return rows


def _reason(code: str, cells: list[str], given: str, label_of: Mapping[str, str]) -> Reason:
    """One reason, from the cells of REASON_COLUMNS after the codes."""
    loo_label, loo_prob, ensemble_label, ensemble_prob, near_label, share, n_near, other = cells
    if code == "conflicting_duplicate":
        return Reason(code, label_of.get(other, ""), other=other)
    if code == "neighbours":
        n = round(float(n_near or 0))
        return Reason(code, near_label, round(min(float(share or 0), 1.0) * n), n)
    if code == "leave_one_out":
        return Reason(code, "" if loo_label == given else loo_label, share=float(loo_prob or 0))
    if code == "ensemble":
        return Reason(code, ensemble_label, share=float(ensemble_prob or 0))
    return Reason(code)


def read_alternatives(run: RunFolder, ranking: Ranking) -> list[Alternatives] | None:
    """For each row the likeliest classes, likeliest first; None where the run does not have them.

    Raises:
        RunError: a cell is not JSON, or not pairs of a class and a probability.
    """
    columns = run.read_optional("details.csv", ("file_name", "alternatives"))
    if columns is None:
        return None
    found = {}
    for number, (id_, text) in enumerate(zip(*columns.values(), strict=True), 1):
        pairs = _pairs(text)
        if pairs is None:
            raise RunError(
                f"{run.path / 'details.csv'}: row {number}: alternatives is {shortened(text)} and "
                "must be pairs of class and probability as JSON; score the data again"
            )
        found[id_] = pairs
    return [found.get(id_, ()) for id_ in ranking.ids]


def _pairs(text: str) -> Alternatives | None:
    """None where the text is not such pairs."""
    try:
        pairs = tuple((name, float(p)) for name, p in json.loads(text or "[]"))
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None
    is_valid = all(isinstance(name, str) and math.isfinite(p) for name, p in pairs)
    return pairs if is_valid else None
