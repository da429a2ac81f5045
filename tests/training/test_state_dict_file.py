"""Weights files that were damaged, or made to exhaust memory, or hold tensors of other kinds."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save_file

from noisefind.training.networks import build_network
from noisefind.training.state_dict_file import read_state_dict
from noisefind.training.weights import load_weights
from tests.fuzz import mutations, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "one-conv"


def state_dict() -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = build_network(NAME, 2, 9).state_dict()
    return state


def load(file: Path) -> list[str]:
    return load_weights(build_network(NAME, 2, 9), file, name=NAME, n_classes=2, image_size=9)


def saved(file: Path, state: Any, kind: str = "zip") -> Path:
    if kind == "safetensors":
        save_file(state, file)
    else:
        torch.save(state, file, _use_new_zipfile_serialization=kind == "zip")
    return file


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_every_format(tmp_path: Path, kind: str, suffix: str) -> None:
    """The three formats give the same tensors; safetensors is recognised by its content too."""
    file = saved(tmp_path / f"w{suffix}", state_dict(), kind)
    if suffix == ".safetensors" and kind != "safetensors":
        assert "cannot be read" in refused(lambda: load(file))
    else:
        assert read_state_dict(file).keys() == state_dict().keys()
        assert load(file) == []


def test_parameters_and_other_floats(tmp_path: Path) -> None:
    """Parameters, half precision and shared storages are read, as torch reads them."""
    state: dict[str, torch.Tensor] = {
        key: torch.nn.Parameter(tensor.half()) for key, tensor in state_dict().items()
    }
    for kind in ("zip", "legacy"):
        assert load(saved(tmp_path / "w.pt", state, kind)) == []
        whole = torch.arange(10.0)
        both = read_state_dict(saved(tmp_path / "v.pt", {"a": whole[:5], "b": whole[5:]}, kind))
        assert torch.equal(both["b"], whole[5:])


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.fuzz
def test_damaged_files(tmp_path: Path, kind: str) -> None:
    """A damaged file is read or refused in one line."""
    file = saved(tmp_path / "w.pt", state_dict(), kind)
    n_refused = 0
    for copy in mutations(file.read_bytes(), seed=len(kind)):
        file.write_bytes(copy)
        n_refused += bool(refused(lambda: load(file)))
    assert n_refused > 100


def with_pickle(file: Path, content: bytes) -> Path:
    """An archive of torch.save whose pickle is another one."""
    buffer = io.BytesIO()
    torch.save(state_dict(), buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith("data.pkl") else old.read(name))
    return file


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.fuzz
def test_damaged_pickles_in_whole_files(tmp_path: Path, kind: str) -> None:
    """The same where all check sums are right."""
    buffer = io.BytesIO()
    torch.save(state_dict(), buffer)
    with zipfile.ZipFile(buffer) as archive:
        content = archive.read("archive/data.pkl")
    file = tmp_path / "w.pt"
    assert read_state_dict(with_pickle(file, content)).keys() == state_dict().keys()
    for copy in mutations(content, seed=9 + len(kind)):
        if kind == "zip":
            with_pickle(file, copy)
        else:
            file.write_bytes(legacy(copy))
        refused(lambda: load(file))


def legacy(content: bytes) -> bytes:
    """A file of the old format with any pickle, and no content of storages."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
    return magic + pickle.dumps({"little_endian": True}, 2) + content + pickle.dumps([], 2)


def test_dicts_of_python_2(tmp_path: Path) -> None:
    """Python 2 made an OrderedDict of a list of pairs; a list serves once."""
    tensor = pickle_of(next(iter(state_dict().values())))
    made = b"ccollections\nOrderedDict\n(](](X\1\0\0\0a" + tensor + b"eeq\xfatR"
    file = with_pickle(tmp_path / "w.pt", made + b".")
    assert read_state_dict(file).keys() == {"a"}
    again = made + b"ccollections\nOrderedDict\n(h\xfatR\x86."
    assert "names and values" in refused(lambda: load(with_pickle(tmp_path / "w.pt", again)))


def pickle_of(tensor: torch.Tensor) -> bytes:
    """The part of a pickle of torch.save that is one tensor."""
    buffer = io.BytesIO()
    torch.save(tensor, buffer)
    with zipfile.ZipFile(buffer) as archive:
        return archive.read("archive/data.pkl")[2:-1]


STORAGE = b"(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\n\x8a\x08" + struct.pack("<q", 2**40) + b"tQ"
ATTACKS = {
    "hash": b"})q\0" + b"h\0h\0\x86q\0" * 60 + b"K\1s.",
    "bytearray": b"}Va\ncbuiltins\nbytearray\n(\x8a\x08" + struct.pack("<q", 2**40) + b"tRs.",
    "storage": b"}Va\n" + STORAGE + b"s.",
    "index": b"}r\xff\xff\xff\x7f.",
    "code": b"cos\nsystem\n(Vtrue\ntR.",
    "set": b"\x8f.",
    "id": b"})Q.",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_never_reach_torch(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would exhaust time or memory is refused before torch reads it."""
    monkeypatch.setattr(torch, "load", None)
    file = with_pickle(tmp_path / "w.pt", ATTACKS[name])
    assert "cannot be read" in refused(lambda: load(file))
    file.write_bytes(legacy(ATTACKS[name]))
    assert "cannot be read" in refused(lambda: load(file))


def test_archives_that_torch_never_writes(tmp_path: Path) -> None:
    """A compressed archive may be a bomb, and one without a pickle holds no tensors."""
    file = tmp_path / "w.pt"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**7))
    assert "it is compressed" in refused(lambda: load(file))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", b"")
    assert "has no data.pkl" in refused(lambda: load(file))


def changed(change: Callable[[torch.Tensor], object]) -> dict[str, Any]:
    """The state_dict with the first tensor changed."""
    state: dict[str, Any] = state_dict()
    first = next(iter(state))
    return {**state, first: change(state[first])}


def quantized(tensor: torch.Tensor) -> torch.Tensor:
    return torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda t: t.to_sparse(), "refers to 'torch._utils._rebuild_sparse_tensor'"),
        (quantized, "refers to 'torch._utils._rebuild_qtensor'"),
        (lambda t: t.to("meta"), "refers to 'torch._utils._rebuild_meta_tensor_no_storage'"),
        (lambda t: t.to(torch.complex64), "has torch.complex64 in "),
        (lambda t: t.to(torch.int64), "has torch.int64 in "),
        (lambda t: t > 0, "has torch.bool in "),
        (lambda t: t * torch.nan, "that are not finite"),
        (lambda t: t.double() * 1e300, "that are not finite"),
        (lambda _: torch.zeros(1).expand(2**40), "has another shape of "),
        (lambda _: 3, "holds no state_dict but int at "),
        (lambda _: {"a": 1}, "holds no state_dict but dict at "),
        (lambda _: None, "holds no state_dict but NoneType at "),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_tensors_that_are_no_weights(
    tmp_path: Path, kind: str, change: Callable[[torch.Tensor], object], what: str
) -> None:
    """Weights are dense tensors of finite floats; the message names the tensor or its kind."""
    file = saved(tmp_path / "w.pt", changed(change), kind)
    assert what in refused(lambda: load(file))


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool])
def test_safetensors_of_other_types(tmp_path: Path, dtype: torch.dtype) -> None:
    """The same rule holds for safetensors."""
    file = saved(tmp_path / "w.pt", changed(lambda t: t.to(dtype)), "safetensors")
    assert f"has {dtype} in " in refused(lambda: load(file))


def test_other_files(tmp_path: Path) -> None:
    """Empty files, folders, missing files, whole networks and no dict are refused in one line."""
    (tmp_path / "empty").touch()
    saved(tmp_path / "network", build_network(NAME, 2, 9))
    saved(tmp_path / "keys", {1: torch.zeros(1)})
    saved(tmp_path / "tensor", torch.zeros(1))
    saved(tmp_path / "none", {})
    for name in ("empty", "network", "missing", "."):
        assert "cannot be read" in refused(lambda name=name: load(tmp_path / name))  # type: ignore[misc]
    for name in ("keys", "tensor", "none"):
        assert "holds no state_dict" in refused(lambda name=name: load(tmp_path / name))  # type: ignore[misc]
