"""Folders of images as people keep them: what is a split, a class, or neither."""

from __future__ import annotations

import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from noisefind.data.folders import read_folders
from noisefind.data.side_images import side_images
from noisefind.errors import ConfigError, DataError
from tests.images import given, one_line, opened, reasons, write_csv, write_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from noisefind.data.dataset import Dataset

CLASSES = ("cat", "dog", "owl")


def tree(root: Path, *folders: str, n: int = 2) -> Path:
    """Writes n images into each class folder of each folder."""
    names = [f"{f}/{c}/{k}.png" for f in folders for c in CLASSES for k in range(n)]
    return write_images(root, *names)


def read(data: Path, **options: object) -> tuple[Dataset, str]:
    """The dataset, and all lines that were said, in one text."""
    said: list[str] = []
    return opened(data, say=said.append, **options), "\n".join(said)


def sizes(dataset: Dataset) -> dict[str, int]:
    """Images of each split, also of those that are not scored."""
    return Counter(dataset.splits) + Counter(dataset.elsewhere.splits if dataset.elsewhere else ())


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"), ("training", "dev", "testing"), ("Train", "valid", "TEST"),
        ("seg_train", "seg_val", "seg_test"), ("train2017", "val2017", "test2017"),
        ("train_images", "validation_images", "eval"),
    ],
)  # fmt: skip
def test_names_of_splits(tmp_path: Path, train: str, validation: str, test: str) -> None:
    """Words of Hugging Face are known wherever letters end; other spellings are said."""
    tree(tmp_path, train, validation, test)

    dataset, said = read(tmp_path)

    assert sizes(dataset) == {"train": 6, "validation": 6, "test": 6}
    assert set(dataset.splits) == {"train"}
    assert dataset.classes == CLASSES
    assert all(id_.startswith(f"{train}/") for id_ in dataset.ids)
    assert (f"{validation} is validation" in said) == (validation != "validation")


def test_a_split_of_another_name(tmp_path: Path) -> None:
    """Beside known splits it keeps its name; it can be chosen by it."""
    tree(tmp_path, "train", "Extra")

    dataset, said = read(tmp_path)

    assert sizes(dataset) == {"train": 6, "Extra": 6}
    assert "Extra beside the known splits" in said
    assert set(opened(tmp_path, split="extra").splits) == {"Extra"}


@pytest.mark.parametrize("names", [("first", "second"), ("fold1", "fold2", "fold3", "fold4")])
def test_folders_with_the_same_classes_are_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    """No name is known: all are scored, and the other reading is an option."""
    tree(tmp_path, *names)

    dataset, said = read(tmp_path)

    assert sizes(dataset) == dict.fromkeys(names, 6)
    assert dataset.classes == CLASSES
    assert len(dataset) == 6 * len(names)
    assert "--class-depth 1 reads them as classes" in said
    assert opened(tmp_path, class_depth=1).classes == names


@pytest.mark.parametrize(
    "names",
    [
        ("cat/front/1.png", "cat/side/1.png", "dog/front/1.png", "dog/side/1.png",
         "owl/front/1.png", "owl/side/1.png"),
        ("cat/images/1.png", "cat/masks/1.png", "dog/images/1.png", "dog/masks/1.png",
         "owl/images/1.png"),
        ("cat/train/1.png", "cat/test/1.png", "dog/train/1.png", "dog/test/1.png", "owl/1.png"),
        ("cat/1.png", "dog/1.png", "owl/1.png", "owl/a/2.png"),
    ],
)  # fmt: skip
def test_folders_of_classes_are_no_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Views, masks and splits inside the class folders do not become classes."""
    assert opened(write_images(tmp_path, *names)).classes == CLASSES


def test_strangers_beside_splits(tmp_path: Path) -> None:
    """They are left out, once and by name, and do not turn splits into classes."""
    tree(tmp_path, "train", "val", "test")
    write_images(tmp_path, "runs/train/a.png", "runs/train/b.png", "__MACOSX/train/cat/1.png")

    dataset, said = read(tmp_path)

    assert dataset.classes == CLASSES
    assert sizes(dataset) == {"train": 6, "validation": 6, "test": 6}
    assert reasons(dataset)["runs"] == "no split: not the same class folders (2 images)"
    assert reasons(dataset)["__MACOSX"] == "hidden"
    assert said.count("runs") == 1


def test_a_stranger_beside_one_split(tmp_path: Path) -> None:
    """Train with classes and most images is a split, whatever lies beside it."""
    tree(tmp_path, "train")
    write_images(tmp_path, "plots/a.png")

    assert opened(tmp_path).classes == CLASSES
    assert set(opened(tmp_path).splits) == {"train"}


@pytest.mark.parametrize("inner", ["clothes", "clothes/clothes"])
@pytest.mark.parametrize("splits", [("/train",), ("/train", "/test"), ("",)])
def test_a_lone_folder_is_gone_through(tmp_path: Path, inner: str, splits: tuple[str, ...]) -> None:
    """Ids stay relative to the data; a file beside the folder changes nothing."""
    tree(tmp_path, *(inner + split for split in splits))
    write_images(tmp_path, "banner.png")

    dataset, said = read(tmp_path)

    assert dataset.classes == CLASSES
    assert dataset.ids[0] == f"{inner}{min(splits) if len(splits) < 2 else '/train'}/cat/0.png"
    assert set(dataset.splits) == ({"train"} if splits != ("",) else {""})
    assert f"read from {inner}, " in said


def test_splits_in_a_folder_beside_others(tmp_path: Path) -> None:
    """The one folder with splits in it is the data."""
    tree(tmp_path, "data/train", "data/val")
    write_images(tmp_path, "runs/exp/a.png", "runs/b.png")

    dataset = opened(tmp_path)

    assert dataset.classes == CLASSES
    assert "runs" in reasons(dataset)


def test_one_folder_in_every_split(tmp_path: Path) -> None:
    """train/images/cat: the classes are one folder deeper."""
    tree(tmp_path, "train/images", "val/images")

    assert opened(tmp_path).classes == CLASSES
    assert sizes(opened(tmp_path)) == {"train": 6, "validation": 6}


@pytest.mark.parametrize("inner", ["", "images/"])
def test_a_split_without_labels(tmp_path: Path, inner: str) -> None:
    """Loose images, or those of one folder that is no class, are left out and counted once."""
    write_images(tmp_path, *(f"train/{c}/images/{k}.png" for c in CLASSES for k in range(2)))
    write_images(tmp_path, *(f"test/{inner}{k}.png" for k in range(4)))

    dataset, said = read(tmp_path, split="all")

    assert dataset.classes == CLASSES
    assert reasons(dataset) == {"test": "no class folders, so no labels (4 images)"}
    assert said == "left out: test, 4 images: no class folders, so no labels"


@pytest.mark.parametrize("table", ["metadata.csv", "metadata.jsonl"])
def test_metadata_beside_the_images(tmp_path: Path, table: str) -> None:
    """Hugging Face's imagefolder: labels of each split from its own table."""
    for split, n_images in (("train", 4), ("test", 2)):
        names = [f"{k}.png" for k in range(n_images)]
        write_images(tmp_path / split, *names)
        rows = [(name, CLASSES[k % 2]) for k, name in enumerate(names)]
        if table.endswith("csv"):
            write_csv(tmp_path / split / table, *rows)
        else:
            lines = [f'{{"file_name": "{name}", "label": "{label}"}}\n' for name, label in rows]
            (tmp_path / split / table).write_text("".join(lines))
    write_images(tmp_path, "train/unlisted.png")

    dataset = opened(tmp_path)

    assert given(dataset) == {f"train/{k}.png": CLASSES[k % 2] for k in range(4)}
    assert sizes(dataset) == {"train": 4, "test": 2}
    assert reasons(dataset) == {"train/unlisted.png": "not in metadata.csv"}


def test_metadata_without_labels(tmp_path: Path) -> None:
    """Captions beside class folders leave the labels to these; without folders it is an error."""
    tree(tmp_path, "train")
    (tmp_path / "train/metadata.csv").write_text("file_name,text\ncat/0.png,a cat\n")
    dataset, said = read(tmp_path)
    assert dataset.classes == CLASSES
    assert "no column 'label'" in said

    write_images(tmp_path / "loose", "1.png")
    (tmp_path / "loose/metadata.csv").write_text("file_name,text\n1.png,a cat\n")
    with pytest.raises(DataError, match="no column 'label'"):
        opened(tmp_path / "loose")


def test_groups_above_classes(tmp_path: Path) -> None:
    """Both readings are said; the option takes the deeper one."""
    write_images(tmp_path, "body/dress/1.png", "body/shoes/1.png", "head/hat/1.png")

    dataset, said = read(tmp_path)
    assert dataset.classes == ("body", "head")
    assert "--class-depth 2 takes these as classes" in said
    assert opened(tmp_path, class_depth=2).classes == ("dress", "hat", "shoes")
    with pytest.raises(DataError, match=r"--class-depth 4: no image .* at most in 2") as caught:
        opened(tmp_path, class_depth=4)
    assert one_line(caught.value)


def test_groups_in_splits(tmp_path: Path) -> None:
    """The depth counts from the data; splits above the class stay splits."""
    names = [f"{s}/{g}/1.png" for s in ("train", "val") for g in ("body/dress", "head/hat")]
    dataset = opened(write_images(tmp_path, *names), class_depth=3)
    assert dataset.classes == ("dress", "hat")
    assert sizes(dataset) == {"train": 2, "validation": 2}


def test_excluded_names(tmp_path: Path) -> None:
    """A pattern may be a folder's name, a file's, or a path; a pattern without effect is told."""
    write_images(
        tmp_path, "cat/1.png", "cat/1_mask.png", "dog/masks/1.png", "dog/1.png", "no/1.png"
    )

    dataset = opened(tmp_path, exclude=["*_mask.png", "masks", "no/*"])

    assert dataset.ids == ("cat/1.png", "dog/1.png")
    assert reasons(dataset)["dog/masks/1.png"] == "--exclude masks"
    with pytest.raises(DataError, match="--exclude 'maks' matches no image"):
        opened(tmp_path, exclude=["maks"])
    table = write_csv(tmp_path / "t.csv", ("cat/1.png", "a"), ("dog/1.png", "b"))
    with pytest.raises(ConfigError, match="are for folders and archives"):
        opened(table, exclude=["masks"])


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["cat/a.png", "cat/a_mask.png", "dog/b.png", "dog/b_mask.png"], "*_mask*"),
        (["cat/a 1.png", "cat/a 1-mask.png", "dog/b.png", "dog/b_mask.png"], "*-mask*"),
        (["images/cat/a.jpg", "masks/cat/a.png", "images/dog/b.jpg", "masks/dog/b.png"], "masks"),
        (["cat/images/a.jpg", "cat/thumbs/a.jpg", "dog/a.jpg", "dog/thumbs/a.jpg"], "thumbs"),
        (["cat/a.png", "cat/mask.png", "dog/b.png", "dog/mask.png"], ""),
        (["mask/a.png", "mask/b.png", "no_mask/c.png", "no_mask/d.png"], ""),
        (["cat/a.png", "cat/a_mask.png"] + [f"dog/{k}.png" for k in range(9)], ""),
    ],
)
def test_masks_and_previews_are_noticed(names: list[str], pattern: str) -> None:
    """A warning names the option where the names are in pairs, and only there."""
    lines = list(side_images(names))
    assert len(lines) == bool(pattern)
    assert all(f"--exclude '{pattern}'" in line for line in lines)


def test_a_class_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    """It is named with what was found, in a folder and in an archive."""
    tree(tmp_path / "d", "train")
    (tmp_path / "d/train/elk").mkdir()
    for k in range(3):
        (tmp_path / f"d/train/elk/{k}.psd").write_bytes(b"8BPS")
    line = "warning: no image can be read in 1 folder: train/elk (3 .psd)"
    assert line in read(tmp_path / "d")[1]
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for file in (tmp_path / "d").rglob("*.*"):
            archive.write(file, file.relative_to(tmp_path / "d"))
    assert line in read(tmp_path / "d.zip")[1]


def test_images_without_suffix(tmp_path: Path) -> None:
    """The first bytes decide where the suffix says nothing; other files stay out."""
    for name in write_images(tmp_path, "cat/1.png", "cat/2.jpg", "dog/3.bmp", "dog/4.webp").rglob(
        "*.*"
    ):
        name.rename(name.with_suffix(".dat" if name.stem == "2" else ""))
    (tmp_path / "dog/notes").write_text("BMW and GIFs")

    dataset = opened(tmp_path)

    assert dataset.ids == ("cat/1", "cat/2.dat", "dog/3", "dog/4")
    assert reasons(dataset) == {"dog/notes": "unknown suffix"}


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("cat/a.psd", "found: 1 .psd; convert them: find '{root}' -iname '*.psd' -exec magick"),
        ("labels.csv", "found: 1 .csv; try: noisefind score '{root}/labels.csv'"),
        ("a/b.xyz", "found: 1 .xyz"),
    ],
)
def test_nothing_recognised(tmp_path: Path, name: str, way_out: str) -> None:
    """The error says what was found, and the likeliest command."""
    root = tmp_path / "my data"
    (root / name).parent.mkdir(parents=True)
    (root / name).touch()
    with pytest.raises(DataError, match="no image in") as caught:
        opened(root)
    assert way_out.format(root=root) in str(caught.value)
    assert one_line(caught.value)


def test_places_of_the_operating_system(tmp_path: Path) -> None:
    """A link to /proc is not followed, and /proc itself is refused."""
    if not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")
    write_images(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "elk").symlink_to("/proc/self")
    assert reasons(opened(tmp_path)) == {"elk": "cannot be read: a folder of the operating system"}
    with pytest.raises(DataError, match="a folder of the operating system"):
        opened(Path("/proc"))


def test_a_million_folders_are_not_looked_at_twice() -> None:
    """Numbers of images are enough: classes by the thousand are read at once."""
    n_in = {f"{split}/n{k:05}/images": 500 for split in ("train", "val") for k in range(2000)}
    reading = read_folders(n_in, None)
    assert reading.n_above == 1
    assert reading.splits == {"train": "train", "val": "validation"}


def pack_zip(folder: Path) -> Path:
    """The files of a folder in a .zip beside it."""
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(folder))
    return folder.with_suffix(".zip")


def pack_tar(folder: Path) -> Path:
    """The files of a folder in a .tar beside it."""
    with tarfile.open(folder.with_suffix(".tar"), "w") as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.add(file, file.relative_to(folder))
    return folder.with_suffix(".tar")


@pytest.mark.parametrize("pack", [pack_zip, pack_tar])
def test_metadata_in_an_archive(tmp_path: Path, pack: Callable[[Path], Path]) -> None:
    """It gives the labels as in a folder, and what is wrong with it names the archive."""
    folder = write_images(tmp_path / "d", "train/1.png", "train/2.png", "test/1.png")
    for split in ("train", "test"):
        rows = [(f"{k}.png", CLASSES[k]) for k in (1, 2) if (folder / split / f"{k}.png").exists()]
        write_csv(folder / split / "metadata.csv", *rows)
    archive = pack(folder)

    assert given(opened(archive)) == {"train/1.png": CLASSES[1], "train/2.png": CLASSES[2]}
    assert sizes(opened(archive)) == {"train": 2, "test": 1}
    write_csv(folder / "train/metadata.csv", ("1.png", ""), ("2.png", ""))
    with pytest.raises(DataError, match=r"d\.(zip|tar)/train/metadata.csv': 2 of 2 rows .*empty"):
        opened(pack(folder))


@pytest.mark.parametrize("pack", [pack_zip, pack_tar])
def test_the_content_decides_in_an_archive(tmp_path: Path, pack: Callable[[Path], Path]) -> None:
    """As in a folder: an image without suffix or with another one is read, a text is not."""
    folder = write_images(tmp_path / "d", "cat/1.png", "dog/1.png")
    for name in ("cat/2", "cat/3.tmp", "cat/4.txt"):
        (folder / name).write_bytes((folder / "cat/1.png").read_bytes())
    (folder / "dog/2").write_bytes(b"no image")
    (folder / "README.txt").write_text("A text beside the folders makes no WebDataset shard of it.")

    for data in (folder, pack(folder)):
        dataset = opened(data)
        assert set(given(dataset)) == {"cat/1.png", "cat/2", "cat/3.tmp", "dog/1.png"}
        assert set(reasons(dataset)) == {"cat/4.txt", "dog/2", "README.txt"}
