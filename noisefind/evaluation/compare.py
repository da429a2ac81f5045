"""The command ``noisefind compare``: differences between two runs, joined by id.

comparison.csv       a row per image of both runs, the most moved label_score first
only_in_one.csv      file_name,run,given_label,label_score,is_label_issue: run is a or b
comparison.json      the differences; written last
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind._version import __version__
from noisefind.errors import RunError
from noisefind.evaluation.metrics import spearman
from noisefind.runs.folder import RunFolder
from noisefind.runs.output import open_output
from noisefind.utils.files import cell, write_csv, write_json
from noisefind.utils.text import card

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunSummary

FORMAT = 1
N_MOVED = 100  # images in "moved_most"
_FILES = ("comparison.json", "comparison.csv", "only_in_one.csv")


class RunImage(NamedTuple):
    """Results of one run for one image."""

    given_label: str
    label_score: float
    is_label_issue: bool


class Pair(NamedTuple):
    """Results of two runs for one image: a row of comparison.csv."""

    file_name: str
    given_label_a: str
    given_label_b: str
    label_score_a: float
    label_score_b: float
    is_label_issue_a: bool
    is_label_issue_b: bool

    @property
    def moved(self) -> float:
        """The absolute change of its label_score, 0 to 1."""
        return abs(self.label_score_b - self.label_score_a)


@dataclass(frozen=True)
class CompareResult:
    """The differences; ``summary`` is the content of comparison.json."""

    summary: dict[str, Any]
    pairs: list[Pair]
    output: Path | None

    def __repr__(self) -> str:
        found = self.summary
        n_newly, n_no_longer = len(found["newly_flagged"]), len(found["no_longer_flagged"])
        return card(
            f"CompareResult of {found['a']['run']} and {found['b']['run']}",
            images=f"{len(self.pairs):,} in both, {len(found['only_in_a']):,} in the first "
            f"alone, {len(found['only_in_b']):,} in the second alone",
            label_issues=f"{n_newly:,} newly flagged, {n_no_longer:,} no longer flagged",
            spearman=found["spearman"],
            output=self.output,
        )


def compare(
    run_a: str | Path, run_b: str | Path, output: str | Path | None = None
) -> CompareResult:
    """Compare two runs, for example of one data delivery and the next.

    Images are matched by id: the file name relative to the data.

    Args:
        run_a: the folder of a finished run, the earlier one.
        run_b: the folder of the later run.
        output: the output folder, new or empty; None: nothing is written.

    Returns:
        The content of comparison.json (``summary``), the images of both runs, and the output
        folder.

    Raises:
        RunError: a run is not finished, the runs have no image in common, or ``output`` is not
            empty.

    Examples:
        ```python
        result = noisefind.compare("run-may", "run-june", "comparison")
        print(len(result.pairs), result.summary["b"]["n_label_issues"])
        ```
    """
    folders = (RunFolder(Path(run_a)), RunFolder(Path(run_b)))
    summaries = [folder.read_summary() for folder in folders]
    out = None if output is None else Path(output)
    # it must not change the data of either run
    outputs = [] if out is None else [open_output(out, s.root, s.data) for s in summaries]
    a, b = (_images(folder.read_ranking()) for folder in folders)
    pairs = _pairs(a, b)
    if not pairs:
        raise RunError(
            f"{folders[0].path} and {folders[1].path} have no image in common: file names must be "
            "the same, relative to the data"
        )
    sides = {
        name: _side(folder, summary, images)
        for name, folder, summary, images in zip("ab", folders, summaries, (a, b), strict=True)
    }
    only = {"a": _alone(a, b), "b": _alone(b, a)}
    summary = {"format": FORMAT, "version": __version__, **sides, **_found(pairs, only)}
    if outputs:
        with outputs[0].write(_FILES) as partial:
            _write(partial, summary, pairs, only)
    return CompareResult(summary, pairs, out)


def _images(ranking: Ranking) -> dict[str, RunImage]:
    columns = (
        ranking.given_labels,
        ranking.label_scores.tolist(),
        ranking.is_label_issue.tolist(),
    )
    return {
        id_: RunImage(*cells)
        for id_, cells in zip(ranking.ids, zip(*columns, strict=True), strict=True)
    }


def _pairs(a: Mapping[str, RunImage], b: Mapping[str, RunImage]) -> list[Pair]:
    """The images of both runs, the most moved first."""
    pairs = [
        Pair(
            file_name=id_,
            given_label_a=a[id_].given_label, given_label_b=b[id_].given_label,
            label_score_a=a[id_].label_score, label_score_b=b[id_].label_score,
            is_label_issue_a=a[id_].is_label_issue, is_label_issue_b=b[id_].is_label_issue,
        )
        for id_ in a.keys() & b.keys()
    ]  # fmt: skip
    return sorted(pairs, key=lambda pair: (-pair.moved, pair.file_name))


def _alone(here: Mapping[str, RunImage], others: Mapping[str, RunImage]) -> list[dict[str, Any]]:
    """The images of one run alone, the worst labels first."""
    ids = sorted(here.keys() - others.keys(), key=lambda id_: (here[id_].label_score, id_))
    return [{"file_name": id_, **here[id_]._asdict()} for id_ in ids]


def _side(folder: RunFolder, summary: RunSummary, images: Mapping[str, RunImage]) -> dict[str, Any]:
    return {
        "run": str(folder.path),
        "run_id": summary.run_id,
        "n_images": len(images),
        "n_label_issues": sum(image.is_label_issue for image in images.values()),
        "noise_rate": asdict(summary.noise_rate),
    }


def _found(pairs: Sequence[Pair], only: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    scores = np.array([(pair.label_score_a, pair.label_score_b) for pair in pairs]).T
    alike = float(spearman(scores)[0, 1])
    newly = [p for p in pairs if p.is_label_issue_b and not p.is_label_issue_a]
    no_longer = [p for p in pairs if p.is_label_issue_a and not p.is_label_issue_b]
    changed = [p for p in pairs if p.given_label_a != p.given_label_b]
    return {
        "n_common": len(pairs),
        "spearman": None if np.isnan(alike) else round(alike, 6),
        "newly_flagged": _as_dicts(sorted(newly, key=lambda p: (p.label_score_b, p.file_name))),
        "no_longer_flagged": _as_dicts(
            sorted(no_longer, key=lambda p: (p.label_score_a, p.file_name))
        ),
        "changed_labels": _as_dicts(sorted(changed)),
        "moved_most": _as_dicts([p for p in pairs[:N_MOVED] if p.moved > 0]),
        "only_in_a": only["a"],
        "only_in_b": only["b"],
    }


def _as_dicts(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    return [pair._asdict() for pair in pairs]


def _write(
    folder: Path,
    summary: Mapping[str, object],
    pairs: Sequence[Pair],
    only: Mapping[str, list[dict[str, Any]]],
) -> None:
    write_csv(folder / "comparison.csv", Pair._fields, (tuple(map(cell, pair)) for pair in pairs))
    alone = (
        tuple(map(cell, (image["file_name"], name, *list(image.values())[1:])))
        for name, images in only.items()
        for image in images
    )
    write_csv(folder / "only_in_one.csv", ("file_name", "run", *RunImage._fields), alone)
    write_json(folder / "comparison.json", summary)
