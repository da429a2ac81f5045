"""``noisefind compare``: two runs joined by id, whatever the order of their rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from noisefind.evaluation.compare import compare
from noisefind.runs.folder import RunFolder
from tests.commands import CommandLine, read_csv
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = '=2+3, "<b>\n\u202e.png'


def run_of(folder: Path, labels: dict[str, str], n_flagged: int) -> Path:
    """A run of these images in the order given: label_score rises evenly from 0.01 to 1."""
    made_up = MadeUp(list(labels), list(labels.values()), ["x"] * len(labels), n_flagged)
    return write_run(folder, made_up, folder.parent / "data", version="0").path


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """In the second run gone.png is gone, new.png and a hostile name are new, b.png is a dog."""
    a = {"a.png": "cat", "b.png": "cat", "c.png": "dog", "d.png": "dog", "gone.png": "dog"}
    b = {"new.png": "cat", "c.png": "dog", "a.png": "cat", "d.png": "dog", "b.png": "dog"}
    b[HOSTILE] = "=cmd()"
    return run_of(tmp_path / "a", a, 2), run_of(tmp_path / "b", b, 3)


def test_what_differs_is_found(runs: tuple[Path, Path]) -> None:
    """By hand: a.png stays flagged, b.png is no longer, c.png newly; d.png hardly moves."""
    found = compare(*runs).summary
    names = {
        key: [image["file_name"] for image in found[key]]
        for key, value in found.items()
        if isinstance(value, list)
    }
    assert names == {
        "newly_flagged": ["c.png"],
        "no_longer_flagged": ["b.png"],
        "changed_labels": ["b.png"],
        "moved_most": ["b.png", "a.png", "c.png", "d.png"],
        "only_in_a": ["gone.png"],
        "only_in_b": ["new.png", HOSTILE],
    }
    assert found["changed_labels"][0]["given_label_b"] == "dog"
    assert (found["a"]["n_images"], found["b"]["n_images"], found["n_common"]) == (5, 6, 4)
    assert (found["a"]["n_label_issues"], found["b"]["n_label_issues"]) == (2, 3)
    assert found["only_in_b"][0]["is_label_issue"] is True


def test_spearman_is_that_of_the_common_images(runs: tuple[Path, Path]) -> None:
    """Ranks 1 2 3 4 of a, b, c, d become 2 4 1 3: 1 - 6 * (1 + 4 + 4 + 1) / (4 * 15) = 0."""
    assert compare(*runs).summary["spearman"] == pytest.approx(0)
    same = compare(runs[0], runs[0]).summary
    assert (same["spearman"], same["moved_most"], same["newly_flagged"]) == (1, [], [])


def test_the_order_of_rows_is_no_matter(runs: tuple[Path, Path]) -> None:
    """scores.csv turned upside down gives the same, since rows are joined by id."""
    before = compare(*runs).summary
    path = runs[1] / "scores.csv"
    text = path.read_bytes().decode()
    ranking = RunFolder(runs[1]).read_ranking()
    assert len(ranking) == 6
    header, *lines = text.replace("<b>\n", "<b>\v").splitlines(keepends=False)[:1] + [
        line.replace("\v", "\n") for line in text.replace("<b>\n", "<b>\v").split("\n")[1:-1]
    ]
    path.write_bytes("".join(f"{line}\n" for line in (header, *lines[::-1])).encode())
    assert RunFolder(runs[1]).read_ranking().ids == ranking.ids[::-1]
    assert compare(*runs).summary == before


def test_files_and_document_agree(
    noisefind: CommandLine, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    """comparison.json is what --json prints; the tables hold every image, hostile names too."""
    out = tmp_path / "out"
    output = noisefind("compare", *runs, "-o", out, "--json")
    assert output.code == 0, output.err
    document = json.loads(output.out)
    assert document.pop("command") == "compare"
    assert document.pop("output") == str(out)
    assert document == json.loads((out / "comparison.json").read_text())
    rows = read_csv(out / "comparison.csv")
    assert [row["file_name"] for row in rows] == ["b.png", "a.png", "c.png", "d.png"]
    assert rows[2]["is_label_issue_a"] == "false"
    assert rows[2]["is_label_issue_b"] == "true"
    alone = {row["file_name"]: row for row in read_csv(out / "only_in_one.csv")}
    assert {name: row["run"] for name, row in alone.items()} == {
        "gone.png": "a", "new.png": "b", HOSTILE: "b",
    }  # fmt: skip
    assert alone[HOSTILE]["given_label"] == "=cmd()"


def test_people_see_the_differences(noisefind: CommandLine, runs: tuple[Path, Path]) -> None:
    """Without -o nothing is written, and no name steers the terminal."""
    before = sorted(runs[0].parent.rglob("*"))
    output = noisefind("compare", *runs)
    assert output.code == 0
    for words in ("4 images in both runs", "Newly flagged: 1", "No longer flagged: 1"):
        assert words in output.out
    assert "2 images only here, 1 flagged" in output.out
    assert "\u202e" not in output.out
    assert sorted(runs[0].parent.rglob("*")) == before


def test_what_cannot_be_compared_is_refused(
    noisefind: CommandLine, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    """No run, no common image, a folder that is full or lies in the data of either run."""
    other = run_of(tmp_path / "other", {"z.png": "cat"}, 1)
    assert "not the folder of a finished run" in noisefind.refused("compare", runs[0], tmp_path)
    assert "no image in common" in noisefind.refused("compare", runs[0], other)
    assert "is not empty" in noisefind.refused("compare", *runs, "-o", runs[0])
    out = tmp_path / "data" / "out"
    assert "lies in the data" in noisefind.refused("compare", *runs, "-o", out)
