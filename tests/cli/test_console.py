"""What is printed can be copied, whatever the terminal."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from noisefind.cli.console import print_scores
from noisefind.runs.folder import RunFolder
from noisefind.runs.ranking import Ranking
from noisefind.scores import SCORES
from tests.made_up_runs import made_up_summary

if TYPE_CHECKING:
    import pytest

LONG_NAME = "train/longsleeve/" + "0123456789" * 12 + ".jpg"


def test_file_names_are_printed_whole_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal of 40 columns no cell of the table of worst labels is shortened."""
    monkeypatch.setenv("COLUMNS", "40")
    ranking = Ranking(
        ids=[LONG_NAME], splits=["train"], given_labels=["longsleeve"], predicted_labels=["dress"],
        predicted_probs=np.array([0.9]), label_scores=np.array([0.0123]),
        is_label_issue=np.array([True]), reasons=[""],
        scores={name: np.array([1.0]) for name in SCORES},
        duplicate_groups=np.array([0]), is_outlier_issue=np.array([False]), image_issues=[""],
    )  # fmt: skip
    summary = made_up_summary(n_label_issues=1, n_images=1)
    result = SimpleNamespace(run=RunFolder(Path("run")), summary=summary, ranking=ranking)
    print_scores(cast("Any", result))
    assert (
        f"  0.0123        yes       longsleeve    dress             {LONG_NAME}"
        in capsys.readouterr().out
    )
