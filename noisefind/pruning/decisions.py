"""Decisions of reviewers, as the report writes them: file_name,decision,label,run_id.

keep: the given label is right. relabel: ``label`` is right. drop: the image is dropped. unsure: a
reviewer saw the image and could not decide. Label Studio's JSON export is read too: the chosen
class keeps or relabels, and a skipped task is unsure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.data.records import csv_records, line_error, table_text
from noisefind.errors import DataError
from noisefind.pruning.reviewed_tasks import Decision, read_reviewed_tasks
from noisefind.utils.text import card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = ("file_name", "decision", "label", "run_id")
WORDS = ("keep", "relabel", "drop", "unsure")


class Disagreement(NamedTuple):
    """A row of disagreements.csv: the decision of one file, which another file contradicts."""

    file_name: str
    decision: str
    label: str
    file: str


@dataclass(frozen=True)
class Review:
    """The decisions that no reviewer contradicts, and the others.

    Attributes:
        decisions: id -> keep, relabel or drop.
        unsure: the images that reviewers saw and none decided, sorted.
        disagreements: a row per decision, sorted by id, of the images that are disputed.
    """

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    unsure: Sequence[str] = ()
    disagreements: Sequence[Disagreement] = ()

    def __repr__(self) -> str:
        return card(
            "Review",
            decisions=len(self.decisions),
            unsure=len(self.unsure),
            disputed=len(self.disputed),
        )

    @property
    def disputed(self) -> list[str]:
        """The images that the files decide differently, sorted."""
        return list(dict.fromkeys(row.file_name for row in self.disagreements))

    def count(self, word: str) -> int:
        """Number of images with this decision."""
        return sum(decision.word == word for decision in self.decisions.values())

    def labels(self, ids: Sequence[str], given: Sequence[str]) -> list[str]:
        """(N,) the given labels, corrected."""
        return [
            self.decisions[id_].label if self._is(id_, "relabel") else label
            for id_, label in zip(ids, given, strict=True)
        ]

    def where(self, ids: Sequence[str], *words: str) -> NDArray[np.bool_]:
        """(N,) whether an image has one of these decisions."""
        return np.array([self._is(id_, *words) for id_ in ids], dtype=np.bool_)

    def seen(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """(N,) whether a reviewer saw the image: it is decided, unsure or disputed."""
        seen = {*self.decisions, *self.unsure, *self.disputed}
        return np.array([id_ in seen for id_ in ids], dtype=np.bool_)

    def _is(self, id_: str, *words: str) -> bool:
        return id_ in self.decisions and self.decisions[id_].word in words


def read_decisions(files: Sequence[Path], run_id: str, given: Mapping[str, str]) -> Review:
    """The decisions of several reviewers, a file each.

    Where two reviewers decided differently nothing is decided; ``unsure`` disagrees with nobody.
    Relabelling an image with its given label is keeping it.

    Args:
        files: CSV files of the report, or JSON files of Label Studio.
        run_id: of the run that was reviewed.
        given: the given label of each of its images, by id.

    Raises:
        DataError: a file cannot be read, or a row is of another run, of an unknown image, of an
            unknown decision, lacks the class, or contradicts another row of its file.
    """
    votes: dict[str, dict[Path, Decision]] = {}
    unsure: set[str] = set()
    for file in files:
        for id_, decision in _read_one(file, run_id, given).items():
            if decision.word == "unsure":
                unsure.add(id_)
            else:
                votes.setdefault(id_, {})[file] = decision
    agreed = {
        id_: next(iter(of_file.values()))
        for id_, of_file in votes.items()
        if len(set(of_file.values())) == 1
    }
    return Review(
        agreed,
        sorted(unsure - votes.keys()),
        [
            Disagreement(id_, *decision, str(file))
            for id_, of_file in sorted(votes.items())
            if id_ not in agreed
            for file, decision in of_file.items()
        ],
    )


def _read_one(file: Path, run_id: str, given: Mapping[str, str]) -> dict[str, Decision]:
    if file.suffix.lower() == ".json":
        return read_reviewed_tasks(file, run_id, given)
    text = table_text(file)
    if not text.strip():
        raise DataError(
            f"{str(file)!r} is empty: expected {','.join(COLUMNS)}, as the report gives"
        )
    decisions: dict[str, Decision] = {}
    lines: dict[str, int] = {}
    for line, record in csv_records(file, text, COLUMNS):
        id_, word, label, of_run = (str(record.get(name) or "") for name in COLUMNS)
        if of_run != run_id:
            raise line_error(file, line, f"run_id {of_run!r} is another run than this, {run_id!r}")
        if id_ not in given:
            raise line_error(file, line, f"file_name {id_!r} is not in the run")
        if word not in WORDS:
            raise line_error(file, line, f"decision {word!r} must be one of {', '.join(WORDS)}")
        if word == "relabel" and not label:
            raise line_error(file, line, f"decision 'relabel' of {id_!r} has no label")
        decision = Decision(word, label if word == "relabel" else "")
        if decision == ("relabel", given[id_]):
            decision = Decision("keep")
        if decisions.setdefault(id_, decision) != decision:
            before = f"{' '.join(decisions[id_]).strip()!r} on line {lines[id_]}"
            now = " ".join(decision).strip()
            raise line_error(file, line, f"{id_!r} is decided as {now!r}, but as {before}")
        lines.setdefault(id_, line)
    return decisions
