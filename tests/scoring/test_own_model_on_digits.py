"""``--pred-probs`` and ``--record`` on real images: every score, and what goes wrong with them."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

import noisefind as package
from noisefind.scores import SCORES, Predictions
from tests.commands import CommandLine, copy_digits, read_csv

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

pytestmark = pytest.mark.slow
OPTIONS = ("--clusters", "3", "--feature-size", "32")


class Home:
    """Some digits of ten classes, and predictions for them."""

    def __init__(self, home: Path, n_per_class: int = 10) -> None:
        self.path, self.data = home, copy_digits(home / "data", n_per_class)
        self.ids = sorted(
            file.relative_to(self.data).as_posix() for file in self.data.rglob("*.png")
        )
        self.classes = sorted({id_.split("/")[0] for id_ in self.ids})
        names = [id_.split("/")[0] for id_ in self.ids]
        self.labels = np.array([self.classes.index(name) for name in names])

    def pixels(self) -> Floats:
        from PIL import Image

        images = [Image.open(self.data / id_).convert("L").resize((16, 16)) for id_ in self.ids]
        return np.stack([np.asarray(image, float).ravel() / 255 for image in images])

    def write(self, name: str, probs: Floats) -> Path:
        with (self.path / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file_name", *self.classes])
            rows = zip(self.ids, probs.tolist(), strict=True)
            writer.writerows([id_, *row] for id_, row in rows)
        return self.path / name

    def out_of_sample(self) -> Floats:
        model = LogisticRegression(max_iter=200)
        return np.asarray(
            cross_val_predict(model, self.pixels(), self.labels, method="predict_proba", cv=5)
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def by_id(run: Path) -> dict[str, dict[str, str]]:
    return {row["file_name"]: row for row in read_csv(run / "scores.csv")}


def assert_scores(home: Home, run: Path, probs: Floats) -> None:
    """scores.csv has the scores of noisefind.scores on (E, T, N, C), and empty cells elsewhere."""
    predictions, rows = Predictions.from_probabilities(probs, home.labels), by_id(run)
    for name, score in SCORES.items():
        cells = [rows[id_][name] for id_ in home.ids]
        if not score.is_known(n_members=len(probs), n_epochs=probs.shape[1]):
            assert set(cells) == {""}, name
        elif score.compute is not None:
            expected = score.compute(predictions)
            np.testing.assert_allclose(
                np.array(cells, float), expected, rtol=1e-3, atol=2e-5, err_msg=name
            )


def test_files_of_predictions(noisefind: CommandLine, home: Home) -> None:
    """The scores are those of the same arrays; what one epoch cannot give is empty."""
    probs, run = np.maximum(home.out_of_sample(), 1e-5), home.path / "run"
    probs /= probs.sum(1, keepdims=True)
    own = home.write("own.csv", probs)
    assert noisefind("score", home.data, "-o", run, "--pred-probs", own, *OPTIONS).code == 0
    assert_scores(home, run, probs[None, None])
    assert set(json.loads((run / "run.json").read_text())["members"]) == {"own"}


def test_in_sample_predictions_are_found_out(noisefind: CommandLine, tmp_path: Path) -> None:
    """Predictions that repeat every wrong label are noticed by the features, and said."""
    home = Home(tmp_path, 40)
    wrong = np.arange(0, 400, 8)
    labels = home.path / "labels.csv"
    home.labels[wrong] = (home.labels[wrong] + 1) % 10
    rows = [f"{i},{home.classes[c]}\n" for i, c in zip(home.ids, home.labels, strict=True)]
    labels.write_text("file_name,label\n" + "".join(rows))
    own = home.write("own.csv", np.full((400, 10), 0.01) + 0.9 * np.eye(10)[home.labels])
    run = home.path / "run"
    options = ("--labels", labels, "--pred-probs", own, *OPTIONS)
    output = noisefind("score", home.data, "-o", run, *options)
    assert output.code == 0
    assert "your predictions repeat" in output.err
    assert json.loads((run / "run.json").read_text())["memorised"]


def test_record_of_a_training(noisefind: CommandLine, home: Home) -> None:
    """The scores are those of the same arrays; a record that has grown is another run."""
    rng, n_epochs = np.random.default_rng(0), 4
    logits = rng.normal(0, 1.5, (n_epochs, 100, 10)).astype(np.float32)
    folder, run = home.path / "record", home.path / "run"
    recorder = package.Recorder(folder, home.ids, home.labels, home.classes)
    for epoch in logits:
        recorder.update(home.ids, epoch)
        recorder.end_epoch()
    options = ("-o", run, "--record", folder, *OPTIONS)
    assert noisefind("score", home.data, *options).code == 0
    p = np.exp(logits.astype(float))
    assert_scores(home, run, (p / p.sum(-1, keepdims=True))[None])
    by = ("--drop", "hardest", "--fraction", "0.1", "--by", "forgetting")
    assert noisefind("prune", run, "-o", home.path / "clean", *by).code == 0
    recorder.update(home.ids, logits[0])
    recorder.end_epoch()
    line = noisefind.refused("score", home.data, *options, "--resume")
    assert "the files of --pred-probs or --record" in line


def test_records_that_cannot_be_used(noisefind: CommandLine, home: Home) -> None:
    """One line, whatever is in the folder."""
    folder = home.path / "record"
    options = ("-o", home.path / "run", "--record", folder, *OPTIONS)
    assert "needs a folder of noisefind.Recorder" in noisefind.refused("score", home.data, *options)
    recorder = package.Recorder(folder, home.ids, home.labels, home.classes)
    recorder.update(home.ids, np.zeros((100, 10)))
    recorder.end_epoch()
    (folder / "rank-00" / "epoch-0000.npz").write_bytes(b"PK")
    assert "is damaged" in noisefind.refused("score", home.data, *options)
