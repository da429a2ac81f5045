"""Names of classes and files are data: hostile ones through every command, table and page."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from noisefind.config import DataConfig
from noisefind.data.open import open_dataset
from noisefind.exports.formats import FILES
from noisefind.utils.files import write_csv
from tests.browser import chromium, opened
from tests.commands import CommandLine, finished, read_csv
from tests.images import write_images

if TYPE_CHECKING:
    from pathlib import Path

# what a file system takes and a browser, a spreadsheet or a reader could stumble over
HOSTILE = [
    '<img src=x onerror="document.title=1">', "x<", "a \"quoted\" & 'other'",
    "=1+1", "+1", "-1", "@x", "\t=1",
    "two\nlines", "\rreturn", "a,b;c", "a; held out: b", " space ", "עברית \u202ereversed",
    "\u2028", "x" * 200, "<!--<script>", "{{ 7 * 7 }}",
    "</script><script>document.title=1</script>", "$&", "NA",
]  # fmt: skip
CLASSES = [name.replace("/", "\u2044") for name in HOSTILE]  # a class is a folder
TABLES = {
    "scores.csv", "details.csv", "noise_per_class.csv", "joint.csv", "duplicates.csv",
    "leaks.csv", "skipped.csv", "ties.csv",
}  # fmt: skip
QUICK = (
    "--members", "1", "--epochs", "1", "--clusters", "2", "--feature-size", "32", "--threads", "1"
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data``, three images in each of the hostile classes, ``run``, its scores, ``report.html``.

    The first image of each class stands in the next class and in the test split too.
    """
    home = tmp_path_factory.mktemp("hostile")
    names = CLASSES[1:] + CLASSES[:1]
    for label, name in zip(CLASSES, names, strict=True):
        files = [f"train/{label}/{name}{mark}.png" for mark in "=&<"]
        write_images(home / "data", *files, size=16)
    for label, name, after in zip(CLASSES, names, names, strict=True):
        first = home / "data" / f"train/{label}/{name}=.png"
        for copy in (f"train/{after}/{name}>.png", f"test/{label}/{name}=.png"):
            (home / "data" / copy).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(first, home / "data" / copy)
    (home / "data/train" / CLASSES[3] / f"{CLASSES[8]}.png").write_bytes(b"no image")
    assert finished("score", home / "data", "-o", home / "run", *QUICK) == 0
    assert finished("report", home / "run", "-o", home / "report.html") == 0
    return home


def truth(home: Path) -> dict[str, str]:
    """Each image of the train split that can be read, and its class."""
    files = (home / "data").glob("train/*/*.png")
    names = {path.relative_to(home / "data").as_posix(): path.parent.name for path in files}
    return {name: label for name, label in names.items() if not name.endswith(f"{CLASSES[8]}.png")}


def labels(path: Path, column: str = "label") -> dict[str, str]:
    return {row["file_name"]: row[column] for row in read_csv(path)}


def read_back(data: Path, config: DataConfig, tmp_path: Path) -> dict[str, str]:
    """Each image that noisefind finds there, and its class."""
    found = open_dataset(data, config, cache_dir=tmp_path / "cache", say=print)
    names = (found.classes[label] for label in found.labels)
    return dict(zip(found.ids, names, strict=True))


def test_the_run_folder(home: Path) -> None:
    """Every table of the run folder gives the names back as they are."""
    given = truth(home)
    assert {path.name for path in (home / "run").glob("*.csv")} == TABLES
    assert labels(home / "run/scores.csv", "given_label") == given
    assert {"=", "+", "-", "@", "\t", "\r"} <= {label[0] for label in given.values()}
    assert set(labels(home / "run/details.csv", "loo_label")) == given.keys()
    assert {row["class"] for row in read_csv(home / "run/noise_per_class.csv")} == set(CLASSES)
    twins = labels(home / "run/duplicates.csv", "given_label")
    assert len(twins) >= 2 * len(CLASSES)
    assert twins.items() <= given.items()
    leaks = read_csv(home / "run/leaks.csv")
    assert {row["other_label"] for row in leaks} == set(CLASSES)
    assert all((home / "data" / row["other_file_name"]).is_file() for row in leaks)
    (skipped,) = read_csv(home / "run/skipped.csv")
    assert skipped["file_name"] == f"train/{CLASSES[3]}/{CLASSES[8]}.png"


def test_prune_in_every_format(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """All formats at once; each table and document names the kept images as they are."""
    given, out = truth(home), tmp_path / "out"
    formats = [word for name in (*FILES, "npy", "imagefolder") for word in ("--format", name)]
    options = ("--drop", "random", "--fraction", "0.1", "--min-per-class", "1")
    assert noisefind("prune", home / "run", "-o", out, *options, *formats).code == 0
    manifest = labels(out / "manifest.csv")
    assert given.items() <= manifest.items()
    assert len(manifest) == len(given) + 1  # and the broken one
    kept = labels(out / "kept.csv")
    assert kept.items() <= given.items()
    assert labels(out / "cleanlab.csv", "given_label") == given
    data = home / "data"
    tree = {
        (out / "imagefolder/train" / row["file_name"]).resolve(): row["label"]
        for row in read_csv(out / "imagefolder/train/metadata.csv")
    }
    assert tree == {(data / name).resolve(): label for name, label in kept.items()}
    lines = (out / "huggingface/train/metadata.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert {f"train/{row['file_name']}": row["label"] for row in rows} == kept
    places = json.loads((out / "fiftyone/data.json").read_text())
    numbers = json.loads((out / "fiftyone/labels.json").read_text())
    found = {places[name]: numbers["classes"][n] for name, n in numbers["labels"].items()}
    assert found == {str(data / name): label for name, label in kept.items()}
    tasks = json.loads((out / "label-studio.json").read_text())
    assert {t["data"]["file_name"]: t["data"]["given_label"] for t in tasks} == given
    line = noisefind.refused("prune", home / "run", "-o", tmp_path / "txt", "--format", "txt")
    assert "has a line break" in line


def test_labels_go_round(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """Tables of inject and prune are read as labels, data and truth, with the same names."""
    given, noise = truth(home), tmp_path / "noise"
    asked = ("--fraction", "0.3", "--format", "imagefolder")
    done = noisefind("inject", home / "data", "-o", noise, *asked)
    assert done.code == 0, done.err
    true = labels(noise / "labels.csv", "true_label")
    assert given.items() <= true.items()
    changed = labels(noise / "labels.csv")
    config = DataConfig(split="train", labels=noise / "labels.csv")
    assert read_back(home / "data", config, tmp_path) == changed
    assert noisefind("prune", home / "run", "-o", tmp_path / "out", "--drop", "noise").code == 0
    kept = tmp_path / "out/kept.csv"
    assert read_back(kept, DataConfig(root=home / "data"), tmp_path) == labels(kept)
    columns = ("file_name", "true_label")
    write_csv(tmp_path / "truth.csv", columns, changed.items())  # as if those were the right ones
    judged = ("--truth", tmp_path / "truth.csv", "-o", tmp_path / "judged", "--draws", "5")
    assert noisefind("evaluate", "detection", home / "run", *judged).code == 0
    rows = read_csv(tmp_path / "judged/detection_per_class.csv")
    assert {row["class"] for row in rows} == set(CLASSES)


def test_compare(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """A run beside itself: every image under its name, and the terminal is not steered."""
    done = noisefind("compare", home / "run", home / "run", "-o", tmp_path / "out")
    assert done.code == 0
    assert not set(done.out) & set("\u202e\u2028\r\t")
    assert labels(tmp_path / "out/comparison.csv", "given_label_b") == truth(home)
    assert read_csv(tmp_path / "out/only_in_one.csv") == []


@pytest.mark.slow
@pytest.mark.browser
def test_review(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """Nothing in the page runs; every decision bears its exact name and goes through prune."""
    with chromium() as browser, opened(browser, home / "report.html") as page:
        title = page.title()
        page.select_option("#f-flagged", "")
        page.get_by_role("button", name="Table").click()  # every image alone, duplicates too
        page.focus("#rows tr >> nth=0")
        for _ in truth(home):  # relabel to what the dialog offers first; goes on by itself
            page.keyboard.press("t")
            page.keyboard.press("Enter")
        for name in ("#copies", "#skipped", "#classes", "#transitions", "#cards"):
            assert page.locator(f"{name} :is(script, [onerror])").count() == 0
        assert page.title() == title
        assert page.locator("main img:not([src^='data:image/'])").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        with page.expect_download() as download:
            page.click("#download")
        download.value.save_as(tmp_path / "decisions.csv")
    decided = read_csv(tmp_path / "decisions.csv")
    assert sorted(row["file_name"] for row in decided) == sorted(truth(home))
    asked = ("--decisions", tmp_path / "decisions.csv", "-o", tmp_path / "clean")
    assert noisefind("prune", home / "run", *asked).code == 0
    assert labels(tmp_path / "clean/kept.csv") == {r["file_name"]: r["label"] for r in decided}
