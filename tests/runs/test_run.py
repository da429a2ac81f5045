"""Run: a finished run as arrays in the order of the ranking."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind import Run, open_run
from noisefind.errors import ConfigError, RunError
from noisefind.runs.tables import SCORE_COLUMNS
from noisefind.scores import SCORES, aum
from tests.commands import read_csv
from tests.images import one_line
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from pathlib import Path

MADE_UP = MadeUp(
    ids=["b/2.png", "a/1.png", "b/1.png"], given=["b", "a", "b"], predicted=["a", "a", "b"]
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of three images, the first of which is flagged."""
    write_run(tmp_path / "run", MADE_UP, tmp_path)
    return open_run(tmp_path / "run")


def test_arrays_are_in_the_order_of_the_ranking(run: Run) -> None:
    """By hand: three images in two classes."""
    assert (len(run), run.ids, run.class_names) == (3, MADE_UP.ids, ["a", "b"])
    assert (run.labels.tolist(), run.suggested.tolist()) == ([1, 0, 1], [0, 0, 1])
    assert run.is_label_issue.tolist() == [True, False, False]
    assert run.label_issues == ["b/2.png"]
    assert list(run.scores) == ["label_score", *SCORES]
    np.testing.assert_allclose(run.scores["label_score"], [0.01, 0.505, 1])
    assert (run.noise_rate.low, run.noise_rate.estimate, run.noise_rate.high) == (0.01, 0.03, 0.06)


def test_repr_is_short(run: Run) -> None:
    """Path, counts and the noise rate in five lines."""
    assert repr(run).splitlines() == [
        f"Run {run.path}",
        "  images: 3 in 2 classes",
        "  label issues: 1 (33.3 %), 1 more worth a look",
        "  noise rate: 3.0 % (95 % interval 1.0 % to 6.0 %)",
        "  also: files left out: 1",
    ]
    assert len(repr(run.ranking).splitlines()) <= 5
    assert len(repr(run.summary).splitlines()) <= 5


def test_to_pandas_is_scores_csv(run: Run) -> None:
    """The same columns in the same order, with types."""
    pytest.importorskip("pandas")
    frame = run.to_pandas()
    rows = read_csv(run.path / "scores.csv")
    assert tuple(frame.columns) == tuple(rows[0]) == SCORE_COLUMNS
    assert frame["file_name"].tolist() == [row["file_name"] for row in rows]
    assert frame["rank"].tolist() == [1, 2, 3]
    assert frame.loc[frame["is_label_issue"], "file_name"].tolist() == run.label_issues
    np.testing.assert_allclose(frame["aum"], [float(row["aum"]) for row in rows])


def test_without_pandas_one_line_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command for pip."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r'pip install "noisefind\[pandas\]"') as caught:
        run.to_pandas()
    assert one_line(caught.value)


def test_a_class_that_the_run_does_not_have_is_refused(run: Run) -> None:
    """In a scores.csv that was changed."""
    table = run.path / "scores.csv"
    table.write_text(table.read_text().replace(",a,a,", ",a,zebra,"))
    with pytest.raises(
        RunError, match=r"scores\.csv: 'zebra' is not one of the 2 classes"
    ) as caught:
        open_run(run.path)
    assert one_line(caught.value)


def test_what_is_no_finished_run_is_refused(run: Run) -> None:
    """No folder, an interrupted run, missing arrays."""
    with pytest.raises(RunError, match="is missing"):
        _ = run.features
    with pytest.raises(RunError, match="lacks the predictions"):
        _ = run.pred_probs
    (run.path / "run.json").unlink()
    for path in (run.path, run.path / "nothing"):
        with pytest.raises(RunError, match="is not the folder of a finished run") as caught:
            open_run(path)
        assert one_line(caught.value)


def test_arrays_of_the_folder_are_put_in_the_order_of_the_ranking(noisy_digits: Path) -> None:
    """The row of an id is that of the same id in the folder, whose order is that of sorted ids."""
    run = open_run(noisy_digits / "run")
    stored = np.load(run.folder.reduced_features)
    place = {id_: row for row, id_ in enumerate(sorted(run.ids))}
    for row in (0, 1, 499, 999):
        np.testing.assert_array_equal(run.features[row], stored[place[run.ids[row]]])
    of_all, of_some = run.predictions()["probe"], run.predictions(slice(7, 9))["probe"]
    np.testing.assert_array_equal(of_all.labels, run.labels)
    np.testing.assert_array_equal(of_some.log_p_given, of_all.log_p_given[:, :, 7:9])
    np.testing.assert_array_equal(of_all.mean, run.pred_probs)
    # the members predict the given label of most images: rows and labels belong together
    assert (run.pred_probs.argmax(1) == run.labels).mean() > 0.8
    np.testing.assert_allclose(aum(of_all), run.scores["aum"], atol=1e-5)
