"""Decisions of reviewers: read strictly, joined by agreement, and obeyed by prune."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest

from noisefind.errors import DataError
from noisefind.pruning.decisions import COLUMNS, read_decisions
from noisefind.pruning.reviewed_tasks import Decision
from tests.commands import CommandLine, read_csv
from tests.images import write_images
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from pathlib import Path

RUN_ID = "5eed"  # of the runs that tests/runs.py makes up
GIVEN = {"a.png": "cat", '=b, "c"\n<d>.png': "dog"}


def write(path: Path, *rows: tuple[str, ...]) -> Path:
    """A decisions.csv of the made-up run; what a row lacks of label and run_id is filled in."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((*row, *("", RUN_ID)[len(row) - 2 :]) for row in rows)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Ten pictures a0 … a9, worst first, the first four flagged; five cats, then five dogs."""
    ids = [f"a{number}.png" for number in range(10)]
    given = ["cat"] * 5 + ["dog"] * 5
    made_up = MadeUp(ids, given, given[::-1], n_flagged=4)
    return write_run(tmp_path / "run", made_up, tmp_path / "data").path


def pruned(noisefind: CommandLine, run: Path, *options: str | Path) -> dict[str, dict[str, str]]:
    """The rows of manifest.csv by file name; it must agree with kept.csv."""
    out = run.parent / "out"
    output = noisefind("prune", run, "-o", out, "--force", *options)
    assert output.code == 0, output.err
    rows = {row["file_name"]: row for row in read_csv(out / "manifest.csv")}
    kept = {row["file_name"]: row["label"] for row in read_csv(out / "kept.csv")}
    assert kept == {name: row["label"] for name, row in rows.items() if row["keep"] == "true"}
    return rows


# Reading


def test_names_come_back_as_they_are(tmp_path: Path) -> None:
    """Formulas, quotes, line breaks and markup in names and classes are data."""
    hostile = '=b, "c"\n<d>.png'
    file = write(tmp_path / "d.csv", (hostile, "relabel", "=1+1"), ("a.png", "drop", "x"))
    assert read_decisions([file], RUN_ID, GIVEN).decisions == {
        hostile: Decision("relabel", "=1+1"),
        "a.png": Decision("drop"),
    }


def test_reviewers_who_disagree_decide_nothing(tmp_path: Path) -> None:
    """Agreement counts, disagreement is reported with all votes, unsure disagrees with nobody."""
    given = dict.fromkeys(("a", "b", "c", "d"), "dog")
    one = write(tmp_path / "1.csv", ("b", "keep"), ("a", "drop"), ("c", "unsure"), ("d", "drop"))
    two = write(tmp_path / "2.csv", ("b", "relabel", "cat"), ("a", "unsure"), ("c", "unsure"))
    three = write(tmp_path / "3.csv", ("b", "keep"), ("d", "drop"))
    review = read_decisions([one, two, three], RUN_ID, given)
    assert review.decisions == {"a": Decision("drop"), "d": Decision("drop")}
    assert review.disputed == ["b"]
    assert review.disagreements == [
        ("b", "keep", "", str(one)),
        ("b", "relabel", "cat", str(two)),
        ("b", "keep", "", str(three)),
    ]


def test_to_relabel_as_given_is_to_keep(tmp_path: Path) -> None:
    """So one who keeps and one who confirms the class by its name agree."""
    one = write(tmp_path / "1.csv", ("a.png", "keep"))
    two = write(tmp_path / "2.csv", ("a.png", "relabel", "cat"))
    assert read_decisions([one, two], RUN_ID, GIVEN).decisions == {"a.png": Decision("keep")}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("a.png", "keep", "", "other"), "run_id 'other'"),
        (("z.png", "keep"), "file_name 'z.png'"),
        (("a.png", "delete"), "decision 'delete'"),
        (("a.png", "relabel", ""), "decision 'relabel' of 'a.png' has no label"),
        (("a.png", "drop"), "'a.png' is decided as 'drop', but as 'keep' on line 4"),
        (("a.png", "unsure"), "'unsure', but as 'keep'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(
    row: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """Another run, an unknown image or word, no class, or a contradiction: file, line, value.

    Lines are counted as an editor does, also behind a name with a line break.
    """
    file = write(tmp_path / "d.csv", ('=b, "c"\n<d>.png', "drop"), ("a.png", "keep"), row)
    with pytest.raises(DataError) as refusal:
        read_decisions([file], RUN_ID, GIVEN)
    message = str(refusal.value)
    assert (str(file) in message, "line 5" in message, said in message) == (True, True, True)
    assert len(message.splitlines()) == 1


def test_a_row_that_stands_twice_is_no_contradiction(tmp_path: Path) -> None:
    """As long as it says the same."""
    file = write(tmp_path / "d.csv", ("a.png", "keep"), ("a.png", "keep"))
    assert read_decisions([file], RUN_ID, GIVEN).decisions == {"a.png": Decision("keep")}


def test_unsure_is_what_was_seen_and_not_decided(tmp_path: Path) -> None:
    """An image that another reviewer decided, or that is disputed, is not unsure."""
    given = dict.fromkeys("abcd", "dog")
    one = write(tmp_path / "1.csv", *((name, "unsure") for name in "abc"))
    two = write(tmp_path / "2.csv", ("b", "keep"), ("c", "drop"))
    three = write(tmp_path / "3.csv", ("c", "keep"))
    review = read_decisions([one, two, three], RUN_ID, given)
    assert (list(review.unsure), review.disputed) == (["a"], ["c"])
    assert review.seen(["a", "b", "c", "d"]).tolist() == [True, True, True, False]


def test_what_is_no_table_of_decisions_is_refused(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """A missing, empty or foreign file: one line that names it, exit 2, nothing written."""
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "other.csv").write_text("file_name,label\na0.png,cat\n")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe")
    for name, said in (
        ("missing.csv", "cannot read"),
        ("empty.csv", "is empty: expected file_name,decision,label,run_id"),
        ("other.csv", "no column 'decision'"),
        ("bytes.csv", "not UTF-8"),
    ):
        line = noisefind.refused("prune", run, "-o", tmp_path / "o", "--decisions", tmp_path / name)
        assert (name in line, said in line) == (True, True)
    assert not (tmp_path / "o").exists()


# What prune makes of them


@pytest.mark.parametrize("rule", [(), ("--drop", "noise")], ids=["no rule", "noise"])
def test_only_what_was_decided_or_asked_for_goes(
    noisefind: CommandLine, run: Path, tmp_path: Path, rule: tuple[str, ...]
) -> None:
    """Undecided flagged images go only by --drop noise; unsure ones stay; all have a reason."""
    file = write(
        tmp_path / "d.csv", ("a0.png", "keep"), ("a1.png", "relabel", "bird"),
        ("a2.png", "unsure"), ("a9.png", "drop"),
    )  # fmt: skip
    rows = pruned(noisefind, run, "--decisions", file, *rule)
    said = {name: (row["label"], row["keep"], row["reason"]) for name, row in rows.items()}
    assert said == {
        "a0.png": ("cat", "true", "kept by review"),
        "a1.png": ("bird", "true", "relabelled by review"),
        "a2.png": ("cat", "true", "unsure in review"),
        "a3.png": ("cat", "false", "noise") if rule else ("cat", "true", "undecided"),
        "a4.png": ("cat", "true", ""),
        **{f"a{n}.png": ("dog", "true", "") for n in range(5, 9)},
        "a9.png": ("dog", "false", "dropped by review"),
    }


def test_rules_by_difficulty_take_reviewed_images_like_all_others(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """The hardest fifth of ALL ten goes, kept or relabelled or not, besides what was dropped."""
    file = write(
        tmp_path / "d.csv", ("a0.png", "keep"), ("a1.png", "relabel", "dog"), ("a9.png", "drop")
    )
    rule = ("--drop", "hardest", "--fraction", "0.2", "--by", "label_score")
    rows = pruned(noisefind, run, "--decisions", file, *rule)
    gone = {name: row["reason"] for name, row in rows.items() if row["keep"] == "false"}
    hardest = "hardest 0.2 by label_score"
    assert gone == {"a0.png": hardest, "a1.png": hardest, "a9.png": "dropped by review"}
    assert rows["a1.png"]["label"] == "dog"


def test_floors_and_balance_count_corrected_labels(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """With all but one cat made dogs, the one cat is the floor's, and dogs are nine to halve."""
    moved = [(f"a{n}.png", "relabel", "dog") for n in range(4)]
    file = write(tmp_path / "d.csv", *moved)
    rows = pruned(noisefind, run, "--decisions", file, "--drop", "random", "--fraction", "0.99")
    kept = [row["label"] for row in rows.values() if row["keep"] == "true"]
    assert sorted(kept) == ["cat", "dog"]
    options = ("--balance", "--drop", "hardest", "--fraction", "0.6")
    rows = pruned(noisefind, run, "--decisions", file, *options)
    kept = [row["label"] for row in rows.values() if row["keep"] == "true"]
    assert sorted(kept) == ["cat", "dog", "dog", "dog"]


def test_the_tree_lies_under_corrected_labels(noisefind: CommandLine, tmp_path: Path) -> None:
    """A class that nobody had before gets its folder; metadata.csv names it."""
    ids = ["cat/0.png", "dog/1.png", "dog/2.png"]
    write_images(tmp_path / "data", *ids)
    made_up = MadeUp(ids, ["cat", "dog", "dog"], ["cat"] * 3)
    run = write_run(tmp_path / "run", made_up, tmp_path / "data").path
    file = write(tmp_path / "d.csv", ("cat/0.png", "relabel", "a/new one"))
    pruned(noisefind, run, "--decisions", file, "--format", "imagefolder")
    tree = tmp_path / "out/imagefolder/train"
    labels = {row["file_name"]: row["label"] for row in read_csv(tree / "metadata.csv")}
    assert labels == {
        "a%2Fnew one/cat/0.png": "a/new one", "dog/1.png": "dog", "dog/2.png": "dog",
    }  # fmt: skip
    assert (tree / "a%2Fnew one/cat/0.png").resolve() == tmp_path / "data/cat/0.png"


def test_an_empty_review_drops_nothing(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """A file with no decision: all flagged images stay, and the summary says how to drop them."""
    file = write(tmp_path / "d.csv")
    output = noisefind("prune", run, "-o", tmp_path / "o", "--decisions", file)
    assert "4 flagged and undecided" in " ".join(output.out.split())
    assert "undecided images are kept; --drop noise would drop them" in output.out
    reasons = [row["reason"] for row in read_csv(tmp_path / "o/manifest.csv") if row["reason"]]
    assert reasons == ["undecided"] * 4


def test_a_flagged_image_that_stays_says_why(noisefind: CommandLine, run: Path) -> None:
    """Without a review: the class floor, or no rule for label issues."""
    for options, reason, n in (
        (("--min-per-class", "4"), "min-per-class", 3),
        (("--window", "0:1"), "undecided", 4),
    ):
        rows = pruned(noisefind, run, *options)
        kept = [row["reason"] for row in rows.values() if row["keep"] == "true"]
        assert kept.count(reason) == n
        assert kept.count("") == len(kept) - n


def test_disputed_images_stay_and_are_reported(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """One line on stderr, a row per vote in disagreements.csv, which a later prune takes away."""
    one = write(tmp_path / "1.csv", ("a0.png", "keep"), ("a1.png", "drop"))
    two = write(tmp_path / "2.csv", ("a0.png", "relabel", "dog"), ("a1.png", "drop"))
    files, out = ("--decisions", one, "--decisions", two), tmp_path / "out"
    output = noisefind("prune", run, "-o", out, *files)
    (line,) = output.err.splitlines()
    assert line == (
        "left undecided, since the files of --decisions differ: 1, as a0.png (keep in "
        f"{one}; relabel dog in {two}); all in {out / 'disagreements.csv'}"
    )
    assert (
        "Review: 1 decided (0 kept, 0 relabelled, 1 dropped), 0 unsure, 1 disputed, 2 flagged and "
        "undecided"
    ) in " ".join(output.out.split())
    assert read_csv(out / "disagreements.csv") == [
        {"file_name": "a0.png", "decision": "keep", "label": "", "file": str(one)},
        {"file_name": "a0.png", "decision": "relabel", "label": "dog", "file": str(two)},
    ]
    reasons = {row["file_name"]: row["reason"] for row in read_csv(out / "manifest.csv")}
    assert (reasons["a0.png"], reasons["a1.png"]) == ("disputed in review", "dropped by review")
    pruned(noisefind, run, "--decisions", one)
    assert not (out / "disagreements.csv").exists()


def test_a_review_of_everything(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """All may be dropped by review: no class floor stands against a person."""
    file = write(tmp_path / "d.csv", *((f"a{n}.png", "drop") for n in range(10)))
    rows = pruned(noisefind, run, "--decisions", file, "--format", "npy")
    assert {row["reason"] for row in rows.values()} == {"dropped by review"}
    assert np.load(tmp_path / "out/kept.npy").tolist() == []


def task(name: str, *chosen: str, skipped: bool = False, run: str = RUN_ID) -> dict[str, object]:
    """A task as Label Studio exports it."""
    result = [{"type": "choices", "value": {"choices": list(chosen)}}] if chosen else []
    return {
        "data": {"image": "/data/local-files/?d=data/" + quote(name)},
        "annotations": [{"result": result, "was_cancelled": skipped}],
        "predictions": [{"model_version": f"noisefind 0.1.0, run {run}"}],
    }


def test_label_studio_gives_decisions(tmp_path: Path) -> None:
    """The given class keeps, another relabels, a skipped task is unsure, no choice is none."""
    file = tmp_path / "export.json"
    given = {"a.png": "cat", "x y.png": "dog", "c.png": "cat", "d.png": "dog"}
    tasks = [task("a.png", "cat"), task("x y.png", "cat"), task("c.png", skipped=True)]
    file.write_text(json.dumps([*tasks, task("d.png")]))

    review = read_decisions([file], RUN_ID, given)

    assert review.decisions == {"a.png": Decision("keep"), "x y.png": Decision("relabel", "cat")}
    assert review.unsure == ["c.png"]


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([{"image": "a.png"}], "is no export of Label Studio"),
        ({"a.png": "cat"}, "is no export of Label Studio"),
        ([task("z.png", "cat")], "task 1: image .*z.png' is not in the run"),
        ([task("a.png", "cat"), task("a.png", "dog")], "task 2: 'a.png' is decided differently"),
        ([task("a.png", "cat", "dog")], "task 1: 'a.png' has several classes: cat, dog"),
        ([task("a.png", "cat", run="other")], "task 1: run 'other' is another run than this"),
    ],
)
def test_faulty_exports_of_label_studio(tmp_path: Path, tasks: object, words: str) -> None:
    """Each is one line that names the task."""
    file = tmp_path / "export.json"
    file.write_text(json.dumps(tasks))
    with pytest.raises(DataError, match=words) as caught:
        read_decisions([file], RUN_ID, GIVEN)
    assert "\n" not in str(caught.value)
