"""Files that are whole, arrays that are written and read by rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from noisefind.utils.files import (
    cell,
    open_array,
    row_chunks,
    row_writer,
    whole_file,
    whole_text,
    write_csv,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    """A file that could not be written whole is as it was, and nothing lies beside it."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), whole_text(path) as file:
        file.write("new")
        raise KeyError
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Until the end the file is not there under its name."""
    path = tmp_path / "a.bin"
    with whole_file(path) as part:
        part.write_bytes(b"1")
        assert not path.exists()
    assert path.read_bytes() == b"1"


def test_csv_dialect(tmp_path: Path) -> None:
    """Line feeds, quotes only where needed, UTF-8."""
    write_csv(tmp_path / "a.csv", ("x", "y"), [(1, "a,b"), (2, "é\n")])
    assert (tmp_path / "a.csv").read_bytes() == 'x,y\n1,"a,b"\n2,"é\n"\n'.encode()


def test_rows_written_are_an_array(tmp_path: Path) -> None:
    """What is written by rows, in any layout and float type, is a float32 .npy file."""
    values = np.arange(24.0).reshape(8, 3)
    with row_writer(tmp_path / "a.npy", (8, 3)) as write:
        write(values[:5].astype(np.float32))
        write(np.asfortranarray(values[5:]))
    read = open_array(tmp_path / "a.npy")
    assert read.dtype == np.float32
    assert read.tolist() == values.tolist()


@pytest.mark.parametrize("n_rows", [1, 3, 100])
def test_chunks_join_to_the_array(tmp_path: Path, n_rows: int) -> None:
    """Of arrays, files, and parts of either, in any order, chunks are the rows in turn."""
    values = np.arange(20, dtype=np.int64).reshape(10, 2)
    np.save(tmp_path / "a.npy", values)
    mapped = open_array(tmp_path / "a.npy")
    for array in (values, mapped, mapped[3:], mapped[::-1], mapped[::2]):
        chunks = list(row_chunks(array, n_rows))
        assert max(map(len, chunks)) <= n_rows
        assert np.concatenate(chunks).tolist() == array.tolist()


@pytest.mark.parametrize("layout", ["C", "F"])
def test_chunks_in_an_order(tmp_path: Path, layout: Any) -> None:
    """Of arrays and of files in either layout, chunks are the rows that are numbered, in turn."""
    values = np.array(np.arange(20.0).reshape(10, 2), order=layout)
    np.save(tmp_path / "a.npy", values)
    order = np.array([7, 0, 7, 3, 9])
    for array in (values, open_array(tmp_path / "a.npy")):
        chunks = list(row_chunks(array, 2, order))
        assert [len(chunk) for chunk in chunks] == [2, 2, 1]
        assert np.concatenate(chunks).tolist() == values[order].tolist()


def test_writing_to_what_was_opened_stays_in_memory(tmp_path: Path) -> None:
    """An opened array can be written to, and the file never learns of it."""
    np.save(tmp_path / "a.npy", np.zeros(3))
    opened = open_array(tmp_path / "a.npy")
    opened[0] = 1
    assert np.load(tmp_path / "a.npy").tolist() == [0, 0, 0]


def test_a_cell_by_hand() -> None:
    """Seven digits of a float, numpy's among them; true and false; all else untouched."""
    values = [True, False, 0.1, 1 / 3, 1.0, np.float64(2e-9), 7, "=1+1", ""]
    assert [cell(v) for v in values] == [
        "true", "false", "0.1", "0.3333333", "1", "2e-09", 7, "=1+1", "",
    ]  # fmt: skip
