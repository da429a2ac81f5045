"""The formats of other tools: loaded with the tool where it is light, else by its schema."""

from __future__ import annotations

import gc
import json
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from noisefind.exports.formats import FILES
from tests.commands import CommandLine, read_csv
from tests.images import given, opened, write_images
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from pathlib import Path

LONG = "x" * 200
# id -> given label; worst first. The second and third differ in their suffix alone.
LABELS = {
    'z/=1+1, "<b>"\n\u202e.png': "<script>",
    "z/twin.jpg": '=cmd() & "q" \' \n\u202e',
    "z/twin.png": "NA",
    f"a b/%2E {LONG}.png": LONG,
    "a b/b.png": "1",
}
HOSTILE = tuple(LABELS)
# Of https://labelstud.io/guide/predictions: a task with predictions for one Choices tag.
LABEL_STUDIO = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["data", "predictions"],
        "additionalProperties": False,
        "properties": {
            "data": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": {"type": "string", "pattern": "^/data/local-files/\\?d=."}},
            },
            "predictions": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["result"],
                    "properties": {
                        "model_version": {"type": "string"},
                        "score": {"type": "number", "minimum": 0, "maximum": 1},
                        "result": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["from_name", "to_name", "type", "value"],
                                "additionalProperties": False,
                                "properties": {
                                    "from_name": {"const": "label"},
                                    "to_name": {"const": "image"},
                                    "type": {"const": "choices"},
                                    "value": {
                                        "type": "object",
                                        "required": ["choices"],
                                        "properties": {
                                            "choices": {
                                                "type": "array",
                                                "items": {"type": "string"},
                                                "minItems": 1,
                                                "maxItems": 1,
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
# Of FiftyOneImageClassificationDataset in FiftyOne's user guide: targets are places in "classes".
FIFTYONE_LABELS = {
    "type": "object",
    "required": ["classes", "labels"],
    "additionalProperties": False,
    "properties": {
        "classes": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "labels": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    },
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Five images with hostile names and classes; the first is suspected."""
    write_images(tmp_path / "my data", *LABELS)
    predicted = ["cat", *list(LABELS.values())[1:]]
    made_up = MadeUp(list(LABELS), list(LABELS.values()), predicted)
    return write_run(tmp_path / "run", made_up, tmp_path / "my data").path


def pruned(noisefind: CommandLine, run: Path, *options: str | Path, n_dropped: int = 1) -> Path:
    """The folder of a prune that kept all but the first image, or all."""
    out = run.parent / "out"
    output = noisefind("prune", run, "-o", out, "--min-per-class", "0", *options)
    assert output.code == 0, output.err
    kept = {row["file_name"]: row["label"] for row in read_csv(out / "kept.csv")}
    assert kept == {name: LABELS[name] for name in HOSTILE[n_dropped:]}
    return out


def test_label_studio(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """A task per undecided image, worst first; its choice is one of the interface's."""
    (tmp_path / "d.csv").write_text(
        "file_name,decision,label,run_id\na b/b.png,keep,,5eed\n", encoding="utf-8"
    )
    options = ("--format", "label-studio", "--decisions", tmp_path / "d.csv", "--drop", "noise")
    out = pruned(noisefind, run, *options)
    tasks = json.loads((out / "label-studio.json").read_text(encoding="utf-8"))
    jsonschema.validate(tasks, LABEL_STUDIO)
    assert [task["data"]["file_name"] for task in tasks] == list(HOSTILE[:4])
    assert [task["data"]["keep"] for task in tasks] == [False, True, True, True]
    for task in tasks:
        place = unquote(task["data"]["image"].removeprefix("/data/local-files/?d="))
        assert tmp_path / place == tmp_path / "my data" / task["data"]["file_name"]
        assert (tmp_path / place).exists()
    view = ET.fromstring((out / "label-studio.xml").read_text(encoding="utf-8"))
    (image,), (choices,) = view.iter("Image"), view.iter("Choices")
    assert (image.attrib["name"], choices.attrib["name"]) == ("image", "label")
    assert choices.attrib["toName"] == "image"
    offered = {choice.attrib["value"] for choice in choices}
    assert offered == {"cat", *LABELS.values()}
    said = [task["predictions"][0]["result"][0]["value"]["choices"][0] for task in tasks]
    assert said == ["cat", *list(LABELS.values())[1:4]]


def test_label_studio_there_and_back(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """The tasks with a choice each, as Label Studio exports them, are decisions and labels."""
    out = pruned(noisefind, run, "--format", "label-studio", "--drop", "noise")
    tasks = json.loads((out / "label-studio.json").read_text(encoding="utf-8"))
    right = {**LABELS, HOSTILE[0]: "cat", HOSTILE[1]: "cat"}
    for number, task in enumerate(tasks, start=1):
        choice = {**task["predictions"][0]["result"][0]}
        choice["value"] = {"choices": [right[task["data"]["file_name"]]]}
        annotation = {"id": number, "was_cancelled": False, "result": [choice]}
        task.update(id=number, annotations=[annotation])
    (tmp_path / "export.json").write_text(json.dumps(tasks), encoding="utf-8")

    output = noisefind("prune", run, "-o", tmp_path / "p", "--decisions", tmp_path / "export.json")

    assert output.code == 0, output.err
    kept = {row["file_name"]: row["label"] for row in read_csv(tmp_path / "p/kept.csv")}
    assert kept == right
    data = opened(tmp_path / "export.json", root=tmp_path / "my data")
    assert given(data) == right


def test_label_studio_refuses_what_xml_cannot_hold(noisefind: CommandLine, tmp_path: Path) -> None:
    """A class with a control character: one line, nothing written."""
    write_images(tmp_path / "data", "a.png")
    made_up = MadeUp(["a.png"], ["b\x07ll"], ["cat"])
    run = write_run(tmp_path / "run", made_up, tmp_path / "data").path
    options = ("--format", "label-studio")
    line = noisefind.refused("prune", run, "-o", tmp_path / "out", *options)
    assert "class 'b\\x07ll' has a character that XML cannot contain" in line
    assert not (tmp_path / "out").exists()


def test_fiftyone(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """Both files name the same images, by names that survive the loss of a suffix."""
    out = pruned(noisefind, run, "--format", "fiftyone")
    assert {path.name for path in (out / "fiftyone").iterdir()} == {"data.json", "labels.json"}
    places = json.loads((out / "fiftyone/data.json").read_text(encoding="utf-8"))
    labels = json.loads((out / "fiftyone/labels.json").read_text(encoding="utf-8"))
    jsonschema.validate(labels, FIFTYONE_LABELS)
    # FiftyOne cuts suffixes off the names in data.json, and looks those of labels.json up there.
    assert {name.rpartition(".")[0] or name for name in places} == places.keys()
    assert places.keys() == labels["labels"].keys()
    found = {places[name]: labels["classes"][place] for name, place in labels["labels"].items()}
    data = tmp_path / "my data"
    assert found == {str(data / name): LABELS[name] for name in HOSTILE[1:]}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the packages that datasets imports
def test_hugging_face(
    noisefind: CommandLine, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laid beside the images, datasets loads the kept ones alone, under their classes."""
    out = pruned(noisefind, run, "--format", "huggingface")
    text = (out / "huggingface/metadata.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.split("\n")[:-1]]
    expected = [{"file_name": name, "label": LABELS[name]} for name in sorted(HOSTILE[1:])]
    assert rows == expected
    shutil.copytree(out / "huggingface", tmp_path / "my data", dirs_exist_ok=True)
    splits = loaded(tmp_path, monkeypatch)
    assert {split: [row["label"] for row in rows] for split, rows in splits.items()} == {
        "train": [row["label"] for row in expected]
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_hugging_face_keeps_splits_apart(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A metadata.jsonl in each split's folder, named as that folder is."""
    ids = ["val/x/a.png", "val/x/b.png", "train/x/c.png", "train/x/d.png"]
    write_images(tmp_path / "my data", *ids)
    splits = ["validation", "validation", "train", "train"]
    made_up = MadeUp(ids, ["cat", "dog", "cat", "dog"], ["x"] * 4, splits=splits)
    run = write_run(tmp_path / "run", made_up, tmp_path / "my data").path
    out = tmp_path / "out"
    options = ("--min-per-class", "0", "--format", "huggingface")
    assert noisefind("prune", run, "-o", out, *options).code == 0
    shutil.copytree(out / "huggingface", tmp_path / "my data", dirs_exist_ok=True)
    found = loaded(tmp_path, monkeypatch)
    assert {split: [row["label"] for row in rows] for split, rows in found.items()} == {
        "validation": ["dog"], "train": ["cat", "dog"],
    }  # fmt: skip


def loaded(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """``my data`` by Hugging Face's imagefolder, offline."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="Hugging Face datasets is not installed")
    datasets.disable_progress_bars()
    cache = str(home / "cache")
    splits = datasets.load_dataset("imagefolder", data_dir=str(home / "my data"), cache_dir=cache)
    found = {split: list(rows) for split, rows in splits.items()}
    gc.collect()  # datasets leaves files open in cycles
    return found


@pytest.mark.filterwarnings("ignore")
def test_cleanlab(noisefind: CommandLine, run: Path) -> None:
    """pandas reads the columns of cleanlab's table with their types, every scored image in it."""
    pandas = pytest.importorskip("pandas", reason="comes with Hugging Face datasets")
    out = pruned(noisefind, run, "--format", "cleanlab")
    # "\r" and the word NA are data; pandas must be told
    table = pandas.read_csv(out / "cleanlab.csv", index_col="file_name", keep_default_na=False)
    columns = ["is_label_issue", "label_quality", "given_label", "predicted_label"]
    assert list(table.columns) == columns
    assert str(table.is_label_issue.dtype) == "bool"
    assert str(table.label_quality.dtype) == "float64"
    assert table.given_label.to_dict() == LABELS
    assert table.index[table.is_label_issue].tolist() == [HOSTILE[0]]
    assert table.label_quality.idxmin() == HOSTILE[0]


def test_manifest_and_every_table_hold_hostile_names(noisefind: CommandLine, run: Path) -> None:
    """manifest.csv, kept.csv and disagreements.csv give names and classes back as they were."""
    one, two = run.parent / "1.csv", run.parent / "2.csv"
    for file, word in ((one, "keep"), (two, "drop")):
        name = HOSTILE[0].replace('"', '""')
        text = f'file_name,decision,label,run_id\n"{name}",{word},,5eed\n'
        file.write_text(text, encoding="utf-8")
    out = pruned(noisefind, run, "--decisions", one, "--decisions", two, n_dropped=0)
    assert {row["file_name"]: row["label"] for row in read_csv(out / "manifest.csv")} == LABELS
    names = {row["file_name"] for row in read_csv(out / "disagreements.csv")}
    assert names == {HOSTILE[0]}


def test_formats_that_point_at_files_need_them(noisefind: CommandLine, tmp_path: Path) -> None:
    """Images within CIFAR's batches, or gone: refused at once; --data says where they are now."""
    cifar = MadeUp(["train/00001", "train/00002"], ["cat", "dog"], ["dog", "dog"])
    home = tmp_path / "gone"
    files = MadeUp(["a.png", "b.png"], ["cat", "dog"], ["dog", "dog"])
    of_arrays = write_run(tmp_path / "1", cifar, home).path
    of_files = write_run(tmp_path / "2", files, home).path
    moved = write_images(tmp_path / "moved", "a.png", "b.png")
    for name in FILES.keys() - {"cleanlab"}:
        command = ("-o", tmp_path / name, "--format", name, "--min-per-class", "0")
        assert "image files" in noisefind.refused("prune", of_arrays, *command)
        assert "--data DIR" in noisefind.refused("prune", of_files, *command)
        assert noisefind("prune", of_files, *command, "--data", moved).code == 0
    places = json.loads((tmp_path / "fiftyone/fiftyone/data.json").read_text())
    assert places == {"b%2Epng": str(moved / "b.png")}
    arrays = ("-o", tmp_path / "c", "--format", "cleanlab")
    assert noisefind("prune", of_arrays, *arrays).code == 0


def test_force_replaces_exports_and_spares_what_was_put_among_them(
    noisefind: CommandLine, run: Path
) -> None:
    """All that exports wrote goes; a file of the user's in one of their folders stops it."""
    formats = [word for name in FILES for word in ("--format", name)]
    out = pruned(noisefind, run, *formats)
    pruned(noisefind, run, "--force", *formats)
    assert {path.name for path in pruned(noisefind, run, "--force").iterdir()} == {
        "manifest.csv", "kept.csv",
    }  # fmt: skip
    pruned(noisefind, run, "--force", *formats)
    for place in ("fiftyone/notes.txt", "huggingface/train/labels.csv"):
        path = out / place
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
        line = noisefind.refused("prune", run, "-o", out, "--force")
        assert f"{place}' was not written by noisefind" in line
        path.unlink()


def test_report_writes_the_whole_run_beside_its_page(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """Every scored image with its given label, replaced by the next report; never foreign files."""
    formats = [word for name in FILES for word in ("--format", name)]
    page = tmp_path / "new/page.html"
    for _ in range(2):
        output = noisefind("report", run, "-o", page, *formats)
        assert output.code == 0, output.err
    names = [name for files in FILES.values() for name in files]
    assert {path.name for path in page.parent.iterdir()} == {"page.html", *names}
    assert all(f"Also: {page.parent / name}" in output.out for name in names)
    tasks = json.loads((page.parent / "label-studio.json").read_text())
    assert {t["data"]["file_name"]: t["data"]["given_label"] for t in tasks} == LABELS
    table = read_csv(page.parent / "cleanlab.csv")
    assert {row["file_name"]: row["given_label"] for row in table} == LABELS
    lines = (page.parent / "huggingface/metadata.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["file_name"]: row["label"] for row in rows} == LABELS
    places = json.loads((page.parent / "fiftyone/data.json").read_text())
    assert len(places) == len(LABELS)
    before = page.read_bytes()
    (page.parent / "fiftyone/mine.txt").write_text("mine")
    assert "fiftyone/mine.txt' was not" in noisefind.refused("report", run, "-o", page, *formats)
    mine = tmp_path / "cleanlab.csv"
    mine.write_text("mine")
    other = ("-o", tmp_path / "page.html", "--format", "cleanlab")
    assert "cleanlab.csv' was not written" in noisefind.refused("report", run, *other)
    assert (mine.read_text(), page.read_bytes()) == ("mine", before)
