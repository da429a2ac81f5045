"""ReportData and pictures -> the text of one HTML file that loads nothing from outside.

Names of classes and files are data: the template escapes them, the script gets them as JSON and
only ever sets text. The content security policy of the page allows its own script and style only,
by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from noisefind._version import __version__
from noisefind.detection.reasons import CODES, EXPLANATIONS, Reason, kind_words
from noisefind.reporting.galleries import (
    N_GROUPS,
    N_IN_GALLERY,
    N_IN_GROUP,
    N_WORST,
    image_findings,
)
from noisefind.reporting.plots import heat_map, histogram
from noisefind.scores import SCORES
from noisefind.scoring.details import memorised_note
from noisefind.utils.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from noisefind.reporting.data import ReportData
    from noisefind.runs.summary import EstimatedShare, RunSummary

MARK = '<meta name="generator" content="noisefind report">'
STYLES = ("base.css", "overview.css", "gallery.css", "review.css", "map.css", "print.css")
SCRIPTS = (
    "text.js", "rows.js", "decisions.js", "pairs.js", "gallery.js", "cards.js", "choose.js",
    "review.js", "bulk.js", "map.js", "main.js",
)  # fmt: skip
N_SKIPPED = 200
# characters that could end the element in HTML, or a line in JavaScript before 2019
_IN_HTML = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Pictures:
    """Data URIs by id, and where the files are.

    Attributes:
        large: of the cards and galleries.
        small: of neighbours that are in none of these.
        larger: to enlarge some of ``large``.
        folder: URL of the folder of the images, relative to the page and with a "/" at its end;
            None: the images are not files.
    """

    large: Mapping[str, str]
    small: Mapping[str, str]
    larger: Mapping[str, str]
    folder: str | None = None


class Gallery(NamedTuple):
    """All images of one finding; ``reason`` is its name in the filters."""

    name: str
    reason: str
    ids: Sequence[str]


def page(data: ReportData, pictures: Pictures) -> str:
    """The HTML of the page."""
    style, script = _joined(STYLES), f'"use strict";\n(() => {{\n{_joined(SCRIPTS)}}})();\n'
    policy = (
        f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(style)}'; "
        "img-src data: file:; base-uri 'none'; form-action 'none'"
    )
    ranking, place = data.ranking, numbers(data, pictures)
    scores = {"label_score": ranking.label_scores, **ranking.scores}
    return _environment().get_template("page.html.j2").render(
        mark=MARK, policy=policy, style=style, script=script, version=__version__,
        data=data, summary=data.summary, place=place, galleries=_galleries(data),
        worst=_worst(data, place),
        memorised=_memorised(data.summary), is_own=data.summary.score_config().has_own_model,
        heat=heat_map(data.label_pairs, [row.name for row in data.classes]),
        histograms={
            name: histogram(values, ranking.is_label_issue) for name, values in scores.items()
        },
        number={name: place for place, name in enumerate(class_names(data))},
        scores=SCORES, n_groups=N_GROUPS, n_in_group=N_IN_GROUP, n_in_gallery=N_IN_GALLERY,
        n_skipped=N_SKIPPED,
        embedded=as_json(_embedded(data, pictures)),
    )  # fmt: skip


def _memorised(summary: RunSummary) -> str:
    """The note on memorised labels, or ""."""
    share = summary.memorised_share
    if not summary.memorised or share is None:
        return ""
    return memorised_note(share, is_own=summary.score_config().has_own_model)


def class_names(data: ReportData) -> list[str]:
    """All classes of the page, sorted; the script refers to them by their place in this list."""
    ranking = data.ranking
    names = {name for pair in data.label_pairs for name in (pair.given, pair.true)}
    names.update(name for pairs in data.alternatives or () for name, _ in pairs)
    return sorted(names.union(ranking.given_labels, ranking.predicted_labels))


def numbers(data: ReportData, pictures: Pictures) -> dict[str, int]:
    """Numbers of the images with a picture: rows, then those of other splits from N on."""
    rows = {id_: row for row, id_ in enumerate(data.ranking.ids)}
    others = (id_ for id_ in pictures.large if id_ not in rows)
    rows.update({id_: len(rows) + n for n, id_ in enumerate(others)})
    return {id_: rows[id_] for id_ in pictures.large}


def _worst(data: ReportData, place: Mapping[str, int]) -> list[int]:
    """The first rows that are label issues and have a picture."""
    flagged = np.flatnonzero(data.ranking.is_label_issue).tolist()
    return [row for row in flagged if data.ranking.ids[row] in place][:N_WORST]


def _galleries(data: ReportData) -> list[Gallery]:
    found = image_findings(data)
    return [Gallery(name, kind_words(Reason(name)), ids) for name, ids in found.items()]


def digest(text: str) -> str:
    """The hash of a script or style as a Content-Security-Policy lists it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def as_json(values: object) -> str:
    """JSON that is safe within a script element, with any text in it."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_IN_HTML)


def _embedded(data: ReportData, pictures: Pictures) -> dict[str, Any]:
    """The data for the script: columns with a value per row, names by number."""
    ranking = data.ranking
    classes = class_names(data)
    splits = sorted(set(ranking.splits))
    reasons = sorted(set(data.reasons))
    ids, number = ranking.ids, numbers(data, pictures)
    shown = sorted(place for place in number.values() if place < len(ids))
    near = {} if data.neighbours is None else {row: data.neighbours.of(row) for row in shown}
    small = {n.row for listed in near.values() for n in listed if ids[n.row] in pictures.small}
    return {
        "runId": data.summary.run_id,
        "classes": classes,
        "splits": splits,
        "reasons": [list(map(str, listed)) for listed in reasons],
        "reasonKinds": [list(map(kind_words, listed)) for listed in reasons],
        "explanations": {CODES[code]: text for code, text in EXPLANATIONS.items()},
        "scores": [
            {"name": name, "highIsHard": score.high_is_hard, "summary": score.summary}
            for name, score in SCORES.items()
            if name in ranking.scores
        ],
        "rows": {
            "file": ids,
            "split": _numbers(ranking.splits, splits),
            "given": _numbers(ranking.given_labels, classes),
            "suggestion": _numbers(ranking.predicted_labels, classes),
            "probability": packed(ranking.predicted_probs),
            "flagged": (ranking.is_label_issue + 2 * ranking.is_worth_a_look).tolist(),
            "reasons": _numbers(data.reasons, reasons),
            "label_score": packed(ranking.label_scores),
            **{name: packed(values) for name, values in ranking.scores.items()},
        },
        "alternatives": _alternatives(data, shown, classes),
        "pairs": data.conflicting[:N_GROUPS] if pictures.large else [],
        "sample": data.sample,
        "neighbours": None if data.neighbours is None else near,
        "others": [id_ for id_, place in number.items() if place >= len(ids)],
        "folder": pictures.folder,
        "places": None if data.places is None else whole(data.places),
        "pictures": {number[id_]: uri for id_, uri in pictures.large.items()},
        "larger": {number[id_]: uri for id_, uri in pictures.larger.items()},
        "small": {row: pictures.small[ids[row]] for row in sorted(small)},
    }


def _alternatives(
    data: ReportData, shown: Iterable[int], classes: list[str]
) -> dict[int, list[tuple[int, float]]]:
    """The likeliest classes by number, for the rows that have a card."""
    if data.alternatives is None:
        return {}
    place = {name: number for number, name in enumerate(classes)}
    return {
        row: [(place[name], float(f"{p:.3g}")) for name, p in data.alternatives[row]]
        for row in shown
    }


def _numbers(values: Iterable[object], names: Iterable[object]) -> list[int]:
    place = {name: number for number, name in enumerate(names)}
    return [place[value] for value in values]


def packed(values: NDArray[np.float64]) -> str:
    """The upper three of the four bytes of each float32, as base64: four digits, four letters.

    As text they would take almost twice as much of a page of 100,000 rows; infinite becomes NaN.
    """
    floats = np.where(np.isfinite(values), values, np.nan).astype("<f4")
    rounded = (floats.view("<u4") + 0x80).view(np.uint8).reshape(-1, 4)
    return base64.b64encode(rounded[:, 1:].tobytes()).decode()


def whole(values: NDArray[np.uint16]) -> str:
    """Two bytes of each number, the lower one first, as base64."""
    return base64.b64encode(values.astype("<u2").tobytes()).decode()


def _joined(names: Iterable[str]) -> str:
    folder = files("noisefind.reporting") / "page"
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("noisefind.reporting", "page"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        visible=visible, count=_count, percent=percent, interval=_interval, score=_score,
        duration=_duration,
    )  # fmt: skip
    return environment


def percent(share: float) -> str:
    """A share as text with two significant digits: 12 %, 3.1 %, 0.04 %."""
    value = 100 * share
    digits = 0 if value >= 10 or value < 0.005 else 1 if value >= 0.1 else 2
    return f"{value:.{digits}f} %"


def _count(number: float) -> str:
    """A count as text: 1,234; small expected numbers get one decimal."""
    if number == int(number) or number >= 10:
        return f"{number:,.0f}"
    return f"{number:.1f}"


def _interval(noise: EstimatedShare) -> str:
    return f"{percent(noise.low)} to {percent(noise.high)}"


def _score(value: float) -> str:
    return f"{value:.3g}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
