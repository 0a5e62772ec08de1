from __future__ import annotations

import torch
from pydantic import Field

from training.gan import GAN
from training.sampling import Sampling


class Generated(Sampling):
    """Positives are drawn `times` as often as negatives, and `share` of them are made by a GAN.

    `times` compares all positives with all negatives: 1 shows as many of both, whatever their share among the
    cases. So the rate of a single row, `rate`, follows from the targets it is asked about, and stays as stated with
    or without generated rows: among more positives each is drawn less often, and as many are drawn in all. Ask with
    the targets of the cases as they are for what is to be undone, and with those of the extended part to draw.

    The GAN is fitted on the positives of the training part alone. What it makes is no better than what those say:
    compare with `Oversampled` before believing in it.

    >>> Generated(times=0.5).rate(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    1.5
    >>> Generated(times=0.5).rate(torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))  # two more were generated
    0.5
    """

    times: float = Field(1.0, gt=0, description="positives shown for each negative that is shown")
    share: float = Field(0.5, gt=0, lt=1, description="of the positives of the extended part that are generated")
    gan: GAN = GAN()

    def rate(self, targets: torch.Tensor) -> float:
        positives = int((targets == 1).sum())
        return self.times * (len(targets) - positives) / positives

    def more(self, inputs: torch.Tensor, targets: torch.Tensor, seed: int) -> torch.Tensor:
        positives = inputs[targets == 1]
        extra = round(len(positives) * self.share / (1 - self.share))
        draw = torch.Generator(inputs.device).manual_seed(seed)
        return self.gan.fit(positives, seed).sample(extra, draw)
