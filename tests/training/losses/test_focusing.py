"""Losses that turn away from easy rows: focal and asymmetric."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from training.losses.asymmetric import Asymmetric
from training.losses.focal import Focal

LOGITS = torch.linspace(-6, 6, 41, dtype=torch.float64)
TARGETS = (torch.arange(41) % 3 == 0).double()
PLAIN = functional.binary_cross_entropy_with_logits(LOGITS, TARGETS, reduction="none")


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def rows(logits: torch.Tensor, targets: torch.Tensor) -> list[tuple[float, bool]]:
    return [(probability(logit), target > 0) for logit, target in zip(logits.tolist(), targets.tolist(), strict=True)]


def test_without_focus_both_are_cross_entropy() -> None:
    torch.testing.assert_close(Focal(gamma=0.0)(LOGITS, TARGETS), PLAIN)
    torch.testing.assert_close(Asymmetric(gamma_negative=0.0, margin=0.0)(LOGITS, TARGETS), PLAIN)


@pytest.mark.parametrize(("gamma", "alpha"), [(0.5, None), (2.0, 0.25), (5.0, 0.9)])
def test_focal_is_the_formula_of_its_source_row_by_row(gamma: float, alpha: float | None) -> None:
    wanted = []
    for p, sick in rows(LOGITS, TARGETS):
        right = p if sick else 1 - p
        weight = 1.0 if alpha is None else alpha if sick else 1 - alpha
        wanted.append(-weight * (1 - right) ** gamma * math.log(right))
    assert Focal(gamma=gamma, alpha=alpha)(LOGITS, TARGETS).tolist() == pytest.approx(wanted)


def test_a_row_that_is_right_with_probability_0_9_counts_100_times_less_as_the_source_says() -> None:
    logit = torch.tensor([math.log(9.0)], dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    assert (Focal(gamma=0.0)(logit, one) / Focal(gamma=2.0)(logit, one)).item() == pytest.approx(100)


@pytest.mark.parametrize(
    ("gamma_positive", "gamma_negative", "margin"),
    [(0.0, 4.0, 0.05), (1.0, 4.0, 0.2), (2.0, 0.5, 0.3), (1.0, 2.0, 0.0)],
)
def test_asymmetric_is_the_formula_of_its_source_row_by_row(
    gamma_positive: float, gamma_negative: float, margin: float
) -> None:
    wanted = []
    for p, sick in rows(LOGITS, TARGETS):
        shifted = max(p - margin, 0.0)
        of_positive = -((1 - p) ** gamma_positive) * math.log(p)
        of_negative = -(shifted**gamma_negative) * math.log(1 - shifted)
        wanted.append(of_positive if sick else of_negative)
    loss = Asymmetric(gamma_positive=gamma_positive, gamma_negative=gamma_negative, margin=margin)
    assert loss(LOGITS, TARGETS).tolist() == pytest.approx(wanted, abs=1e-12)


def test_with_one_focus_and_no_margin_asymmetric_is_focal() -> None:
    both = Asymmetric(gamma_positive=2.0, gamma_negative=2.0, margin=0.0)
    torch.testing.assert_close(both(LOGITS, TARGETS), Focal(gamma=2.0)(LOGITS, TARGETS))


def test_a_negative_below_the_margin_costs_and_pulls_nothing_and_a_positive_does() -> None:
    easy = torch.tensor([-5.0, -3.0], requires_grad=True)  # probabilities 0.007 and 0.047
    for target, pulls in ((0.0, False), (1.0, True)):
        found = Asymmetric(margin=0.05)(easy, torch.full((2,), target))
        (slope,) = torch.autograd.grad(found.sum(), easy)
        assert (found != 0).tolist() == (slope != 0).tolist() == [pulls, pulls]


def test_a_negative_never_costs_more_than_the_logarithm_of_the_margin() -> None:
    worst = Asymmetric(margin=0.05)(torch.tensor([20.0, 1e4]), torch.zeros(2))
    wanted = 0.95**4 * math.log(20)
    assert worst.tolist() == pytest.approx([wanted, wanted])


@pytest.mark.parametrize("loss", [Focal(gamma=0.1), Asymmetric(gamma_positive=0.1, gamma_negative=0.1, margin=0.0)])
@pytest.mark.parametrize("margin", [None, 1e-30, 0.05, 0.5])  # the last is met exactly, at a logit of 0
def test_a_focus_below_1_keeps_every_slope_finite(loss: Focal | Asymmetric, margin: float | None) -> None:
    if margin is not None and isinstance(loss, Asymmetric):
        loss = loss.model_copy(update={"margin": margin})
    logits = torch.tensor([-1e4, -200.0, -100.0, -89.0, -50.0, 0.0, 50.0, 100.0, 1e4], requires_grad=True)
    for target in (0.0, 1.0):
        (slope,) = torch.autograd.grad(loss(logits, torch.full((9,), target)).sum(), logits)
        assert torch.isfinite(slope).all()
