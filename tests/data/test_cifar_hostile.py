"""Pickles and archives of CIFAR that were damaged, or made to exhaust time or memory."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.data import cifar_archive
from noisefind.data.cifar import open_cifar
from noisefind.data.safe_pickle import read_pickle
from noisefind.utils import pickle_reader
from tests.fuzz import mutations, refused
from tests.images import cifar_rows, write_cifar10, write_pickle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HUGE = struct.pack("<Q", 2**62)
DOUBLED = b")q\0" + b"h\0h\0\x86q\0" * 60  # a tuple of 2^60 empty tuples
DOUBLED_LIST = b"]q\0" + b"](h\0h\0eq\0" * 40
ATTACKS = {
    "hash of nested tuples": b"}" + DOUBLED + b"K\1s.",
    "print of nested tuples": b"c_codecs\nencode\n" + DOUBLED + b"R.",
    "shape of nested tuples": b"cnumpy\ndtype\n" + DOUBLED + b"\x85R.",
    "set of nested tuples": b"\x8f(" + DOUBLED + b"\x90.",
    "an index of the memo": b"}r\xff\xff\xff\x7f0.",
    "a long integer": b"\x8b\xff\xff\xff\x7f\1.",
    "a negative length": b"\x8b\xff\xff\xff\xff\1.",
    "an integer of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "bytes": b"\x8e" + HUGE + b"a.",
    "a bytearray": b"\x96" + HUGE + b"a.",
    "a text": b"\x8d" + HUGE + b"a.",
    "a frame": b"\x80\x04\x95" + HUGE + b"a.",
    "nested lists": b"]" * 200_000 + b"a" * 199_999 + b".",
    "many opcodes": b"N" * (pickle_reader.MAX_OPCODES + 1),
    "no dict": b"N.",
    "an empty stack": b".",
    "a name of a name": b"\x80\x04)\x8c\1a\x93.",
    "a long name": b"c" + b"a" * 100_000 + b"\nb\n.",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused_soon(name: str) -> None:
    """Time and memory of a pickle are bounded by its size, and so is the message."""
    assert refused(lambda: read_pickle(ATTACKS[name], "x")).startswith("'x' is")


def array_pickle(shape: tuple[int, ...], raw: bytes = b"") -> bytes:
    """A dict of one array of uint8, as pickled by protocol 2, of any shape."""
    dtype = b"cnumpy\ndtype\n(Vu1\nK\0K\1tR"
    numbers = b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in shape)
    state = b"(K\1(" + numbers + b"t" + dtype + b"\x89B" + struct.pack("<I", len(raw)) + raw + b"t"
    make = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0K\0tR"
    return b"}Vlabels\n" + make + state + b"bs."


@pytest.mark.parametrize("shape", [(2**40, 0), (0, 2**62), (2**31, 2**31, 0), (-1,), (2**62,)])
def test_shapes_without_content(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """An array that holds nothing has no labels, whatever its shape is."""
    folder = write_cifar10(tmp_path)
    labels = array_pickle(shape).removeprefix(b"}").removesuffix(b"s.")
    data = pickle.dumps(cifar_rows(2, 0), 2)[2:-1]
    (folder / "test_batch").write_bytes(b"}Vdata\n" + data + b"s" + labels + b"s.")
    assert "test_batch" in refused(lambda: open_cifar(folder, "fine"))


def test_content_that_is_used_again() -> None:
    """A text of the memo that is copied again and again is refused at twice the file."""
    text = b"X" + struct.pack("<I", 1_000_000) + b"a" * 1_000_000 + b"q\0"
    call = b"c_codecs\nencode\n(h\0Vlatin1\ntR"
    assert "repeats" in refused(lambda: read_pickle(b"(" + text + call * 100 + b"l.", "x"))


@pytest.mark.parametrize("label", [10**30, "x" * 10**6, b"x" * 10**6, [[[[[1]]]]] * 10**5])
def test_labels_are_shortened(tmp_path: Path, label: object) -> None:
    """A wrong label of any size is shown in a few characters."""
    folder = write_cifar10(tmp_path)
    batch = {"data": cifar_rows(2, 0), "labels": [0, label]}
    write_pickle(folder / "test_batch", batch)
    assert "'labels' holds " in refused(lambda: open_cifar(folder, "fine"))


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.fuzz
def test_damaged_batches(protocol: int) -> None:
    """A damaged pickle is read or refused in one line."""
    batch = {"data": cifar_rows(1, 0), "labels": [np.int64(3)], b"filenames": ["a.png"]}
    content = pickle.dumps(batch, protocol)
    assert set(read_pickle(content, "x")) == {"data", "labels", "filenames"}
    n_refused = sum(
        bool(refused(lambda copy=copy: read_pickle(copy, "x")))  # type: ignore[misc]
        for copy in mutations(content, seed=protocol)
    )
    assert n_refused > 100


def test_large_files_are_not_read(tmp_path: Path) -> None:
    """A file that is larger than any of CIFAR is refused before it is read."""
    folder = write_cifar10(tmp_path)
    with (folder / "test_batch").open("wb") as file:
        file.truncate(10**12)  # sparse: no place on the disk
    assert "1,000,000,000,000 bytes" in refused(lambda: open_cifar(folder, "fine"))


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """An archive of the given headers and contents, though they may not fit each other."""
    with gzip.open(path, "wb", 1) as file:
        for header, content in members:
            file.write(header.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))
        file.write(bytes(1024))
    return path


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info


def cifar_members(tmp_path: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    files = sorted(write_cifar10(tmp_path / "made", [1], 1).iterdir())
    contents = [(f"c/{file.name}", file.read_bytes()) for file in files]
    return [(header(name, len(content)), content) for name, content in contents]


def test_archives_that_are_no_cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes that cannot be, many members, the same file twice: refused at once."""
    good = cifar_members(tmp_path)
    cases: dict[str, list[tuple[tarfile.TarInfo, bytes]]] = {
        "a header with the size": [(header("x", 2**50), b"")],
        "a header with the size -": [(header("x", -512), b"")],
        "more than 1,000 members": [(header(f"{n}", 0), b"") for n in range(2000)],
        "two files test_batch": [*good, good[-1]],
        "'c/test_batch' with": [(header("c/test_batch", 500_000_000), b"")],
    }
    for what, members in cases.items():
        path = archive(tmp_path / "c.tar.gz", *members)
        assert what in refused(lambda path=path: open_cifar(path, "fine"))  # type: ignore[misc]
    for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
        path = archive(tmp_path / "c.tar.gz", (header("x", 1_000_000, kind), bytes(1_000_000)))
        assert "size 1,000,000," in refused(lambda path=path: open_cifar(path, "fine"))  # type: ignore[misc]
    deep = [(header("x", 0, tarfile.XHDTYPE), b"")] * 5000
    assert refused(lambda: open_cifar(archive(tmp_path / "c.tar.gz", *deep), "fine"))
    monkeypatch.setattr(cifar_archive, "MAX_TOTAL", 100_000)
    bomb = archive(tmp_path / "c.tar.gz", *[(header(f"{n}", 9000), bytes(9000)) for n in range(20)])
    assert "more than 100,000 bytes unpacked" in refused(lambda: open_cifar(bomb, "fine"))


def test_names_out_of_the_folder(tmp_path: Path) -> None:
    """Nothing is written, so a name that leads elsewhere is a name like any other."""
    members = cifar_members(tmp_path)
    for info, _ in members:
        info.name = f"../../{info.name}"
    (tmp_path / "in").mkdir()
    path = archive(tmp_path / "in/c.tar.gz", *members)
    before = sorted(tmp_path.rglob("*"))
    assert len(open_cifar(path, "fine").ids) == 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.fuzz
def test_damaged_archives(tmp_path: Path) -> None:
    """A damaged archive, packed or unpacked, is read or refused in one line."""
    path = archive(tmp_path / "c.tar.gz", *cifar_members(tmp_path))
    packed = path.read_bytes()
    read: Callable[[], object] = lambda: open_cifar(path, "fine")  # noqa: E731
    assert not refused(read)
    n_refused = 0
    for copy in mutations(packed, 1):
        path.write_bytes(copy)
        n_refused += bool(refused(read))
    for copy in mutations(gzip.decompress(packed), 2):
        path.write_bytes(gzip.compress(copy, 0))
        n_refused += bool(refused(read))
    assert n_refused > 200


def test_sparse_members(tmp_path: Path) -> None:
    """A sparse member may claim any size; it is as good as missing."""
    members = cifar_members(tmp_path)
    buffer = bytearray(members[-1][0].tobuf(tarfile.GNU_FORMAT))
    buffer[156:157] = tarfile.GNUTYPE_SPARSE
    buffer[386:410] = b"00000000000\0" + b"00000000000\0"
    buffer[483:495] = b"77777777777\0"  # 8 GB
    buffer[148:156] = b" " * 8
    buffer[148:156] = f"{sum(buffer[:512]):06o}\0 ".encode()
    stream = io.BytesIO()
    for info, content in members[:-1]:
        stream.write(info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))
    content = members[-1][1]
    stream.write(bytes(buffer) + content + bytes(-len(content) % 512) + bytes(1024))
    path = tmp_path / "c.tar.gz"
    path.write_bytes(gzip.compress(stream.getvalue(), 1))
    assert "is missing" in refused(lambda: open_cifar(path, "fine"))
