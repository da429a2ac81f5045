"""``noisefind evaluate correlation, distribution, examples, embedding``: a run without a truth."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import pearsonr, spearmanr

from noisefind.config import ExamplesConfig
from noisefind.evaluation import embedding, plotting
from noisefind.evaluation.distribution import N_BINS, bin_edges
from noisefind.evaluation.embedding import tsne
from noisefind.evaluation.examples import chosen_rows
from noisefind.evaluation.metrics import pearson, spearman
from noisefind.evaluation.plotting import shown
from noisefind.runs.folder import RunFolder
from noisefind.scores import SCORES, difficulty
from tests.commands import DIGITS, QUICK, CommandLine, finished, read_csv
from tests.documents import evaluated
from tests.images import write_csv, write_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = ("label_score", *SCORES)
ODD = ("$a$ $", "_under", "שלום עולם", "x" * 200, "<b>&\n\"=1+1'", "日本")


@pytest.fixture
def run(noisy_digits: Path) -> Path:
    """The run of the noisy digits."""
    return noisy_digits / "run"


def some_tsne(features: NDArray[np.float32], _: int) -> NDArray[np.float64]:
    """Two of the features, for tests that need a map but not a good one."""
    return features[:, :2].astype(np.float64)


def test_correlation_is_that_of_the_file(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """Every pair by scipy from scores.csv, each score turned by hand; label_score is easy."""
    output = noisefind("evaluate", "correlation", run, "-o", tmp_path / "out", "--json")
    document = evaluated("evaluate-correlation", output.out)
    assert document == json.loads((tmp_path / "out/correlation.json").read_text())
    rows = read_csv(run / "scores.csv")
    easy = {"label_score", "pred_sum", "aum", "confidence", "correctness"}
    hard = {n: (-1 if n in easy else 1) * np.array([float(r[n]) for r in rows]) for n in NAMES}
    found = read_csv(tmp_path / "out/correlation.csv")
    assert [(row["score"], row["other"]) for row in found] == [(a, b) for a in NAMES for b in NAMES]
    for row in found:
        a, b = hard[row["score"]], hard[row["other"]]
        assert float(row["pearson"]) == pytest.approx(pearsonr(a, b)[0], abs=1e-5)
        assert float(row["spearman"]) == pytest.approx(spearmanr(a, b)[0], abs=1e-5)
        assert document["spearman"][row["score"]][row["other"]] == float(row["spearman"])
    assert document["pearson"]["el2n"]["label_score"] > 0.5


def test_a_constant_score_has_no_correlation() -> None:
    """Neither with another nor with itself, though 0.1 + 0.1 + 0.1 is not 0.3; by hand the rest."""
    matrix = pearson(np.array([[0.1, 0.1, 0.1], [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]]))
    assert np.isnan(matrix[0]).all()
    assert np.isnan(matrix[:, 0]).all()
    assert matrix[1:, 1:] == pytest.approx(np.array([[1, 0.5], [0.5, 1]]))
    ranks = spearman(np.array([[1.0, 1.0, 5.0], [2.0, 3.0, 1000.0]]))
    assert ranks[0, 1] == pytest.approx(np.sqrt(3) / 2)  # ranks 1.5, 1.5, 3 against 1, 2, 3


@pytest.mark.slow
def test_each_image_is_in_one_bar(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """The bars of a score add up to all images and all label issues; directions are given."""
    output = noisefind("evaluate", "distribution", run, "-o", tmp_path / "out", "--json")
    document = evaluated("evaluate-distribution", output.out)
    rows = read_csv(tmp_path / "out/distribution.csv")
    ranked = read_csv(run / "scores.csv")
    for name in NAMES:
        bars = [row for row in rows if row["score"] == name]
        values = np.array([float(row[name]) for row in ranked])
        is_flagged = np.array([row["is_label_issue"] == "true" for row in ranked])
        assert sum(int(bar["n_images"]) for bar in bars) == len(ranked) == 1000
        assert sum(int(bar["n_label_issues"]) for bar in bars) == is_flagged.sum()
        high = is_flagged & (values >= float(bars[-1]["low"]))
        assert int(bars[-1]["n_label_issues"]) == high.sum()
        spread = document["scores"][name]
        largest = np.abs(values).argmax()  # 0 says nothing
        assert spread["high_is_hard"] == (difficulty(name, values)[largest] == values[largest])
        assert spread["median_of_label_issues"] == pytest.approx(
            np.median(values[is_flagged]), rel=1e-5
        )


def test_bars_of_counts_hold_a_count_each() -> None:
    """0, 2, 3: a bar for each of 0 to 3; thousandths: as many in each bar; one value: one bar."""
    assert bin_edges(np.array([0.0, 3, 2, 2])).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]
    assert bin_edges(np.array([7.0, 7])).tolist() == [6.5, 7.5]
    counts = np.histogram(np.arange(1000) / 1000, bin_edges(np.arange(1000) / 1000))[0]
    assert counts.tolist() == [25] * N_BINS


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(-100, 100, width=32)))
@settings(max_examples=50, deadline=None)
def test_bars_hold_all_values(values: NDArray[np.float64]) -> None:
    """Whatever the values, at most N_BINS bars of equal width take them all."""
    edges = bin_edges(values)
    assert 2 <= len(edges) <= N_BINS + 1
    assert np.histogram(values, edges)[0].sum() == len(values)


def test_examples_are_the_hardest(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """By el2n, from the file; the probabilities are the ten of the record, highest first."""
    out = tmp_path / "out"
    output = noisefind("evaluate", "examples", run, "-o", out, "--by", "el2n", "--top", "7")
    assert output.code == 0, output.err
    assert "The 7 hardest images by el2n" in output.out
    ranked = {row["file_name"]: row for row in read_csv(run / "scores.csv")}
    el2n = sorted((float(row["el2n"]) for row in ranked.values()), reverse=True)
    rows, probabilities = read_csv(out / "examples.csv"), read_csv(out / "probabilities.csv")
    assert [float(row["value"]) for row in rows] == pytest.approx(el2n[:7], rel=1e-5)
    for row in rows:
        scored = ranked[row["file_name"]]
        assert row["score"] == "el2n"
        for name in ("given_label", "predicted_label", "is_label_issue"):
            assert row[name] == scored[name]
        ten = [p for p in probabilities if p["file_name"] == row["file_name"]]
        values = [float(p["probability"]) for p in ten]
        assert (len(ten), values) == (10, sorted(values, reverse=True))
        assert sum(values) == pytest.approx(1, abs=1e-4)
    for suffix in ("png", "svg"):
        assert (out / f"examples.{suffix}").exists()


def test_the_easiest_are_the_other_end(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """--easiest by label_score: the least likely mislabelled; --json is the document."""
    arguments = (run, "-o", tmp_path / "out", "--easiest", "--top", "3", "--json")
    document = evaluated("evaluate-examples", noisefind("evaluate", "examples", *arguments).out)
    assert document == json.loads((tmp_path / "out/examples.json").read_text())
    last = [row["file_name"] for row in read_csv(run / "scores.csv")[:-4:-1]]
    assert [example["file_name"] for example in document["examples"]] == last
    assert document["title"] == "The 3 least likely mislabelled images by label_score"


@pytest.mark.slow
def test_images_may_have_moved(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """--data with two of ten classes: the rest stays empty; with none of the images: refused."""
    hardest = [row["file_name"] for row in read_csv(run / "scores.csv")[:25]]
    for folder in {Path(name).parts[0] for name in hardest[:1]} | {"one", "two"}:
        shutil.copytree(DIGITS / folder, tmp_path / "some" / folder)
    examples = ("evaluate", "examples", run, "-o", tmp_path / "out", "--data")
    other = write_images(tmp_path / "other", "one/x.png", "two/x.png")
    assert "has none of these images" in noisefind.refused(*examples, other)
    assert not (tmp_path / "out").exists()
    assert noisefind(*examples, tmp_path / "some").code == 0
    n_lost = sum(not (tmp_path / "some" / name).exists() for name in hardest)
    svg = (tmp_path / "out/examples.svg").read_text()
    assert 0 < n_lost < 25
    assert (svg.count("cannot be read -->"), svg.count("<image")) == (n_lost, 25 - n_lost)


def test_ties_are_broken_by_label_score(run: Path) -> None:
    """Of pred_sum's four values each has many images: a lower label_score counts as harder."""
    ranking = RunFolder(run).read_ranking()
    rows = chosen_rows(ranking, ExamplesConfig(by="pred_sum", top=200))
    values = ranking.scores["pred_sum"][rows]
    assert (np.diff(values) >= 0).all()
    assert (np.diff(rows)[np.diff(values) == 0] > 0).all()
    easiest = chosen_rows(ranking, ExamplesConfig(by="pred_sum", top=200, easiest=True))
    assert (np.diff(easiest)[np.diff(ranking.scores["pred_sum"][easiest]) == 0] < 0).all()


def test_tsne_keeps_apart_what_is_apart() -> None:
    """Two far groups stay two, the same seed gives the same map; tiny and equal inputs pass."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 5)).astype(np.float32)
    features[20:, 0] += 100
    places = tsne(features, 1)
    assert (places == tsne(features, 1)).all()
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    assert ((nearest < 20) == (np.arange(40) < 20)).all()
    for few in (features[:2], features[:, :1], np.ones((3, 4), np.float32)):
        assert np.isfinite(tsne(few, 0)).all()


def test_embedding_shows_a_sample_by_id(
    noisefind: CommandLine, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place is that of the image's own row of the features; a seed chooses the same images."""
    monkeypatch.setattr(embedding, "tsne", some_tsne)
    verb = ("evaluate", "embedding", run, "--sample", "100")
    output = noisefind(*verb, "-o", tmp_path / "a")
    assert output.code == 0, output.err
    assert "100 of 1,000 images on the map" in output.out
    scored = {row["file_name"]: row for row in read_csv(run / "scores.csv")}
    features = dict(zip(sorted(scored), np.load(run / "features/reduced.npy"), strict=True))
    rows = read_csv(tmp_path / "a/embedding.csv")
    assert len({row["file_name"] for row in rows}) == 100
    for row in rows:
        place = (float(row["x"]), float(row["y"]))
        assert place == pytest.approx(features[row["file_name"]][:2], rel=1e-5)
        for name in ("given_label", "predicted_label", "is_label_issue"):
            assert row[name] == scored[row["file_name"]][name]
    output = noisefind(*verb, "-o", tmp_path / "b", "--json")
    document = evaluated("evaluate-embedding", output.out)
    assert document == json.loads((tmp_path / "b/embedding.json").read_text())
    assert (document["n_shown"], document["perplexity"]) == (100, 30)
    for name in ("embedding.csv", "embedding.svg", "embedding.png", "embedding.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    noisefind(*verb, "-o", tmp_path / "c", "--seed", "1")
    other = {row["file_name"] for row in read_csv(tmp_path / "c/embedding.csv")}
    assert other != {row["file_name"] for row in rows}


@pytest.mark.slow
def test_odd_names_of_classes_and_a_lost_image(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Formulas, markup, right-to-left, 200 letters, letters that no font has: not a warning."""
    monkeypatch.setattr(embedding, "tsne", some_tsne)
    names = [f"{number}/{k}.png" for number in range(len(ODD)) for k in range(3)]
    data, out = write_images(tmp_path / "data", *names), tmp_path / "out"
    table = write_csv(tmp_path / "list.csv", *((n, ODD[int(n[0])]) for n in names))
    run = tmp_path / "run"
    assert noisefind("score", table, "--root", data, "-o", run, *QUICK).code == 0
    (data / names[0]).write_bytes(b"no image any more")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for verb in ("correlation", "distribution", "examples", "embedding"):
            output = noisefind("evaluate", verb, run, "-o", out / verb)
            assert output.code == 0, output.err
            assert (out / verb / f"{verb}.svg").exists()
    text = (out / "embedding/embedding.svg").read_text()
    assert "$a$ $ -->" in text  # matplotlib writes every text into a comment too
    assert "_under -->" in text
    assert "cannot be read -->" in (out / "examples/examples.svg").read_text()


def test_a_hundred_classes_have_names_on_the_map(tmp_path: Path) -> None:
    """More classes than markers: each has its name at its points; one without points has none."""
    rng = np.random.default_rng(0)
    classes = [f"class {number}" for number in range(100)]
    numbers = np.arange(300) % 99
    embedding._draw(
        tmp_path, rng.normal(size=(300, 2)), numbers, classes, is_flagged=rng.random(300) < 0.1,
        n_images=300,
    )  # fmt: skip
    text = (tmp_path / "embedding.svg").read_text()
    assert all(text.count(f"<!-- {name} -->") == 1 for name in classes[:99])
    assert "class 99" not in text


def test_long_names_keep_both_ends() -> None:
    """As long as asked, without what ends a line, turns the reading or begins a formula."""
    assert shown("short") == "short"
    assert shown("a" * 30 + "b" * 30, 10) == "aaaaa…bbbb"
    assert shown("1\n2$3") == r"1\x0a2\$3"
    assert shown("turned \u202e") == r"turned \x202e"


def test_without_matplotlib_a_line_says_so(
    noisefind: CommandLine, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers are written all the same."""
    monkeypatch.setattr(plotting, "find_spec", lambda _: None)
    monkeypatch.setattr(embedding, "tsne", some_tsne)
    for verb in ("correlation", "distribution", "examples", "embedding"):
        output = noisefind("evaluate", verb, run, "-o", tmp_path / verb)
        assert (output.code, "pip install 'noisefind[plots]'" in output.err) == (0, True)
        written = {path.suffix for path in (tmp_path / verb).iterdir()}
        assert written == {".csv", ".json"}


def test_bad_requests_of_analyses_are_refused(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """No such score, no run, a full folder, a run without its record or features: exit 2."""
    lost = tmp_path / "lost"
    lost.mkdir()
    for name in ("run.json", "scores.csv"):
        shutil.copy(run / name, lost)
    out = tmp_path / "out"
    cases: dict[tuple[str | Path, ...], str] = {
        ("examples", run, "--by", "x"): "--by 'x' is no known score: one of label_score, el2n,",
        ("examples", run, "--top", "0"): "--top is '0'",
        ("examples", run, "--data", tmp_path / "no"): "give their folder with --data DIR",
        ("examples", lost): "lacks the predictions of the members",
        ("embedding", lost): "is missing; the same noisefind score command with --resume",
        ("correlation", tmp_path): "not the folder of a finished run",
        ("distribution", tmp_path): "not the folder of a finished run",
    }
    for arguments, words in cases.items():
        assert words in noisefind.refused("evaluate", *arguments, "-o", out)
    assert not out.exists()
    assert "is not empty" in noisefind.refused("evaluate", "correlation", run, "-o", tmp_path)


def test_a_map_by_tsne_from_the_command_line(run: Path, tmp_path: Path) -> None:
    """With the real t-SNE of scikit-learn, not a fake."""
    out = tmp_path / "out"
    assert finished("evaluate", "embedding", run, "-o", out, "--sample", "60") == 0
    assert (out / "embedding.png").read_bytes()[:4] == b"\x89PNG"
