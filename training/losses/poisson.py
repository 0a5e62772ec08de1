from __future__ import annotations

from typing import ClassVar

import torch

from training.loss import Loss, Output, Target, same_shape

# The exponential goes on as its tangent from here on: e^20 is 485 million events a row, and e^89 no longer a float32.
HIGHEST_LOG_RATE = 20.0


class Poisson(Loss):
    """Deviance of a count from an expected rate: how much less likely the rate makes it than the best rate would.

    A count t at log rate x costs 2 (t ln t - t x - t + e^x), which is 0 where the rate is the count; half of it is
    the negative log-likelihood less its smallest value. Above a log rate of 20, or of ln t + 1 for counts beyond
    178 million, e^x goes on as its tangent, so that value and slope stay finite and point the right way.

    Takes log rates [rows] and counts [rows], 0 or more; returns [rows].
    Raises ValueError at a count below 0.

    Source: Nelder & Wedderburn, "Generalized Linear Models", JRSS A 1972.

    >>> Poisson()(torch.tensor([0.0, 0.0]), torch.tensor([1.0, 0.0]))
    tensor([0., 2.])
    """

    output: ClassVar[Output] = "number"
    target: ClassVar[Target] = "count"
    row_by_row: ClassVar[bool] = True

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        count = same_shape(output, target)
        if not (count >= 0).all():
            raise ValueError(f"Expected counts of 0 or more, got {count[~(count >= 0)][0].item()}.")
        some = count > 0
        scale = torch.where(some, count, 1.0)
        # In units of the count: t (e^d - 1 - d) keeps its digits where t ln t - t x - t + e^x would lose them.
        beyond = output - scale.log()
        grown = _growth(beyond, (HIGHEST_LOG_RATE - scale.log()).clamp(min=1))
        return 2 * scale * (grown - torch.where(some, beyond, -1.0))


def _growth(rate: torch.Tensor, highest: torch.Tensor) -> torch.Tensor:
    """The exponential less 1, up to `highest`, and from there on its tangent."""
    curve = torch.expm1(torch.minimum(rate, highest))
    return torch.where(rate < highest, curve, torch.expm1(highest) + highest.exp() * (rate - highest))
