from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import DoNothingReducer

from training.loss import Loss, Output, Target, same_rows


class Triplet(Loss):
    """Brings the farthest row of one's own class nearer than the nearest row of any other class.

    Takes embeddings [rows, width] and classes [rows]. Returns [rows], in the unit of the embedding: by how much
    the one distance, and `margin`, exceed the other within the batch; 0 if they do not. A row without a partner
    of its own class costs nothing, and so does a batch of one class.

    Source: Hermans, Beyer & Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017; Schroff,
    Kalenichenko & Philbin, "FaceNet", CVPR 2015.

    >>> loss = Triplet(margin=1.0)
    >>> loss(torch.tensor([[0.0], [3.0], [5.0]]), torch.tensor([1.0, 1.0, 0.0]))
    tensor([0., 2., 0.])
    """

    output: ClassVar[Output] = "embedding"
    target: ClassVar[Target] = "class"
    row_by_row: ClassVar[bool] = False

    margin: float = Field(1.0, ge=0, description="by how much the other class should be farther away")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_rows(output, target)
        distance = LpDistance(normalize_embeddings=False)
        hardest = BatchHardMiner(distance=distance)(output, target)
        values = output.sum(dim=1) * 0.0
        if not len(hardest[0]):
            return values
        loss = TripletMarginLoss(margin=self.margin, distance=distance, reducer=DoNothingReducer())
        # Each row is the anchor of one triplet at most.
        return values.index_put((hardest[0],), loss(output, target, hardest)["loss"]["losses"])
