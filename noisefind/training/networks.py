"""The networks that are trained from pixels."""

from __future__ import annotations

import torch
from torch import nn

SMALL_IMAGE = 64  # px; below it resnet18 takes the form that is usual for CIFAR


def build_network(name: str, n_classes: int, image_size: int) -> nn.Module:
    """A network from scratch: images (B, 3, S, S) to logits (B, C)."""
    if name == "cnn":
        return small_cnn(n_classes, image_size)
    if name == "resnet18":
        return resnet18(n_classes, image_size)
    raise ValueError(f"no network is called {name!r}")


def small_cnn(n_classes: int, image_size: int) -> nn.Module:
    """Convolutions of 32, 64 and 128 channels, each halving the image; one more from 64 px on."""
    widths = [32, 64, 128] + ([128] if image_size >= SMALL_IMAGE else [])
    layers: list[nn.Module] = []
    n_channels = 3
    for width in widths:
        layers += [
            nn.Conv2d(n_channels, width, 3, padding=1, bias=False),
            nn.MaxPool2d(2, ceil_mode=True),  # before norm and ReLU: a quarter of their work
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        n_channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n_channels, n_classes)]
    return nn.Sequential(*layers)


def resnet18(n_classes: int, image_size: int) -> nn.Module:
    """torchvision's ResNet-18; for small images with a 3x3 first convolution and no max-pool."""
    from torchvision.models import resnet18 as torchvision_resnet18

    network: nn.Module = torchvision_resnet18(weights=None, num_classes=n_classes)
    if image_size < SMALL_IMAGE:
        network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    return network


def to_input(batch: torch.Tensor) -> torch.Tensor:
    """uint8 images (B, S, S, 3) to what networks take: (B, 3, S, S) float32, about -2 to 2.

    The result has the channels-last layout, in which CPUs and GPUs convolve fastest.
    """
    return batch.permute(0, 3, 1, 2).float().sub_(127.5).div_(63.75)
