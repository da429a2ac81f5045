"""``score --pred-probs`` and ``--record``: predictions of the user's own model, end to end."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind import Recorder, open_run
from noisefind.config import ScoreConfig
from noisefind.scoring.summary import _predictions_digest
from tests.commands import read_csv
from tests.images import write_images

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import CommandLine

QUICK = ("--clusters", "2", "--feature-size", "32", "--threads", "1")
NAMES = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(14)]


def probs(seed: int) -> np.ndarray:
    """(N, 2) that are nearly sure of the given labels; the first image is rather a dog."""
    right = np.random.default_rng(seed).uniform(0.7, 0.95, len(NAMES))
    right[0] = 0.1
    is_cat = np.array([name.startswith("cat") for name in NAMES])
    cat = np.where(is_cat, right, 1 - right)
    return np.stack([cat, 1 - cat], axis=1)


def write_probs(path: Path, seed: int = 0) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "cat", "dog"])
        rows.writerows(
            [name, *map(float, row)] for name, row in zip(NAMES, probs(seed), strict=True)
        )
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_images(tmp_path / "data", *NAMES)


@pytest.mark.slow
def test_pred_probs(data: Path, tmp_path: Path, noisefind: CommandLine) -> None:
    """One member, one epoch: what these cannot tell is empty, and cannot be pruned by."""
    file, run = write_probs(tmp_path / "p.csv"), tmp_path / "run"
    output = noisefind("score", data, "-o", run, "--pred-probs", file, *QUICK)
    assert output.code == 0, output.err
    assert "Training" not in output.err
    rows = {row["file_name"]: row for row in read_csv(run / "scores.csv")}
    assert set(rows) == set(NAMES)
    assert rows["cat/0.png"]["ensemble_std"] == rows["cat/0.png"]["flips"] == ""
    margin = np.log(0.1) - np.log(0.9)
    assert float(rows["cat/0.png"]["aum"]) == pytest.approx(margin, rel=1e-4)
    assert float(rows["cat/0.png"]["loss"]) == pytest.approx(-np.log(0.1), rel=1e-4)

    opened = open_run(run)
    assert "forgetting" not in opened.scores
    by_name = np.argsort([NAMES.index(id_) for id_ in opened.ids])
    np.testing.assert_allclose(opened.pred_probs[by_name], probs(0), rtol=1e-5)
    assert noisefind("report", run).code == 0
    assert noisefind("prune", run, "-o", tmp_path / "clean").code == 0
    refused = noisefind(
        "prune",
        run,
        "-o",
        tmp_path / "x",
        "--drop",
        "hardest",
        "--fraction",
        "0.1",
        "--by",
        "flips",
    )
    assert refused.code == 2
    assert (
        "'flips' needs predictions of several epochs, and the run has one: one of el2n, pred_sum"
        in refused.err
    )


@pytest.mark.slow
def test_changed_predictions_are_no_resume(
    data: Path, tmp_path: Path, noisefind: CommandLine
) -> None:
    """--resume with other predictions is refused; with the same it has nothing to do."""
    file, run = write_probs(tmp_path / "p.csv"), tmp_path / "run"
    command = ("score", data, "-o", run, "--pred-probs", file, *QUICK)
    assert noisefind(*command).code == 0
    again = noisefind(*command, "--resume")
    assert (again.code, "is complete" in again.err) == (0, True)
    write_probs(file, seed=1)
    output = noisefind(*command, "--resume")
    assert output.code == 2
    assert "the files of --pred-probs or --record" in output.err


def test_class_names_belong_to_the_predictions(tmp_path: Path) -> None:
    """The order of the columns of a .npy file is in the file of class names."""
    np.save(tmp_path / "p.npy", probs(0))
    names = tmp_path / "names.txt"
    config = ScoreConfig(pred_probs=[str(tmp_path / "p.npy")], class_names=names)
    digests = set()
    for text in ("cat\ndog\n", "dog\ncat\n", "cat\ndog\n"):
        names.write_text(text)
        digests.add(_predictions_digest(config))
    assert len(digests) == 2


@pytest.mark.slow
def test_record(data: Path, tmp_path: Path, noisefind: CommandLine) -> None:
    """Three epochs of a Recorder: all scores of one member, as counted by hand."""
    labels = [0 if name.startswith("cat") else 1 for name in NAMES]
    kept = Recorder(tmp_path / "record", NAMES, labels, ["cat", "dog"])
    epochs = [probs(seed) for seed in range(3)]
    epochs[1][1] = [0.2, 0.8]  # cat/1.png is forgotten once
    for epoch in epochs:
        kept.update(NAMES, np.log(epoch))
        kept.end_epoch()
    run = tmp_path / "run"
    output = noisefind("score", data, "-o", run, "--record", tmp_path / "record", *QUICK)
    assert output.code == 0, output.err
    rows = {row["file_name"]: row for row in read_csv(run / "scores.csv")}
    assert rows["cat/1.png"]["forgetting"] == "1"
    assert rows["cat/1.png"]["flips"] == "2"
    given = np.array([epoch[1] for epoch in epochs])
    aum = float((np.log(given[:, 0]) - np.log(given[:, 1])).mean())
    assert float(rows["cat/1.png"]["aum"]) == pytest.approx(aum, rel=1e-4)
    assert rows["cat/1.png"]["ensemble_std"] == ""
    assert json.loads((run / "run.json").read_text())["members"] == {"own": 1}


def test_options_that_exclude_each_other(
    data: Path, tmp_path: Path, noisefind: CommandLine
) -> None:
    both = noisefind(
        "score", data, "-o", tmp_path / "run", "--pred-probs", "p.csv", "--record", "r"
    )
    assert (both.code, "exclude each other" in both.err) == (2, True)
    alone = noisefind("score", data, "-o", tmp_path / "run", "--logits")
    assert (alone.code, "only with --pred-probs" in alone.err) == (2, True)
    missing = noisefind("score", data, "-o", tmp_path / "run", "--pred-probs", "nowhere.csv")
    assert (missing.code, "--pred-probs nowhere.csv: is no file" in missing.err) == (2, True)
    assert not (tmp_path / "run").exists()
