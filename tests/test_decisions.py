"""Decisions of reviewers: read strictly, joined by agreement, and obeyed by prune."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from noisefind.decisions import COLUMNS, Decision, read_decisions
from noisefind.errors import DataError
from tests.commands import CommandLine, read_csv

if TYPE_CHECKING:
    from pathlib import Path

IDS = ("a.png", '=b, "c"\n<d>.png')


def write(path: Path, *rows: tuple[str, ...]) -> Path:
    """A decisions.csv."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def test_names_come_back_as_they_are(tmp_path: Path) -> None:
    """Formulas, quotes, line breaks and markup in names and classes are data."""
    file = write(tmp_path / "d.csv", (IDS[1], "relabel", "=1+1", "r"), (IDS[0], "drop", "x", "r"))
    assert read_decisions([file], "r", IDS).decisions == {
        IDS[1]: Decision("relabel", "=1+1"),
        IDS[0]: Decision("drop"),
    }


def test_reviewers_who_disagree_decide_nothing(tmp_path: Path) -> None:
    """Agreement counts, disagreement is reported, unsure disagrees with nobody."""
    one = write(tmp_path / "1.csv", ("a.png", "keep", "", "r"), ("b.png", "drop", "", "r"))
    two = write(tmp_path / "2.csv", ("a.png", "relabel", "cat", "r"), ("b.png", "unsure", "", "r"))
    review = read_decisions([one, two], "r", ("a.png", "b.png"))
    assert review.decisions == {"b.png": Decision("drop")}
    assert review.disagreements == [("a.png", "keep; relabel cat")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("a.png", "keep", "", "other"), "other"),
        (("z.png", "keep", "", "r"), "z.png"),
        (("a.png", "delete", "", "r"), "delete"),
        (("a.png", "relabel", "", "r"), "names no label"),
        (("a.png", "drop", "", "r"), "otherwise"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(
    row: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """Another run, an unknown image or word, no class, or a contradiction: file and line."""
    file = write(tmp_path / "d.csv", ("a.png", "keep", "", "r"), row)
    with pytest.raises(DataError, match="line 3") as refusal:
        read_decisions([file], "r", ("a.png",))
    assert said in str(refusal.value)
    assert str(file) in str(refusal.value)


def test_prune_obeys_the_review(noisefind: CommandLine, noisy_digits: Path, tmp_path: Path) -> None:
    """Kept and relabelled images stay, dropped ones go, and the corrected label is written."""
    run = noisy_digits / "run"
    run_id = json.loads((run / "run.json").read_text())["run_id"]
    rows = read_csv(run / "scores.csv")
    kept, relabelled = rows[0], rows[1]
    dropped = next(row for row in rows if row["is_label_issue"] == "false")
    file = write(
        tmp_path / "d.csv",
        (kept["file_name"], "keep", "", run_id),
        (relabelled["file_name"], "relabel", relabelled["predicted_label"], run_id),
        (dropped["file_name"], "drop", "", run_id),
    )
    output = noisefind("prune", run, "-o", tmp_path / "out", "--decisions", file)
    assert (output.code, "3 images were decided" in output.out) == (0, True)
    manifest = {row["file_name"]: row for row in read_csv(tmp_path / "out/manifest.csv")}
    assert manifest[kept["file_name"]]["keep"] == "true"
    corrected = manifest[relabelled["file_name"]]
    assert corrected["label"] == relabelled["predicted_label"]
    assert (corrected["keep"], corrected["reason"]) == ("true", "relabelled by review")
    assert manifest[dropped["file_name"]]["reason"] == "dropped by review"
    third = manifest[rows[2]["file_name"]]
    assert (third["keep"], third["reason"]) == ("false", "noise")
    labels = {row["file_name"]: row["label"] for row in read_csv(tmp_path / "out/kept.csv")}
    assert labels[relabelled["file_name"]] == relabelled["predicted_label"]


def test_prune_says_where_reviewers_disagree(
    noisefind: CommandLine, noisy_digits: Path, tmp_path: Path
) -> None:
    """The image is left to the rules, named on the terminal and listed in a file."""
    run = noisy_digits / "run"
    run_id = json.loads((run / "run.json").read_text())["run_id"]
    worst = read_csv(run / "scores.csv")[0]["file_name"]
    one = write(tmp_path / "1.csv", (worst, "keep", "", run_id))
    two = write(tmp_path / "2.csv", (worst, "drop", "", run_id))
    output = noisefind("prune", run, "-o", tmp_path / "out", "--decisions", one, "--decisions", two)
    assert worst in output.out
    assert read_csv(tmp_path / "out/disagreements.csv") == [
        {"file_name": worst, "decisions": "keep; drop"}
    ]
    refusal = noisefind.refused("prune", run, "-o", tmp_path / "no", "--decisions", tmp_path / "x")
    assert "--decisions" in refusal
