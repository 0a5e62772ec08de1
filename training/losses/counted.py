from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field, model_validator

from training.loss import Loss, Output, Target


class Counted(Loss):
    """A binary loss that depends on how many negatives and positives the training part has.

    It learns them by `told`; before that it behaves as with as many negatives as positives.
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = True

    negatives: int | None = Field(None, ge=1, description="rows of the training part; None until told")
    positives: int | None = Field(None, ge=1, description="rows of the training part; None until told")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.negatives is None) != (self.positives is None):
            got = f"negatives {self.negatives}, positives {self.positives}"
            raise ValueError(f"Expected both counts or none, got {got}.")
        return self

    def told(self, targets: torch.Tensor) -> Self:
        """The same loss with the counts of `targets`, [rows] in {0, 1}.

        Raises ValueError if one of the two is missing.
        """
        positives = int((targets > 0).sum())
        negatives = targets.numel() - positives
        if not negatives or not positives:
            got = f"{negatives} negatives, {positives} positives"
            raise ValueError(f"Expected negatives and positives among the targets, got {got}.")
        return self.model_copy(update={"negatives": negatives, "positives": positives})

    @property
    def counts(self) -> tuple[int, int]:
        """Negatives and positives, or one of each before they are told."""
        return (self.negatives or 1, self.positives or 1)
