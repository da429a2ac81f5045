"""Class folders and split folders, as they lie on a disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from noisefind.data.layout import IMAGE_SUFFIXES
from noisefind.errors import ConfigError, DataError
from tests.images import given, one_line, opened, reasons, write_csv, write_images

HOSTILE = (
    "new\nline",
    "comma, and space ",
    "'single' \"double\"",
    "back\\slash",
    "日本語 Ελληνικά 👕",
    "x" * 200,
    "#%&;$(~)*?[a]",
)


def test_the_top_folder_is_the_class(tmp_path: Path) -> None:
    """An image belongs to the first folder on its way, however deep it lies; ids are sorted."""
    write_images(tmp_path, "dog/b/c/2.png", "dog/1.jpg", "cat/9.jpg", "cat/10.jpg")

    dataset = opened(tmp_path)

    assert dataset.ids == ("cat/10.jpg", "cat/9.jpg", "dog/1.jpg", "dog/b/c/2.png")
    assert dataset.labels.tolist() == [0, 0, 1, 1]
    assert dataset.classes == ("cat", "dog")
    assert dataset.splits == ("", "", "", "")
    assert list(dataset.images) == [tmp_path / id_ for id_ in dataset.ids]
    assert dataset.skipped == ()


def test_all_suffixes_in_any_case(tmp_path: Path) -> None:
    """Each known suffix makes an image, in small and in capital letters."""
    names = {f"cat/a{suffix}" for suffix in IMAGE_SUFFIXES}
    names |= {f"dog/a{suffix.upper()}" for suffix in IMAGE_SUFFIXES}
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()  # not every Pillow can write every format

    assert set(opened(tmp_path).ids) == names
    assert len(IMAGE_SUFFIXES) == 18


@pytest.mark.parametrize("folder", ["val", "valid", "validation", "VAL", "Valid"])
@pytest.mark.parametrize("asked", ["val", "valid", "validation", "Validation"])
def test_spellings_of_validation(tmp_path: Path, folder: str, asked: str) -> None:
    """Folder and option may spell validation as they like; the id keeps the folder's spelling."""
    write_images(tmp_path, f"{folder}/cat/1.png", f"{folder}/dog/1.png", "TRAIN/cat/1.png")

    dataset = opened(tmp_path, split=asked)

    assert given(dataset) == {f"{folder}/cat/1.png": "cat", f"{folder}/dog/1.png": "dog"}
    assert set(dataset.splits) == {"validation"}


def test_train_is_the_default_split(tmp_path: Path) -> None:
    """Without a split train is taken, and `all` takes every one."""
    names = ("Train/cat/1.png", "Train/dog/1.png", "test/cat/2.png", "test/owl/sub/2.png")
    write_images(tmp_path, *names)

    assert opened(tmp_path).ids == names[:2]
    assert opened(tmp_path).classes == ("cat", "dog")
    everything = opened(tmp_path, split="All")
    assert everything.ids == names
    assert everything.classes == ("cat", "dog", "owl")
    assert everything.splits == ("train", "train", "test", "test")


def test_a_split_that_is_not_there(tmp_path: Path) -> None:
    """The error names the splits that are there, also where the default is missing."""
    write_images(tmp_path, "val/cat/1.png", "val/dog/1.png", "test/cat/2.png")

    with pytest.raises(DataError, match=r"no split 'train': choose of test, validation, all"):
        opened(tmp_path)
    with pytest.raises(DataError, match=r"no split 'extra'"):
        opened(tmp_path, split="extra")


def test_classes_named_like_splits(tmp_path: Path) -> None:
    """One folder that is no split's name makes all of them classes."""
    write_images(tmp_path, "train/sub/1.png", "plane/1.png")

    assert given(opened(tmp_path)) == {"plane/1.png": "plane", "train/sub/1.png": "train"}


def test_folders_without_images_do_not_decide(tmp_path: Path) -> None:
    """A folder with no image beside the splits does not turn the splits into classes."""
    write_images(tmp_path, "train/cat/1.png", "train/dog/1.png")
    (tmp_path / "docs").mkdir()

    assert opened(tmp_path).classes == ("cat", "dog")
    assert reasons(opened(tmp_path)) == {"docs": "no image in this folder"}


def test_class_folders_have_no_splits(tmp_path: Path) -> None:
    """`all` is everything there too; any other split is an error that says why."""
    write_images(tmp_path, "cat/1.png", "dog/1.png")

    assert opened(tmp_path, split="all").ids == ("cat/1.png", "dog/1.png")
    with pytest.raises(DataError, match="has no splits, so no split 'test'"):
        opened(tmp_path, split="test")


def test_what_is_left_out_is_recorded(tmp_path: Path) -> None:
    """Nothing that was found vanishes without a name and a reason, and none makes a class."""
    write_images(tmp_path, "cat/1.png", "dog/1.png", "top.png", ".hidden/1.png", "cat/.2.png")
    (tmp_path / "README.md").touch()
    (tmp_path / "cat/Thumbs.db").touch()
    (tmp_path / "cat/png").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "dog/gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "owl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "dog/self.jpg").symlink_to(tmp_path / "dog/self.jpg")
    (tmp_path / "dog/note.txt").symlink_to(tmp_path / "README.md")
    os.mkfifo(tmp_path / "dog/pipe.jpg")

    dataset = opened(tmp_path)

    assert given(dataset) == {"cat/1.png": "cat", "dog/1.png": "dog"}
    assert reasons(dataset) == {
        ".hidden": "hidden",
        "README.md": "unknown suffix",
        "cat/.2.png": "hidden",
        "cat/Thumbs.db": "unknown suffix",
        "cat/png": "unknown suffix",
        "dog/gone.jpg": "broken link",
        "dog/note.txt": "unknown suffix",
        "dog/pipe.jpg": "not a regular file",
        "dog/self.jpg": "broken link",
        "empty": "no image in this folder",
        "notes": "no image in this folder",
        "notes/a.txt": "unknown suffix",
        "owl": "broken link",
        "top.png": "in no class folder",
    }
    assert list(dataset.skipped) == sorted(dataset.skipped)


def test_left_out_of_splits(tmp_path: Path) -> None:
    """Below splits, too: empty classes, and images that lie beside the class folders."""
    write_images(tmp_path, "train/cat/1.png", "train/dog/1.png", "train/1.png", "test/1.png")
    (tmp_path / "train/owl/deep").mkdir(parents=True)
    (tmp_path / "train/cat/deep").mkdir()

    assert reasons(opened(tmp_path)) == {
        "test": "no class folders, so no labels (1 image)",
        "train/1.png": "in no class folder",
        "train/owl": "no image in this folder",
    }


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    """They are left out, and shown in characters that every file of ours can hold."""
    write_images(tmp_path, "cat/1.png", "dog/1.png")
    try:
        Path(os.fsdecode(bytes(tmp_path) + b"/cat/caf\xe9.png")).touch()
        Path(os.fsdecode(bytes(tmp_path) + b"/\xff")).mkdir()
    except OSError:
        pytest.skip("this file system knows only UTF-8")

    dataset = opened(tmp_path)

    assert dataset.ids == ("cat/1.png", "dog/1.png")
    assert reasons(dataset) == dict.fromkeys(["cat/caf\\xe9.png", "\\xff"], "name is not UTF-8")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(tmp_path: Path, name: str) -> None:
    """Classes and files may have any name that UTF-8 can spell."""
    write_images(tmp_path, f"{name}/{name[:196]}.png", "cat/1.png")

    dataset = opened(tmp_path)

    assert given(dataset) == {f"{name}/{name[:196]}.png": name, "cat/1.png": "cat"}
    assert all((dataset.root / id_).is_file() for id_ in dataset.ids)


def test_links_are_followed(tmp_path: Path) -> None:
    """Links to files and to folders elsewhere hold images like any other."""
    write_images(tmp_path, "elsewhere/1.png", "root/cat/1.png")
    (tmp_path / "root/cat/2.png").symlink_to(tmp_path / "elsewhere/1.png")
    (tmp_path / "root/dog").symlink_to(tmp_path / "elsewhere")

    assert opened(tmp_path / "root").ids == ("cat/1.png", "cat/2.png", "dog/1.png")


def test_links_in_a_circle(tmp_path: Path) -> None:
    """Each folder is read once, under the name that needs no link, whichever comes first."""
    write_images(tmp_path, "ant/1.png", "cat/1.png", "dog/1.png")
    (tmp_path / "cat/loop").symlink_to(tmp_path)
    (tmp_path / "ant/into").symlink_to(tmp_path / "dog")
    (tmp_path / "also dog").symlink_to(tmp_path / "dog")

    dataset = opened(tmp_path)

    assert dataset.ids == ("ant/1.png", "cat/1.png", "dog/1.png")
    assert reasons(dataset) == {
        "also dog": "same folder as dog",
        "ant/into": "same folder as dog",
        "cat/loop": "same folder as .",
    }


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One unreadable folder is left out with its reason; an unreadable root is an error."""
    write_images(tmp_path, "cat/1.png", "dog/1.png", "owl/1.png")
    scandir = os.scandir

    def guarded(path: Path) -> object:
        if path.name == barred:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    barred = "owl"
    assert reasons(opened(tmp_path)) == {"owl": "cannot be read: Permission denied"}
    barred = tmp_path.name
    with pytest.raises(DataError, match=f"{tmp_path.name}': Permission denied"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no image in '{root}': images are expected in one folder per class"),
        (["1.png"], "images lie directly in '{root}': images are expected in one folder per class"),
        (["train/1.png", "val/2.png"], "images lie directly in '{root}/train': images are"),
        (["cat/1.png", "dog/1.txt"], "all images of '{root}' have the label 'cat', and"),
        (["train/cat/1.png", "val/dog/1.png"], "all images of '{root}' have the label 'cat', and"),
    ],
)
def test_no_two_classes(tmp_path: Path, names: list[str], message: str) -> None:
    """Too few classes are one line that names the folder, the rule and the way out."""
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    with pytest.raises(DataError) as caught:
        opened(tmp_path)

    assert str(caught.value).startswith(message.format(root=tmp_path))
    assert "file_name,label" in str(caught.value) or not names
    assert one_line(caught.value)


def test_no_such_dataset(tmp_path: Path) -> None:
    """A missing path and a file of another kind are named, with what is expected."""
    with pytest.raises(DataError, match="nowhere' does not exist: expected a path, or cifar10 or"):
        opened(tmp_path / "nowhere")
    with pytest.raises(DataError, match="File name too long"):
        opened("x" * 300)
    other = tmp_path / "a.rar"
    other.touch()
    with pytest.raises(DataError, match=r"a\.rar' is not a dataset: expected a folder of images"):
        opened(other)


def test_options_of_other_kinds(tmp_path: Path) -> None:
    """A root is for tables, coarse labels are for CIFAR-100, and --only-listed needs a list."""
    write_images(tmp_path, "cat/1.png", "dog/1.png")

    with pytest.raises(ConfigError, match="root is for tables"):
        opened(tmp_path, root=tmp_path)
    with pytest.raises(ConfigError, match="--cifar-labels coarse"):
        opened(tmp_path, cifar_labels="coarse")
    with pytest.raises(ConfigError, match="--only-listed needs --labels"):
        opened(tmp_path, only_listed=True)


def test_fingerprint_follows_the_files(tmp_path: Path) -> None:
    """It changes with a size, a time or a name, and back again; other splits do not enter."""
    write_images(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/cat/1.png")
    path = tmp_path / "train/cat/1.png"
    os.utime(path, ns=(0, 1_000_000_000))
    content, before = path.read_bytes(), opened(tmp_path).fingerprint

    def fingerprint() -> str:
        return opened(tmp_path).fingerprint

    os.utime(path, ns=(0, 1_000_000_001))
    assert fingerprint() != before
    path.write_bytes(content + b"\0")
    os.utime(path, ns=(0, 1_000_000_000))
    assert fingerprint() != before
    path.write_bytes(content)
    os.utime(path, ns=(0, 1_000_000_000))
    path.rename(path.with_name("2.png"))
    assert fingerprint() != before
    path.with_name("2.png").rename(path)
    (tmp_path / "test/cat/1.png").unlink()
    assert fingerprint() == before


def test_fingerprint_knows_no_labels(tmp_path: Path) -> None:
    """Other labels for the same files, or the same files through a table, leave it as it is."""
    write_images(tmp_path, "cat/1.png", "cat/2.png", "dog/1.png")
    table = write_csv(
        tmp_path / "t.csv", ("dog/1.png", "a"), ("cat/2.png", "b"), ("cat/1.png", "a")
    )

    folder = opened(tmp_path)

    assert opened(tmp_path, labels=table).fingerprint == folder.fingerprint
    assert opened(table).fingerprint == folder.fingerprint
    assert given(opened(table)) != given(folder)
