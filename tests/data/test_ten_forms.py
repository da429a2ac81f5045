"""Ten forms of the same images, some of them broken, give the same scores and name the same images.

Arrays (.npz) hold pixels, so they cannot hold a broken image: theirs are the readable ones alone.
Images are numbered class by class, so that every form has them in the same order.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tarfile
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from PIL import Image

from tests.commands import DIGITS, QUICK, finished, read_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

PATH = "images/{:04}.png"  # of a form without class folders


class Picture(NamedTuple):
    """A class, and a PNG file that is broken or not."""

    label: str
    content: bytes
    is_broken: bool


def pictures(n_classes: int, n_per_class: int, n_broken: int) -> list[Picture]:
    """Digits in the order of their labels, of which every 20th is wrong.

    Broken ones are empty, cut, no image, or damaged in the middle.
    """
    made = []
    for number, folder in enumerate(sorted(DIGITS.iterdir())[:n_classes]):
        for k, file in enumerate(sorted(folder.glob("*.png"))[:n_per_class]):
            label = (number + (k % 20 == 7)) % n_classes
            made.append(Picture(str(label), file.read_bytes(), is_broken=False))
    made.sort(key=lambda picture: picture.label)
    for k in range(n_broken):
        row = (k * 2 + 1) * len(made) // (2 * n_broken)
        whole = made[row].content
        middle = len(whole) // 2
        ways = (b"", whole[:middle], b"no image", whole[:middle] + bytes(20) + whole[middle + 20 :])
        made[row] = Picture(made[row].label, ways[k % 4], is_broken=True)
    return made


def numbered(made: Sequence[Picture]) -> dict[str, Picture]:
    """The pictures by a path without class folders."""
    return {PATH.format(row): picture for row, picture in enumerate(made)}


def write_files(root: Path, files: dict[str, Picture]) -> None:
    for name, picture in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture.content)


def in_folders(made: Sequence[Picture]) -> dict[str, Picture]:
    """The pictures by a path with class folders."""
    return {f"{picture.label}/{row:04}.png": picture for row, picture in enumerate(made)}


def class_folders(home: Path, made: Sequence[Picture]) -> Path:
    write_files(home / "data", in_folders(made))
    return home / "data"


def csv_table(home: Path, made: Sequence[Picture]) -> Path:
    write_files(home, numbered(made))
    with (home / "t.csv").open("w", newline="") as file:
        rows = [(name, picture.label) for name, picture in numbered(made).items()]
        csv.writer(file).writerows([("file_name", "label"), *rows])
    return home / "t.csv"


def jsonl_table(home: Path, made: Sequence[Picture]) -> Path:
    write_files(home, numbered(made))
    lines = [
        json.dumps({"file_name": name, "label": picture.label})
        for name, picture in numbered(made).items()
    ]
    (home / "t.jsonl").write_text("\n".join(lines))
    return home / "t.jsonl"


def parquet_of_paths(home: Path, made: Sequence[Picture]) -> Path:
    files = numbered(made)
    write_files(home, files)
    labels = [picture.label for picture in made]
    pq.write_table(pa.table({"file_name": list(files), "label": labels}), home / "t.parquet")
    return home / "t.parquet"


def parquet_of_images(home: Path, made: Sequence[Picture]) -> Path:
    images = [{"bytes": picture.content, "path": None} for picture in made]
    table = pa.table({"image": images, "label": [picture.label for picture in made]})
    pq.write_table(table, home / "t.parquet")
    return home / "t.parquet"


def zip_archive(home: Path, made: Sequence[Picture]) -> Path:
    with zipfile.ZipFile(home / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, picture in in_folders(made).items():
            archive.writestr(name, picture.content)
    return home / "t.zip"


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return path


def tar_archive(home: Path, made: Sequence[Picture]) -> Path:
    """Images beside their metadata.csv, in an archive."""
    rows = [f"{name},{picture.label}\n" for name, picture in numbered(made).items()]
    table = "".join(["file_name,label\n", *rows]).encode()
    files = {name: picture.content for name, picture in numbered(made).items()}
    return write_tar(home / "t.tar", {**files, "metadata.csv": table})


def shards(home: Path, made: Sequence[Picture]) -> Path:
    (home / "shards").mkdir()
    size = len(made) // 3 + 1
    for start in range(0, len(made), size):
        files = {}
        for row, picture in enumerate(made[start : start + size], start):
            files[f"{row:04}.png"] = picture.content
            files[f"{row:04}.txt"] = picture.label.encode()
        write_tar(home / f"shards/part-{start // size:02}.tar", files)
    return home / "shards"


def arrays(home: Path, made: Sequence[Picture]) -> Path:
    readable = [picture for picture in made if not picture.is_broken]
    images = [
        np.asarray(Image.open(io.BytesIO(picture.content)).convert("RGB")) for picture in readable
    ]
    labels = np.array([int(picture.label) for picture in readable])
    np.savez(home / "t.npz", images=np.stack(images), labels=labels)
    return home / "t.npz"


def metadata_per_split(home: Path, made: Sequence[Picture]) -> Path:
    """All pictures in the split train, and one more in the split test."""
    for split, of_split in (("train", made), ("test", made[:1])):
        csv_table(home / "data" / split, of_split).rename(home / "data" / split / "metadata.csv")
    return home / "data"


FORMS: tuple[Callable[[Path, Sequence[Picture]], Path], ...] = (
    class_folders, csv_table, jsonl_table, parquet_of_paths, parquet_of_images, zip_archive,
    tar_archive, shards, arrays, metadata_per_split,
)  # fmt: skip


def number_of(file_name: str) -> int:
    """The last number in an id, which is that of the picture."""
    return int(re.findall(r"\d+", file_name)[-1])


def scored(home: Path, data: Path) -> tuple[list[dict[str, str]], dict[int, str]]:
    """The rows of scores.csv without ids and splits, and why each other picture was left out."""
    assert finished("score", data, "-o", home / "run", *QUICK, "--device", "cpu") == 0
    rows = read_csv(home / "run/scores.csv")
    skipped = read_csv(home / "run/skipped.csv")
    for row in rows:
        del row["file_name"], row["split"]  # one of the forms needs splits
    return rows, {number_of(row["file_name"]): row["reason"] for row in skipped}


def compare_forms(home: Path, made: Sequence[Picture]) -> None:
    """Score the pictures in each form, and compare with the class folders."""
    broken = {row for row, picture in enumerate(made) if picture.is_broken}
    reference: list[dict[str, str]] = []
    reasons: dict[int, str] = {}
    for write in FORMS:
        (home / write.__name__).mkdir()
        rows, left_out = scored(home / write.__name__, write(home / write.__name__, made))
        reference, reasons = reference or rows, reasons or left_out
        assert left_out == ({} if write is arrays else reasons), write.__name__
        assert rows == reference, write.__name__
    assert reasons.keys() == broken
    assert len(reference) == len(made) - len(broken)


@pytest.mark.slow
def test_ten_forms(tmp_path: Path) -> None:
    """100 images, of which 8 are broken."""
    made = pictures(n_classes=4, n_per_class=25, n_broken=8)
    assert len(made) == 100

    compare_forms(tmp_path, made)
