"""EfficientNet-Lite0 as it is used: frozen, its batch normalisations folded into its convolutions.

Tan and Le 2019, in the form for devices (Liu 2020): no squeeze and excitation, ReLU6. timm has it
too, as ``tf_efficientnet_lite0``; it is written out here because importing timm takes 1.5 s, and
because on a CPU the convolution can do what follows it in the same pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

# first stride, expansion, channels, blocks; the size of a kernel is that of its weights
STAGES = (
    (1, 1, 16, 1),
    (2, 6, 24, 2),
    (2, 6, 40, 2),
    (2, 6, 80, 3),
    (1, 6, 112, 3),
    (2, 6, 192, 4),
    (1, 6, 320, 1),
)
N_STEM = 32
EPSILON = 1e-3  # of TensorFlow's batch normalisation
MAX_RELU6 = 6.0


class Convolution(nn.Module):
    """A convolution with TensorFlow's padding; then ReLU6, or nothing, or a shortcut is added.

    Takes its weights and those of its batch normalisation from the front of ``weights``.
    """

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(
        self, weights: Iterator[torch.Tensor], *, stride: int = 1, groups: int = 1, act: bool = True
    ) -> None:
        super().__init__()
        kernel, gamma, beta, mean, variance, _ = (next(weights) for _ in range(6))
        folded = fuse_conv_bn_weights(
            nn.Parameter(kernel), None, mean, variance, EPSILON, gamma, beta
        )
        weight, bias = (part.detach() for part in folded)
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.size, self.stride, self.groups, self.act = kernel.shape[-1], stride, groups, act

    def forward(self, x: torch.Tensor, shortcut: torch.Tensor | None = None) -> torch.Tensor:
        """(B, c, H, W) to (B, d, H / stride, W / stride)."""
        padding = self.size // 2
        if self.stride > 1:  # TensorFlow pads less before than after
            x, padding = F.pad(x, self._around(x.shape[3]) + self._around(x.shape[2])), 0
        if x.device.type == "cpu" and _FUSED is not None:
            return self._fused(x, shortcut, [padding, padding])
        y = F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)
        if shortcut is not None:
            return y + shortcut
        return F.relu6(y, inplace=True) if self.act else y

    def _fused(
        self, x: torch.Tensor, shortcut: torch.Tensor | None, padding: list[int]
    ) -> torch.Tensor:
        """The same in one pass over memory, as PyTorch's own compiler would call it."""
        how = (self.weight, self.bias, padding, [self.stride] * 2, [1, 1], self.groups)
        fused: Any = _FUSED
        y: torch.Tensor
        if shortcut is not None:
            y = fused.binary(x, shortcut, *how, "add", None, None, [], None)
        elif self.act:
            y = fused(x, *how, "hardtanh", [0.0, MAX_RELU6], "")
        else:
            y = fused(x, *how, "none", [], "")
        return y

    def _around(self, side: int) -> tuple[int, int]:
        total = max(0, (-(-side // self.stride) - 1) * self.stride + self.size - side)
        return total // 2, total - total // 2


class Block(nn.Module):
    """Wider, a filter for each channel, narrower; and the way around it where shapes allow."""

    def __init__(
        self, weights: Iterator[torch.Tensor], n_in: int, n_out: int, expansion: int, stride: int
    ) -> None:
        super().__init__()
        n_inside = n_in * expansion
        wider = [Convolution(weights)] if expansion > 1 else []
        self.inside = nn.Sequential(*wider, Convolution(weights, stride=stride, groups=n_inside))
        self.narrower = Convolution(weights, act=False)
        self.has_shortcut = stride == 1 and n_in == n_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, n_in, H, W) to (B, n_out, H / stride, W / stride)."""
        narrow: torch.Tensor = self.narrower(self.inside(x), x if self.has_shortcut else None)
        return narrow


class EfficientNetLite(nn.Module):
    """The network up to its last convolution.

    Args:
        state: the packaged weights by name, in the order of the layers; the classifier's are last.
    """

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        super().__init__()
        weights = iter(state.values())
        self.stem = Convolution(weights, stride=2)
        self.stages = nn.ModuleList()
        n_channels = N_STEM
        for first_stride, expansion, n_out, n_blocks in STAGES:
            blocks = []
            for stride in (first_stride, *[1] * (n_blocks - 1)):
                blocks.append(Block(weights, n_channels, n_out, expansion, stride))
                n_channels = n_out
            self.stages.append(nn.Sequential(*blocks))
        self.head = Convolution(weights)

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Images (B, 3, S, S) to what the seven stages give, and the head: (B, c, s, s) each."""
        outputs = []
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs, self.head(x)


def _fused_convolution() -> Any:
    """oneDNN's convolution with something after it, or None where this PyTorch lacks it."""
    try:
        fused = torch.ops.mkldnn._convolution_pointwise  # noqa: SLF001  there is no public name
        _ = fused.binary
    except (AttributeError, RuntimeError):
        return None
    return fused if torch.backends.mkldnn.is_available() else None  # type: ignore[no-untyped-call]


_FUSED = _fused_convolution()
