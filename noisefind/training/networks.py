"""The networks that are trained from pixels."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from noisefind.errors import ConfigError
from noisefind.training.lite import Lite0, load_backbone

SMALL_IMAGE = 64  # px; below it resnet18 takes the form that is usual for CIFAR
OWN = ("cnn", "lite0", "resnet18", "resnet18-plain", "one-conv")


def require_known(networks: tuple[str, ...]) -> None:
    """Refuse a name that no network has.

    Raises:
        ConfigError: it names the nearest ones.
    """
    if set(networks) <= {"probe", *OWN}:
        return  # without the seconds that importing torchvision takes
    known = ["probe", *OWN, *_torchvision_names()]
    for name in networks:
        if name not in known:
            near = get_close_matches(name, known, cutoff=0.5)
            hint = f"; near it: {', '.join(near)}" if near else ""
            raise ConfigError(
                f"--network is {name!r}; it must be one of probe, {', '.join(OWN)}, or the name of "
                f"a torchvision classifier{hint}"
            )


def require_size(network: str, image_size: int) -> None:
    """Refuse images that are too small for a network, or of no size that it takes.

    Raises:
        ConfigError: the network cannot be built for them or cannot take them.
    """
    if network in OWN:
        return  # they take every --image-size
    try:
        with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
            built = build_network(network, 2, image_size).to("meta")  # shapes only, no arithmetic
        built(torch.empty(2, 3, image_size, image_size, device="meta"))
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"--network {network} does not take images of {image_size} px ({reason}); give another "
            "--image-size, 224 for most networks, 299 for inception_v3"
        ) from None


def build_network(name: str, n_classes: int, image_size: int) -> nn.Module:
    """A network, from scratch but for lite0: images (B, 3, S, S) to logits (B, C)."""
    if name == "cnn":
        return small_cnn(n_classes, image_size)
    if name == "lite0":
        return Lite0(load_backbone(), n_classes)
    if name == "resnet18":
        return resnet18(n_classes, image_size)
    if name == "resnet18-plain":
        return resnet18_plain(n_classes)
    if name == "one-conv":
        return one_conv(n_classes, image_size)
    if name in _torchvision_names():
        return torchvision_network(name, n_classes, image_size)
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
    network = torchvision_network("resnet18", n_classes, image_size)
    if image_size < SMALL_IMAGE:
        network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    return network


def resnet18_plain(n_classes: int) -> nn.Module:
    """ResNet-18's convolutions without its shortcuts, as in the thesis for CIFAR-100.

    A 3x3 first convolution and no max-pool; four stages of two blocks conv-bn-relu-conv-bn with
    strides 1, 1, 1, 2. A block ends in its batch norm: nothing is added to it, no ReLU follows.
    """

    def convolution(n_in: int, n_out: int, stride: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(n_out)]

    layers: list[nn.Module] = [*convolution(3, 64), nn.ReLU(inplace=True)]
    n_channels = 64
    for width, first_stride in ((64, 1), (128, 1), (256, 1), (512, 2)):
        for stride in (first_stride, 1):
            before = convolution(n_channels, width, stride)
            after = convolution(width, width)
            layers.append(nn.Sequential(*before, nn.ReLU(inplace=True), *after))
            n_channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n_channels, n_classes)]
    return nn.Sequential(*layers)


def one_conv(n_classes: int, image_size: int) -> nn.Module:
    """The thesis' network of one convolution: 8 filters of 5x5, stride 2, ReLU, max-pool of 2."""
    side = ((image_size - 5) // 2 + 1) // 2
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * side**2, n_classes),
    )


def torchvision_network(name: str, n_classes: int, image_size: int) -> nn.Module:
    """A torchvision classifier with random weights; nothing is ever downloaded."""
    from torchvision.models import get_model

    options: dict[str, Any] = {}
    if name.startswith("vit_"):  # their position embedding has a size
        options["image_size"] = image_size
    if name in ("googlenet", "inception_v3"):  # or they warn that their default will change
        options["init_weights"] = True
    network: nn.Module = get_model(name, weights=None, num_classes=n_classes, **options)
    return network


def main_logits(output: Any) -> torch.Tensor:
    """The logits (B, C); GoogLeNet and Inception give those of auxiliary heads beside them."""
    logits: torch.Tensor = output if isinstance(output, torch.Tensor) else output.logits
    return logits


def _torchvision_names() -> list[str]:
    from torchvision import models

    names: list[str] = models.list_models(module=models)
    return names
