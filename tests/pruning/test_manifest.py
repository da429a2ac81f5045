"""What prune writes: manifests and trees, whole or not at all, and never onto the user's files."""

from __future__ import annotations

import csv
import gc
import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from noisefind.config import PruneConfig
from noisefind.data.dataset import Dataset
from noisefind.errors import ConfigError, DataError, RunError
from noisefind.exports.image_tree import _places, write_image_tree
from noisefind.pruning.folder import ALL_NAMES, TREE, open_prune_output
from noisefind.pruning.manifest import Manifest, Unreadable, class_counts, write_manifest
from noisefind.utils import output

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = "file_name,label,split,keep,reason\n"


def make_dataset(
    root: Path, given_labels: dict[str, str], splits: dict[str, str] | None = None
) -> Dataset:
    """A small picture of its own colour under each id, labelled as said."""
    ids = sorted(given_labels)
    for number, id_ in enumerate(ids):
        path = root / id_
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2), (number, 0, 0)).save(path)
    classes = sorted(set(given_labels.values()))
    return Dataset(
        root=root,
        ids=tuple(ids),
        labels=np.array([classes.index(given_labels[id_]) for id_ in ids], dtype=np.int64),
        classes=tuple(classes),
        splits=tuple((splits or {}).get(id_.split("/")[0], "") for id_ in ids),
        images=[root / id_ for id_ in ids],
        fingerprint="",
    )


def manifest_of(dataset: Dataset, *dropped: str) -> Manifest:
    """Everything is kept but ``dropped``, which is noise."""
    return Manifest(
        ids=dataset.ids,
        labels=[dataset.classes[label] for label in dataset.labels],
        splits=dataset.splits,
        keep=np.array([id_ not in dropped for id_ in dataset.ids]),
        reasons=["noise" if id_ in dropped else "" for id_ in dataset.ids],
    )


@pytest.fixture
def pets(tmp_path: Path) -> Dataset:
    """Four pictures in two class folders; ``dog/c.png`` is labelled cat by a table."""
    names = {"cat/a.png": "cat", "cat/b.png": "cat", "dog/c.png": "cat", "dog/d.png": "dog"}
    return make_dataset(tmp_path / "pets", names)


def write(data: Dataset, out: Path, *dropped: str, **options: Any) -> Path:
    """Writes the manifest of ``data`` and returns ``out``."""
    return written(manifest_of(data, *dropped), out, data.root, dataset=data, **options)


def written(
    manifest: Manifest,
    out: Path,
    root: Path,
    *,
    formats: Sequence[str] = (),
    dataset: Dataset | None = None,
    copy: bool = False,
    force: bool = False,
) -> Path:
    """``out``, with what prune writes of a manifest."""
    folder = open_prune_output(out, root, root, manifest.ids, force=force)
    with folder.write(ALL_NAMES) as partial:
        write_manifest(manifest, partial, formats)
        if TREE in formats:
            assert dataset is not None
            images = [row[:3] for row in manifest.kept]
            write_image_tree(images, partial / TREE, dataset, copy=copy)
    return out


def snapshot(folder: Path) -> dict[str, object]:
    """Every file below a folder: bytes, modification time, and where a link leads."""
    return {
        str(path.relative_to(folder)): path.readlink()
        if path.is_symlink()
        else (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tree(out: Path) -> list[str]:
    """The images in OUT/imagefolder."""
    files = (out / "imagefolder").rglob("*.png")
    return sorted(path.relative_to(out / "imagefolder").as_posix() for path in files)


# Tables and lists


def test_manifest_lists_every_image_once(pets: Dataset, tmp_path: Path) -> None:
    """Sorted by name; unreadable images are in it, with the class if known, and never kept."""
    manifest = Manifest(
        **{
            **vars(manifest_of(pets, "cat/b.png")),
            "unreadable": [Unreadable("cat/bad.png", "truncated", "cat"), Unreadable("x", "empty")],
        }
    )
    written(manifest, tmp_path / "out", pets.root)
    assert (tmp_path / "out/manifest.csv").read_bytes().decode() == HEADER + (
        "cat/a.png,cat,,true,\n"
        "cat/b.png,cat,,false,noise\n"
        "cat/bad.png,cat,,false,unreadable: truncated\n"
        "dog/c.png,cat,,true,\n"
        "dog/d.png,dog,,true,\n"
        "x,,,false,unreadable: empty\n"
    )
    assert (tmp_path / "out/kept.csv").read_bytes().decode() == (
        "file_name,label\ncat/a.png,cat\ndog/c.png,cat\ndog/d.png,dog\n"
    )
    assert names(tmp_path / "out") == ["kept.csv", "manifest.csv"]


text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(text, text, max_size=6))
def test_any_name_survives_csv(tmp_path: Path, labels: dict[str, str]) -> None:
    """Commas, quotes, line breaks and lone carriage returns come back as they were."""
    n = len(labels)
    keep = np.ones(n, dtype=np.bool_)
    manifest = Manifest(list(labels), list(labels.values()), [""] * n, keep, [""] * n)
    out = tmp_path / "out"
    written(manifest, out, tmp_path / "data", force=True)
    with (out / "kept.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    assert rows == [["file_name", "label"], *map(list, sorted(labels.items()))]


def test_a_lone_carriage_return_survives_csv(tmp_path: Path) -> None:
    """The csv module of Python 3.11 leaves it without quotes and then cannot read it."""
    manifest = Manifest(["a\rb.png"], ["cat"], [""], np.array([True]), [""])
    written(manifest, tmp_path / "out", tmp_path / "data")
    with (tmp_path / "out/kept.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == ["a\rb.png", "cat"]


def test_kept_txt_has_a_path_per_line(pets: Dataset, tmp_path: Path) -> None:
    """Only the kept ids, sorted."""
    out = write(pets, tmp_path / "out", "cat/a.png", formats=["txt"])
    assert (out / "kept.txt").read_text() == "cat/b.png\ndog/c.png\ndog/d.png\n"


@pytest.mark.parametrize("name", ["a\nb.png", "a\rb.png"])
def test_kept_txt_refuses_line_breaks(tmp_path: Path, name: str) -> None:
    """A name with a line break would become two paths: refused in one line, nothing is written."""
    manifest = Manifest([name], ["cat"], [""], np.array([True]), [""])
    with pytest.raises(DataError, match=r"line break.*use kept\.csv") as caught:
        written(manifest, tmp_path / "out", tmp_path / "data", formats=["txt"])
    assert len(str(caught.value).splitlines()) == 1
    assert names(tmp_path) == []


def test_kept_npy_numbers_the_scored_images(tmp_path: Path) -> None:
    """Positions in the sorted ids, whatever order they come in; unreadable images do not count."""
    manifest = Manifest(
        ["c", "a", "d", "b"],
        ["x"] * 4,
        [""] * 4,
        np.array([True, False, True, True]),
        ["", "noise", "", ""],
        [Unreadable("aa", "empty")],
    )
    written(manifest, tmp_path / "out", tmp_path / "data", formats=["npy"])
    rows = np.load(tmp_path / "out/kept.npy")
    assert rows.tolist() == [1, 2, 3]
    assert rows.dtype == np.int64


def test_class_counts_are_of_readable_images(pets: Dataset) -> None:
    """Before, kept and dropped of each class, by name; a class that loses all is still there."""
    assert class_counts(manifest_of(pets, "cat/a.png", "dog/d.png")) == [
        ("cat", 3, 2, 1),
        ("dog", 1, 0, 1),
    ]


# The tree


def test_the_tree_links_images_under_their_given_label(pets: Dataset, tmp_path: Path) -> None:
    """Absolute links, filed by given label rather than by the folder they lie in."""
    out = write(pets, tmp_path / "out", "cat/b.png", formats=["imagefolder"])
    assert tree(out) == ["train/cat/a.png", "train/cat/dog/c.png", "train/dog/d.png"]
    link = out / "imagefolder/train/cat/dog/c.png"
    assert link.readlink() == pets.root / "dog/c.png"
    assert (out / "imagefolder/train/metadata.csv").read_text() == (
        "file_name,label\ncat/a.png,cat\ncat/dog/c.png,cat\ndog/d.png,dog\n"
    )


def test_copies_stand_on_their_own(pets: Dataset, tmp_path: Path) -> None:
    """A copy has the source's bytes and is no link; no source is touched by links or copies."""
    before = snapshot(pets.root)
    out = write(pets, tmp_path / "out", formats=["imagefolder"], copy=True)
    copied = out / "imagefolder/train/cat/a.png"
    assert not copied.is_symlink()
    assert copied.read_bytes() == (pets.root / "cat/a.png").read_bytes()
    write(pets, out, formats=["imagefolder"], force=True)
    assert copied.is_symlink()
    write(pets, out, formats=["imagefolder"], force=True)
    assert snapshot(pets.root) == before


def test_splits_are_folders(tmp_path: Path) -> None:
    """The split's canonical name, the class, then what is below the class folder."""
    labels = {"Val/cat/x/a.png": "cat", "train/cat/a.png": "cat", "train/dog/b.png": "dog"}
    data = make_dataset(tmp_path / "data", labels, {"Val": "validation", "train": "train"})
    out = write(data, tmp_path / "out", formats=["imagefolder"])
    assert tree(out) == ["train/cat/a.png", "train/dog/b.png", "validation/cat/x/a.png"]
    assert names(out / "imagefolder/validation") == ["cat", "metadata.csv"]


def test_arrays_become_png_files(tmp_path: Path) -> None:
    """CIFAR's train/00042 of class airplane is train/airplane/00042.png with the same pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    data = Dataset(
        tmp_path / "cifar",
        ("test/00007", "train/00042"),
        np.array([1, 0]),
        ("airplane", "bird"),
        ("test", "train"),
        pixels,
        "",
    )
    out = write(data, tmp_path / "out", formats=["imagefolder"])
    assert tree(out) == ["test/bird/00007.png", "train/airplane/00042.png"]
    with Image.open(out / "imagefolder/train/airplane/00042.png") as image:
        assert np.array_equal(np.asarray(image), pixels[1])


def test_equal_names_both_survive(tmp_path: Path) -> None:
    """Two images that would get one name both lie at their whole id below ``_``.

    So does an image of a folder that is itself called ``_``.
    """
    labels = dict.fromkeys(["cat/x.png", "x.png", "_/cat/x.png", "cat/y.png"], "cat")
    labels["dog/y.png"] = "dog"
    data = make_dataset(tmp_path / "data", labels)
    out = write(data, tmp_path / "out", formats=["imagefolder"])
    assert tree(out) == [
        "train/cat/_/_/cat/x.png",
        "train/cat/_/cat/x.png",
        "train/cat/_/x.png",
        "train/cat/y.png",
        "train/dog/y.png",
    ]
    assert (out / "imagefolder/train/cat/_/x.png").readlink() == data.root / "x.png"


parts = st.sampled_from(["_", "cat", "dog", "train", "test", "a.b", ".x", "%", "%2Ex", "val 1"])
tree_ids = st.lists(st.lists(parts, min_size=1, max_size=4).map("/".join), unique=True, max_size=8)


tree_labels = st.sampled_from(["cat", "dog", "_", "%", "..", "a/../b", "train"])


@settings(max_examples=200, deadline=None)
@given(st.data(), tree_ids)
def test_places_differ_and_stay_inside(data: st.DataObject, ids: list[str]) -> None:
    """No two images share a place, and none is hidden or leaves its split's folder."""
    kept = [(id_, data.draw(tree_labels), "train") for id_ in ids]
    places = _places(kept, "")
    assert len(set(places)) == len(places)
    for place in places:
        assert not any(part == "" or part.startswith(".") for part in place.split("/"))
        assert len(PurePosixPath(place).parts) >= 2


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("and/or", "and%2For"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("a\0b", "a%00b"),
        ("/etc", "%2Fetc"),
        ("100%", "100%25"),
        ("été", "été"),
        ("test tube-val", "%74est tube-%76al"),
        ("bullet train", "bullet train"),
        ("testimony", "testimony"),
    ],
)
def test_odd_class_names_stay_in_the_tree(tmp_path: Path, label: str, folder: str) -> None:
    """Quoted as in URLs where they would escape, hide or pass for a split; the label stays."""
    data = make_dataset(tmp_path / "data", {"x.png": label})
    out = write(data, tmp_path / "out", formats=["imagefolder"])
    assert tree(out) == [f"train/{folder}/x.png"]
    with (out / "imagefolder/train/metadata.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == [f"{folder}/x.png", label]
    assert names(tmp_path) == ["data", "out"]


def test_names_that_are_too_long_are_refused(tmp_path: Path) -> None:
    """255 bytes are the limit of file systems: refused by name, nothing is written."""
    data = make_dataset(tmp_path / "data", {"x.png": "é" * 128})
    with pytest.raises(DataError, match="é' cannot be the name of a file or folder"):
        write(data, tmp_path / "out", formats=["imagefolder"])
    assert names(tmp_path) == ["data"]


@pytest.fixture
def load_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads a tree with Hugging Face, offline: split -> (label, red of the first pixel)."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="Hugging Face datasets is not installed")
    datasets.disable_progress_bars()

    def load(folder: Path) -> dict[str, list[tuple[str, int]]]:
        cache = str(tmp_path / "cache")
        splits = datasets.load_dataset("imagefolder", data_dir=str(folder), cache_dir=cache)
        found = {
            split: [(row["label"], row["image"].getpixel((0, 0))[0]) for row in rows]
            for split, rows in splits.items()
        }
        # datasets leaves files open in cycles: closed here, they do not warn in another test.
        gc.collect()
        return found

    return load


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the packages that datasets imports
def test_hugging_face_loads_splits_and_labels(tmp_path: Path, load_dataset: Any) -> None:
    """Splits and given labels come out right, also of a class "train" in the test split."""
    labels = {
        "test/cat/a.png": "train",
        "test/train/b.png": "train",
        "train/cat/c.png": "cat",
        "train/train/d.png": "train",
        "val/cat/e.png": "cat",
    }
    splits = {"test": "test", "train": "train", "val": "validation"}
    data = make_dataset(tmp_path / "data", labels, splits)
    out = write(data, tmp_path / "out", "train/train/d.png", formats=["imagefolder"])
    assert load_dataset(out / "imagefolder") == {
        "train": [("cat", 2)],
        "validation": [("cat", 4)],
        "test": [("train", 0), ("train", 1)],
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("copy", [False, True])
def test_hugging_face_loads_data_without_splits(
    tmp_path: Path,
    load_dataset: Any,
    copy: bool,
) -> None:
    """Names that hold the word of a split do not make one: all is train, with its labels."""
    labels = {
        "bullet train/a.png": "bullet train",
        "cat/ILSVRC_val_1.png": "cat",
        "test/test/b,1.png": "test",
        "test tube/é.png": "test tube",
        "__other__/.x.png": "__other__",
    }
    data = make_dataset(tmp_path / "data", labels)
    out = write(data, tmp_path / "out", formats=["imagefolder"], copy=copy)
    expected = [(labels[id_], number) for number, id_ in enumerate(sorted(labels))]
    assert load_dataset(out / "imagefolder") == {"train": expected}


# Whole or not at all


def test_new_folders_and_their_parents_are_made(pets: Dataset, tmp_path: Path) -> None:
    """OUT may be missing, empty, or a link to an empty folder; nothing else is left behind."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    for out in ("new/deep", "empty", "link"):
        write(pets, tmp_path / out)
        assert names(tmp_path / out) == ["kept.csv", "manifest.csv"]
    assert names(tmp_path / "new") == ["deep"]
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path) == ["empty", "link", "new", "pets", "target"]


def test_an_existing_folder_is_written_from_within(
    pets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OUT may be a mount point, and nothing can be renamed into it from outside of it."""
    out = tmp_path / "out"
    out.mkdir()
    rename = os.rename

    def within_one_mount(source: Path, target: Path) -> None:
        if source.is_relative_to(out) != target.is_relative_to(out):
            raise OSError("cross-device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", within_one_mount)
    monkeypatch.setattr(output, "_is_mount", lambda path: path == out)
    assert names(write(pets, out)) == ["kept.csv", "manifest.csv"]


def test_a_folder_that_is_not_empty_is_left_alone(pets: Dataset, tmp_path: Path) -> None:
    """Without force neither a folder with anything in it nor a file is written to."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"not empty.*--force"):
        write(pets, out)
    with pytest.raises(RunError, match="is a file"):
        write(pets, out / "notes.txt", force=True)
    assert names(out) == ["notes.txt"]


def test_force_replaces_what_prune_wrote(pets: Dataset, tmp_path: Path) -> None:
    """All old outputs go, also those not written this time; the user's files stay."""
    out = write(pets, tmp_path / "out", formats=["txt", "npy", "imagefolder"], copy=True)
    (out / "notes.txt").write_text("mine")
    write(pets, out, "cat/a.png", formats=["npy"], force=True)
    assert names(out) == ["kept.csv", "kept.npy", "manifest.csv", "notes.txt"]
    assert np.load(out / "kept.npy").tolist() == [1, 2, 3]
    assert "cat/a.png" not in (out / "kept.csv").read_text()
    fresh = write(pets, tmp_path / "fresh", "cat/a.png", formats=["npy"])
    for name in names(fresh):
        assert (out / name).read_bytes() == (fresh / name).read_bytes()


@pytest.mark.parametrize(
    "name", ["manifest.csv", "kept.csv", "kept.txt", "kept.npy", "imagefolder/x.png"]
)
def test_force_spares_files_of_the_users_with_our_names(
    pets: Dataset, tmp_path: Path, name: str
) -> None:
    """What bears one of our names without our manifest.csv beside it is not ours to replace."""
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    before = snapshot(tmp_path)
    with pytest.raises(RunError, match=r"would be replaced.*move it away"):
        write(pets, tmp_path / "out", force=True)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["train/cat/new.png", "new.png", "train/cat/linked"])
def test_force_spares_files_that_were_put_into_the_tree(
    pets: Dataset, tmp_path: Path, name: str
) -> None:
    """A file or link in imagefolder that its metadata.csv does not list stops everything."""
    out = write(pets, tmp_path / "out", formats=["imagefolder"])
    path = out / "imagefolder" / name
    if name.endswith("linked"):
        path.symlink_to(pets.root)
    else:
        path.write_text("mine")
    before = snapshot(tmp_path)
    with pytest.raises(RunError, match=f"{name}' was not written by noisefind"):
        write(pets, out, force=True)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["imagefolder", "kept.csv", "manifest.csv"])
def test_force_follows_no_link(pets: Dataset, tmp_path: Path, name: str) -> None:
    """A link with one of our names, and what it leads to, is left alone."""
    out = write(pets, tmp_path / "out", formats=["imagefolder"])
    (out / name).rename(tmp_path / "elsewhere")
    (out / name).symlink_to(tmp_path / "elsewhere")
    before = snapshot(tmp_path)
    with pytest.raises(RunError, match=f"{name}' was not written by noisefind"):
        write(pets, out, formats=["imagefolder"], force=True)
    assert snapshot(tmp_path) == before


def test_out_must_not_change_the_data(pets: Dataset, tmp_path: Path) -> None:
    """OUT is refused in the data, also by way of a link; beside a table's images it is fine."""
    (tmp_path / "link").symlink_to(pets.root)
    for out in (pets.root, pets.root / "out", tmp_path / "link" / "out"):
        with pytest.raises(RunError, match="lies in the data"):
            open_prune_output(out, pets.root, pets.root, pets.ids, force=True)
    table = tmp_path / "table.csv"
    with pytest.raises(RunError, match="lies in the data"):
        open_prune_output(pets.root, pets.root, table, pets.ids, force=True)
    beside = pets.root / "out"
    assert open_prune_output(beside, pets.root, table, pets.ids).target == beside
    outside = tmp_path / "pets-out"
    assert open_prune_output(outside, pets.root, pets.root, pets.ids).target == outside


def test_a_tree_that_is_the_data_is_not_replaced(pets: Dataset, tmp_path: Path) -> None:
    """Pruning what an earlier prune wrote, into the same OUT, would delete the data: refused."""
    out = write(pets, tmp_path / "out", formats=["imagefolder"], copy=True)
    for root in (out / "imagefolder", out / "imagefolder/train"):
        with pytest.raises(RunError, match="which would be replaced"):
            open_prune_output(out, root, root, [], force=True)
    table = tmp_path / "table.csv"
    ids = ["other.png", "out/imagefolder/train/cat/a.png"]
    with pytest.raises(RunError, match="which would be replaced"):
        open_prune_output(out, tmp_path, table, ids, force=True)
    assert open_prune_output(out, tmp_path, table, ["other.png"], force=True).target == out


def test_a_failure_leaves_nothing_new(pets: Dataset, tmp_path: Path) -> None:
    """An image that vanished stops the copying: OUT does not appear, an old OUT is as it was."""
    out = write(pets, tmp_path / "old", formats=["txt"])
    (pets.root / "dog/d.png").unlink()
    before = snapshot(tmp_path)
    with pytest.raises(RunError, match=r"cannot write .*d\.png"):
        write(pets, tmp_path / "new", formats=["imagefolder"], copy=True)
    with pytest.raises(RunError, match="cannot write"):
        write(pets, out, formats=["imagefolder"], copy=True, force=True)
    assert names(tmp_path) == ["old", "pets"]
    assert names(out) == ["kept.csv", "kept.txt", "manifest.csv"]
    assert snapshot(tmp_path) == before


# What is refused


def test_mistakes_are_refused(pets: Dataset, tmp_path: Path) -> None:
    """Unknown formats, images that are gone, names that repeat: each with its own error."""
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="'zip'; it must be one of txt, npy, imagefolder"):
        PruneConfig(format=["txt", "zip"])
    smaller = replace(pets, ids=pets.ids[1:], images=pets.images[1:])
    with pytest.raises(RunError, match=r"'cat/a\.png' is in the run, but no longer in"):
        written(manifest_of(pets), out, pets.root, formats=["imagefolder"], dataset=smaller)
    twice = Manifest(["a"], ["x"], [""], np.array([True]), [""], [Unreadable("a", "empty")])
    with pytest.raises(ValueError, match="unique"):
        written(twice, out, pets.root)
    assert not out.exists()
