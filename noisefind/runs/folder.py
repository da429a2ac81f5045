"""The run folder: its files, and when a run may start, be resumed or be read.

    started.json      options and data of the run (summary.py); written first
    record/<kind>/    predictions of the members (training/record.py)
    features/         reduced.npy, the neighbours, clusters.csv; for --features swav its loss and,
                      during its training, a checkpoint
    scores.csv        one row per image, worst first (tables.py has the columns of all tables)
    details.csv       the numbers behind the reasons
    noise_per_class.csv, joint.csv   how many labels are wrong, and what they should be
    duplicates.csv    images that appear more than once; leaks.csv: images of another split too
    ties.csv          classes that brightness, size, folder and the like give away
    skipped.csv       the files that were left out, and why
    held_out.csv      the images of the hold-out set, with their labels
    checksums.json    in record/<kind>/ and features/: size and CRC-32 of each array there
    run.json          the summary (summary.py); written last: a run with this file is complete

Arrays in record/ and features/ have a row per row of scores.csv, in the order of sorted file names.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from noisefind.config import FREE_ON_RESUME, differing
from noisefind.errors import RunError
from noisefind.runs import tables
from noisefind.runs.summary import RunStart, RunSummary
from noisefind.utils.arrays import DamagedError, open_checked
from noisefind.utils.files import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Skipped
    from noisefind.runs.ranking import Ranking


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
        """The feature vectors for probes and k-means."""
        return self.path / "features" / "reduced.npy"

    @property
    def neighbours(self) -> Path:
        """The nearest other images of each, by features; row numbers of sorted file names."""
        return self.path / "features" / "neighbours.npy"

    @property
    def neighbour_similarity(self) -> Path:
        """The cosine similarity to each of them."""
        return self.path / "features" / "neighbour_similarity.npy"

    @property
    def swav_checkpoint(self) -> Path:
        """Checkpoint of the training of SwAV; deleted when it is finished."""
        return self.path / "features" / "swav.pt"

    @property
    def swav_loss(self) -> Path:
        """Loss of SwAV after every epoch."""
        return self.path / "features" / "swav_loss.csv"

    @property
    def held_out(self) -> Path:
        """The images of --hold-out; exists only with this option."""
        return self.path / "held_out.csv"

    @property
    def is_whole(self) -> bool:
        """Whether the run is finished."""
        return (self.path / "run.json").exists()

    @contextmanager
    def held(self, *, resume: bool) -> Iterator[None]:
        """Make the folder and keep other processes out; delete it at the end if it is empty.

        Raises:
            RunError: the folder is not empty and ``resume`` is False, it cannot be written, or
                another process uses it.
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

    def start(self, requested: RunStart) -> RunStart:
        """Start or resume: compare ``requested`` with the started run, and write started.json.

        Returns:
            ``requested`` with the run id of the first start.

        Raises:
            RunError: options, data or labels have changed, or there would be fewer members.
        """
        if self._is_begun:
            before = RunStart.read(self._started)
            self._require_same(before, requested)
            requested = replace(requested, run_id=before.run_id)
        write_json(self._started, requested.to_json())
        return requested

    def started_config(self) -> dict[str, object]:
        """The options that the run here was started with; empty if there is none.

        Raises:
            RunError: started.json cannot be read, or an option has a value that is not allowed.
        """
        if not self._started.exists():
            return {}
        start = RunStart.read(self._started)
        try:
            start.score_config()
        except RunError as error:
            raise RunError(f"{self._started}: {error}") from None
        return start.config

    def _require_same(self, before: RunStart, requested: RunStart) -> None:
        changed = differing(before.config, requested.config, ignore=FREE_ON_RESUME)
        for kind, number in before.members.items():
            if requested.members.get(kind, 0) < number:
                changed.append(f"--members (was {number} x {kind}; a run can only grow)")
        compared = (
            (before.fingerprint, requested.fingerprint, "the images"),
            (before.labels, requested.labels, "the labels"),
            (before.weights, requested.weights, "the file of --weights"),
            (before.predictions, requested.predictions, "the files of --pred-probs or --record"),
            (before.version, requested.version, "noisefind itself"),
        )
        changed += [what for old, new, what in compared if old != new]
        if changed:
            raise RunError(
                f"--resume {self.path}: changed since the run began: {', '.join(changed)}; "
                "change it back, or give -o a new folder"
            )

    def discard_summary(self) -> None:
        """Delete run.json: until :meth:`finish` the tables may be of several runs."""
        (self.path / "run.json").unlink(missing_ok=True)

    def finish(self, summary: RunSummary) -> None:
        """Write run.json: the run is finished."""
        write_json(self.path / "run.json", summary.to_json())

    def read_summary(self) -> RunSummary:
        """The summary in run.json.

        Raises:
            RunError: the run is not finished, or run.json is not in the format of this version.
        """
        if not self.is_whole:
            hint = (
                "it was interrupted: finish it with the same command and --resume"
                if self._started.exists()
                else "make one with: noisefind score DATA -o RUN"
            )
            raise RunError(f"{self.path} is not the folder of a finished run; {hint}")
        return RunSummary.read(self.path / "run.json")

    def read_ranking(self) -> Ranking:
        """The ranking in scores.csv.

        Raises:
            RunError: the file cannot be read, lacks a column or has a broken row.
        """
        path = self.path / "scores.csv"
        ranking = tables.read_ranking(path)
        n_images = self.read_summary().n_images if self.is_whole else len(ranking)
        if len(ranking) != n_images:
            raise RunError(
                f"{path}: has {len(ranking)} rows, and the run has {n_images} images; "
                "score the data again"
            )
        return ranking

    def open_features(self, n_images: int) -> NDArray[np.float32]:
        """The reduced features (N, d), memory-mapped.

        Raises:
            DamagedError: the file is missing or damaged, or has other than ``n_images`` rows.
        """
        features: NDArray[np.float32] = open_checked(self.reduced_features, "f", (n_images, None))
        return features

    def open_neighbours(
        self, n_images: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32] | None] | None:
        """(N, k) rows of the neighbours and their cosines; None for a run without them.

        Raises:
            DamagedError: a file is damaged, or has other than ``n_images`` rows.
        """
        if not self.neighbours.exists():
            return None
        rows = open_checked(self.neighbours, "i", (n_images, None))
        if rows.size and not (-1 <= rows.min() <= rows.max() < n_images):
            raise DamagedError(self.neighbours, "has rows of images that the run does not have")
        if not self.neighbour_similarity.exists():
            return rows, None
        cosines = open_checked(self.neighbour_similarity, "f", rows.shape)
        if not np.isfinite(cosines[rows >= 0]).all():
            raise DamagedError(self.neighbour_similarity, "has cosines that are not finite")
        return rows, cosines

    def require_whole(self) -> None:
        """Read all tables and arrays of a finished run but its features and record.

        Raises:
            RunError: one of them is missing or damaged.
        """
        n_images = len(self.read_ranking())
        self.read_skipped()
        for name, (columns, numeric) in tables.ALWAYS.items():
            if self.read_optional(name, columns, numeric) is None:
                raise RunError(f"{self.path / name}: is missing or has not all columns")
        if self.open_neighbours(n_images) is None:
            raise DamagedError(self.neighbours, "is missing")

    def read_skipped(self) -> list[Skipped]:
        """The files that were left out.

        Raises:
            RunError: skipped.csv cannot be read.
        """
        return tables.read_skipped(self.path / "skipped.csv")

    def read_optional(
        self, name: str, columns: Sequence[str], numeric: Sequence[str] = ()
    ) -> dict[str, list[str]] | None:
        """Columns of a table that not every run has; None where the file or a column is missing.

        Raises:
            RunError: the table cannot be read, or a cell of a numeric column is no number.
        """
        return tables.read_optional(self.path / name, columns, numeric)

    @property
    def _started(self) -> Path:
        return self.path / "started.json"

    @property
    def _is_begun(self) -> bool:
        """Whether anything is saved that another start could destroy."""
        saved = (self.record, self.reduced_features, self.swav_checkpoint)
        return self._started.exists() and any(path.exists() for path in saved)
