"""Weights of the user, loaded into a network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

from noisefind.errors import ConfigError
from noisefind.training.networks import build_network
from noisefind.training.state_dict_file import HOW, read_state_dict, unusable_value
from noisefind.utils.text import shortened

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

COUNTER = "num_batches_tracked"  # of batch norms; files from before PyTorch 0.4.1 lack it


def load_weights(
    network: nn.Module, file: Path, *, name: str, n_classes: int, image_size: int
) -> list[str]:
    """Put the tensors of ``file`` into ``network``.

    The head stays as it is where the file's is for another number of classes or is missing.

    Args:
        network: from :func:`build_network`.
        file: a state_dict, of safetensors or torch.save; it can run no code.
        name: the network's.
        n_classes: that it was built for.
        image_size: in px, that it was built for.

    Returns:
        Names of the tensors that the file did not give: none, or the head's.

    Raises:
        ConfigError: the file cannot be read, its tensors are not this network's, or a number in
            them is not finite.
    """
    given, own = read_state_dict(file), network.state_dict()
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
            first = keys[0] if keys[0] in own else shortened(keys[0])
            raise ConfigError(f"--weights {file} {what} {first}{more} for {name}; {HOW}")
    taken = {key: tensor for key, tensor in given.items() if key not in fresh}
    if unusable := unusable_value(taken, own):
        raise ConfigError(f"--weights {file} {unusable}; {HOW}")
    network.load_state_dict(taken, strict=False)
    return sorted(fresh)


def file_digest(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _head_names(network: nn.Module, name: str, n_classes: int, image_size: int) -> set[str]:
    """Names of the tensors whose shapes depend on the number of classes."""
    shapes = {key: tensor.shape for key, tensor in network.state_dict().items()}
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        other = build_network(name, n_classes + 1, image_size).state_dict()
    return {key for key, shape in shapes.items() if other[key].shape != shape}
