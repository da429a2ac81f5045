"""Archives, shards, Parquet, Arrow and .npz give the images and labels of the same folder."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from noisefind.config import DataConfig
from noisefind.data.open import open_dataset
from noisefind.data.pixels import open_pixels
from noisefind.errors import ConfigError, DataError
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.data.dataset import Dataset

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

CLASSES = ("cat", "dog", "owl")


def pictures() -> list[tuple[str, bytes]]:
    """Class and JPEG of 15 images that all differ."""
    rng = np.random.default_rng(0)
    made = []
    for row in range(15):
        buffer = io.BytesIO()
        pixels = rng.integers(0, 256, (9, 11, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(buffer, "JPEG")
        made.append((CLASSES[row % 3], buffer.getvalue()))
    return made


def opened(data: Path, tmp_path: Path, **options: object) -> Dataset:
    config = DataConfig(**options)  # type: ignore[arg-type]
    return open_dataset(data, config, cache_dir=tmp_path / "cache", say=lambda _: None)


def seen(dataset: Dataset, tmp_path: Path) -> set[tuple[str, bytes]]:
    """Class and pixels of each image, whatever its id."""
    stored = open_pixels(
        dataset, 9, cache=tmp_path / "cache", max_pixels=10**6, n_threads=2, progress=Progress()
    )
    labels = [stored.dataset.classes[label] for label in stored.dataset.labels]
    return {(label, row.tobytes()) for label, row in zip(labels, stored.pixels, strict=True)}


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def write_folder(path: Path) -> Path:
    for row, (name, content) in enumerate(pictures()):
        (path / name).mkdir(parents=True, exist_ok=True)
        (path / name / f"{row}.jpg").write_bytes(content)
    return path


def write_zip(path: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for row, (name, content) in enumerate(pictures()):
            archive.writestr(f"{name}/{row}.jpg", content)
        archive.writestr("__MACOSX/cat/._0.jpg", b"no image")
    return path


def write_tar(path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        for row, (name, content) in enumerate(pictures()):
            add(tar, f"./{name}/{'long' * 40}{row}.jpg", content)
    return path


def write_shards(folder: Path, label: str = "cls") -> Path:
    folder.mkdir()
    for shard in range(2):
        with tarfile.open(folder / f"part-{shard:02}.tar", "w") as tar:
            for row, (name, content) in enumerate(pictures()):
                if row % 2 == shard:
                    number = CLASSES.index(name)
                    text = {"cls": f"{number}\n", "txt": name, "json": json.dumps({"label": name})}
                    add(tar, f"{row:04}.jpg", content)
                    add(tar, f"{row:04}.mask.png", b"never read")
                    add(tar, f"{row:04}.{label}", text[label].encode())
    return folder


def write_parquet(path: Path, row_group_size: int = 4, *, are_named: bool = True) -> Path:
    made = pictures()
    table = pa.table(
        {
            "image": [{"bytes": content, "path": None} for _, content in made],
            "label": [CLASSES.index(name) for name, _ in made],
        }
    )
    if are_named:
        features = {
            "image": {"_type": "Image"},
            "label": {"names": list(CLASSES), "_type": "ClassLabel"},
        }
        info = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": info})
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


def write_names(tmp_path: Path) -> Path:
    path = tmp_path / "names.txt"
    path.write_text("\n".join(CLASSES) + "\n")
    return path


def test_all_forms_are_the_same_dataset(tmp_path: Path) -> None:
    names = write_names(tmp_path)
    reference = seen(opened(write_folder(tmp_path / "folder"), tmp_path), tmp_path)
    assert len(reference) == 15

    forms = [
        opened(write_zip(tmp_path / "a.zip"), tmp_path),
        opened(write_zip(tmp_path / "b.zip", zipfile.ZIP_STORED), tmp_path),
        opened(write_tar(tmp_path / "a.tar"), tmp_path),
        opened(write_shards(tmp_path / "shards"), tmp_path, class_names=names),
        opened(write_shards(tmp_path / "txt", "txt"), tmp_path),
        opened(write_shards(tmp_path / "json", "json"), tmp_path),
        opened(tmp_path / "txt/part-{00..01}.tar", tmp_path),
        opened(write_parquet(tmp_path / "a.parquet"), tmp_path),
        opened(write_parquet(tmp_path / "b.parquet", are_named=False), tmp_path, class_names=names),
    ]
    for dataset in forms:
        assert seen(dataset, tmp_path) == reference, dataset.root


def test_hugging_face_save_to_disk(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = pictures()
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))}
    )
    columns = {
        "image": [{"bytes": content, "path": None} for _, content in made],
        "label": [CLASSES.index(name) for name, _ in made],
    }
    whole = datasets.Dataset.from_dict(columns, features=features)
    datasets.DatasetDict(train=whole, test=whole.select(range(6))).save_to_disk(tmp_path / "saved")

    dataset = opened(tmp_path / "saved", tmp_path)

    reference = seen(opened(write_folder(tmp_path / "folder"), tmp_path), tmp_path)
    assert seen(dataset, tmp_path) == reference
    assert dataset.elsewhere is not None
    assert len(dataset.elsewhere) == 6
    whole.save_to_disk(tmp_path / "one")
    assert seen(opened(tmp_path / "one", tmp_path), tmp_path) == reference


def test_ids_and_splits_of_shards(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "shards", "txt")
    (folder / "part-00.tar").rename(folder / "train-0.tar")
    (folder / "part-01.tar").rename(folder / "val-0.tar")

    dataset = opened(folder, tmp_path)

    assert dataset.ids[0] == "train-0.tar#0000.jpg"
    assert set(dataset.splits) == {"train"}
    assert dataset.elsewhere is not None
    assert set(dataset.elsewhere.splits) == {"validation"}


def test_medmnist(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 5, 6), dtype=np.uint8)
    labels = (np.arange(12) % 3)[:, None]
    np.savez_compressed(
        tmp_path / "m.npz",
        train_images=images, train_labels=labels, val_images=images[:4], val_labels=labels[:4],
    )  # fmt: skip

    dataset = opened(tmp_path / "m.npz", tmp_path, class_names=write_names(tmp_path))

    assert dataset.ids[:2] == ("train/00000", "train/00001")
    assert dataset.classes == CLASSES
    assert isinstance(dataset.images, np.ndarray)
    np.testing.assert_array_equal(dataset.images, np.repeat(images[..., None], 3, axis=3))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros(3)}, "expected images and labels"),
        ({"images": np.zeros((2, 4, 4)), "labels": np.zeros(2, int)}, "float64"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": np.zeros((2, 3), int)}, "(2, 3)"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": np.zeros(3, int)}, "for 2 images"),
    ],
)
def test_other_arrays_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError) as caught:
        opened(tmp_path / "x.npz", tmp_path)
    assert message in str(caught.value)


def test_broken_members_are_left_out_by_name(tmp_path: Path) -> None:
    """One damaged image costs one image, wherever it is."""
    path = write_zip(tmp_path / "a.zip", zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    place = content.index(pictures()[4][1])  # the image dog/4.jpg
    content[place + 100] ^= 1
    path.write_bytes(content)

    stored = open_pixels(
        opened(path, tmp_path), 9, cache=tmp_path / "cache", max_pixels=10**6, n_threads=1,
        progress=Progress(),
    )  # fmt: skip

    assert len(stored.dataset) == 14
    reason = {skipped.file_name: skipped.reason for skipped in stored.dataset.skipped}
    assert reason["dog/4.jpg"] == "cannot be read: damaged in the zip archive"


def test_changed_archives_are_read_again(tmp_path: Path) -> None:
    """Equal size and time do not hide other pixels."""
    path = write_tar(tmp_path / "a.tar")
    info = path.stat()
    before = seen(opened(path, tmp_path), tmp_path)
    content = bytearray(path.read_bytes())
    first = pictures()[0][1]
    end = content.index(first) + len(first)
    content[end - 30 : end - 10] = bytes(20)  # of the compressed pixels
    path.write_bytes(content)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))

    assert seen(opened(path, tmp_path), tmp_path) != before


def test_compressed_tar_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        add(tar, "cat/1.jpg", pictures()[0][1])
    with pytest.raises(DataError, match="unpack it"):
        opened(tmp_path / "a.tar.gz", tmp_path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.parquet", "a.npz", "a.arrow"])
def test_garbage_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no such file" * 100)
    with pytest.raises(DataError) as caught:
        opened(tmp_path / name, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path / "s")
    with pytest.raises(DataError, match=r"1 of 3 shards do not exist, first '.*part-02.tar'"):
        opened(tmp_path / "s/part-{00..02}.tar", tmp_path)


def test_class_names_must_fit(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    with pytest.raises(DataError, match="names the classes 0 to 1"):
        opened(
            write_parquet(tmp_path / "a.parquet", are_named=False), tmp_path,
            class_names=tmp_path / "names.txt",
        )  # fmt: skip
    (tmp_path / "names.txt").write_text("cat\ncat\n")
    with pytest.raises(DataError, match="each once"):
        opened(tmp_path / "a.parquet", tmp_path, class_names=tmp_path / "names.txt")


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr("noisefind.data.columnar.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'noisefind\[parquet\]'"):
        opened(tmp_path / "a.parquet", tmp_path)


def test_rows_of_parquet_in_any_order(tmp_path: Path) -> None:
    """A row that went by is found again; threads do not mix rows up."""
    dataset = opened(write_parquet(tmp_path / "a.parquet", 1), tmp_path)
    images = list(dataset.images)
    expected = {row: content for row, (_, content) in enumerate(pictures())}
    for row in (14, 0, 7, 7, 3, 14):
        assert images[row].read_bytes() == expected[row]
