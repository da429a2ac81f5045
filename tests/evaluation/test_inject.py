"""``noisefind inject`` from the command line: tables, truth, trees, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.commands import DIGITS, QUICK, CommandLine, read_csv
from tests.images import opened, write_cifar10, write_csv, write_images

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Split folders: 60 images to train on in three classes, 6 to test."""
    root = tmp_path_factory.mktemp("pets") / "data"
    names = [f"train/{name}/{number:03d}.png" for name in "abc" for number in range(20)]
    names += [f"test/{name}/{number:03d}.png" for name in "abc" for number in range(2)]
    return write_images(root, *names)


def changed(out: Path) -> list[tuple[str, str]]:
    """(true label, given label) of the rows that differ."""
    rows = read_csv(out / "labels.csv")
    return [(row["true_label"], row["label"]) for row in rows if row["true_label"] != row["label"]]


def test_files_keep_their_contract(noisefind: CommandLine, pets: Path, tmp_path: Path) -> None:
    """labels.csv has every row of the split and both labels; injection.json says what was done."""
    before = {path: path.stat().st_mtime_ns for path in pets.rglob("*")}
    options = ("--kind", "pair", "--fraction", "0.25", "--seed", "3")
    output = noisefind("inject", pets, "-o", tmp_path / "out", *options)
    assert output.code == 0, output.err
    text = (tmp_path / "out/labels.csv").read_text(encoding="utf-8")
    rows = read_csv(tmp_path / "out/labels.csv")
    assert text.splitlines()[0] == "file_name,label,true_label"
    assert [row["file_name"] for row in rows] == list(opened(pets).ids)
    assert all(row["file_name"].split("/")[1] == row["true_label"] for row in rows)
    assert changed(tmp_path / "out") == 5 * [("a", "b")] + 5 * [("b", "c")] + 5 * [("c", "a")]
    said = json.loads((tmp_path / "out/injection.json").read_text())
    assert (said["kind"], said["seed"], said["n_images"]) == ("pair", 3, 60)
    assert said["requested"] == said["actual"] == {"fraction": 0.25, "n_changed": 15}
    assert said["matrix"]["c"] == {"a": 5, "c": 15}
    assert said["fingerprint"] == opened(pets).fingerprint
    assert "15 of 60 labels changed (25.00%): pair, seed 3" in output.out
    assert before == {path: path.stat().st_mtime_ns for path in pets.rglob("*")}


def test_same_seed_same_bytes(noisefind: CommandLine, pets: Path, tmp_path: Path) -> None:
    """Everything but the path of the output is the same again; another seed differs."""
    for name, seed in (("x", "0"), ("y", "0"), ("z", "1")):
        assert noisefind("inject", pets, "-o", tmp_path / name, "--seed", seed).code == 0
    for file in ("labels.csv", "injection.json"):
        assert (tmp_path / "x" / file).read_bytes() == (tmp_path / "y" / file).read_bytes()
    x, z = ((tmp_path / name / "labels.csv").read_bytes() for name in "xz")
    assert x != z


def test_the_printed_command_scores_the_planted_labels(
    noisefind: CommandLine, pets: Path, tmp_path: Path
) -> None:
    """score --labels reads labels.csv: the run's given labels are the noisy ones."""
    out, run = tmp_path / "out", tmp_path / "run"
    output = noisefind("inject", pets, "-o", out, "--kind", "moved", "--split", "all")
    next_line = next(line for line in output.out.splitlines() if line.startswith("Next: "))
    words = next_line.removeprefix("Next: noisefind ").removesuffix(" RUN").split()
    assert noisefind(*words, run, *QUICK).code == 0
    given = {row["file_name"]: row["given_label"] for row in read_csv(run / "scores.csv")}
    assert given == {row["file_name"]: row["label"] for row in read_csv(out / "labels.csv")}
    assert len(given) == 66


def test_the_tree_lies_under_the_noisy_labels(
    noisefind: CommandLine, pets: Path, tmp_path: Path
) -> None:
    """Links in a new folder; imagefolder.csv is the truth under the names that they have there."""
    out = tmp_path / "out"
    assert noisefind("inject", pets, "-o", out, "--format", "imagefolder").code == 0
    tree = opened(out / "imagefolder")
    truth = {row["file_name"]: row for row in read_csv(out / "imagefolder.csv")}
    assert list(truth) == list(tree.ids)
    assert [tree.classes[label] for label in tree.labels] == [r["label"] for r in truth.values()]
    assert sum(row["label"] != row["true_label"] for row in truth.values()) == 6
    for name, row in truth.items():
        image = out / "imagefolder" / name
        assert image.is_symlink()
        assert image.resolve().parent.name == row["true_label"]
    assert {path.name for path in out.iterdir()} == {
        "imagefolder", "imagefolder.csv", "injection.json", "labels.csv",
    }  # fmt: skip


def test_a_cifar_becomes_a_tree_of_png_files(noisefind: CommandLine, tmp_path: Path) -> None:
    """Arrays are written as files; their labels have the ids of CIFAR."""
    cifar = write_cifar10(tmp_path / "data")
    out = tmp_path / "out"
    options = ("--fraction", "0.6", "--format", "imagefolder")
    assert noisefind("inject", cifar, "-o", out, *options).code == 0
    assert next(row["file_name"] for row in read_csv(out / "labels.csv")) == "train/00000"
    assert len(changed(out)) == 3
    assert len(list((out / "imagefolder").rglob("*.png"))) == 5


def test_given_labels_count_as_true(noisefind: CommandLine, pets: Path, tmp_path: Path) -> None:
    """Noise is planted on top of --labels, in the listed images alone with --only-listed."""
    table = write_csv(
        tmp_path / "t.csv", *[(f"train/a/{n:03d}.png", "b" if n < 5 else "c") for n in range(10)]
    )
    options = ("--labels", table, "--only-listed", "--fraction", "0.5")
    output = noisefind("inject", pets, "-o", tmp_path / "out", *options)
    assert "--only-listed" in output.out
    rows = read_csv(tmp_path / "out/labels.csv")
    assert [row["true_label"] for row in rows] == 5 * ["b"] + 5 * ["c"]
    assert len(changed(tmp_path / "out")) == 5


def test_a_matrix_from_a_file(noisefind: CommandLine, pets: Path, tmp_path: Path) -> None:
    """--matrix: a YAML map, or shares whose off-diagonal proportions are kept."""
    (tmp_path / "m.yaml").write_text("a: c\n")
    (tmp_path / "m.csv").write_text("1,0,0\n.2,.8,0\n.1,0,.9\n")
    asymmetric = ("--kind", "asymmetric", "--fraction", "0.1", "--matrix")
    for name, expected in (
        ("yaml", 6 * [("a", "c")]),
        ("csv", 4 * [("b", "a")] + 2 * [("c", "a")]),
    ):
        out = tmp_path / name
        assert noisefind("inject", pets, "-o", out, *asymmetric, tmp_path / f"m.{name}").code == 0
        assert changed(out) == expected


def test_confusion_follows_the_run(
    noisefind: CommandLine, noisy_digits: Path, tmp_path: Path
) -> None:
    """The wrong class is the most probable besides the true one; plausible images come first."""
    run, out = noisy_digits / "run", tmp_path / "out"
    options = ("--kind", "confusion", "--run", run, "--fraction", "0.2")
    assert noisefind("inject", DIGITS, "-o", out, *options).code == 0
    classes = json.loads((run / "run.json").read_text())["classes"]
    (spread,) = (run / "record/probe").glob("spread-after-*.npy")
    mean = np.load(spread)[0]
    plausible = {True: [], False: []}  # type: dict[bool, list[float]]
    for row, probabilities in zip(read_csv(out / "labels.csv"), mean, strict=True):
        others = probabilities.copy()
        others[classes.index(row["true_label"])] = 0
        is_changed = row["label"] != row["true_label"]
        plausible[is_changed].append(float(others.max()))
        assert not is_changed or row["label"] == classes[others.argmax()]
    assert len(plausible[True]) == 200
    assert np.mean(plausible[True]) > 1.5 * np.mean(plausible[False])


def test_confusion_leaves_what_the_run_does_not_know(
    noisefind: CommandLine, pets: Path, tmp_path: Path
) -> None:
    """Images and classes that the run lacks stay as they are; too few known images are refused."""
    table = write_csv(
        tmp_path / "t.csv", *[(f"train/{c}/{n:03d}.png", c) for c in "ab" for n in range(20)]
    )
    run, confusion = tmp_path / "run", ("--kind", "confusion", "--run")
    code = noisefind("score", pets, "-o", run, "--labels", table, "--only-listed", *QUICK).code
    assert code == 0
    out = tmp_path / "out"
    assert noisefind("inject", pets, "-o", out, *confusion, run, "--fraction", "0.6").code == 0
    assert len(changed(out)) == 36
    assert "c" not in {label for pair in changed(out) for label in pair}
    line = noisefind.refused(
        "inject", pets, "-o", tmp_path / "o", *confusion, run, "--fraction", ".7"
    )
    assert "has 40 of the 60 images, too few to change 42" in line


def test_what_is_there_is_kept(noisefind: CommandLine, pets: Path, tmp_path: Path) -> None:
    """A folder with anything in it, a file, or a place in the data is refused and left alone."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full/labels.csv").write_text("mine")
    assert "is not empty" in noisefind.refused("inject", pets, "-o", tmp_path / "full")
    assert (tmp_path / "full/labels.csv").read_text() == "mine"
    file = tmp_path / "full/labels.csv"
    assert "is a file" in noisefind.refused("inject", pets, "-o", file)
    assert "lies in the data" in noisefind.refused("inject", pets, "-o", pets / "out")


def test_bad_requests_are_refused_in_one_line(
    noisefind: CommandLine, pets: Path, tmp_path: Path
) -> None:
    """What contradicts itself, or cannot be done exactly: exit 2, one line, nothing written."""
    (tmp_path / "m.yaml").write_text("a: c\n")
    (tmp_path / "none.csv").write_text("1,0,0\n0,1,0\n0,0,1\n")
    asymmetric = ("--kind", "asymmetric", "--matrix")
    cases: dict[tuple[str | Path, ...], str] = {
        ("--kind", "asymmetric"): "needs --matrix",
        ("--kind", "confusion"): "needs --run",
        ("--matrix", tmp_path / "m.yaml"): "--matrix is for --kind asymmetric",
        ("--copy",): "--copy has an effect only with --format imagefolder: add it, or omit --copy",
        ("--kind", "random"): "--kind is 'random'",
        ("--fraction", "1.2"): "--fraction is '1.2'",
        ("--fraction", "0.001"): "is none; give 0.0167 or more",
        ("--kind", "confusion", "--run", tmp_path): "not the folder of a finished run",
        (*asymmetric, tmp_path / "none.csv"): "changes no class",
        (*asymmetric, tmp_path / "m.yaml", "--fraction", "0.5"): "30 of the 20 images of class 'a'",
    }
    for options, words in cases.items():
        assert words in noisefind.refused("inject", pets, "-o", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()
