from __future__ import annotations

from typing import ClassVar

import torch

from training.loss import Loss, Output, Target, nothing

# Variance below which a number of an embedding counts as one that does not change.
SMALLEST = 1e-6


class Decorrelation(Loss):
    """Lets the numbers of an embedding say different things: their correlations over the batch become small.

    Takes embeddings [rows, width], compared with nothing. Returns [rows], for each row the mean over all pairs of
    different columns of their squared correlation, from 0 to 1. Correlations are used, not covariances, so that
    an embedding gains nothing by shrinking. A column that does not change correlates with nothing.

    Source: Cogswell et al., "Reducing Overfitting in Deep Networks by Decorrelating Representations", ICLR 2016 (of
    covariances); Zbontar et al., "Barlow Twins", ICML 2021 (of correlations).

    >>> Decorrelation()(torch.tensor([[0.0, 1.0], [1.0, 3.0]]), None)
    tensor([1.0000, 1.0000])
    """

    output: ClassVar[Output] = "embedding"
    target: ClassVar[Target] = "nothing"
    row_by_row: ClassVar[bool] = False

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        nothing(target)
        if output.ndim != 2:
            raise ValueError(f"Expected output (rows, width), got output {tuple(output.shape)}.")
        rows, width = output.shape
        centred = output - output.mean(dim=0)
        variance = centred.square().mean(dim=0)
        scaled = centred / torch.sqrt(variance + SMALLEST)
        squares = (scaled.T @ scaled / rows).square()
        off_diagonal = squares.sum() - squares.diagonal().sum()
        return (off_diagonal / max(width * (width - 1), 1)).expand(rows)
