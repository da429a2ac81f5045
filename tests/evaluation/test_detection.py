"""``noisefind evaluate`` from the command line: a run against a truth."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, roc_auc_score

from noisefind.cli.documents import evaluation_document
from noisefind.evaluation import plotting
from noisefind.scores import SCORES, difficulty
from tests.commands import DIGITS, QUICK, ROOT, CommandLine, finished, read_csv
from tests.documents import checked, evaluated
from tests.images import write_images

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.evaluation.metrics import Floats

FEW = ("--draws", "20")


@pytest.fixture(scope="module")
def judged(noisy_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``evaluate detection`` wrote about the noisy digits."""
    out, truth = tmp_path_factory.mktemp("judged") / "out", noisy_digits / "noise/labels.csv"
    arguments = (noisy_digits / "run", "--truth", truth, "-o", out, "--draws", "300")
    assert finished("evaluate", "detection", *arguments) == 0
    return out


def values(file: Path, name: str = "") -> dict[tuple[str, str], dict[str, str]]:
    """(of, metric) -> row, of one class where one is named."""
    rows = (row for row in read_csv(file) if row.get("class", "") == name)
    return {(row["of"], row["metric"]): row for row in rows}


def ranked(noisy_digits: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Id -> true label, and the rows of scores.csv."""
    truth = read_csv(noisy_digits / "noise/labels.csv")
    return (
        {row["file_name"]: row["true_label"] for row in truth},
        read_csv(noisy_digits / "run/scores.csv"),
    )


def test_the_numbers_are_those_of_the_files(noisy_digits: Path, judged: Path) -> None:
    """AUROC and average precision of every score, and the flags, by scikit-learn from the CSVs."""
    true, rows = ranked(noisy_digits)
    is_wrong = np.array([row["given_label"] != true[row["file_name"]] for row in rows])
    is_flagged = np.array([row["is_label_issue"] == "true" for row in rows])
    found = values(judged / "detection.csv")
    for name in ("label_score", *SCORES):
        hardness: Floats = difficulty(name, np.array([float(row[name]) for row in rows]))
        auroc = float(found[name, "auroc"]["value"])
        assert auroc == pytest.approx(roc_auc_score(is_wrong, hardness), abs=1e-5)
        precision = float(found[name, "average_precision"]["value"])
        expected = average_precision_score(is_wrong, hardness)
        assert precision == pytest.approx(expected, abs=1e-5)
    flags = {metric: float(row["value"]) for (of, metric), row in found.items() if "is_" in of}
    assert flags["precision"] == pytest.approx(precision_score(is_wrong, is_flagged), abs=1e-5)
    assert flags["f1"] == pytest.approx(f1_score(is_wrong, is_flagged), abs=1e-5)
    assert flags["share"] == pytest.approx(is_flagged.mean())
    assert flags["f1_below_best"] >= 0
    assert float(found["truth", "share"]["value"]) == 0.1
    is_hit = np.array([row["predicted_label"] == true[row["file_name"]] for row in rows])
    hits = float(found["predicted_label", "right_of_wrong"]["value"])
    assert hits == pytest.approx(is_hit[is_wrong].mean(), abs=1e-5)
    hits = float(found["predicted_label", "right_of_flagged_wrong"]["value"])
    assert hits == pytest.approx(is_hit[is_wrong & is_flagged].mean(), abs=1e-5)


def test_injected_errors_are_found(judged: Path) -> None:
    """On real digits the ranking is far better than chance, and its interval says so."""
    found = values(judged / "detection.csv")
    assert float(found["label_score", "auroc"]["low"]) > 0.9
    assert float(found["label_score", "f1_at_n"]["value"]) > 0.6


def test_intervals_hold_their_value(judged: Path) -> None:
    """Each 95 % interval has some width and its value in it or close by."""
    for (of, metric), row in values(judged / "detection.csv").items():
        value, low, high = (float(row[name]) for name in ("value", "low", "high"))
        assert low <= high
        slack = 0.05 if "best" in metric else 0.02  # the best cut of a draw is its very best
        assert low - slack <= value <= high + slack, (of, metric)
    row = values(judged / "detection.csv")["label_score", "average_precision"]
    assert 0.01 < float(row["high"]) - float(row["low"]) < 0.4


def test_by_class_of_the_given_label(noisy_digits: Path, judged: Path) -> None:
    """detection_per_class.csv has the same measures for the images filed under each class."""
    true, rows = ranked(noisy_digits)
    fours = [row for row in rows if row["given_label"] == "four"]
    is_wrong = [true[row["file_name"]] != "four" for row in fours]
    noise_score = [-float(row["label_score"]) for row in fours]
    found = values(judged / "detection_per_class.csv", "four")
    assert float(found["truth", "share"]["value"]) == pytest.approx(np.mean(is_wrong), abs=1e-6)
    auroc = float(found["label_score", "auroc"]["value"])
    assert auroc == pytest.approx(roc_auc_score(is_wrong, noise_score), abs=1e-5)
    classes = {row["class"] for row in read_csv(judged / "detection_per_class.csv")}
    assert classes == {path.name for path in DIGITS.iterdir()}
    assert found.keys() == values(judged / "detection.csv").keys()


def test_json_is_one_document(
    noisefind: CommandLine, noisy_digits: Path, judged: Path, tmp_path: Path
) -> None:
    """--json prints detection.json and nothing else; the same seed gives the same numbers."""
    truth = noisy_digits / "noise/labels.csv"
    arguments = (noisy_digits / "run", "--truth", truth, "--draws", "300", "--json")
    output = noisefind("evaluate", "detection", *arguments, "-o", tmp_path / "out")
    document = evaluated("evaluate-detection", output.out)
    assert document == json.loads((tmp_path / "out/detection.json").read_text())
    assert document == json.loads((judged / "detection.json").read_text())
    assert (document["n_images"], document["n_wrong"]) == (1000, 100)
    assert document["all"]["is_label_issue"].keys() >= {"precision", "recall", "f1"}
    assert len(document["per_class"]) == 10


@pytest.mark.slow
def test_code_of_the_page(
    noisy_digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The Python code of docs/reference/evaluate.md runs as it is; only its own print shows."""
    for name in ("run", "noise"):
        (tmp_path / name).symlink_to(noisy_digits / name)
    monkeypatch.chdir(tmp_path)
    code = (ROOT / "docs/reference/evaluate.md").read_text().split("```python\n")[1].split("```")[0]
    exec(compile(code, "evaluate.md", "exec"), {})
    auroc, names = capsys.readouterr().out.splitlines()
    assert float(auroc) > 0.9
    assert names.count(".png") == 9
    for verb in ("correlation", "distribution", "examples", "embedding"):
        assert (tmp_path / verb / f"{verb}.json").exists()


def test_the_table_is_printed(noisefind: CommandLine, noisy_digits: Path, tmp_path: Path) -> None:
    """Every score has its row on stdout, with what the flags and suggestions are worth."""
    truth = noisy_digits / "noise/labels.csv"
    arguments = (noisy_digits / "run", "--truth", truth, "-o", tmp_path / "out", *FEW)
    output = noisefind("evaluate", "detection", *arguments)
    assert output.code == 0
    assert "100 of 1,000 labels are wrong by the ground truth" in output.out
    words = {line.split()[0] for line in output.out.splitlines() if line.strip()}
    assert {"label_score", *SCORES, "is_label_issue:", "predicted_label"} <= words
    assert "wrong: 10.00%" in output.out


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs matplotlib")
def test_plots_are_pictures(judged: Path) -> None:
    """Both plots as SVG and PNG, with every score in their legends."""
    for name in ("precision_recall", "precision_reviewed"):
        assert (judged / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        text = (judged / f"{name}.svg").read_text()
        assert text.count('<g id="legend') == 1
        assert all(f"<!-- {score}" in text for score in ("label_score", *SCORES, "by chance"))


def test_without_matplotlib_the_numbers_are_written(
    noisefind: CommandLine, noisy_digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line says how to get plots; everything else is there."""
    monkeypatch.setattr(plotting, "find_spec", lambda _: None)
    truth = noisy_digits / "noise/labels.csv"
    arguments = (noisy_digits / "run", "--truth", truth, "-o", tmp_path / "out", *FEW)
    output = noisefind("evaluate", "detection", *arguments)
    assert (output.code, "pip install 'noisefind[plots]'" in output.err) == (0, True)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "detection.csv", "detection.json", "detection_per_class.csv",
    }  # fmt: skip


def test_ids_on_one_side_are_counted(
    noisefind: CommandLine, noisy_digits: Path, tmp_path: Path
) -> None:
    """A truth about a part of the run, with ids that the run lacks: judged on what both have."""
    true, rows = ranked(noisy_digits)
    lines = ["note,true_label,file_name,x"]
    lines += [f"checked,{true[row['file_name']]},./{row['file_name']},1" for row in rows[:300]]
    lines += ["new,one,one/unknown.png,1"]
    (tmp_path / "truth.csv").write_text("\n".join(lines))
    arguments = (noisy_digits / "run", "--truth", tmp_path / "truth.csv", "-o", tmp_path / "out")
    output = noisefind("evaluate", "detection", *arguments, *FEW, "--json")
    document = json.loads(output.out)
    assert (document["n_images"], document["n_not_in_truth"]) == (300, 700)
    assert document["n_not_in_run"] == 1
    assert "700 images of the run are not in the ground truth" in output.err
    assert "1 images of the ground truth are not in the run" in output.err


def test_without_draws_there_are_no_intervals(
    noisefind: CommandLine, noisy_digits: Path, tmp_path: Path
) -> None:
    """--draws 0 leaves low and high empty, null in JSON."""
    truth = noisy_digits / "noise/labels.csv"
    arguments = (noisy_digits / "run", "--truth", truth, "-o", tmp_path / "out", "--draws", "0")
    document = checked(
        "evaluate-detection", noisefind("evaluate", "detection", *arguments, "--json").out
    )
    assert document["all"]["label_score"]["auroc"]["low"] is None
    assert values(tmp_path / "out/detection.csv")["label_score", "auroc"]["low"] == ""


def test_bad_requests_are_refused_in_one_line(
    noisefind: CommandLine, noisy_digits: Path, tmp_path: Path
) -> None:
    """A truth that tells nothing, a run that is none, a folder that is full: exit 2, one line."""
    true, rows = ranked(noisy_digits)
    run = noisy_digits / "run"
    tables = {
        "right": [(row["file_name"], row["given_label"]) for row in rows],
        "wrong": [(row["file_name"], row["given_label"].upper()) for row in rows],
        "other": [(f"digits/{name}", label) for name, label in true.items()],
    }
    for name, table in tables.items():
        text = "file_name,true_label\n" + "".join(f"{id_},{label}\n" for id_, label in table)
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "labels.csv").write_text("file_name,label\none/1.png,one\n")
    truth = noisy_digits / "noise/labels.csv"
    cases = {
        (run, "--truth", tmp_path / "right.csv"): "are right, so there is nothing to detect",
        (run, "--truth", tmp_path / "wrong.csv"): "are the classes spelled alike?",
        (run, "--truth", tmp_path / "other.csv"): "none of its ids is in the run",
        (run, "--truth", tmp_path / "labels.csv"): "no column 'true_label'",
        (run, "--truth", tmp_path / "missing.csv"): "cannot read",
        (tmp_path, "--truth", truth): "not the folder of a finished run",
        (run, "--truth", truth, "--draws", "-1"): "--draws is '-1'",
    }
    out = tmp_path / "out"
    for arguments, words in cases.items():
        assert words in noisefind.refused("evaluate", "detection", *arguments, "-o", out)
    assert not out.exists()
    line = noisefind.refused("evaluate", "detection", run, "--truth", truth, "-o", tmp_path)
    assert "is not empty" in line


def test_evaluate_alone_lists_its_verbs(noisefind: CommandLine) -> None:
    """Without a verb the help is printed."""
    output = noisefind("evaluate")
    assert (output.code, "detection" in output.out) == (0, True)


@pytest.mark.slow
def test_selftest_plants_scores_and_judges(noisefind: CommandLine, tmp_path: Path) -> None:
    """A share by two seeds: every measure of every run, mean and deviation, and how to read it."""
    names = [f"{name}/{number:03d}.png" for name in "abc" for number in range(10)]
    data, out = write_images(tmp_path / "data", *names), tmp_path / "out"
    options = ("--fraction", "0.2", "--seeds", "2", "--kind", "moved", *QUICK)
    output = noisefind("evaluate", "selftest", data, "-o", out, *options)
    assert output.code == 0, output.err
    assert "count as false positives" in output.out
    assert "run 2 of 2: 20.00% injected, seed 1" in output.err
    rows = read_csv(out / "selftest.csv")
    assert {(row["fraction"], row["seed"]) for row in rows} == {("0.2", "0"), ("0.2", "1")}
    assert {row["value"] for row in rows if row["of"] == "truth"} == {"0.2"}
    auroc = ("label_score", "auroc")
    runs = [float(row["value"]) for row in rows if (row["of"], row["metric"]) == auroc]
    (found,) = (row for row in read_csv(out / "summary.csv") if (row["of"], row["metric"]) == auroc)
    assert (found["fraction"], found["n_seeds"]) == ("0.2", "2")
    assert float(found["mean"]) == pytest.approx(np.mean(runs), abs=1e-5)
    assert float(found["std"]) == pytest.approx(np.std(runs, ddof=1), abs=1e-5)
    assert {path.name for path in out.iterdir()} == {"selftest.csv", "selftest.json", "summary.csv"}
    document = evaluation_document("selftest", json.loads((out / "selftest.json").read_text()), out)
    checked("evaluate-selftest", json.dumps(document))


def test_selftest_refuses_before_it_trains(noisefind: CommandLine, tmp_path: Path) -> None:
    """A share that is none and a place in the data cost no training."""
    names = [f"{name}/{number}.png" for name in "ab" for number in range(3)]
    data = write_images(tmp_path / "data", *names)
    selftest = ("evaluate", "selftest", data, "-o")
    line = noisefind.refused(*selftest, tmp_path / "out", "--fraction", "0.1,x")
    assert "--fraction is 'x'; it must be a share from 0 to 1" in line
    assert "lies in the data" in noisefind.refused(*selftest, data / "out")
    assert not (tmp_path / "out").exists()
