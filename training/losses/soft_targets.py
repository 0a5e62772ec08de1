from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch.nn import functional

from training.loss import Loss, Output, Target, same_shape


class SoftTargets(Loss):
    """Teaches a network what a larger one thinks of each row, its doubts included.

    Takes logits [rows] and the teacher's logits [rows]. Returns [rows]: how far the probability of the one is from
    that of the other, both softened by `temperature` (Kullback-Leibler, in nats), times the temperature's square,
    so that the pull does not fade as the temperature rises. 0 where the logits agree.

    Source: Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015.

    >>> SoftTargets(temperature=1.0)(torch.tensor([0.0, 2.0]), torch.tensor([2.0, 2.0]))
    tensor([0.3278, 0.0000])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "logit"

    temperature: float = Field(2.0, gt=0, description="by which both logits are divided")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        teacher = same_shape(output, target) / self.temperature
        student = output / self.temperature
        # From logits, on both sides: a probability of 1 in float32 has no other side left.
        there = torch.sigmoid(teacher) * (functional.logsigmoid(teacher) - functional.logsigmoid(student))
        not_there = torch.sigmoid(-teacher) * (functional.logsigmoid(-teacher) - functional.logsigmoid(-student))
        return self.temperature**2 * (there + not_there)
