"""Run: the results of a finished run, as arrays in the order of the ranking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import RunError
from noisefind.runs.folder import RunFolder
from noisefind.runs.predictions import mean_predictions, open_records
from noisefind.utils.frame import data_frame
from noisefind.utils.text import card, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import EstimatedShare, RunSummary
    from noisefind.scores.predictions import Predictions


@dataclass(frozen=True)
class Run:
    """A finished run of N images and C classes: the result of ``score`` and of ``open_run``.

    Every array has a row per image in the order of the ranking, the worst label first. Features
    and predictions stay on the disk until they are asked for.

    Attributes:
        folder: the files of the run.
        summary: the content of run.json.
        ranking: the content of scores.csv.

    Examples:
        ```python
        run = noisefind.open_run("run")
        for row in range(10):
            print(run.ids[row], run.class_names[run.labels[row]], run.scores["label_score"][row])
        ```
    """

    folder: RunFolder
    summary: RunSummary
    ranking: Ranking

    def __len__(self) -> int:
        return len(self.ranking)

    def __repr__(self) -> str:
        return card(f"Run {self.path}", **self.summary.facts())

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def ids(self) -> list[str]:
        """(N,) POSIX paths relative to the data, or ``train/00042`` for CIFAR."""
        return self.ranking.ids

    @property
    def class_names(self) -> list[str]:
        """(C,) class names, sorted."""
        return self.summary.classes

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(N,) given labels, 0 .. C-1: numbers of ``class_names``."""
        return self._numbers(self.ranking.given_labels)

    @cached_property
    def suggested(self) -> NDArray[np.int64]:
        """(N,) the most probable labels, 0 .. C-1; never the given one where it is flagged."""
        return self._numbers(self.ranking.predicted_labels)

    @cached_property
    def scores(self) -> dict[str, NDArray[np.float64]]:
        """Name -> (N,): ``label_score`` and the raw scores, each in its own direction."""
        return {"label_score": self.ranking.label_scores, **self.ranking.scores}

    @property
    def is_label_issue(self) -> NDArray[np.bool_]:
        """(N,) the flagged labels."""
        return self.ranking.is_label_issue

    @property
    def label_issues(self) -> list[str]:
        """The ids of the flagged labels, worst first."""
        return [self.ids[row] for row in np.flatnonzero(self.is_label_issue).tolist()]

    @property
    def noise_rate(self) -> EstimatedShare:
        """Estimated share of wrong labels with its 95 % interval, 0 to 1."""
        return self.summary.noise_rate

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """(N, k) reduced features, read when they are first asked for.

        Raises:
            RunError: the file is missing or damaged.
        """
        return self.folder.open_features(len(self))[self._rows]

    @cached_property
    def pred_probs(self) -> NDArray[np.float32]:
        """(N, C) predicted probabilities, the mean over the members after the last epoch.

        They are read when they are first asked for. The members were trained on the given labels.

        Raises:
            RunError: the record is missing or damaged.
        """
        return mean_predictions(self.folder).probabilities[self._rows]

    def predictions(self, rows: slice = slice(None)) -> dict[str, Predictions]:
        """Kind of member -> the predictions of its members after every epoch.

        Args:
            rows: of the ranking; only these are read from the disk.

        Raises:
            RunError: the record is missing or damaged.
        """
        records = open_records(self.folder)
        labels = self.labels[rows]
        return {kind: record.rows(self._rows[rows], labels) for kind, record in records.items()}

    def to_pandas(self) -> pd.DataFrame:
        """A row per image in the order of the ranking, with the columns of scores.csv.

        Numbers and flags have their types; ``duplicate_group`` is 0 where there is no duplicate.

        Raises:
            ConfigError: pandas is not installed.
        """
        return data_frame(self.ranking.columns())

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """(N,) for each image its row in the arrays of the folder: the place of its sorted id."""
        by_name = sorted(range(len(self)), key=self.ids.__getitem__)
        return np.argsort(np.array(by_name))

    def _numbers(self, names: Sequence[str]) -> NDArray[np.int64]:
        number = {name: place for place, name in enumerate(self.class_names)}
        return np.array([number[name] for name in names], np.int64)


def open_run(run: str | Path) -> Run:
    """Open a finished run.

    Args:
        run: the folder that ``score`` wrote.

    Returns:
        The same object as ``score`` returns.

    Raises:
        RunError: ``run`` is not the folder of a finished run, or run.json or scores.csv is
            damaged.

    Examples:
        ```python
        run = noisefind.open_run("run")
        print(run.label_issues[:10], run.noise_rate.estimate)
        print(run.scores["aum"].shape, run.features.shape)
        ```
    """
    folder = RunFolder(Path(run))
    summary, ranking = folder.read_summary(), folder.read_ranking()
    for name in sorted({*ranking.given_labels, *ranking.predicted_labels} - {*summary.classes}):
        raise RunError(
            f"{folder.path / 'scores.csv'}: {shortened(name)} is not one of the "
            f"{len(summary.classes)} classes in run.json; score the data again"
        )
    return Run(folder, summary, ranking)
