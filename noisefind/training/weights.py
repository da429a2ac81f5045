"""Weights of the user, loaded into a network."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from typing import TYPE_CHECKING, cast

import torch

from noisefind.errors import ConfigError
from noisefind.training.divergence import are_usable
from noisefind.training.networks import build_network

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

HOW = "it must be what torch.save(network.state_dict(), FILE) wrote for this --network"
COUNTER = "num_batches_tracked"  # of batch norms; files from before PyTorch 0.4.1 lack it


def load_weights(
    network: nn.Module, file: Path, *, name: str, n_classes: int, image_size: int
) -> list[str]:
    """Put the tensors of ``file`` into ``network``.

    The head stays as it is where the file's is for another number of classes or is missing.

    Args:
        network: from :func:`build_network`.
        file: a state_dict; loaded with ``weights_only=True``, so that it can run no code.
        name: the network's.
        n_classes: that it was built for.
        image_size: in px, that it was built for.

    Returns:
        Names of the tensors that the file did not give: none, or the head's.

    Raises:
        ConfigError: the file cannot be read, its tensors are not this network's, or a number in
            them is not finite.
    """
    given, own = _read(file), network.state_dict()
    head = _head_names(network, name, n_classes, image_size)
    unknown = [key for key in given if key not in own]
    missing = [key for key in own if key not in given and not key.endswith(COUNTER)]
    misfit = [key for key in own if key in given and given[key].shape != own[key].shape]
    fresh = head if {*missing, *misfit} & head else set()
    for what, keys in (
        ("has no", sorted({*missing} - head)),
        ("has an unknown", unknown),
        ("has another shape of", sorted({*misfit} - head)),
    ):
        if keys:
            more = f" (and {len(keys) - 1} more)" if len(keys) > 1 else ""
            raise ConfigError(f"--weights {file} {what} {keys[0]}{more} for {name}; {HOW}")
    taken = {key: tensor for key, tensor in given.items() if key not in fresh}
    broken = [key for key, tensor in taken.items() if not _is_usable(tensor)]
    if broken:
        raise ConfigError(
            f"--weights {file}: {broken[0]} holds numbers that are not finite; save the weights "
            "of a training that did not diverge"
        )
    network.load_state_dict(taken, strict=False)
    return sorted(fresh)


def file_digest(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _read(file: Path) -> dict[str, torch.Tensor]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of strange files; they are refused anyhow
            given = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ConfigError(f"--weights {file}: cannot be read: {reason}; {HOW}") from None
    if not isinstance(given, dict) or not all(isinstance(v, torch.Tensor) for v in given.values()):
        raise ConfigError(f"--weights {file}: holds no state_dict; {HOW}")
    return cast("dict[str, torch.Tensor]", given)


def _is_usable(tensor: torch.Tensor) -> bool:
    """Whether a tensor of the file holds finite numbers; counters always do."""
    return not tensor.is_floating_point() or tensor.numel() == 0 or are_usable(tensor.float())


def _head_names(network: nn.Module, name: str, n_classes: int, image_size: int) -> set[str]:
    """Names of the tensors whose shapes depend on the number of classes."""
    shapes = {key: tensor.shape for key, tensor in network.state_dict().items()}
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        other = build_network(name, n_classes + 1, image_size).state_dict()
    return {key for key, shape in shapes.items() if other[key].shape != shape}
