"""What reviewers decided, as the report gives it back: file_name,decision,label,run_id.

keep: the given label is right. relabel: ``label`` is right. drop: the image goes. unsure: as if
nobody had looked.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = ("file_name", "decision", "label", "run_id")
WORDS = ("keep", "relabel", "drop", "unsure")
RELABELLED, DROPPED = "relabelled by review", "dropped by review"


class Decision(NamedTuple):
    """One word, and for ``relabel`` the right class."""

    word: str
    label: str = ""


class Disagreement(NamedTuple):
    """A row of disagreements.csv."""

    file_name: str
    decisions: str  # what was decided, joined by "; "


@dataclass(frozen=True)
class Review:
    """What all reviewers agree on, by id; without ``unsure``."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)

    def labels(self, ids: Sequence[str], given: Sequence[str]) -> list[str]:
        """(N,) the given labels, corrected."""
        return [
            self.decisions[id_].label if self._is(id_, "relabel") else label
            for id_, label in zip(ids, given, strict=True)
        ]

    def where(self, ids: Sequence[str], *words: str) -> NDArray[np.bool_]:
        """(N,) which images got one of these decisions."""
        return np.array([self._is(id_, *words) for id_ in ids], dtype=np.bool_)

    def _is(self, id_: str, *words: str) -> bool:
        return id_ in self.decisions and self.decisions[id_].word in words


def read_decisions(files: Sequence[Path], run_id: str, ids: Collection[str]) -> Review:
    """The decisions of several reviewers, a file each.

    Where two reviewers decided differently nothing is decided; ``unsure`` disagrees with nobody.

    Args:
        files: CSV files of the report.
        run_id: of the run that was reviewed.
        ids: of its images.

    Raises:
        DataError: a file cannot be read, or a row is of another run, of an unknown image, of an
            unknown decision, lacks the class, or contradicts another row of its file.
    """
    known, found = set(ids), dict[str, dict[Decision, None]]()
    for file in files:
        for id_, decision in _read_one(file, run_id, known).items():
            if decision.word != "unsure":
                found.setdefault(id_, {})[decision] = None
    agreed = {id_: next(iter(said)) for id_, said in found.items() if len(said) == 1}
    return Review(
        agreed,
        [
            Disagreement(id_, "; ".join(" ".join(filter(None, one)) for one in said))
            for id_, said in sorted(found.items())
            if len(said) > 1
        ],
    )


def _read_one(file: Path, run_id: str, known: Collection[str]) -> dict[str, Decision]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"--decisions {file}: has no column {missing[0]!r}; it must be the CSV that "
                    "the report gives"
                )
            rows = [(reader.line_num, [str(row[name] or "") for name in COLUMNS]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"--decisions {file}: cannot be read: {error}") from None
    decisions: dict[str, Decision] = {}
    for line, (id_, word, label, of_run) in rows:
        decision = Decision(word, label if word == "relabel" else "")
        fault = ""
        if of_run != run_id:
            fault = f"is of run {of_run!r}, not of this one, {run_id!r}"
        elif id_ not in known:
            fault = f"{id_!r} is not in the run"
        elif word not in WORDS:
            fault = f"decision {word!r} must be one of {', '.join(WORDS)}"
        elif word == "relabel" and not label:
            fault = f"relabel of {id_!r} names no label"
        elif decisions.setdefault(id_, decision) != decision:
            fault = f"{id_!r} was decided otherwise above"
        if fault:
            raise DataError(f"--decisions {file}, line {line}: {fault}")
    return decisions
