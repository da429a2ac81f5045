"""Predictions of the user's own models from files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from noisefind.data.dataset import Dataset
from noisefind.errors import ConfigError, DataError
from noisefind.training.own_predictions import record_predictions
from noisefind.training.record import Record

IDS = ("a.png", "b.png", "c.png")
CLASSES = ("cat", "dog")
PROBS = np.array([[0.9, 0.1], [0.25, 0.75], [0.5, 0.5]])
DATA = Dataset(
    root=Path("d"), ids=IDS, labels=np.array([0, 1, 0]), classes=CLASSES, splits=("",) * 3,
    images=[], fingerprint="",
)  # fmt: skip


def written(path: Path, probs: np.ndarray = PROBS, ids: Any = IDS, names: Any = CLASSES) -> Path:
    """The probabilities in a file of the kind that the suffix says."""
    if path.suffix == ".npy":
        np.save(path, probs)
        path.with_suffix(".txt").write_text("\n".join(ids) + "\n")
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["file_name", *names])
            rows.writerows([id_, *map(float, row)] for id_, row in zip(ids, probs, strict=True))
    else:
        pa = pytest.importorskip("pyarrow")
        pq = pytest.importorskip("pyarrow.parquet")
        columns = {name: probs[:, place] for place, name in enumerate(names)}
        pq.write_table(pa.table({"id": list(ids), **columns}), path)
    return path


def recorded(folder: Path, *files: Path, columns: Any = None, are_logits: bool = False) -> Record:
    told: list[str] = []
    record_predictions(
        files, folder / "record", DATA, columns=columns, are_logits=are_logits, say=told.append
    )
    return Record(folder / "record")


@pytest.mark.parametrize("suffix", [".csv", ".npy", ".parquet"])
def test_rows_and_columns_in_any_order(tmp_path: Path, suffix: str) -> None:
    """They are joined by id and by name of the class; rows of other images are ignored."""
    probs = np.vstack([PROBS[::-1, ::-1], [[1, 0]]])
    file = written(tmp_path / f"p{suffix}", probs, (*IDS[::-1], "other.png"), CLASSES[::-1])

    record = recorded(tmp_path, file, columns=CLASSES[::-1])

    np.testing.assert_allclose(record.mean, PROBS, rtol=1e-6)
    seen = record.rows(slice(None), DATA.labels)
    np.testing.assert_allclose(np.exp(seen.log_p_given[0, 0]), [0.9, 0.75, 0.5], rtol=1e-6)


def test_files_are_members(tmp_path: Path) -> None:
    files = [written(tmp_path / "1.csv"), written(tmp_path / "2.csv", PROBS[:, ::-1])]
    record = recorded(tmp_path, *files)
    assert (record.n_members, record.n_epochs) == (2, 1)
    np.testing.assert_allclose(record.mean, np.full((3, 2), 0.5), rtol=1e-6)


def test_logits(tmp_path: Path) -> None:
    """A softmax makes probabilities of them, whatever constant is added to a row."""
    values = np.log(PROBS) + np.array([[1000.0], [-1000.0], [0.0]])
    record = recorded(tmp_path, written(tmp_path / "p.csv", values), are_logits=True)
    np.testing.assert_allclose(record.mean, PROBS, rtol=1e-4)


@pytest.mark.parametrize(
    ("probs", "ids", "names", "message"),
    [
        (PROBS * 2, IDS, CLASSES, "the row of 'a.png' is [1.8 0.2]; probabilities are 0 to 1"),
        (PROBS[:2], IDS[:2], CLASSES, "1 of 3 images have no row, first 'c.png'"),
        (PROBS, ("a.png", "a.png", "c.png"), CLASSES, "'a.png' appears twice"),
        (PROBS, IDS, ("cat", "emu"), "for the classes cat, emu; the 2 classes of the data are cat"),
        (PROBS * np.nan, IDS, CLASSES, "the row of 'a.png' is not finite"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, probs: np.ndarray, ids: Any, names: Any, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        recorded(tmp_path, written(tmp_path / "p.csv", probs, ids, names))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_names_of_classes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give --class-names FILE"):
        recorded(tmp_path, written(tmp_path / "p.npy"))


@pytest.mark.parametrize(
    "content",
    [b"", b"file_name,cat,dog\n", b"file_name,cat,dog\na.png,x,1\n", b"\xff\xfe\0", b"a,b"],
)
@pytest.mark.parametrize("suffix", [".csv", ".npy", ".parquet", ".xlsx"])
def test_damaged_files_in_one_line(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"p{suffix}"
    file.write_bytes(content)
    (tmp_path / "p.txt").write_text("\n".join(IDS))
    with pytest.raises((DataError, ConfigError)) as caught:
        recorded(tmp_path, file, columns=CLASSES)
    assert "\n" not in str(caught.value)
