from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from training.encoder import Eye, ImageEncoder
from training.encoders.lite0 import CENTRE, CHANNELS, SCALE, imagenet, lite0

# The last convolution makes room for the thousand kinds of ImageNet; what is looked for here is seen before it.
STAGES = len(CHANNELS) - 1


class EfficientNetLite0(ImageEncoder):
    """What EfficientNet-Lite0 knows from ImageNet, place by place, and signs that are learnt on top of it.

    A photograph becomes a map of 320 numbers for every 32 x 32 pixels. A sign is a weighted sum of them; of each sign
    the image says how much there is on the whole, and how strong it is where it is strongest. So a spot that covers
    one place in 256 is not lost in the mean. Training sees maps turned over, left to right and upside down, and where
    they are square also corner to corner.

    >>> EfficientNetLite0(signs=32).build(64, 64).width
    64

    Source of the pooling: Zhu et al., "Deep Multi-instance Networks with Sparse Label Assignment for Whole Mammogram
    Classification", MICCAI 2017. Source of the network: `training/encoders/lite0.py`.
    """

    tune: int = Field(
        0, ge=0, le=STAGES, description="how many of the network's last stages learn too; without any, maps are kept"
    )
    signs: int = Field(32, ge=1, description="signs that are looked for in each place")
    places: int = Field(8, ge=1, description="the places where a sign is strongest, over which it is averaged")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of what was found that is left out in each step")

    def build(self, height: int, width: int) -> Eye:
        stages = lite0(imagenet())[:STAGES]
        fixed, tuned = stages[: STAGES - self.tune], stages[STAGES - self.tune :]
        places = min(self.places, -(-height // 32) * -(-width // 32))
        signs = nn.Sequential(Signs(CHANNELS[STAGES - 1], self.signs, places), nn.Dropout(self.dropout))
        if not self.tune:
            return Turned(nn.Sequential(Colours(), *fixed), signs, 2 * self.signs, rate=1.0)
        if not fixed:
            return Turned(nn.Identity(), nn.Sequential(Colours(), *tuned, signs), 2 * self.signs, sides=(1, 2))
        return Turned(nn.Sequential(Colours(), *fixed), nn.Sequential(*tuned, signs), 2 * self.signs)


@dataclass(frozen=True)
class Turned(Eye):
    """An eye that is shown images turned over; `sides` are the axes of height and width in what is kept."""

    sides: tuple[int, int] = (2, 3)

    def vary(self, kept: torch.Tensor) -> torch.Tensor:
        """Kept rows, each of them turned over by itself in one of 4 ways, or of 8 where both sides are as long."""
        high, wide = self.sides
        ways: list[Callable[[torch.Tensor], torch.Tensor]] = [
            lambda maps: maps.flip(high),
            lambda maps: maps.flip(wide),
        ]
        if kept.shape[high] == kept.shape[wide]:
            ways.append(lambda maps: maps.transpose(high, wide))
        for way in ways:
            chosen = torch.rand(len(kept), 1, 1, 1, device=kept.device) < 0.5
            kept = torch.where(chosen, way(kept), kept)
        return kept


class Colours(nn.Module):
    """uint8 [rows, height, width, 3] -> float32 [rows, 3, height, width], as the network is used to."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (image.permute(0, 3, 1, 2).to(torch.float32) - CENTRE) / SCALE


class Signs(nn.Module):
    """Maps [rows, channels, height, width] -> of each sign its mean, then its mean where it is strongest."""

    def __init__(self, channels: int, signs: int, places: int) -> None:
        super().__init__()
        self.weigh, self.places = nn.Conv2d(channels, signs, 1), places

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found = functional.silu(self.weigh(maps)).flatten(2)
        return torch.cat([found.mean(dim=2), found.topk(self.places, dim=2).values.mean(dim=2)], dim=1)
