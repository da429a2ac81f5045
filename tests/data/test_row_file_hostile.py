"""Feature files and their ids that were damaged, or claim absurd sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from noisefind.data import row_file
from noisefind.data.row_file import given_rows
from tests.fuzz import mutations, refused

IDS = ("ant/1.png", "bee/1.png", "bee/2.png")


def written(folder: Path) -> Path:
    """Features of three images and their ids."""
    np.save(folder / "own.npy", np.arange(6, dtype=np.float32).reshape(3, 2))
    (folder / "own.txt").write_text("".join(f"{id_}\n" for id_ in IDS))
    return folder / "own.npy"


def with_header(file: Path, descr: str, shape: str) -> Path:
    """A .npy file of 100 bytes of content behind any header."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    content = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode() + bytes(100)
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    ("descr", "shape"),
    [
        ("'<f4'", f"({2**40}, 3)"),
        ("'<f4'", f"(3, {2**62})"),
        ("'<f4'", f"({2**32}, {2**32})"),
        ("'<f4'", f"({10**4000}, 2)"),
        ("'<f4'", "(-3, 2)"),
        ("'<f4'", f"({2**40}, 0)"),
        ("'<f4'", "(" + "1, " * 70 + ")"),
        ("'<f4'", "(" * 90 + ")" * 90),
        ("'|V0'", f"({2**40}, 2)"),
        ("'|O'", "(3, 2)"),
        ("[" + ", ".join(f"('a{n}', '<f4')" for n in range(5)) + "]", "(3, 1)"),
        ("[" + ", ".join(f"('a{n}', '<f4')" for n in range(400)) + "]", "(0, 1)"),
        ("'<f4'", "(True, 2)"),
        ("__import__('os')", "(3, 2)"),
    ],
)
def test_headers_that_lie(tmp_path: Path, descr: str, shape: str) -> None:
    """What the header claims is never allocated, and only its start is shown."""
    file = with_header(written(tmp_path), descr, shape)
    assert refused(lambda: given_rows(file, None, IDS)).startswith("--features ")


def test_more_numbers_than_can_be_reduced(tmp_path: Path) -> None:
    """The reduction needs the square of the numbers per image, so there is a limit."""
    file = written(tmp_path)
    np.save(file, np.zeros((3, row_file.MAX_FEATURES + 1), np.float16))
    assert "at most 8,192" in refused(lambda: given_rows(file, None, IDS))
    np.save(file, np.zeros((3, row_file.MAX_FEATURES), np.float16))
    assert not refused(lambda: given_rows(file, None, IDS))


@pytest.mark.fuzz
def test_damaged_arrays(tmp_path: Path) -> None:
    """A damaged .npy file is read or refused in one line."""
    file = written(tmp_path)
    n_refused = 0
    for copy in mutations(file.read_bytes()):
        file.unlink()  # the array before it is still mapped
        file.write_bytes(copy)
        n_refused += bool(refused(lambda: given_rows(file, None, IDS)))
    assert n_refused > 100


@pytest.mark.fuzz
def test_damaged_ids(tmp_path: Path) -> None:
    """A damaged file of ids is read or refused in one line."""
    file = written(tmp_path)
    content = file.with_suffix(".txt").read_bytes()
    n_refused = 0
    for copy in mutations(content, 1):
        file.with_suffix(".txt").write_bytes(copy)
        n_refused += bool(refused(lambda: given_rows(file, None, IDS)))
    assert n_refused > 100


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("\n".join(IDS).encode("utf-16"), "cannot be read as UTF-8"),
        (b"a\nb\n", "the 2 lines of "),
        (b"", "the 1 lines of "),
        (b"a" * 100_000, "is longer than 16,384 bytes"),
        (b"a" * 9000 + b"\n" + b"a" * 5000 + b"\nb", "have no row, first 'ant/1.png'"),
        (b"\n" * 16_000, "the 16000 lines of "),
        ((b"a" * 3000 + b"\n") * 3, "aaa' appears twice"),
    ],
)
def test_ids_that_do_not_fit(tmp_path: Path, content: bytes, what: str) -> None:
    """Another encoding, another number of lines, or endless lines: one line of bounded length."""
    file = written(tmp_path)
    file.with_suffix(".txt").write_bytes(content)
    assert what in refused(lambda: given_rows(file, None, IDS))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_ids_without_an_end(tmp_path: Path) -> None:
    """A file of ids that never ends is read only as far as ids could reach."""
    file = written(tmp_path)
    assert "is longer than" in refused(lambda: given_rows(file, Path("/dev/zero"), IDS))
