"""CIFAR-10 and CIFAR-100 in their python format, and pickles that are something else."""

from __future__ import annotations

import os
import pickle
import struct
import sys
import tarfile
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.data.safe_pickle import read_pickle
from noisefind.errors import ConfigError, DataError
from tests.images import (
    CIFAR10_NAMES,
    cifar_rows,
    given,
    one_line,
    opened,
    write_cifar10,
    write_cifar100,
    write_images,
    write_pickle,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pack(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    return archive


def python2_pickle(value: object) -> bytes:
    """What Python 2 and numpy 1 wrote: byte strings, protocol 2, numpy.core."""
    return b"\x80\x02" + _python2(value) + b"."


def _python2(value: object) -> bytes:
    if isinstance(value, dict):
        items = b"".join(_python2(key) + _python2(item) for key, item in value.items())
        return b"}(" + items + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_python2, value)) + b"e"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, np.ndarray):
        make = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _python2(0) + b"\x85"
        dtype = b"cnumpy\ndtype\n" + _python2("u1") + _python2(0) + _python2(1) + b"\x87R("
        dtype += _python2(3) + _python2("|") + b"NNN" + _python2(-1) + _python2(-1) + b"K\0tb"
        shape = b"(" + b"".join(map(_python2, value.shape)) + b"t"
        state = b"(" + _python2(1) + shape + dtype + b"\x89" + _python2(value.tobytes()) + b"tb"
        return make + _python2("b") + b"\x87R" + state
    raw = value if isinstance(value, bytes) else str(value).encode()
    return b"T" + struct.pack("<i", len(raw)) + raw


def test_order_and_names(tmp_path: Path) -> None:
    """Ids count through the batches in order; classes are sorted names; train is the default."""
    dataset = opened(write_cifar10(tmp_path, batch_sizes=[1] * 10 + [2], n_test=2), split="all")

    assert dataset.ids == ("test/00000", "test/00001", *(f"train/{i:05d}" for i in range(12)))
    assert dataset.splits == ("test",) * 2 + ("train",) * 12
    assert given(dataset)["train/00010"] == "truck"
    assert given(dataset)["train/00011"] == "ship"
    assert dataset.classes == ("ship", "truck")
    expected = cifar_rows(2, 11)[1].reshape(3, 32, 32)
    assert isinstance(dataset.images, np.ndarray)
    assert np.array_equal(dataset.images[-1][:, :, 2], expected[2])
    assert opened(tmp_path).ids == dataset.ids[2:]


def test_pixels(tmp_path: Path) -> None:
    """Images are uint8 (N, 32, 32, 3), channels last in memory too."""
    images = opened(write_cifar10(tmp_path, batch_sizes=[3])).images

    assert isinstance(images, np.ndarray)
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    expected = cifar_rows(3, 1).reshape(3, 3, 32, 32)
    assert np.array_equal(np.moveaxis(images, 3, 1), expected)


def test_ways_to_name_it(tmp_path: Path) -> None:
    """The directory, the one that contains it, and the archive give the same images."""
    folder = write_cifar10(tmp_path / "a")
    archive = pack(folder, tmp_path / "c.tar.gz")
    before = sorted(tmp_path.rglob("*"))

    datasets = [opened(path) for path in (folder, tmp_path / "a", archive)]

    for dataset in datasets:
        assert given(dataset) == given(datasets[0])
        assert np.array_equal(dataset.images, datasets[0].images)  # type: ignore[arg-type]
    assert [dataset.root for dataset in datasets] == [folder, folder, archive]
    assert sorted(tmp_path.rglob("*")) == before


def test_both_in_one_folder(tmp_path: Path) -> None:
    """A folder that contains both is ambiguous."""
    write_cifar10(tmp_path)
    write_cifar100(tmp_path)

    with pytest.raises(DataError, match="contains cifar-10-batches-py and cifar-100-python: give"):
        opened(tmp_path)


def test_fine_and_coarse(tmp_path: Path) -> None:
    """CIFAR-100 has two labellings, fine unless coarse is asked for; CIFAR-10 has one."""
    folder = write_cifar100(tmp_path)

    assert list(given(opened(folder)).values()) == ["f99", "f98", "f97", "f96"]
    assert list(given(opened(folder, cifar_labels="coarse")).values()) == [
        "c19",
        "c18",
        "c17",
        "c16",
    ]
    with pytest.raises(ConfigError, match="CIFAR-10, only CIFAR-100 has them"):
        opened(write_cifar10(tmp_path), cifar_labels="coarse")


def test_splits(tmp_path: Path) -> None:
    """CIFAR has train and test."""
    write_cifar10(tmp_path)

    assert opened(tmp_path, split="test").ids == ("test/00000", "test/00001")
    with pytest.raises(DataError, match="no split 'validation': choose of test, train, all"):
        opened(tmp_path, split="validation")


def test_a_class_folder_named_train_is_no_cifar(tmp_path: Path) -> None:
    """Folders of images beside a file `meta` stay folders of images."""
    write_images(tmp_path, "train/cat/1.png", "train/dog/1.png")
    (tmp_path / "meta").touch()

    assert opened(tmp_path).classes == ("cat", "dog")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_python_3(tmp_path: Path, protocol: int) -> None:
    """Every protocol is read, with keys as str or bytes, numbers of numpy, any memory order."""
    folder = write_cifar10(tmp_path, batch_sizes=[2, 1, 1], protocol=protocol)
    rows = np.asfortranarray(cifar_rows(2, 1))
    batch = {b"data": rows, b"labels": [np.int64(3), 2], b"filenames": [b"\xff", "a"]}
    write_pickle(folder / "data_batch_1", batch, protocol)
    batch = {b"data": cifar_rows(1, 2), b"labels": np.array([1], ">i4")}
    write_pickle(folder / "data_batch_2", batch, protocol)
    names = [name.encode() for name in CIFAR10_NAMES]
    write_pickle(folder / "batches.meta", {b"label_names": names}, protocol)

    dataset = opened(folder)

    assert list(given(dataset).values()) == ["cat", "bird", "automobile", "truck"]
    assert isinstance(dataset.images, np.ndarray)
    assert np.array_equal(np.moveaxis(dataset.images, 3, 1)[:2].reshape(2, -1), rows)


def test_pickles_of_python_2(tmp_path: Path) -> None:
    """The original files hold byte strings, which are read as the texts and arrays they are."""
    folder = write_cifar10(tmp_path)
    values: dict[str, dict[str, object]] = {
        "data_batch_1": {"data": cifar_rows(2, 1), "labels": [3, 2]},
        "batches.meta": {"label_names": CIFAR10_NAMES},
    }
    for name, value in values.items():
        raw = python2_pickle(value)
        assert set(pickle.loads(raw, encoding="latin1")) == set(value)
        (folder / name).write_bytes(raw)

    dataset = opened(folder)

    assert list(given(dataset).values())[:2] == ["cat", "bird"]
    assert isinstance(dataset.images, np.ndarray)
    assert np.array_equal(dataset.images[1, :, :, 0].ravel(), cifar_rows(2, 1)[1, :1024])


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def attack(name: str, witness: Path) -> bytes:
    """A pickle that creates a file when a stock unpickler reads it."""
    path, command = str(witness).encode(), f"touch {witness}".encode()
    touch = f"open({str(witness)!r}, 'w').close()"
    match name:
        case "system":
            return pickle.dumps({"data": Calls(os.system, command.decode())})
        case "eval":
            return pickle.dumps({"data": Calls(eval, touch)}, 2)
        case "open":
            return pickle.dumps([Calls(open, str(witness), "w")], 0)
        case "numpy":
            return pickle.dumps(Calls(np.ndarray.tofile, np.zeros(1), str(witness)))
        case "instance":
            return b"(Vtouch " + path + b"\nios\nsystem\n."
        case "getattr":
            os_module = b"cbuiltins\n__import__\n(Vos\ntR"
            return b"cbuiltins\ngetattr\n(" + os_module + b"Vsystem\ntR(V" + command + b"\ntR."
        case _:  # the name may have dots: pathlib imports os
            assert name == "dotted"
            dotted = b"\x80\x04\x8c\x07pathlib\x8c\x09os.system\x93"
            return dotted + b"X" + struct.pack("<I", len(command)) + command + b"\x85R."


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    "name", ["system", "eval", "open", "numpy", "instance", "getattr", "dotted"]
)
def test_malicious_pickles(tmp_path: Path, name: str) -> None:
    """What a stock unpickler would run is an error here, and does not run."""
    folder = write_cifar10(tmp_path)
    witness = tmp_path / "witness"
    pickle.loads(attack(name, witness))
    assert witness.exists()
    witness.unlink()
    (folder / "data_batch_2").write_bytes(attack(name, witness))

    with pytest.raises(DataError, match=r"data_batch_2' is damaged or no CIFAR .*it refers to"):
        opened(folder)
    with pytest.raises(DataError, match=r"data_batch_2' is damaged or no CIFAR .*it refers to"):
        opened(pack(folder, tmp_path / "c.tgz"))
    assert not witness.exists()


def test_pickles_change_nothing() -> None:
    """Neither numpy's types nor our own functions can be altered by a pickle."""
    swapped = b"cnumpy\ndtype\n(Vu8\nI0\nI0\ntR(I3\nV>\nNNNI-1\nI-1\nI0\ntb0}."
    assert read_pickle(swapped, "x") == {}
    assert np.dtype("u8").byteorder == "="

    for target in ("_codecs\nencode", "numpy\ndtype", "numpy\nndarray"):
        attribute = b"c" + target.encode() + b"\n(N}V__doc__\nVhacked\nstb0}."
        with pytest.raises(DataError, match="'x' is damaged"):
            read_pickle(attribute, "x")


GOOD = {"data": cifar_rows(2, 0), "labels": [0, 1]}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("test_batch", GOOD["labels"], "expected a dict"),
        ("test_batch", {**GOOD, "data": [1]}, "'data' must be uint8 (N, 3072), not list"),
        ("test_batch", {"labels": [0, 1]}, "'data' must be uint8 (N, 3072), not NoneType"),
        ("test_batch", {**GOOD, "data": cifar_rows(2, 0)[:, 1:]}, "not uint8 (2, 3071)"),
        ("test_batch", {**GOOD, "data": cifar_rows(2, 0)[0]}, "not uint8 (3072,)"),
        ("test_batch", {"data": cifar_rows(0, 0), "labels": []}, "not uint8 (0, 3072)"),
        ("test_batch", {**GOOD, "data": cifar_rows(2, 0).astype(int)}, "not int64 (2, 3072)"),
        ("test_batch", {**GOOD, "data": np.zeros((2, 3072))}, "arrays of 'f8'"),
        ("test_batch", {"data": GOOD["data"]}, "'labels' must be a list of 2 class numbers"),
        ("test_batch", {**GOOD, "labels": [0]}, "'labels' must be a list of 2 class numbers"),
        ("test_batch", {**GOOD, "labels": [0, 10]}, "'labels' holds 10, not 0 to 9"),
        ("test_batch", {**GOOD, "labels": [-1, 0]}, "'labels' holds -1, not 0 to 9"),
        ("test_batch", {**GOOD, "labels": [0, "cat"]}, "'labels' holds 'cat', not 0 to 9"),
        ("batches.meta", {}, "'label_names' must be a list of different class names"),
        ("batches.meta", {"label_names": ["a", 1]}, "'label_names' must be a list of different"),
        ("batches.meta", {"label_names": ["a", "a"]}, "'label_names' must be a list of different"),
        ("batches.meta", {"label_names": ["a", ""]}, "'label_names' must be a list of different"),
    ],
)
def test_wrong_content(tmp_path: Path, name: str, value: object, message: str) -> None:
    """Content of another shape is one line that names the file and what is wrong."""
    write_pickle(write_cifar10(tmp_path) / name, value, protocol=4)

    with pytest.raises(DataError) as caught:
        opened(tmp_path)

    assert message in str(caught.value)
    assert f"cifar-10-batches-py/{name}'" in str(caught.value)
    assert one_line(caught.value)


def damaged_pickles() -> list[bytes]:
    """Pieces of a batch, and of something else."""
    raw = pickle.dumps(GOOD, 2)
    shape = raw.replace(b"M\x00\x0c", b"M\x00\x0d")
    return [b"", raw[:100], raw[:-1], b"<html>404</html>", b"\x80\xff.", raw[:50] + raw, shape]


@pytest.mark.parametrize("content", damaged_pickles(), ids=range(7))
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    """A damaged file is named, whatever the unpickler stumbles over."""
    (write_cifar10(tmp_path) / "test_batch").write_bytes(content)

    with pytest.raises(DataError, match="test_batch' is damaged or no CIFAR file") as caught:
        opened(tmp_path)
    assert one_line(caught.value)


@pytest.mark.parametrize("name", ["test_batch", "data_batch_1", "data_batch_2", "batches.meta"])
def test_missing_files(tmp_path: Path, name: str) -> None:
    """Without a file the positions of later images would shift: an error names it."""
    folder = write_cifar10(tmp_path, batch_sizes=[1, 1, 1])
    (folder / name).unlink()

    with pytest.raises(DataError, match=f"{name}' is missing: this CIFAR-10 is incomplete"):
        opened(folder)


def test_archives_that_are_none(tmp_path: Path) -> None:
    """A truncated archive, another file and an archive of something else are named."""
    archive = pack(write_cifar10(tmp_path), tmp_path / "c.tar.gz")
    archive.write_bytes(archive.read_bytes()[:-1000])
    with pytest.raises(DataError, match=r"c\.tar\.gz' is damaged or no \.tar\.gz"):
        opened(archive)
    archive.write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"c\.tar\.gz' is damaged or no \.tar\.gz"):
        opened(archive)
    images = write_images(tmp_path / "images", "cat/1.png", "dog/1.png")
    with pytest.raises(DataError, match=r"c\.tar\.gz' holds neither CIFAR-10 nor CIFAR-100"):
        opened(pack(images, archive))


def test_links_in_an_archive(tmp_path: Path) -> None:
    """Only regular members are read; a link that leads out is as good as missing."""
    folder = write_cifar10(tmp_path)
    (folder / "test_batch").rename(tmp_path / "test_batch")
    (folder / "test_batch").symlink_to(tmp_path / "test_batch")

    with pytest.raises(DataError, match="test_batch' is missing"):
        opened(pack(folder, tmp_path / "c.tar.gz"))


def test_fingerprint(tmp_path: Path) -> None:
    """It changes with the files and with what is chosen, never with the labels."""
    folder = write_cifar100(tmp_path)
    fingerprint = opened(folder).fingerprint

    assert opened(folder, cifar_labels="coarse").fingerprint == fingerprint
    assert opened(folder, split="all").fingerprint != fingerprint
    os.utime(folder / "train", ns=(0, 1))
    assert opened(folder).fingerprint != fingerprint


class Torchvision:
    """Stands in for torchvision.datasets, which would ask the network."""

    def __init__(self, error: Exception | None = None) -> None:
        self.n_downloads = 0
        self.error = error

    def CIFAR10(self, root: Path, *, download: bool) -> None:  # noqa: N802 - torchvision's name
        assert download
        self.n_downloads += 1
        print("Files already downloaded and verified")
        write_cifar10(root)
        if self.error is not None:
            raise self.error


def pretend(monkeypatch: pytest.MonkeyPatch, torchvision: Torchvision) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(datasets=torchvision))


def test_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that is no path downloads once, after saying so; stdout stays clean."""
    torchvision = Torchvision()
    pretend(monkeypatch, torchvision)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []

    for _ in range(2):
        dataset = opened("cifar10", cache_dir=tmp_path / "cache", say=said.append)

    place = tmp_path / "cache/datasets/cifar-10-batches-py"
    assert dataset.root == place
    assert torchvision.n_downloads == 1
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    assert said == [f"downloading CIFAR-10 (170 MB) from {url} to '{place}'"]
    assert capsys.readouterr().out == ""


def test_a_path_goes_before_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a folder cifar10 lies, that is meant."""
    write_images(tmp_path / "cifar10", "cat/1.png", "dog/1.png")
    monkeypatch.chdir(tmp_path)

    assert opened("cifar10").classes == ("cat", "dog")


@pytest.mark.parametrize("error", [OSError("no network"), RuntimeError("no network")])
def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A failed download says what to do instead, and leaves nothing half done behind."""
    pretend(monkeypatch, Torchvision(error))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DataError, match=r"\(no network\): fetch https.*gz by hand and give its"):
        opened("cifar10", cache_dir=tmp_path)
    assert [path.name for path in (tmp_path / "datasets").iterdir()] in ([], ["cifar10.lock"])
