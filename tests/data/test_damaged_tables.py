"""Damaged tables and matrices are read rightly, or refused in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.data.table import read_table
from noisefind.errors import ConfigError, DataError
from noisefind.evaluation.noise_matrix_file import read_matrix
from tests.mutations import read_damaged

if TYPE_CHECKING:
    from pathlib import Path

OF_CSV = [b",", b'"', b"\0", b"\xff", b"\r", b"\n", b"x" * 140_000]
TABLES = {
    "t.csv": (
        b'file_name,label,more\na/1.png,cat,1\n"b/2.png","dog, brown",\nc/3.png,7,x\n',
        [*OF_CSV, b"label", b"file_name,", b"../"],
    ),
    "t.jsonl": (
        b'{"file_name": "a/1.png", "label": "cat"}\n{"file_name": "b", "label": 7, "x": [1]}\n',
        [b"{", b"[" * 5000, b'"label": 3,', b"\0", b"\xff", b"\\ud800", b"NaN", b"9" * 5000],
    ),
    "t.tsv": (
        b"file_name\tlabel\tsplit\na/1.png\tcat\ttrain\nb\tdog\ttest\n",
        [*OF_CSV, b"\t", b"label", b"odd"],
    ),
    "t.json": (
        b'{"a/1.png": "cat", "b/2.png": "dog", "c": 7}',
        [b"{", b"[" * 5000, b'"label": 3,', b"\0", b"\xff", b"\\ud800", b"NaN", b"9" * 5000],
    ),
    "s.json": (
        (
            b'[{"data": {"i": "/d/?d=a/1.png"}, "annotations": [{"result": [{"value": '
            b'{"choices": ["cat"]}}]}]}, {"file_name": "b.png", "label": "dog"}]'
        ),
        [b"{", b"[]", b"null", b'"annotations"', b"\xff", b"\\ud800", b"//[", b"9" * 5000],
    ),
    "t.txt": (b"a/1.png cat\nb/2.png dog\n", [b" ", b"\t", b"\n", b"\0", b"\xff", b"../"]),
}
MATRICES = {
    "m.csv": (
        b",a,b,c\na,0.8,0.1,0.1\nb,0,1,0\nc,0.5,0,0.5\n",
        [*OF_CSV, b"nan", b"inf", b"-1", b"a,", b"1e999", b" "],
    ),
    "m.yaml": (b"a: b\nb: c\n", [b"&a ", b"*a ", b"[" * 30, b"!!int ", b"? ", b"a", b"\0", b" "]),
}
TWICE = {
    ("t.csv", "file_name,label,label\na.png,cat,dog\n"): "2 columns are named 'label'",
    ("t.csv", "file_name,label,file_name\na.png,cat,b.png\n"): "2 columns are named 'file_name'",
    ("t.jsonl", '{"file_name": "a.png", "label": "c", "label": "d"}'): "'label' appears twice",
}
SHORT = ["a\nb\nc\n", "\n,\n", ",a,b,c\na\nb\nc\n", ",a,a,b\na,1,0,0\nb\n"]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.fuzz
def test_tables(tmp_path: Path, name: str) -> None:
    """Every row that is read has a text as label."""
    results, _ = read_damaged(read_table, tmp_path / name, *TABLES[name])
    labels = [row.label for rows in results for row in rows.values()]
    assert all(label and isinstance(label, str) for label in labels)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.fuzz
def test_matrices(tmp_path: Path, name: str) -> None:
    """Every matrix that is read has a row per class that adds up to 1."""
    results, _ = read_damaged(
        lambda path: read_matrix(path, list("abc")), tmp_path / name, *MATRICES[name]
    )
    np.testing.assert_allclose(np.stack(results).sum(axis=2), 1, atol=0.011)


@pytest.mark.parametrize(("table", "words"), TWICE.items(), ids=range(len(TWICE)))
def test_two_columns_of_one_name(tmp_path: Path, table: tuple[str, str], words: str) -> None:
    """Which of them counts cannot be known."""
    name, content = table
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / name)


@pytest.mark.parametrize("text", SHORT, ids=range(len(SHORT)))
def test_short_rows_of_a_matrix(tmp_path: Path, text: str) -> None:
    """Rows that lack cells are refused with the numbers that are expected."""
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ConfigError, match="expected 3 x 3 numbers"):
        read_matrix(tmp_path / "m.csv", list("abc"))
