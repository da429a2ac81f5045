"""Tables: as the data, and as other labels for any data."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

from noisefind.data.table import read_table
from noisefind.errors import DataError
from tests.data.test_image_folder import HOSTILE
from tests.images import given, one_line, opened, write_cifar10, write_csv, write_images

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two splits with two classes and one image outside."""
    names = ("train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "test/cat/1.png")
    return write_images(tmp_path, *names, "test/dog/1.png", "other.png")


def write_text(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_only_the_listed_are_data(root: Path) -> None:
    """A table may list a part of its folder, in any order; its labels count, not the folders'."""
    table = write_csv(root / "t.csv", ("train/dog/1.png", "wolf"), ("other.png", "cat"))

    dataset = opened(table)

    assert given(dataset) == {"other.png": "cat", "train/dog/1.png": "wolf"}
    assert dataset.splits == ("", "")
    assert dataset.root == root
    assert list(dataset.images) == [root / "other.png", root / "train/dog/1.png"]


def test_root_of_a_table(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With a root the table may lie anywhere."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    table = write_csv(elsewhere / "t.csv", ("cat/1.png", "a"), ("dog/1.png", "b"))

    dataset = opened(table, root=root / "train")

    assert list(dataset.images) == [root / "train/cat/1.png", root / "train/dog/1.png"]


def test_splits_of_a_table(root: Path) -> None:
    """Names that all start with a split have splits; all are taken unless one is asked for."""
    rows = [("train/cat/1.png", "a"), ("test/cat/1.png", "b"), ("test/dog/1.png", "a")]
    table = write_csv(root / "t.csv", *rows)

    assert opened(table).splits == ("test", "test", "train")
    assert opened(table, split="test").ids == ("test/cat/1.png", "test/dog/1.png")
    with pytest.raises(DataError, match="no split 'val': choose of test, train, all"):
        opened(table, split="val")
    write_csv(table, *rows, ("other.png", "a"))
    with pytest.raises(DataError, match="has no splits"):
        opened(table, split="test")


@pytest.mark.parametrize(
    "text",
    [
        "file_name,label\r\nother.png,7\r\ntrain/cat/1.png,8\r\n",
        "\ufefffile_name,label\nother.png,7\ntrain/cat/1.png,8",
        "label,true_label,file_name\n7,9,other.png\n8,,train/cat/1.png\n",
        '"file_name","label"\n\n./other.png,7\ntrain//cat/../cat/1.png,8\n',
    ],
)
def test_dialects_of_csv(root: Path, text: str) -> None:
    """Line ends, a byte order mark, further columns and spellings of a path make no difference."""
    dataset = opened(write_text(root / "T.CSV", text))

    assert given(dataset) == {"other.png": "7", "train/cat/1.png": "8"}


def test_jsonl(root: Path) -> None:
    """One object per line; whole numbers become class names; U+2028 in a name ends no line."""
    rows = [
        {"file_name": "other.png", "label": 7, "true_label": None},
        {"file_name": "train/cat/1.png", "label": "a\u2028b"},
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    table = write_text(root / "t.jsonl", "\ufeff" + "\r\n\n".join(lines) + "\n")

    assert given(opened(table)) == {"other.png": "7", "train/cat/1.png": "a\u2028b"}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(tmp_path: Path, name: str) -> None:
    """Any class and file name comes through both kinds of table as it is."""
    rows = [(f"{name}/{name[:196]}.png", name), ("cat/1.png", "cat")]
    write_images(tmp_path, *dict(rows))
    lines = [json.dumps(dict(zip(("file_name", "label"), row, strict=True))) for row in rows]

    assert given(opened(write_csv(tmp_path / "t.csv", *rows))) == dict(rows)
    assert given(opened(write_text(tmp_path / "t.jsonl", "\n".join(lines)))) == dict(rows)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@any_of(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_label_comes_back(tmp_path: Path, label: str) -> None:
    """A label is read as the stock csv writer wrote it, to the last space."""
    with (tmp_path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file_name", "label"), ("a.png", label)])

    assert read_table(tmp_path / "t.csv")["a.png"].label == label


CSV_ERRORS = {
    "": "is empty",
    "file_name,label\n": "is empty",
    "\n\n": "is empty",
    "text;label\na;b\n": "no column 'file_name'; the columns are 'text', 'label'; name it: --path",
    "file_name,lable\nother.png,a\n": "no column 'label'; the columns are 'file_name', 'lable'",
    "file_name,label\nother.png,\n": "line 2: empty label",
    "file_name,label\nother.png\n": "line 2: empty label",
    "file_name,label\n,a\n": "line 2: empty file_name",
    "file_name,label\nother.png,shirt, red\n": "line 2: more cells than columns",
    'file_name,label\nother.png,"a\n': "line 2: not valid CSV",
    'file_name,label\nother.png,"a\nb"\nother.png,a\n': "line 4: 'other.png' is on line 2",
    "file_name,label\nother.png,a\n./other.png,a\n": "line 3: 'other.png' is on line 2 already",
    "file_name,label\ntrain//cat/1.png,a\ntrain/cat/1.png,b\n": (
        "line 3: 'train/cat/1.png' is on line"
    ),
    "file_name,label\nother.png,a\ngone.png,b\n": "line 3: 'gone.png' is not in the folder",
    "file_name,label\no\0.png,a\n": "line 2: 'o\\x00.png' is not in the folder",
    "file_name,label\ntrain/x.png,a\n": "line 2: 'train/x.png' is not a regular file",
    "file_name,label\n/other.png,a\n": "line 2: '/other.png' leads out of the folder",
    "file_name,label\na/../../b.png,a\n": "line 2: 'a/../../b.png' leads out of the folder",
    "file_name,label\nt.csv,a\n": "line 2: 't.csv' has no suffix of an image (.avif .bmp",
    "file_name,label\nother.png,a\n": "all images of '{root}' have the label 'a'",
}
JSONL_ERRORS = {
    "": "is empty",
    '{"file_name": "other.png"}': "no column 'label'; the columns are 'file_name'; name",
    '{"file_name": "other.png", "label": "a"}\n\n{"label": "a"}': "line 3: empty file_name",
    '{"file_name": "other.png", "label": null}': "line 1: empty label",
    '{"file_name": "other.png", "label": ""}': "line 1: empty label",
    '{"file_name": "other.png", "label": true}': "line 1: label must be text or a whole number",
    '{"file_name": "other.png", "label": 1.5}': "line 1: label must be text or a whole number",
    '{"file_name": "other.png", "label": "\\ud800"}': "line 1: label must be text",
    '{"file_name": "\\udcff.png", "label": "a"}': "line 1: file_name must be text",
    '{"file_name": "other.png", "label": "a"': "line 1: not valid JSON",
    "[" * 100_000: "line 1: not valid JSON",
    '["other.png", "a"]': "line 1: expected a JSON object",
}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [("t.csv", *case) for case in CSV_ERRORS.items()]
    + [("t.jsonl", *case) for case in JSONL_ERRORS.items()],
    ids=range(len(CSV_ERRORS) + len(JSONL_ERRORS)),
)
def test_broken_tables(root: Path, name: str, text: str, message: str) -> None:
    """Each mistake is one line that names the table, the line and what is wrong."""
    (root / "train/x.png").mkdir()
    table = write_text(root / name, text)

    with pytest.raises(DataError) as caught:
        opened(table)

    assert message.format(root=root) in str(caught.value)
    assert name in str(caught.value) or message.startswith("all images")
    assert one_line(caught.value)


def test_tables_that_cannot_be_read(root: Path) -> None:
    """Another encoding is named with its line; a missing table and another suffix are named."""
    table = root / "t.csv"
    table.write_bytes(b"file_name,label\nother.png,caf\xe9\n")
    with pytest.raises(DataError, match=r"t\.csv', line 2: not UTF-8"):
        opened(table)
    with pytest.raises(DataError, match=r"cannot read '.*gone\.csv': No such file"):
        opened(root, labels=root / "gone.csv")
    with pytest.raises(DataError, match=r"other\.png' is no table: its name must end in .csv"):
        opened(root, labels=root / "other.png")


def test_labels_override_by_id(root: Path) -> None:
    """Listed ids have the listed label, the others their own; classes are those in use."""
    table = write_csv(root / "l.csv", ("train/dog/1.png", "owl"), ("./test/cat/1.png", "bat"))

    dataset = opened(root, labels=table)

    assert given(dataset) == {
        "train/cat/1.png": "cat",
        "train/cat/2.png": "cat",
        "train/dog/1.png": "owl",
    }
    assert dataset.classes == ("cat", "owl")
    assert given(opened(root, labels=table, split="test"))["test/cat/1.png"] == "bat"


def test_labels_make_classes(tmp_path: Path) -> None:
    """Two classes are required after the override, not before."""
    one = write_images(tmp_path / "one", "cat/1.png", "cat/2.png")
    two = write_images(tmp_path / "two", "cat/1.png", "dog/1.png")

    dataset = opened(one, labels=write_csv(tmp_path / "l.csv", ("cat/1.png", "a")))

    assert dataset.classes == ("a", "cat")
    with pytest.raises(DataError, match="have the label 'cat'"):
        opened(two, labels=write_csv(tmp_path / "l.csv", ("dog/1.png", "cat")))


def test_only_listed(root: Path) -> None:
    """Only the listed ids of the chosen split remain, and there must be one."""
    rows = [("train/cat/2.png", "cat"), ("train/dog/1.png", "dog"), ("test/cat/1.png", "bat")]
    table = write_csv(root / "l.csv", *rows)

    dataset = opened(root, labels=table, only_listed=True)

    assert given(dataset) == dict(rows[:2])
    assert dataset.classes == ("cat", "dog")
    assert given(opened(root, labels=table, only_listed=True, split="all")) == dict(rows)
    write_csv(table, rows[2])
    with pytest.raises(DataError, match=r"l\.csv' lists no image of train"):
        opened(root, labels=table, only_listed=True)


def test_labels_of_unknown_ids(root: Path) -> None:
    """The error names the first in the table and how many; and why, if the file was left out."""
    write_images(root, "train/.old/1.png")
    rows = [("train/cat/1.png", "a"), ("z.png", "a"), ("a.png", "b")]

    with pytest.raises(
        DataError, match=r"2 of 3 rows .*line 3: 'z.png' is not in the data; line 4: .*data is '"
    ):
        opened(root, labels=write_csv(root / "l.csv", *rows))
    with pytest.raises(DataError, match=r"'other.png' is not in the data \(left out: in no class"):
        opened(root, labels=write_csv(root / "l.csv", ("other.png", "a")))
    with pytest.raises(
        DataError, match=r"'train/.old/1.png' is not in the data \(left out: hidden\)"
    ):
        opened(root, labels=write_csv(root / "l.csv", ("train/.old/1.png", "a")))


def test_labels_of_a_table_and_of_cifar(root: Path) -> None:
    """Labels override any kind of data, CIFAR's ids included."""
    table = write_csv(root / "t.csv", ("other.png", "a"), ("train/cat/1.png", "b"))
    labels = write_csv(root / "l.csv", ("other.png", "c"))
    assert given(opened(table, labels=labels)) == {"other.png": "c", "train/cat/1.png": "b"}

    cifar = write_cifar10(root / "c")
    labels = write_csv(root / "l.csv", ("train/00003", "owl"), ("train/00001", "ship"))
    dataset = opened(cifar, labels=labels, only_listed=True)
    assert given(dataset) == {"train/00001": "ship", "train/00003": "owl"}
    with pytest.raises(DataError, match=r"'train/3' is not in"):
        opened(cifar, labels=write_csv(root / "l.csv", ("train/3", "owl")))


CATS = {"a/1.png": "cat", "a/2.png": "dog", "a/3.png": "cat"}
NAMES = list(CATS)
FORMS = {
    "semicolon.csv": "file_name;label\na/1.png;cat\na/2.png;dog\na/3.png;cat\n",
    "t.tsv": "file_name\tlabel\na/1.png\tcat\na/2.png\tdog\na/3.png\tcat\n",
    "list.txt": "a/1.png cat\na/2.png dog\na/3.png cat\n",
    "map.json": json.dumps(CATS),
    "objects.json": json.dumps([{"file_name": k, "label": v} for k, v in CATS.items()]),
    "other_names.csv": "patient,finding,image\nx,cat,a/1.png\ny,dog,a/2.png\nz,cat,a/3.png\n",
    "stems.csv": "id,breed\n1,cat\n2,dog\na/3,cat\n",
    "subfolder.csv": "filename,class\n1.png,cat\n2.png,dog\n3.png,cat\n",
    "backslash.csv": "file_name,label\na\\1.png,cat\na\\2.png,dog\na\\3.png,cat\n",
    "one_hot.csv": "file_name,cat,dog\na/1.png,1,0\na/2.png,0,1\na/3.png,1,0\n",
    "absolute.csv": "file_name,label\n{root}/a/1.png,cat\n{root}/a/2.png,dog\n{root}/a/3.png,cat\n",
    "no_header.csv": "a/1.png,cat\na/2.png,dog\na/3.png,cat\n",
    "no_header_reversed.csv": "cat,a/1.png\ndog,a/2.png\ncat,a/3.png\n",
    "no_header.tsv": "a/1.png\tcat\na/2.png\tdog\na/3.png\tcat\n",
    "blanks.csv": "file_name, label\na/1.png, cat\na/2.png, dog\na/3.png, cat \n",
    "some_blanks.csv": "file_name,label\na/1.png,cat\na/2.png,dog\na/3.png,cat \n",
    "studio.json": json.dumps(
        [
            {
                "data": {"image": f"/data/local-files/?d={name}"},
                "annotations": [
                    {"was_cancelled": True, "result": [{"value": {"choices": ["owl"]}}]},
                    {"result": [{"value": {"choices": [label]}}]},
                ],
            }
            for name, label in CATS.items()
        ]
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_tables_of_all_forms(tmp_path: Path, name: str) -> None:
    """The same three images with the same labels."""
    write_images(tmp_path, *CATS)
    text = FORMS[name].replace("{root}", str(tmp_path)) if "absolute" in name else FORMS[name]
    assert given(opened(write_text(tmp_path / name, text))) == CATS


def test_columns_are_told(tmp_path: Path) -> None:
    """Where several columns fit, the options choose; what was taken is said."""
    write_images(tmp_path, *CATS)
    rows = [f"{name},x{place},{label},owl" for place, (name, label) in enumerate(CATS.items())]
    table = write_text(tmp_path / "t.csv", "\n".join(["path,id,class,target", *rows]))
    with pytest.raises(DataError, match="'path' and 'id' could be file_name; choose one"):
        opened(table)
    with pytest.raises(DataError, match="'class' and 'target' could be label; choose one"):
        opened(table, path_column="path")
    assert given(opened(table, path_column="path", label_column="class")) == CATS
    with pytest.raises(DataError, match="no column 'nothing'"):
        opened(table, path_column="nothing")


def test_split_column(tmp_path: Path) -> None:
    """Its words are those of folders; others are named."""
    write_images(tmp_path, *CATS)
    words = ("train", "Val", "test")
    rows = [",".join((*row, word)) for row, word in zip(CATS.items(), words, strict=True)]
    table = write_text(tmp_path / "t.csv", "\n".join(["file_name,label,split", *rows]))
    assert opened(table).splits == ("train", "validation", "test")
    write_text(table, "file_name,label,split\na/1.png,cat,odd\na/2.png,dog,train\n")
    with pytest.raises(DataError, match="line 2: split is 'odd'; it must be train, validation"):
        opened(table)


def test_faults_are_counted_and_may_be_skipped(tmp_path: Path) -> None:
    """All are in one line; rows without image or label, or twice the same, can be left out."""
    write_images(tmp_path, *CATS)
    good = "".join(f"{name},{label}\n" for name, label in CATS.items())
    bad = "gone.png,cat\na/1.png,\na/2.png,dog\n"
    table = write_text(tmp_path / "t.csv", f"file_name,label\n{good}{bad}")
    with pytest.raises(DataError) as caught:
        opened(table)
    assert "3 of 6 rows cannot be used: line 5: 'gone.png' is not in" in str(caught.value)
    assert str(caught.value).endswith("; --skip-missing leaves such rows out")
    dataset = opened(table, skip_missing=True)
    assert given(dataset) == CATS
    assert [skipped.file_name for skipped in dataset.skipped] == ["a/1.png", "a/2.png", "gone.png"]
    write_text(table, f"file_name,label\n{good}a/2.png,cat\n")
    with pytest.raises(DataError, match="on line 3 already, with the label 'dog'; here 'cat'"):
        opened(table, skip_missing=True)


def test_unicode_forms_of_a_path(tmp_path: Path) -> None:
    """A table may write an accent as one character where the disk has two."""
    write_images(tmp_path, "a/cafe\u0301.png", "b/1.png")
    table = write_csv(tmp_path / "t.csv", ("a/caf\u00e9.png", "x"), ("b/1.png", "y"))
    assert set(opened(table).ids) == {"a/cafe\u0301.png", "b/1.png"}


def test_parquet_of_paths(tmp_path: Path) -> None:
    """Columns of text and numbers without images are a table, as DATA and as --labels."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    write_images(tmp_path, *CATS)
    table = pa.table({"path": NAMES, "label": [0, 1, 0], "width": [1.5, 2.0, 3.0]})
    pq.write_table(table, tmp_path / "numbers.parquet")
    features = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    info = json.dumps({"info": {"features": features}})
    pq.write_table(table.replace_schema_metadata({"huggingface": info}), tmp_path / "t.parquet")
    with (
        pa.OSFile(str(tmp_path / "t.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as writer,
    ):
        writer.write_table(table)

    assert list(given(opened(tmp_path / "numbers.parquet")).values()) == ["0", "1", "0"]
    assert list(given(opened(tmp_path / "t.arrow")).values()) == ["0", "1", "0"]
    assert given(opened(tmp_path / "t.parquet")) == CATS
    other = write_csv(tmp_path / "t.csv", *((name, "x") for name in NAMES))
    assert given(opened(other, labels=tmp_path / "t.parquet")) == CATS
    missing = pa.table({"path": [*NAMES, "gone.png"], "label": ["a", None, "b", "c"]})
    pq.write_table(missing, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"2 of 4 rows .*: line 2: empty label; line 4: 'gone.png'"):
        opened(tmp_path / "t.parquet")


def test_first_rows_that_are_no_header(tmp_path: Path) -> None:
    """What they hold is said or named, with what to do."""
    write_images(tmp_path, *CATS)
    said: list[str] = []
    table = write_text(tmp_path / "t.csv", "a/1.png,cat\na/2.png,dog\n")
    assert len(opened(table, say=said.append)) == 2
    assert "no header in the table: its first row is an image with its label" in said
    for row in ("a/1.png,cat,7", "a/1.png,a/2.png", "a/1.png"):
        with pytest.raises(DataError, match=r"has 'a/1.png' in it, so it is no header: add one"):
            opened(write_text(table, f"{row}\n{row}\n"))
    with pytest.raises(DataError, match=r"no column 'file_name'; the columns are '1', 'cat'; name"):
        opened(write_text(table, "1,cat\n2,dog\n"))


def test_all_kinds_of_faults_are_counted(tmp_path: Path) -> None:
    """Rows that are no records count too; the first ten are named."""
    write_images(tmp_path, *CATS)
    lines = [
        "file_name,label",
        "a/1.png,cat,x",
        "a/2.png,dog",
        *(f"x{k}.png,cat" for k in range(12)),
    ]
    table = write_text(tmp_path / "t.csv", "\n".join(lines))
    with pytest.raises(DataError) as caught:
        opened(table)
    text = str(caught.value)
    assert "13 of 14 rows cannot be used: line 2: more cells than columns" in text
    assert "line 12: " in text
    assert "line 13: " not in text
    rows = ['{"file_name": "a/1.png", "label": "a"}', "[", "7", '{"file_name": "a/2.png"}']
    table = write_text(tmp_path / "t.jsonl", "\n".join(rows))
    with pytest.raises(DataError, match=r"3 of 4 rows .*line 2: not .*line 3: exp.*line 4: empty"):
        opened(table)


def test_what_label_studio_did_not_label(tmp_path: Path) -> None:
    """Tasks without a choice or with several are named."""
    write_images(tmp_path, *CATS)
    chosen: tuple[list[str], ...] = (["cat"], [], ["cat", "dog"])
    tasks = [
        {
            "data": {"image": f"/data/local-files/?d=x/{name}", "file_name": name},
            "annotations": [{"result": [{"value": {"choices": [word]}}]} for word in words],
        }
        for name, words in zip(NAMES, chosen, strict=True)
    ]
    table = write_text(tmp_path / "t.json", json.dumps(tasks))
    with pytest.raises(
        DataError, match=r"2 of 3 rows .*line 2: empty label; line 3: label must be .*\['cat', 'dog"
    ):
        opened(table)


def test_blanks_of_folders_stay(tmp_path: Path) -> None:
    """A class whose blanks are in each row may be a folder's, so it keeps its name."""
    write_images(tmp_path, *CATS)
    said: list[str] = []
    table = write_csv(tmp_path / "t.csv", *zip(NAMES, (" cat", "dog", " cat"), strict=True))
    assert opened(table, say=said.append).classes == (" cat", "dog")
    write_csv(table, *zip(NAMES, (" cat", "dog", "cat"), strict=True))
    assert opened(table, say=said.append).classes == ("cat", "dog")
    assert "blanks around 1 label removed" in said
