"""What is printed can be copied, whatever the terminal."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from noisefind.cli.console import print_scores
from noisefind.runs.ranking import Ranking
from noisefind.scores import SCORES
from tests.made_up_runs import made_up_summary

LONG_NAME = "train/longsleeve/" + "0123456789" * 12 + ".jpg"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_worst_labels_fit_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long file name loses its middle; a row stays one line of 80 columns or the terminal's."""
    monkeypatch.setenv("COLUMNS", str(width))
    ranking = Ranking(
        ids=[LONG_NAME], splits=["train"], given_labels=["longsleeve"], predicted_labels=["dress"],
        predicted_probs=np.array([0.9]), label_scores=np.array([0.0123]),
        is_label_issue=np.array([True]), is_worth_a_look=np.array([False]), reasons=[""],
        scores={name: np.array([1.0]) for name in SCORES},
        duplicate_groups=np.array([0]), is_outlier_issue=np.array([False]), image_issues=[""],
    )  # fmt: skip
    summary = made_up_summary(n_label_issues=1, n_images=1)
    result = SimpleNamespace(path=Path("run"), summary=summary, ranking=ranking)
    print_scores(cast("Any", result))
    row = next(line for line in capsys.readouterr().out.splitlines() if "0.0123" in line)
    assert row.startswith("0.0123       yes      longsleeve   dress            train/longs")
    assert row.rstrip().endswith("6789.jpg")
    assert max(width, 80) - 2 <= len(row.rstrip()) <= max(width, 80)
