"""Losses that depend on how rare positives are: class-balanced, logit-adjusted, and margins by frequency."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from training.losses.class_balanced import ClassBalanced
from training.losses.counted import Counted
from training.losses.ldam import LDAM
from training.losses.logit_adjusted import LogitAdjusted

LOGITS = torch.linspace(-6, 6, 41, dtype=torch.float64)
TARGETS = (torch.arange(41) % 3 == 0).double()
PLAIN = functional.binary_cross_entropy_with_logits(LOGITS, TARGETS, reduction="none")
RARE = torch.tensor([1.0] * 5 + [0.0] * 80)
TWO = torch.stack([torch.zeros_like(LOGITS), LOGITS], dim=1)  # two logits whose difference is the one
every = pytest.mark.parametrize(
    "loss", [ClassBalanced(), LogitAdjusted(), LDAM()], ids=lambda loss: type(loss).__name__
)


@every
def test_the_counts_are_those_of_the_targets_it_was_last_told(loss: Counted) -> None:
    assert (loss.negatives, loss.positives, loss.counts) == (None, None, (1, 1))
    assert loss.told(RARE).counts == (80, 5)
    assert loss.told(RARE).told(1 - RARE).counts == (5, 80)


@every
def test_equal_counts_change_nothing(loss: Counted) -> None:
    told = loss.told(torch.tensor([1.0, 0.0, 1.0, 0.0]))
    assert torch.equal(told(LOGITS, TARGETS), loss(LOGITS, TARGETS))


@every
def test_one_kind_of_target_is_refused(loss: Counted) -> None:
    for targets, got in ((torch.zeros(3), "3 negatives, 0 positives"), (torch.ones(2), "0 negatives, 2 positives")):
        with pytest.raises(ValueError) as caught:
            loss.told(targets)
        assert str(caught.value) == f"Expected negatives and positives among the targets, got {got}."


def test_one_count_alone_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        ClassBalanced(negatives=3)
    assert caught.value.errors()[0]["msg"] == (
        "Value error, Expected both counts or none, got negatives 3, positives None."
    )


def effective(rows: int, beta: float) -> float:
    """How many different cases `rows` stand for, one row after the other, as the source proves it."""
    number = 0.0
    for _ in range(rows):
        number = 1 + beta * number
    return number


def test_before_it_is_told_class_balanced_is_cross_entropy() -> None:
    assert torch.equal(ClassBalanced()(LOGITS, TARGETS), PLAIN)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999])
def test_class_balanced_weighs_by_the_inverse_of_the_effective_number(beta: float) -> None:
    weight = 1 / torch.tensor([effective(80, beta), effective(5, beta)], dtype=torch.float64)
    weight = 2 * weight / weight.sum()
    wanted = functional.cross_entropy(TWO, TARGETS.long(), weight=weight, reduction="none")
    torch.testing.assert_close(ClassBalanced(beta=beta).told(RARE)(LOGITS, TARGETS), wanted)


def test_class_balanced_near_1_weighs_as_scikit_learn_balances_and_at_0_not_at_all() -> None:
    at_zero = torch.zeros(2, dtype=torch.float64)
    both = torch.tensor([0.0, 1.0], dtype=torch.float64)
    negative, positive = compute_class_weight("balanced", classes=np.array([0.0, 1.0]), y=RARE.numpy())
    of_negative, of_positive = ClassBalanced(beta=1 - 1e-9).told(RARE)(at_zero, both).tolist()
    assert of_positive / of_negative == pytest.approx(positive / negative, rel=1e-6)
    assert of_positive + of_negative == pytest.approx(2 * math.log(2))
    assert torch.equal(ClassBalanced(beta=0.0).told(RARE)(LOGITS, TARGETS), PLAIN)


@pytest.mark.parametrize("tau", [0.0, 1.0, 1.5])
def test_logit_adjusted_is_the_softmax_of_its_source(tau: float) -> None:
    prior = torch.tensor([80 / 85, 5 / 85], dtype=torch.float64)
    wanted = functional.cross_entropy(TWO + tau * prior.log(), TARGETS.long(), reduction="none")
    torch.testing.assert_close(LogitAdjusted(tau=tau).told(RARE)(LOGITS, TARGETS), wanted)


def test_the_best_constant_of_logit_adjusted_is_where_both_answers_are_equally_frequent() -> None:
    loss = LogitAdjusted().told(RARE)
    grid = [loss(torch.full((85,), logit), RARE).mean().item() for logit in (-0.05, 0.0, 0.05)]
    assert min(grid) == grid[1]


@pytest.mark.parametrize(("max_margin", "scale"), [(0.5, 1.0), (0.5, 30.0), (2.0, 3.0)])
def test_ldam_is_the_softmax_of_its_source(max_margin: float, scale: float) -> None:
    margin = torch.tensor([80.0, 5.0], dtype=torch.float64) ** -0.25
    margin = margin * max_margin / margin.max()
    less = functional.one_hot(TARGETS.long()) * margin
    wanted = functional.cross_entropy(scale * (TWO - less), TARGETS.long(), reduction="none")
    torch.testing.assert_close(LDAM(max_margin=max_margin, scale=scale).told(RARE)(LOGITS, TARGETS), wanted)


def test_16_times_the_rows_halve_the_margin() -> None:
    assert LDAM(max_margin=0.5).told(torch.tensor([1.0] * 16 + [0.0] * 256)).margins == pytest.approx((0.25, 0.5))
    assert LDAM(max_margin=0.5).told(torch.tensor([0.0] * 16 + [1.0] * 256)).margins == pytest.approx((0.5, 0.25))
    assert LDAM(max_margin=0.5).margins == (0.5, 0.5)


def test_ldam_without_a_margin_is_cross_entropy() -> None:
    torch.testing.assert_close(LDAM(max_margin=0.0).told(RARE)(LOGITS, TARGETS), PLAIN)


def test_ldam_weighs_as_class_balanced_from_the_epoch_that_is_named_and_not_before() -> None:
    loss = LDAM(reweight_from_epoch=4, beta=0.99).told(RARE)
    early, late = loss.at_epoch(3)(LOGITS, TARGETS), loss.at_epoch(4)(LOGITS, TARGETS)
    assert torch.equal(loss(LOGITS, TARGETS), early)
    weight = ClassBalanced(beta=0.99).told(RARE)(LOGITS, TARGETS) / PLAIN
    torch.testing.assert_close(late / early, weight)
    assert torch.equal(loss.at_epoch(100).at_epoch(1)(LOGITS, TARGETS), early)


def test_ldam_never_weighs_if_no_epoch_is_named() -> None:
    loss = LDAM().told(RARE)
    assert torch.equal(loss.at_epoch(10_000)(LOGITS, TARGETS), loss(LOGITS, TARGETS))
