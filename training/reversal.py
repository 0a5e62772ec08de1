"""Gradients turned round: what is minimised above is maximised below."""

from __future__ import annotations

from typing import Any

import torch


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, strength: float) -> torch.Tensor:
        ctx.strength = strength
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return -ctx.strength * gradients[0], None


class _Ascending(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, reach: float) -> torch.Tensor:
        ctx.save_for_backward(value)
        ctx.reach = reach
        return value.clamp(-reach, reach)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (value,), (gradient,) = ctx.saved_tensors, gradients
        # An optimizer that descends moves against what it is handed, so `value` moves along `gradient`. At the end
        # of the range it may only come back: a plain clamp would hold it there for good.
        further = ((value >= ctx.reach) & (gradient > 0)) | ((value <= -ctx.reach) & (gradient < 0))
        return torch.where(further, torch.zeros_like(gradient), -gradient), None


def reversed_gradient(value: torch.Tensor, strength: float) -> torch.Tensor:
    """The same tensor, whose gradient comes back times `-strength`.

    Source: Ganin & Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", ICML 2015.

    >>> weight = torch.tensor(2.0, requires_grad=True)
    >>> (3 * reversed_gradient(weight, 0.5)).backward()
    >>> weight.grad
    tensor(-1.5000)
    """
    reversed_: torch.Tensor = _Reversed.apply(value, strength)  # type: ignore[no-untyped-call]  # torch declares none
    return reversed_


def ascending(value: torch.Tensor, reach: float) -> torch.Tensor:
    """The same tensor within -`reach` and `reach`, which an optimizer that descends moves uphill.

    Beyond the range it has no gradient that leads further out, but one that leads back.

    >>> price = torch.tensor(2.0, requires_grad=True)
    >>> ascending(price, 1.0)
    tensor(1., grad_fn=<_AscendingBackward>)
    """
    within: torch.Tensor = _Ascending.apply(value, reach)  # type: ignore[no-untyped-call]  # torch declares none
    return within
