"""Columns of scores.csv and details.csv never contradict one another, in several real runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.commands import read_csv

if TYPE_CHECKING:
    from pathlib import Path

    Row = dict[str, str]


def joined_rows(run: Path) -> list[Row]:
    """The rows of both tables of a run, which list the same images in the same order."""
    scores, details = (read_csv(run / name) for name in ("scores.csv", "details.csv"))
    assert [row["file_name"] for row in scores] == [row["file_name"] for row in details]
    return [{**score, **detail} for score, detail in zip(scores, details, strict=True)]


def test_digits_contradict_nothing(noisy_digits: Path) -> None:
    """With injected errors: every law holds; some labels are flagged, some sources disagree."""
    rows = joined_rows(noisy_digits / "run")
    for row in rows:
        require_consistent(row)
    assert any(row["is_label_issue"] == "true" for row in rows)
    assert any("disagreement" in row["reason_codes"] for row in rows)


def test_duplicates_contradict_nothing(planted: Path) -> None:
    """With copies under other labels."""
    for row in joined_rows(planted / "run"):
        require_consistent(row)


def require_consistent(row: Row) -> None:
    """Suggestion, probabilities and reasons of one row come from one distribution."""
    pairs = json.loads(row["alternatives"])
    of = dict(pairs)
    given, predicted = row["given_label"], row["predicted_label"]
    shares = [share for _, share in pairs]
    assert len(of) == len(pairs) == 3
    assert shares == sorted(shares, reverse=True)
    assert 0 <= min(shares) <= sum(shares) <= 1 + 1e-6
    assert of[given] == float(row["label_score"])
    assert of[predicted] == float(row["predicted_prob"])
    likeliest_other = next(name for name, _ in pairs if name != given)
    assert predicted in (given, likeliest_other)
    codes = row["reason_codes"].split(";")
    if row["is_label_issue"] == "true":
        assert predicted == likeliest_other
    elif "conflicting_duplicate" not in codes:  # of two labels that would be swapped one stays
        assert of[predicted] == max(shares)
    require_reasons(row, codes, predicted)


def require_reasons(row: Row, codes: list[str], predicted: str) -> None:
    """Each source is a reason where its columns say so, and disagrees where it names another."""
    given, loo_given = row["given_label"], float(row["loo_prob_given"])
    loo = float(row["loo_label_prob"])
    assert loo >= loo_given
    assert (row["loo_label"] == given) == (loo == loo_given)
    assert ("leave_one_out" in codes) == (loo_given < 0.5)
    assert ("ensemble" in codes) == (row["ensemble_label"] != given)
    names = {
        "leave_one_out": row["loo_label"], "ensemble": row["ensemble_label"],
        "neighbours": row["neighbours_label"],
    }  # fmt: skip
    named = {names[code] for code in codes if code in names} - {given}
    assert ("disagreement" in codes) == bool(named - {predicted})
    for name in named:
        assert f" {name} " in row["reasons"]
