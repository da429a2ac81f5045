"""Feature vectors by any network of timm: the pooled output before its classifier."""

from __future__ import annotations

import difflib
import hashlib
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from noisefind.errors import ConfigError
from noisefind.features.frozen import FrozenNetwork, resize
from noisefind.training.state_dict_file import HOW, read_state_dict, unusable_value
from noisefind.utils.text import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.utils.progress import Progress


class TimmFeatures(nn.Module):
    """uint8 images (B, S, S, 3) to ``network``'s features (B, d), normalised as in its training."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        from timm.data import resolve_data_config

        usual = resolve_data_config(model=network)
        self.size, self.mode = size, usual["interpolation"]
        self.register_buffer("mean", 255 * torch.tensor(usual["mean"]).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(usual["std"]).view(1, 3, 1, 1))
        self.network = network.to(memory_format=torch.channels_last)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """The feature vectors."""
        mode = self.mode if self.mode in {"bilinear", "bicubic"} else "bicubic"
        x = resize(batch, self.size, mode).clamp(0, 255)  # bicubic overshoots
        x = ((x - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        features: torch.Tensor = self.network(x)
        return features


def timm_network(name: str, weights: Path | None, progress: Progress) -> FrozenNetwork:
    """The network that timm calls ``name``, as ``resnet18`` or ``resnet18.a1_in1k``.

    Args:
        name: one of ``timm.list_models()``, with or without the tag of its weights.
        weights: its state dict, .safetensors or of ``torch.save``; None: timm downloads its own.
        progress: prints a line before anything is downloaded.

    Raises:
        ConfigError: no such network, weights of another network, or a failed download.
    """
    import timm

    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), 3, 0.5)
        raise ConfigError(
            f"--features timm:{name}: timm {timm.__version__} has no such network"
            + (f"; near: {', '.join(near)}" if near else "; timm.list_models() names all")
        )
    if weights is None:
        progress.say(f"timm downloads the weights of {name}, unless they are already downloaded")
    try:
        network: Any = timm.create_model(name, pretrained=weights is None, num_classes=0)
    except Exception as error:  # noqa: BLE001  a download fails in many ways
        raise ConfigError(
            f"--features timm:{name}: cannot be loaded by timm: {error_text(error, 300)}; "
            "give its state dict as --weights FILE"
        ) from None
    if weights is not None:
        _load(network, weights, name)
    config = network.pretrained_cfg
    own_size = config["input_size"][-1] if config.get("fixed_input_size") else None
    label = f"timm {name} {_digest(network)}"
    return FrozenNetwork(label, own_size, lambda size: TimmFeatures(network, size).eval())


def _load(network: Any, file: Path, name: str) -> None:
    """Load a state dict; its classifier, which gives no features, may be of any size."""
    state, own = read_state_dict(file), network.state_dict()
    classifier = network.pretrained_cfg.get("classifier") or ()
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    state = {
        key: value
        for key, value in state.items()
        if key in own or not key.startswith(tuple(f"{head}." for head in heads))
    }
    reason = unusable_value(state, own)
    if not reason:
        try:
            network.load_state_dict(state)
        except Exception as error:  # noqa: BLE001  other names or shapes, and whatever torch raises
            reason = error_text(error, 300)
    if reason:
        raise ConfigError(
            f"--weights {file}: is not the state dict of timm's {name}: {reason}; {HOW}"
        )


def _digest(network: nn.Module) -> str:
    """A hash of all weights, so that features in the cache are never those of other weights."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:24]
