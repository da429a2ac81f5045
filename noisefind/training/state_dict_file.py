"""Reader of a file with a state_dict: of safetensors or of torch.save.

torch's own reader runs no foreign code with ``weights_only=True``, but it hashes any key, allocates
any size and builds tensors of any kind. So its pickle is first read here, with placeholders instead
of tensors. torch reads only a file that has passed.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import TYPE_CHECKING, cast

import torch

from noisefind.errors import ConfigError
from noisefind.utils.pickle_reader import PickleError, PickleReader
from noisefind.utils.text import error_text, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOW = "it must be a state_dict, written by torch.save(network.state_dict(), FILE) or by safetensors"
MAX_PICKLE = 64_000_000  # bytes; the tensors themselves are outside of the pickle
MAX_HEADER = 100_000_000  # bytes; the limit of safetensors
MAX_RECORDS = 100_000  # of a zip archive; one per tensor
LEGACY_PICKLES = 5  # magic number, version, system, the dict, keys of the storages


def read_state_dict(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of ``file`` by name, all dense, on the CPU.

    Raises:
        ConfigError: the file cannot be read, or holds anything else.
    """
    try:
        given = _read(file)
    except Exception as error:  # noqa: BLE001  a damaged or a hostile file raises nearly anything
        # torch's message advises to switch its safety off, so only its kind is repeated
        is_torchs = "weights_only" in str(error)
        reason = type(error).__name__ if is_torchs else error_text(error)
        raise ConfigError(f"--weights {file}: cannot be read: {reason}; {HOW}") from None
    if not isinstance(given, dict) or not given:
        raise ConfigError(f"--weights {file}: holds no state_dict; {HOW}")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            what = type(value).__name__
            raise ConfigError(
                f"--weights {file}: holds no state_dict but {what} at {shortened(key)}; {HOW}"
            )
        is_dense = value.layout == torch.strided and not value.is_quantized and not value.is_meta
        if not is_dense:
            raise ConfigError(f"--weights {file}: {shortened(key)} is no dense tensor; {HOW}")
    return cast("dict[str, torch.Tensor]", given)


def unusable_value(given: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> str:
    """The fault of the first tensor that has a wrong type or is not finite, or ``""``.

    Args:
        given: of a file; those of other names or shapes than in ``own`` are not looked at.
        own: of the network.
    """
    for key, tensor in given.items():
        if key not in own or tensor.shape != own[key].shape:
            continue  # a view of another shape may be larger than all memory
        want = own[key].dtype
        fits = tensor.is_floating_point() if want.is_floating_point else not tensor.is_complex()
        if not fits:
            return f"has {tensor.dtype} in {key}, not {want}"
        if want.is_floating_point and not bool(torch.isfinite(tensor.to(want)).all()):
            return f"has numbers in {key} that are not finite"
    return ""


def _read(file: Path) -> object:
    """The content of a file that has passed the check of its kind."""
    with file.open("rb") as content:
        start = content.read(9)
    n_header = int.from_bytes(start[:8], "little")
    has_header = len(start) > 8 and start[8:] == b"{" and n_header <= MAX_HEADER
    if file.suffix == ".safetensors" or has_header:
        from safetensors.torch import load_file

        return load_file(file)
    (_check_archive if start.startswith(b"PK\3\4") else _check_legacy)(file)  # as torch decides
    with warnings.catch_warnings(action="ignore"):  # of strange files; they are refused anyhow
        return torch.load(file, map_location="cpu", weights_only=True)


def _check_archive(file: Path) -> None:
    """A zip archive as torch.save writes it: nothing compressed, and one harmless pickle."""
    n_bytes = file.stat().st_size
    with zipfile.ZipFile(file) as archive:
        records = archive.infolist()
        if len(records) > MAX_RECORDS:
            raise PickleError(f"it has more than {MAX_RECORDS:,} records")
        if any(record.compress_type != zipfile.ZIP_STORED for record in records):
            raise PickleError("it is compressed")
        if sum(record.file_size for record in records) > n_bytes:
            raise PickleError("its records have more bytes than the file")
        pickles = [r for r in records if r.filename.rpartition("/")[2] == "data.pkl"]
        if len(pickles) != 1 or pickles[0].file_size > MAX_PICKLE:
            raise PickleError("it has no data.pkl as torch.save writes it")
        PickleReader(_name, _Storages(n_bytes).find).read(io.BytesIO(archive.read(pickles[0])))


def _check_legacy(file: Path) -> None:
    """The format before PyTorch 1.6: some pickles, then the content of the storages."""
    with file.open("rb") as content:
        stream = io.BytesIO(content.read(MAX_PICKLE))
    reader = PickleReader(_name, _Storages(file.stat().st_size).find)
    for _ in range(LEGACY_PICKLES):
        reader.read(stream)


class _Ordered(dict[object, object]):
    """Placeholder of an OrderedDict."""

    def build(self, state: object) -> None:
        """Take its attributes: state_dict has ``_metadata``."""
        if not isinstance(state, dict) or not state.keys() <= {"_metadata"}:
            raise PickleError("a dict with attributes")


class _Storages:
    """Checks the persistent ids: each is a storage, and all together are no more than the file."""

    def __init__(self, n_bytes: int) -> None:
        self._left = n_bytes
        self._seen: set[str] = set()

    def find(self, id_: object) -> None:
        """Check ``("storage", type, key, device, number of elements, ...)``."""
        match id_:
            case ("storage", type(), str(key), str(), int(n_elements), *_) if n_elements >= 0:
                if key not in self._seen:
                    self._seen.add(key)
                    self._left -= n_elements
                if self._left < 0:
                    raise PickleError("its tensors have more numbers than the file has bytes")
            case _:
                raise PickleError("an id of a storage is wrong")


def _ordered(pairs: object = ()) -> _Ordered:
    """An OrderedDict; Python 2 gave it a list of pairs."""
    made = _Ordered()
    if pairs == ():
        return made
    if not isinstance(pairs, list):
        raise PickleError("an OrderedDict is made of no list")
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise PickleError("an OrderedDict is not made of names and values")
        made[pair[0]] = pair[1]
    pairs[:] = [None]  # a list that is used again and again would cost torch much time: refused
    return made


def _no_tensor(*_: object) -> None:
    """Placeholder of a tensor; torch checks the arguments itself."""


_NAMES: dict[tuple[str, str], object] = {
    ("collections", "OrderedDict"): _ordered,
    ("torch._utils", "_rebuild_tensor"): _no_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _no_tensor,
    ("torch._utils", "_rebuild_parameter"): _no_tensor,
    ("torch", "Size"): lambda *_: (),
}


def _name(module: str, name: str) -> object:
    """The placeholder for a name in a file."""
    if module == "torch" and name.endswith("Storage"):
        return object
    if (module, name) not in _NAMES:
        raise PickleError(f"it refers to {shortened(f'{module}.{name}')}")
    return _NAMES[module, name]
