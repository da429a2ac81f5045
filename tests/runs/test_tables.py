"""Tables of a run folder: what is written is read again; a broken row is one error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.data.dataset import Skipped
from noisefind.errors import RunError
from noisefind.runs.tables import SCORE_COLUMNS, read_optional, read_ranking
from noisefind.scores import SCORES
from noisefind.utils.files import write_csv
from tests.commands import read_csv
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.runs.folder import RunFolder

MADE_UP = MadeUp(
    ["a/0.png", 'b/"1",\n.png', "b/2.png"], ["a", "b", "b"], ["b", "b", "b"],
    reasons=["held out: b", "", ""], issues=["dark;grey", "", ""],
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Three images, of which one is flagged."""
    return write_run(tmp_path / "run", MADE_UP, tmp_path / "data")


def rewrite(run: RunFolder, row: int, **cells: str) -> None:
    """Change cells of a row of scores.csv; row 1 is the first after the header."""
    path = run.path / "scores.csv"
    rows = read_csv(path)
    rows[row - 1] |= cells
    write_csv(path, list(rows[0]), [tuple(each.values()) for each in rows])


def test_a_ranking_is_read_as_it_was_written(run: RunFolder) -> None:
    """Names with quotes, commas and line ends too; numbers to seven digits."""
    written, found = MADE_UP.ranking(), run.read_ranking()
    for name in ("ids", "splits", "given_labels", "predicted_labels", "reasons", "image_issues"):
        assert getattr(found, name) == getattr(written, name)
    for name in ("is_label_issue", "is_outlier_issue", "duplicate_groups"):
        assert getattr(found, name).tolist() == getattr(written, name).tolist()
    np.testing.assert_allclose(found.label_scores, written.label_scores, rtol=1e-6)
    for name in SCORES:
        np.testing.assert_allclose(found.scores[name], written.scores[name], rtol=1e-6)
    assert run.read_skipped() == [Skipped("<b>.txt", "not an image")]


@pytest.mark.parametrize("column", ["predicted_prob", "label_score", *SCORES])
def test_what_is_no_finite_number_is_refused(run: RunFolder, column: str) -> None:
    """The error names file, row, column and cell."""
    for value in ("nan", "inf", "-inf", "", "one"):
        rewrite(run, 2, **{column: value})
        text = f"scores.csv: row 2: {column} is {value!r} and must be a finite number; score"
        with pytest.raises(RunError, match=re.escape(text)):
            run.read_ranking()


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"is_label_issue": "yes"}, "is_label_issue is 'yes' and must be true or false"),
        ({"is_outlier_issue": ""}, "is_outlier_issue is '' and must be true or false"),
        ({"duplicate_group": "x"}, "duplicate_group is 'x' and must be a finite number"),
        ({"file_name": "a/0.png"}, "'a/0.png' is in row 1 too"),
    ],
)
def test_a_broken_row_is_refused(run: RunFolder, cells: dict[str, str], text: str) -> None:
    """Flags are true or false, and every image has one row."""
    rewrite(run, 3, **cells)
    with pytest.raises(RunError, match=re.escape(f"scores.csv: row 3: {text}; score")):
        run.read_ranking()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "has no column 'rank'"),
        ("a,b\n1,2\n", "has no column 'rank'"),
        (
            f"{','.join(SCORE_COLUMNS)}\n1,2\n",
            f"row 1: has 2 cells instead of {len(SCORE_COLUMNS)}",
        ),
        ("\xff", "cannot be read"),
        ('"a', "cannot be read"),
    ],
)
def test_a_table_of_another_shape_is_refused(tmp_path: Path, text: str, error: str) -> None:
    """Columns, cells, encoding and quotes."""
    (tmp_path / "scores.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match=re.escape(f"scores.csv: {error}")):
        read_ranking(tmp_path / "scores.csv")


def test_a_table_that_a_run_need_not_have(tmp_path: Path) -> None:
    """None without the file or the column; empty cells are no numbers and no errors."""
    path = tmp_path / "t.csv"
    assert read_optional(path, ("a",)) is None
    path.write_text("a,n\nx,1\ny,\n")
    assert read_optional(path, ("a", "b")) is None
    assert read_optional(path, ("n", "a"), ("n",)) == {"n": ["1", ""], "a": ["x", "y"]}
    with pytest.raises(RunError, match="row 1: a is 'x' and must be a finite number"):
        read_optional(path, ("a",), ("a",))
