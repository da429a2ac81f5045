"""Predictions of the user from files: every format gives the same record; what is wrong is said."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from noisefind.data.dataset import Dataset
from noisefind.scores.predictions import Predictions
from noisefind.training import own_predictions
from noisefind.training.own_predictions import SMALLEST_PROB, record_predictions
from noisefind.training.record import Record
from tests.fuzz import mutations, refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

IDS = ("ant/1.png", "ant/2.png", "bee/1.png", "bee/ü, 2.png", "cow/1.png")
CLASSES = ("ant", "bee", "cow")
DATA = Dataset(
    Path(), IDS, np.array([0, 0, 1, 1, 2]), CLASSES, ("",) * 5, [Path(id_) for id_ in IDS], ""
)
SHUFFLED = [3, 0, 4, 1, 2]  # rows of files
BACKWARDS = [2, 1, 0]  # columns of files


def probs(seed: int = 0) -> Floats:
    return np.random.default_rng(seed).dirichlet(np.ones(3), 5)


class Table(NamedTuple):
    """Numbers with the names of their rows and columns, in an order of their own."""

    ids: list[str]
    columns: list[str]
    values: Floats


def table(values: Floats, id_column: str = "file_name") -> Table:
    columns = [id_column, *(CLASSES[c] for c in BACKWARDS)]
    return Table([IDS[row] for row in SHUFFLED], columns, values[SHUFFLED][:, BACKWARDS])


def write(file: Path, content: Table) -> Path:
    """The table in the format of the suffix; .npy without the names of the columns."""
    if file.suffix == ".npy":
        np.save(file, content.values)
        file.with_suffix(".txt").write_text("\n".join(content.ids) + "\n", encoding="utf-8")
    elif file.suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        arrays = [pa.array(content.ids), *map(pa.array, content.values.T)]
        pq.write_table(pa.table(arrays, names=content.columns), file)
    else:
        with file.open("w", encoding="utf-8", newline="") as text:
            rows = zip(content.ids, content.values.tolist(), strict=True)
            csv.writer(text).writerows([content.columns, *([id_, *row] for id_, row in rows)])
    return file


def read(
    files: Sequence[Path], folder: Path, columns: Sequence[str] | None = None, *,
    are_logits: bool = False, said: list[str] | None = None,
) -> Record:  # fmt: skip
    say = ([] if said is None else said).append
    record_predictions(files, folder, DATA, columns=columns, are_logits=are_logits, say=say)
    return Record(folder)


def assert_holds(found: Record, *members: Floats) -> None:
    expected = Predictions.from_probabilities(np.stack(members)[:, None], DATA.labels)
    rows = found.rows(slice(None), DATA.labels)
    for name in ("log_p_given", "log_p_other", "predicted", "squared_distance", "mean", "squares"):
        np.testing.assert_allclose(
            getattr(rows, name), getattr(expected, name), rtol=1e-4, atol=1e-6, err_msg=name
        )


# Formats


@pytest.mark.parametrize("name", ["own.csv", "own.parquet", "own.npy", "own.CSV"])
@pytest.mark.parametrize("chunk", [1, 2, 65_536])
def test_every_format_in_any_order(
    tmp_path: Path, name: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows belong to images by id and columns to classes by name, however large the file."""
    monkeypatch.setattr(own_predictions, "ROWS", chunk)
    file = write(tmp_path / name, table(probs()))
    names = table(probs()).columns[1:] if file.suffix == ".npy" else None
    assert_holds(read([file], tmp_path / "record", names), probs())


@pytest.mark.parametrize("id_column", own_predictions.ID_COLUMNS)
@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_names_of_the_ids(tmp_path: Path, name: str, id_column: str) -> None:
    """The column of ids has one of a few names."""
    assert_holds(read([write(tmp_path / name, table(probs(), id_column))], tmp_path / "r"), probs())


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_half_precision(tmp_path: Path, dtype: type) -> None:
    """Probabilities of a model in half precision miss the sum 1 by a little."""
    file = write(tmp_path / "own.npy", table(probs()))
    np.save(file, np.load(file).astype(dtype))
    found = read([file], tmp_path / "r", table(probs()).columns[1:])
    np.testing.assert_allclose(found.mean, probs(), atol=1e-3)


def test_files_are_members(tmp_path: Path) -> None:
    """Two files in two formats: two members, with their spread."""
    files = [write(tmp_path / f"{n}.{kind}", table(probs(n))) for n, kind in
             enumerate(("csv", "parquet"))]  # fmt: skip
    found = read(files, tmp_path / "record")
    assert (found.n_members, found.n_epochs) == (2, 1)
    assert_holds(found, probs(0), probs(1))


def test_logits(tmp_path: Path) -> None:
    """--logits applies the softmax, of large numbers too."""
    logits = np.log(probs()) + np.array([[500.0], [-500], [0], [3], [-3]])
    file = write(tmp_path / "own.csv", table(logits))
    found = read([file], tmp_path / "record", are_logits=True)
    np.testing.assert_allclose(found.mean, probs(), rtol=1e-3)
    assert "give --logits" in refused(lambda: read([file], tmp_path / "r"))


def test_probabilities_of_0(tmp_path: Path) -> None:
    """Logarithms stay finite."""
    found = read([write(tmp_path / "own.csv", table(np.eye(3)[[0, 1, 1, 0, 2]]))], tmp_path / "r")
    log_p_given = found.rows(slice(None), DATA.labels).log_p_given[0, 0]
    np.testing.assert_allclose(log_p_given, np.log([1, SMALLEST_PROB, 1, SMALLEST_PROB, 1]))


def test_rows_of_other_images(tmp_path: Path) -> None:
    """They are ignored and counted."""
    content = table(probs())
    more = content._replace(
        ids=[*content.ids, "z.png"], values=np.concatenate((content.values, [[1, 0, 0]]))
    )
    for name in ("own.csv", "own.parquet", "own.npy"):
        said: list[str] = []
        file = write(tmp_path / name, more)
        names = content.columns[1:] if file.suffix == ".npy" else None
        assert_holds(read([file], tmp_path / name[4:], names, said=said), probs())
        assert [line.partition(": ")[2] for line in said] == ["1 rows of other images are ignored"]


# What is refused


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ([0.2, 0.2, 0.2], "'bee/1.png' is [0.2 0.2 0.2]; probabilities are 0 to 1 and have the"),
        ([1.5, -0.25, -0.25], "give --logits"),
        ([np.nan, 0.5, 0.5], "row of 'bee/1.png' is not finite"),
        ([np.inf, 0, 0], "row of 'bee/1.png' is not finite"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 65_536])
def test_rows_that_are_no_probabilities(
    tmp_path: Path, row: list[float], what: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the image."""
    monkeypatch.setattr(own_predictions, "ROWS", chunk)
    values = probs()
    values[2] = row
    for name in ("own.csv", "own.parquet", "own.npy"):
        file = write(tmp_path / name, table(values))
        message = refused(lambda file=file: read([file], tmp_path / "r", CLASSES))  # type: ignore[misc]
        assert message.startswith(f"--pred-probs {file}")
        assert what in message or (name == "own.npy" and "not finite" in message)


@pytest.mark.parametrize("name", ["own.csv", "own.parquet", "own.npy"])
def test_images_without_a_row_or_with_two(tmp_path: Path, name: str) -> None:
    """Both name the first such image."""
    content = table(probs())
    fewer = content._replace(ids=content.ids[:3], values=content.values[:3])
    file = write(tmp_path / name, fewer)
    message = refused(lambda: read([file], tmp_path / "r", CLASSES))
    assert "2 of 5 images have no row, first 'ant/2.png'" in message
    file = write(file, content._replace(ids=[content.ids[0], *content.ids[:4]]))
    assert "'bee/ü, 2.png' appears twice" in refused(lambda: read([file], tmp_path / "r", CLASSES))


@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_other_classes(tmp_path: Path, name: str) -> None:
    """The message has both lists."""
    content = table(probs())
    file = write(tmp_path / name, content._replace(columns=["id", "cow", "bee", "ape"]))
    message = refused(lambda: read([file], tmp_path / "r"))
    assert "cow, bee, ape" in message
    assert "ant, bee, cow" in message


def test_arrays_need_the_names_of_their_columns(tmp_path: Path) -> None:
    """Without names their order is unknown, and sorted names would be a guess."""
    file = write(tmp_path / "own.npy", table(probs()))
    assert "give --class-names" in refused(lambda: read([file], tmp_path / "r"))
    assert "has 3 columns" in refused(lambda: read([file], tmp_path / "r", ["ant", "bee"]))
    assert "ant, ant, bee" in refused(lambda: read([file], tmp_path / "r", ["ant", "ant", "bee"]))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "the columns are"),
        ("file_name,ant,bee,cow\n", "has no row"),
        ("ant,bee,cow\n1,0,0\n", "expected file_name or id"),
        ("id,ant,ant,cow\nx,1,0,0\n", "each once"),
        ("id,ant,bee,cow\nx,1,0\n", "line 2: has 3 cells for 4 columns"),
        ("id,ant,bee,cow\nx,1,0,zero\n", "rows 1 to 1: a cell is no number"),
        ("id,ant,bee,cow\nx,1,0,\n", "a cell is no number"),
        ('id,ant,bee,cow\n"x,1,0,0\n', "cannot be read"),
        ("id,ant\0,bee,cow\nx,1,0,0\n", "5 of 5 images have no row, first 'ant/1.png'"),
        ("id," + "a" * 200_000 + "\n", "cannot be read"),
        ("id," + ",".join(f"c{n}" for n in range(5000)) + "\n", "has no row"),
    ],
)
def test_tables_that_do_not_fit(tmp_path: Path, content: str, what: str) -> None:
    """One line of bounded length."""
    (tmp_path / "own.csv").write_text(content)
    assert what in refused(lambda: read([tmp_path / "own.csv"], tmp_path / "r"))


def test_files_of_other_kinds(tmp_path: Path) -> None:
    """A folder, a missing file, another suffix, another encoding."""
    (tmp_path / "d.csv").mkdir()
    (tmp_path / "u.csv").write_bytes("id,ant".encode("utf-16"))
    (tmp_path / "own.json").write_text("{}")
    for name in ("d.csv", "u.csv", "no.csv", "no.npy", "no.parquet"):
        file = tmp_path / name
        assert "cannot be read" in refused(lambda file=file: read([file], tmp_path / "r", CLASSES))  # type: ignore[misc]
    message = refused(lambda: read([tmp_path / "own.json"], tmp_path / "r"))
    assert "must be a .npy, .csv or .parquet file" in message


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_damaged_tables(tmp_path: Path, name: str) -> None:
    """A damaged table is read or refused in one line."""
    file = write(tmp_path / name, table(probs()))
    n_refused = 0
    for copy in mutations(file.read_bytes()):
        file.write_bytes(copy)
        n_refused += bool(refused(lambda: read([file], tmp_path / "r")))
    assert n_refused > 100
