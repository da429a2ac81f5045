"""The run folder: its file names, their columns, and when a run may begin, go on or be read.

    started.json      what was asked, of which data; written first
    record/<kind>/    what the members said (training/record.py)
    features/         reduced.npy, the neighbours, clusters.csv; for --features swav its loss and,
                      while it trains, how far it is
    scores.csv        one row per image, worst first
    details.csv       the numbers behind its reasons
    noise_per_class.csv, joint.csv   how many labels are wrong, and what they should be
    duplicates.csv    images that are there twice; leaks.csv: in another split too
    skipped.csv       what was left out, and why
    held_out.csv      what --hold-out set aside, with its labels
    run.json          all about the run; written last, so its existence means that the run is whole

Arrays in record/ and features/ have a row per row of scores.csv, in the order of sorted file names.
"""

from __future__ import annotations

import csv
import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from noisefind.config import FREE_ON_RESUME, differing
from noisefind.data.dataset import Skipped
from noisefind.errors import RunError
from noisefind.scores import SCORES, difficulty
from noisefind.similarity.findings import Leak
from noisefind.utils.files import cell, write_csv, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.similarity.findings import Findings

FORMAT = 1
SCORE_COLUMNS = (
    "rank",
    "file_name",
    "split",
    "given_label",
    "predicted_label",
    "predicted_prob",
    "label_score",
    "is_label_issue",
    "reasons",
    *SCORES,
    "duplicate_group",
    "is_outlier_issue",
    "image_issues",
)
DETAIL_COLUMNS = (
    "file_name",
    "loo_prob_given",
    "loo_label",
    "ensemble_label",
    "ensemble_prob",
    "neighbours_given",
    "neighbours_label",
    "neighbours_label_share",
    "conflicting_duplicate",
    "n_neighbours",
    "reason_codes",
)
CLASS_COLUMNS = ("class", "n_images", "n_label_issues", "noise_rate", "low", "high")
PAIR_COLUMNS = ("given_label", "true_label", "n_images")


@dataclass(frozen=True)
class Ranking:
    """What scores.csv holds: N images, worst first."""

    ids: list[str]
    splits: list[str]
    given_labels: list[str]
    predicted_labels: list[str]
    predicted_probs: NDArray[np.float64]
    label_scores: NDArray[np.float64]
    is_label_issue: NDArray[np.bool_]
    reasons: list[str]
    scores: dict[str, NDArray[np.float64]]
    duplicate_groups: NDArray[np.int64]  # 0 where the image is in none
    is_outlier_issue: NDArray[np.bool_]
    image_issues: list[str]  # joined by ";"

    def __len__(self) -> int:
        return len(self.ids)

    def hardness(self) -> dict[str, NDArray[np.float64]]:
        """Every score and ``label_score``, turned so that HIGH is hard."""
        values = {**self.scores, "label_score": self.label_scores}
        return {name: difficulty(name, value) for name, value in values.items()}


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def record(self) -> Path:
        """Folder of the record, with a folder for each kind of member."""
        return self.path / "record"

    @property
    def reduced_features(self) -> Path:
        """The feature vectors that probes and k-means saw."""
        return self.path / "features" / "reduced.npy"

    @property
    def neighbours(self) -> Path:
        """The nearest other images of each, by features; row numbers of sorted file names."""
        return self.path / "features" / "neighbours.npy"

    @property
    def neighbour_similarity(self) -> Path:
        """The cosine to each of them."""
        return self.path / "features" / "neighbour_similarity.npy"

    @property
    def swav_checkpoint(self) -> Path:
        """How far the training of SwAV is; gone when it is over."""
        return self.path / "features" / "swav.pt"

    @property
    def swav_loss(self) -> Path:
        """SwAV's loss after every epoch."""
        return self.path / "features" / "swav_loss.csv"

    @property
    def held_out(self) -> Path:
        """The images that were set aside, where there are any."""
        return self.path / "held_out.csv"

    @property
    def is_whole(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / "run.json").exists()

    @contextmanager
    def held(self, *, resume: bool) -> Iterator[None]:
        """Make the folder and keep other processes out of it; an empty one goes again at the end.

        Raises:
            RunError: the folder holds something and is not to be resumed, cannot be written, or
                another process is at work in it.
        """
        self._require_free(resume=resume)
        made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        lock = FileLock(self.path / ".lock", blocking=False)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise RunError(f"{self.path}: another noisefind is at work in this folder") from None
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error.strerror}") from None
        try:
            self._require_free(resume=resume)  # it may have been filled a moment ago
            yield
        finally:
            if not self._started.exists():
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()
            for path in made:
                with suppress(OSError):  # not empty
                    path.rmdir()

    def _require_free(self, *, resume: bool) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file; give -o a new folder")
        if self._started.exists():
            if not resume:
                raise RunError(
                    f"{self.path} holds a run already; give -o a new folder, or --resume to go on"
                )
        elif self.path.is_dir() and any(not p.name.startswith(".") for p in self.path.iterdir()):
            raise RunError(f"{self.path} holds other files than a run; give -o a new folder")

    def start(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Begin or go on: compare ``asked`` with what was started here, and note it down.

        Args:
            asked: ``config``, ``members`` (kind to number), ``data``, ``fingerprint``, ``labels``,
                ``weights``, ``run_id``, ``version``.

        Returns:
            ``asked`` with the run id of the first start.

        Raises:
            RunError: options, data or labels have changed, or there would be fewer members.
        """
        if self._is_begun:
            before = _read_json(self._started)
            self._require_same(before, asked)
            asked = {**asked, "run_id": before["run_id"]}
        write_json(self._started, asked)
        return asked

    def started_config(self) -> dict[str, object]:
        """The options that the run here began with; empty if there is none."""
        return dict(_read_json(self._started)["config"]) if self._started.exists() else {}

    def _require_same(self, before: dict[str, Any], asked: dict[str, Any]) -> None:
        changed = differing(before["config"], asked["config"], ignore=FREE_ON_RESUME)
        for kind, number in before["members"].items():
            if asked["members"].get(kind, 0) < number:
                changed.append(f"--members (was {number} x {kind}; a run can only grow)")
        names = {
            "fingerprint": "the images",
            "labels": "the labels",
            "weights": "the file of --weights",
            "version": "noisefind itself",
        }
        changed += [what for key, what in names.items() if before.get(key) != asked.get(key)]
        if changed:
            raise RunError(
                f"--resume {self.path}: changed since the run began: {', '.join(changed)}; "
                "change it back, or give -o a new folder"
            )

    def write_results(
        self, ranking: Ranking, skipped: Sequence[Skipped], clusters: Mapping[int, float]
    ) -> None:
        """Write scores.csv, skipped.csv and the curve of the clusters."""
        write_csv(self.path / "scores.csv", SCORE_COLUMNS, _score_rows(ranking))
        write_csv(self.path / "skipped.csv", Skipped._fields, skipped)
        write_csv(
            self.path / "features" / "clusters.csv",
            ("n_clusters", "mean_squared_distance"),
            ((k, cell(distance)) for k, distance in sorted(clusters.items())),
        )

    def write_findings(self, findings: Findings, dataset: Dataset) -> None:
        """Write the neighbours, duplicates.csv and, where other splits were seen, leaks.csv."""
        np.save(self.neighbours, findings.neighbours.rows)
        np.save(self.neighbour_similarity, findings.neighbours.similarity)
        group = findings.duplicate_group
        rows = np.flatnonzero(group)
        write_csv(
            self.path / "duplicates.csv",
            ("duplicate_group", "file_name", "given_label", "kind"),
            (
                (
                    group[row],
                    dataset.ids[row],
                    dataset.classes[dataset.labels[row]],
                    "exact" if findings.is_exact[row] else "near",
                )
                for row in rows[np.argsort(group[rows], kind="stable")].tolist()
            ),
        )
        if findings.leaks is not None:
            write_csv(self.path / "leaks.csv", Leak._fields, findings.leaks)

    def write_details(
        self,
        details: Iterable[Sequence[object]],
        classes: Iterable[Sequence[object]],
        pairs: Iterable[Sequence[object]],
    ) -> None:
        """Write details.csv, noise_per_class.csv and joint.csv."""
        write_csv(self.path / "details.csv", DETAIL_COLUMNS, details)
        write_csv(self.path / "noise_per_class.csv", CLASS_COLUMNS, classes)
        write_csv(self.path / "joint.csv", PAIR_COLUMNS, pairs)

    def write_held_out(self, dataset: Dataset) -> None:
        """Write held_out.csv: what was set aside before scoring."""
        labels = (dataset.classes[label] for label in dataset.labels.tolist())
        write_csv(self.held_out, ("file_name", "label"), zip(dataset.ids, labels, strict=True))

    def finish(self, summary: dict[str, Any]) -> None:
        """Write run.json: the run is whole."""
        write_json(self.path / "run.json", {"format": FORMAT, **summary})

    def read_summary(self) -> dict[str, Any]:
        """What run.json says.

        Raises:
            RunError: there is no whole run here, or one of another format.
        """
        if not self.is_whole:
            way_out = (
                "it was interrupted: finish it with the same command and --resume"
                if self._started.exists()
                else "make one with: noisefind score DATA -o RUN"
            )
            raise RunError(f"{self.path} is not the folder of a finished run; {way_out}")
        summary = _read_json(self.path / "run.json")
        if summary.get("format") != FORMAT:
            raise RunError(
                f"{self.path}/run.json has format {summary.get('format')}, this noisefind reads "
                f"{FORMAT}; score the data again"
            )
        return summary

    def read_ranking(self) -> Ranking:
        """What scores.csv holds.

        Raises:
            RunError: the file cannot be read or lacks a column.
        """
        columns = _read_columns(self.path / "scores.csv", SCORE_COLUMNS)
        try:
            return Ranking(
                ids=columns["file_name"],
                splits=columns["split"],
                given_labels=columns["given_label"],
                predicted_labels=columns["predicted_label"],
                predicted_probs=np.array(columns["predicted_prob"], np.float64),
                label_scores=np.array(columns["label_score"], np.float64),
                is_label_issue=np.array(columns["is_label_issue"]) == "true",
                reasons=columns["reasons"],
                scores={name: np.array(columns[name], np.float64) for name in SCORES},
                duplicate_groups=np.array([int(n or 0) for n in columns["duplicate_group"]]),
                is_outlier_issue=np.array(columns["is_outlier_issue"]) == "true",
                image_issues=columns["image_issues"],
            )
        except ValueError as error:
            raise RunError(f"{self.path}/scores.csv: {error}") from None

    def read_optional(self, name: str, columns: Sequence[str]) -> dict[str, list[str]] | None:
        """Columns of a table that not every run has; None where the file or one of them lacks.

        Raises:
            RunError: the table cannot be read.
        """
        path = self.path / name
        if not path.exists() or not set(columns) <= set(_read_header(path)):
            return None
        return _read_columns(path, columns)

    def read_skipped(self) -> list[Skipped]:
        """What skipped.csv holds."""
        columns = _read_columns(self.path / "skipped.csv", Skipped._fields)
        return [Skipped(*row) for row in zip(*columns.values(), strict=True)]

    @property
    def _started(self) -> Path:
        return self.path / "started.json"

    @property
    def _is_begun(self) -> bool:
        """Whether anything is saved that a later start could lose."""
        saved = (self.record, self.reduced_features, self.swav_checkpoint)
        return self._started.exists() and any(path.exists() for path in saved)


def _score_rows(ranking: Ranking) -> zip[tuple[object, ...]]:
    def text(values: NDArray[Any]) -> map[object]:
        return map(cell, values.tolist())

    return zip(
        range(1, len(ranking) + 1),
        ranking.ids,
        ranking.splits,
        ranking.given_labels,
        ranking.predicted_labels,
        text(ranking.predicted_probs),
        text(ranking.label_scores),
        text(ranking.is_label_issue),
        ranking.reasons,
        *(text(ranking.scores[name]) for name in SCORES),
        [group or "" for group in ranking.duplicate_groups.tolist()],
        text(ranking.is_outlier_issue),
        ranking.image_issues,
        strict=True,
    )


def _read_header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None


def _read_columns(path: Path, names: Sequence[str]) -> dict[str, list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        places = [header.index(name) for name in names]
        return {name: [row[i] for row in rows] for name, i in zip(names, places, strict=True)}
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise RunError(f"{path}: is not what noisefind writes")
    return values
