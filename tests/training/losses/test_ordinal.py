from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from training.losses.ordinal import Ordinal

LEVELS = 5
LOGITS = 3 * torch.randn((60, LEVELS - 1), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
TARGETS = torch.arange(60) % LEVELS


def test_the_sum_is_that_of_one_classifier_a_step_each_on_the_rows_that_came_so_far() -> None:
    wanted = 0.0
    for step in range(LEVELS - 1):
        for logits, level in zip(LOGITS.tolist(), TARGETS.tolist(), strict=True):
            if level > step - 1:
                beyond = 1 / (1 + math.exp(-logits[step]))
                wanted -= math.log(beyond if level > step else 1 - beyond)
    assert Ordinal()(LOGITS, TARGETS).sum().item() == pytest.approx(wanted)


def test_a_row_costs_minus_the_logarithm_of_its_levels_probability_and_these_add_up_to_1() -> None:
    beyond = torch.cat([torch.ones(60, 1), torch.sigmoid(LOGITS).cumprod(dim=1), torch.zeros(60, 1)], dim=1)
    probabilities = beyond[:, :-1] - beyond[:, 1:]
    assert torch.allclose(probabilities.sum(1), torch.ones(60, dtype=torch.float64))
    for level in range(LEVELS):
        found = Ordinal()(LOGITS, torch.full((60,), level))
        torch.testing.assert_close(found.neg().exp(), probabilities[:, level])


def test_with_two_levels_it_is_cross_entropy() -> None:
    wanted = functional.binary_cross_entropy_with_logits(LOGITS[:, 0], (TARGETS % 2).double(), reduction="none")
    torch.testing.assert_close(Ordinal()(LOGITS[:, :1], TARGETS % 2), wanted)


def test_a_step_that_is_not_asked_is_not_pulled() -> None:
    logits = torch.zeros((1, 4), requires_grad=True)
    Ordinal()(logits, torch.tensor([1])).sum().backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == [[-0.5, 0.5, 0.0, 0.0]]


def test_levels_may_be_written_as_floats() -> None:
    assert torch.equal(Ordinal()(LOGITS, TARGETS.float()), Ordinal()(LOGITS, TARGETS))


@pytest.mark.parametrize("level", [-1, 5, 1.5, math.nan])
def test_a_level_that_there_is_not_is_refused(level: float) -> None:
    with pytest.raises(ValueError) as caught:
        Ordinal()(torch.zeros(2, 4), torch.tensor([0, level]))
    assert str(caught.value) == f"Expected whole levels from 0 to 4, got {level}."
