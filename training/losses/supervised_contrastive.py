from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from pytorch_metric_learning.distances import DotProductSimilarity
from pytorch_metric_learning.losses import SupConLoss
from pytorch_metric_learning.reducers import DoNothingReducer
from torch.nn import functional

from training.loss import Loss, Output, Target, same_rows

# A shorter embedding has no direction to speak of; without this bound its gradient would be enormous.
SHORTEST = 1e-3


class SupervisedContrastive(Loss):
    """Pulls embeddings of one class together and away from the others, by their angle.

    Takes embeddings [rows, width] and classes [rows]. Returns [rows]: how surprising it is, on average, to pick a
    row of one's own class among all others of the batch by similarity. A row without a partner of its own class
    costs nothing, and so does a batch of one class.

    Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020.

    >>> loss = SupervisedContrastive(temperature=1.0)
    >>> loss(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]), torch.tensor([1.0, 1.0, 0.0]))
    tensor([0.3133, 0.3133, 0.0000])
    """

    output: ClassVar[Output] = "embedding"
    target: ClassVar[Target] = "class"
    row_by_row: ClassVar[bool] = False

    temperature: float = Field(0.1, gt=0, description="difference of cosines that makes a row e times as likely")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_rows(output, target)
        loss = SupConLoss(
            temperature=self.temperature,
            distance=DotProductSimilarity(normalize_embeddings=False),
            reducer=DoNothingReducer(),
        )
        found = loss(functional.normalize(output, dim=1, eps=SHORTEST), target)["loss"]["losses"]
        # It answers with a plain 0 where there are no pairs; a row without a partner comes out as -0.
        return found + 0.0 if isinstance(found, torch.Tensor) else output.sum(dim=1) * 0.0
