"""The summary of prune: compared with kept files at three widths, and its warning by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from noisefind.runs.folder import RunFolder
    from tests.commands import CommandLine

GOLDEN = Path(__file__).parent / "golden"
SIZES = {"hat": 4, "pants": 30, "shoes": 20, "a class with a long name, more than a line of 60": 16}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """70 images of four classes, the first six flagged; the working directory is tmp_path."""
    monkeypatch.chdir(tmp_path)
    labels = [name for name, size in SIZES.items() for _ in range(size)]
    ids = [f"{number:02d}.png" for number in range(len(labels))]
    return write_run(Path("run"), MadeUp(ids, labels, labels[::-1], n_flagged=6), Path("data"))


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_the_summary_fits(
    columns: str, run: RunFolder, noisefind: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly the kept text; no line is wider than the terminal, and no name is cut."""
    monkeypatch.setenv("COLUMNS", columns)
    Path("d.csv").write_text(
        "file_name,decision,label,run_id\n00.png,keep,,5eed\n01.png,relabel,pants,5eed\n"
        "02.png,unsure,,5eed\n69.png,drop,,5eed\n"
    )
    rules = ("--drop", "noise", "--drop", "easiest", "--fraction", "40%", "--min-per-class", "2")
    output = noisefind("prune", run.path, "-o", "out", "--decisions", "d.csv", *rules)
    assert (output.code, output.err) == (0, "")
    assert output.out == (GOLDEN / f"prune-{columns}.txt").read_text(encoding="utf-8")
    assert max(map(len, output.out.splitlines())) <= int(columns)


def said(noisefind: CommandLine, run: RunFolder, *options: str) -> str:
    """What a dry run prints, in one line."""
    return " ".join(noisefind("prune", run.path, "-o", "out", "--dry-run", *options).out.split())


def test_a_class_that_loses_more_than_half_is_named(run: RunFolder, noisefind: CommandLine) -> None:
    """Half is no reason to warn; the option that helps is named, and one in use is not."""
    easiest = ("--drop", "easiest", "--fraction")
    assert "Warning" not in said(noisefind, run, *easiest, "50%", "--balance")
    for options, is_balanced in ((("30%",), False), (("60%", "--balance"), True)):
        text = said(noisefind, run, *easiest, *options)
        assert "lose more than half" in text or "loses more than half" in text
        assert ("With --balance" in text) != is_balanced
        assert "--min-per-class N" in text
    assert "With --balance" not in said(noisefind, run)  # which has no effect on noise


def test_without_rules_the_title_says_so(run: RunFolder, noisefind: CommandLine) -> None:
    """Only the decisions count: nothing else goes."""
    Path("d.csv").write_text("file_name,decision,label,run_id\n69.png,drop,,5eed\n")
    text = said(noisefind, run, "--decisions", "d.csv")
    assert text.startswith("Would drop: decisions of the review class")
    assert "all 70 69 1" in text
