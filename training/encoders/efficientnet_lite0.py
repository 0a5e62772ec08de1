from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from models.errors import BadStudy
from training.encoder import Eye, ImageEncoder
from training.encoders.lite0 import CENTRE, CHANNELS, SCALE, imagenet, lite0

# The last convolution makes room for the thousand kinds of ImageNet; what is looked for here is seen before it.
STAGES = len(CHANNELS) - 1
# Pixels along a side of one place of the grid, which is that of the last stage that is used.
GRID = 32
# The stages whose maps are read, and how many of their places lie along a side of one place of the grid.
READ = {3: 4, 5: 2, 7: 1}


class EfficientNetLite0(ImageEncoder):
    """What EfficientNet-Lite0 knows from ImageNet, place by place, and signs that are learnt on top of it.

    The maps of three stages are read, for fine detail as well as for what it is part of: 624 numbers for every
    32 x 32 pixels, of the finer maps the mean and the strongest within them. A sign is a weighted sum of these. Of each
    sign the image tells how much there is on the whole, and how strong it is where it is strongest, so that a spot in
    one place of 256 is not lost in the mean.

    Where stages learn, what is kept of an image is the map before the first of them; only maps from there on are
    read. Training then sees it turned over: left to right, upside down and, if it is square, corner to corner. Where
    none learns there is nothing to turn: a sign is the same in whatever place it is found.

    >>> EfficientNetLite0(signs=32).build(64, 64).width
    64

    Source of the pooling: Zhu et al., "Deep Multi-instance Networks with Sparse Label Assignment for Whole Mammogram
    Classification", MICCAI 2017. Source of the network: `training/encoders/lite0.py`.
    """

    tune: int = Field(0, ge=0, le=STAGES, description="how many of the network's last stages learn too")
    signs: int = Field(32, ge=1, description="signs that are looked for in each place")
    places: int = Field(8, ge=1, description="the places where a sign is strongest, over which it is averaged")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of what was found that is left out in each step")

    def build(self, height: int, width: int) -> Eye:
        if height % GRID or width % GRID:
            raise BadStudy(
                f"EfficientNetLite0: height and width of the image should be multiples of {GRID}, got {height} and "
                f"{width}."
            )
        stages = lite0(imagenet())[:STAGES]
        first = STAGES - self.tune if self.tune else 0
        places = min(self.places, height // GRID * (width // GRID))
        signs = nn.Sequential(Signs(channels_read(first), self.signs, places), nn.Dropout(self.dropout))
        if not self.tune:
            return Eye(nn.Sequential(Colours(), Reading(stages, first)), signs, 2 * self.signs)
        good = Reading(stages[first:], first)
        learnt = nn.Sequential(good, signs)
        if not first:
            return Turned(nn.Identity(), nn.Sequential(Colours(), learnt), 2 * self.signs, good, sides=(1, 2))
        return Turned(nn.Sequential(Colours(), *stages[:first]), learnt, 2 * self.signs, good)


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


class Reading(nn.Module):
    """The stages from `first` on, one after the other, and of those that are read their maps on one grid.

    Takes the map before the first of them, and reads that too if it should be. Returns float32
    [rows, `channels_read`, height / 32, width / 32].
    """

    def __init__(self, stages: Iterable[nn.Module], first: int) -> None:
        super().__init__()
        self.stages, self.first = nn.ModuleList(stages), first

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found = [_coarse(maps, READ[self.first - 1])] if self.first - 1 in READ else []
        for number, stage in enumerate(self.stages, self.first):
            maps = stage(maps)
            if number in READ:
                found.append(_coarse(maps, READ[number]))
        return torch.cat(found, dim=1)


class Signs(nn.Module):
    """Maps [rows, channels, height, width] -> of each sign its mean, then its mean where it is strongest.

    Channels are centred and scaled first: by those of the batch in training, by their running means when it answers.
    """

    def __init__(self, channels: int, signs: int, places: int) -> None:
        super().__init__()
        # Sizes of channels differ tenfold. Without this, the area under the curve of one study fell by 0.01.
        self.level = nn.BatchNorm2d(channels, affine=False)
        self.weigh, self.places = nn.Conv2d(channels, signs, 1), places

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found = functional.silu(self.weigh(self.level(maps))).flatten(2)
        return torch.cat([found.mean(dim=2), found.topk(self.places, dim=2).values.mean(dim=2)], dim=1)


def channels_read(first: int) -> int:
    """How many numbers are read in each place by `Reading(stages, first)`."""
    return sum(CHANNELS[number] * (2 if side > 1 else 1) for number, side in READ.items() if number >= first - 1)


def _coarse(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Strongest and mean of every `side` x `side` places, [rows, 2 channels, ...]; a single place is itself."""
    if side == 1:
        return maps
    return torch.cat([functional.max_pool2d(maps, side), functional.avg_pool2d(maps, side)], dim=1)
