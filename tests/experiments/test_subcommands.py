"""``noisefind evaluate easiest`` and its neighbours from the command line, on a few digits."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.config import ScoreConfig, load_config
from noisefind.scoring.pipeline import score
from tests.commands import DIGITS, CommandLine, read_csv
from tests.documents import checked, evaluated

if TYPE_CHECKING:
    from pathlib import Path

TINY = ("--epochs", "1", "--seeds", "2", "--by", "aum")
CLASSES = ("zero", "one", "four")
N_PER_CLASS = 20


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``data`` (three digits, train and test), their ``features`` and the ``run``."""
    folder = tmp_path_factory.mktemp("sweeps")
    ids, vectors, rng = [], [], np.random.default_rng(0)
    for label, name in enumerate(CLASSES):
        for number, file in enumerate(sorted((DIGITS / name).iterdir())[: N_PER_CLASS + 5]):
            split = "train" if number < N_PER_CLASS else "test"
            place = folder / "data" / split / name
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place / file.name)
            ids += [f"{split}/{name}/{file.name}", f"{name}/{file.name}"]
            vectors += 2 * [np.eye(8)[label] + rng.normal(0, 0.3, 8)]
    np.save(folder / "features.npy", np.array(vectors, np.float32))
    (folder / "features.txt").write_text("\n".join(ids) + "\n")
    config = load_config(ScoreConfig, None, dict(score_options(folder)))
    score(folder / "data", folder / "run", config)
    return folder


def score_options(home: Path) -> list[tuple[str, str]]:
    """Options of a run that takes no time: its features are given."""
    features = ("features", str(home / "features.npy"))
    return [features, ("members", "1"), ("epochs", "1"), ("clusters", "3")]


def typed(home: Path) -> list[str]:
    """The same as they are typed."""
    return [word for name, value in score_options(home) for word in (f"--{name}", value)]


@pytest.mark.slow
def test_from_run_to_plot(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """easiest writes every file, says what is shown, and no test image is in a subset."""
    out = tmp_path / "out"
    options = ("--run", home / "run", "-o", out, "--remove", "0.5", "--feature-size", "32", *TINY)
    output = noisefind("evaluate", "easiest", home / "data", *options)
    assert output.code == 0, output.err
    assert "54 images to learn from, 6 to validate on" in output.err
    assert "15 to test on (split test)" in output.err
    assert "without loss" in output.out
    names = {path.name for path in out.iterdir()}
    assert names >= {"sweep.csv", "epochs.csv", "summary.csv", "sweep.json", "subsets"}
    seen = {row["file_name"] for file in (out / "subsets").iterdir() for row in read_csv(file)}
    assert len(seen) == 54
    assert all(name.startswith("train/") for name in seen)
    assert {row["n_images"] for row in read_csv(out / "sweep.csv")} == {"54", "27"}
    again = noisefind("evaluate", "easiest", home / "data", *options[:3], tmp_path / "again",
                      *options[4:], "--json")  # fmt: skip
    assert "0 trainings, 6 are in the cache" in again.err
    document = evaluated("evaluate-sweep", again.out)
    assert document == json.loads((tmp_path / "again/sweep.json").read_text())
    assert (out / "sweep.csv").read_bytes() == (tmp_path / "again/sweep.csv").read_bytes()


@pytest.mark.slow
def test_noisy_windows(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """window --inject plants errors, scores anew, and writes the differences of each start."""
    out = tmp_path / "out"
    output = noisefind(
        "evaluate", "window", home / "data", "--run", home / "run", "-o", out, "--start", "0,0.6",
        "--inject", "0.1", *typed(home)[:2], *TINY,
    )  # fmt: skip
    assert output.code == 0, output.err
    assert "6 of 60 labels changed" in output.err
    assert "A loss is predicted for starts above 0.5" in output.out
    assert [row["start"] for row in read_csv(out / "differences.csv")] == ["0", "0.6"]
    rows = read_csv(out / "summary.csv")
    assert {row["labels"] for row in rows} == {"given", "noisy"}
    again = noisefind(
        "evaluate", "window", home / "data", "--run", home / "run", "-o", tmp_path / "again",
        "--start", "0,0.6", "--inject", "0.1", *typed(home)[:2], *TINY, "--json",
    )  # fmt: skip
    document = evaluated("evaluate-sweep", again.out)
    assert document == json.loads((out / "sweep.json").read_text())
    assert document["injected"] == {"kind": "moved", "requested": 0.1, "actual": 0.1}
    clean, noisy = (
        {r["file_name"]: r["label"] for r in read_csv(out / f"subsets/{name}.csv")}
        for name in ("full", "noisy-full")
    )
    assert clean.keys() == noisy.keys()
    assert 0 < sum(clean[name] != noisy[name] for name in clean) <= 6


def test_clean_with_a_truth(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """clean --truth also trains without what is wrong by the truth, and under the true labels."""
    noise, run = tmp_path / "noise", tmp_path / "run"
    assert noisefind("inject", home / "data", "-o", noise, "--fraction", "0.1").code == 0
    truth = noise / "labels.csv"
    labelled: tuple[str | Path, ...] = ("--labels", truth, *typed(home))
    assert noisefind("score", home / "data", "-o", run, *labelled).code == 0
    clean: tuple[str | Path, ...] = (
        "evaluate", "clean", home / "data", "--run", run, *typed(home)[:2], *TINY[:4], "-o"
    )  # fmt: skip
    output = noisefind(*clean, tmp_path / "out", "--truth", truth, "--json")
    assert output.code == 0, output.err
    document = checked("evaluate-sweep", output.out)
    ways = {row["score"]: row for row in read_csv(tmp_path / "out/summary.csv")}
    assert list(ways) == ["full", "random", "drop", "relabel", "drop-by-truth", "truth"]
    planted = {r["file_name"]: r for r in read_csv(truth)}
    subsets = {
        name: {r["file_name"]: r["label"] for r in read_csv(tmp_path / f"out/subsets/{name}.csv")}
        for name in ("full", "drop-by-truth", "truth")
    }
    wrong = {n for n in subsets["full"] if planted[n]["label"] != planted[n]["true_label"]}
    assert 0 < len(wrong) == document["n_wrong"] <= 6
    assert f"of the {len(wrong)} wrong ones among them" in output.err
    assert subsets["full"].keys() - subsets["drop-by-truth"].keys() == wrong
    assert subsets["truth"] == {n: planted[n]["true_label"] for n in subsets["full"]}
    (tmp_path / "other.csv").write_text("file_name,true_label\nelse.png,one\n")
    line = noisefind.refused(*clean, tmp_path / "no", "--truth", tmp_path / "other.csv")
    assert "none of its ids is among the training images: 'else.png'" in line
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("hardest", "--remove", "0.5", "--by", "aum"),
        ("easiest", "--remove", "0.5", "--by", "aum", "--network", "cnn", "--equal", "epochs"),
        ("window", "--start", "0.3", "--by", "aum"),
        ("curriculum", "--phases", "1:0.5,1:1", "--by", "aum"),
        ("clusters", "--k", "2,5", "--remove", "0.5"),
    ],
)
def test_the_other_verbs(
    noisefind: CommandLine, home: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """They run through, draw, and print a document; clusters says what k-means came to."""
    subcommand, *options = arguments
    output = noisefind(
        "evaluate", subcommand, home / "data", "--run", home / "run", "-o", tmp_path / "out",
        "--seeds", "1", "--epochs", "1", *typed(home)[:2], *options, "--json",
    )  # fmt: skip
    assert output.code == 0, output.err
    assert checked("evaluate-sweep", output.out)["command"] == f"evaluate {subcommand}"
    assert (tmp_path / "out/sweep.json").exists()
    if subcommand == "clusters":
        fits = read_csv(tmp_path / "out/clusters.csv")
        assert [row["n_clusters"] for row in fits] == ["2", "5"]


def test_hold_out_makes_a_test_split(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """Without a test split exit 2 and two ways out: other images, or score --hold-out."""
    data, run = home / "data/train", tmp_path / "run"
    hardest = ("evaluate", "hardest", data, "--remove", "0.5", *TINY)
    line = noisefind.refused(*hardest, "--run", home / "run", "-o", tmp_path / "no")
    assert "has no split test" in line
    assert "--hold-out 0.2" in line
    assert noisefind("score", data, "-o", tmp_path / "all", *typed(home)).code == 0
    images = ("--test", home / "data/test")
    output = noisefind(
        *hardest, "--run", tmp_path / "all", "-o", tmp_path / "other", *images, *typed(home)[:2]
    )
    assert output.code == 0, output.err
    assert f"15 to test on (--test {home / 'data/test'})" in output.err
    assert noisefind("score", data, "-o", run, "--hold-out", "20%", *typed(home)).code == 0
    held = read_csv(run / "held_out.csv")
    assert sorted(row["label"] for row in held) == ["four"] * 4 + ["one"] * 4 + ["zero"] * 4
    scored = {row["file_name"] for row in read_csv(run / "scores.csv")}
    assert len(scored) == 48
    assert not scored & {row["file_name"] for row in held}
    output = noisefind(*hardest, "--run", run, "-o", tmp_path / "out", *typed(home)[:2])
    assert output.code == 0, output.err
    assert "12 to test on (set aside by --hold-out)" in output.err
    seen = {
        row["file_name"]
        for file in (tmp_path / "out/subsets").iterdir()
        for row in read_csv(file)
    }  # fmt: skip
    assert seen < scored


def test_images_of_the_run_that_are_tested_on_are_not_learned(
    noisefind: CommandLine, home: Path, tmp_path: Path
) -> None:
    """A run over all splits, tested on the split test: its images are taken out, and it is said."""
    run = tmp_path / "run"
    assert noisefind("score", home / "data", "-o", run, "--split", "all", *typed(home)).code == 0
    output = noisefind(
        "evaluate", "easiest", home / "data", "--run", run, "-o", tmp_path / "out", "--remove",
        "0.5", *typed(home)[:2], *TINY,
    )  # fmt: skip
    assert output.code == 0, output.err
    assert "15 images of the run are test or validation images" in output.err
    full = read_csv(tmp_path / "out/subsets/full.csv")
    assert len(full) == 54
    assert all(row["file_name"].startswith("train/") for row in full)


def test_refused_before_anything_is_trained(
    noisefind: CommandLine, home: Path, tmp_path: Path
) -> None:
    """An unknown score, other data and a place in the data: one line each, nothing written."""
    sweep = ("evaluate", "easiest", home / "data", "--run", home / "run", "-o")
    line = noisefind.refused(*sweep, tmp_path / "out", "--by", "nonsense")
    assert "'nonsense' is no known score" in line
    assert "lies in the data" in noisefind.refused(*sweep, home / "data/out")
    other = ("evaluate", "easiest", home / "data/train", "--run", home / "run")
    line = noisefind.refused(
        *other, "-o", tmp_path / "out", "--test", home / "data", *typed(home)[:2]
    )
    assert "give the data that was scored" in line
    assert not (tmp_path / "out").exists()
