"""What every loss keeps, those that nobody has written yet included."""

from __future__ import annotations

import pytest
import torch

import training.losses
from models.value import Value, descendants, load_members
from training.loss import Loss
from training.losses.squared_size import SquaredSize

load_members(training.losses)
LOSSES = descendants(Loss)
COMPARES_WITH_NOTHING = (SquaredSize,)
EXTREME = torch.tensor([-1e4, -90.0, -1.0, 0.0, 1.0, 90.0, 1e4])
every_loss = pytest.mark.parametrize("loss", [kind() for kind in LOSSES], ids=lambda loss: type(loss).__name__)
every_comparison = pytest.mark.parametrize(
    "loss", [kind() for kind in LOSSES if not issubclass(kind, COMPARES_WITH_NOTHING)], ids=repr
)


def target(loss: Loss, kind: float) -> torch.Tensor | None:
    return None if isinstance(loss, COMPARES_WITH_NOTHING) else torch.full_like(EXTREME, kind)


def test_all_losses_are_found() -> None:
    assert {kind.__name__ for kind in LOSSES} >= {"AbsoluteError", "CostWeighted", "SquaredError", "SquaredSize"}


@every_loss
@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_there_is_one_value_a_row_and_it_is_not_negative(loss: Loss, kind: float) -> None:
    values = loss(EXTREME, target(loss, kind))
    assert values.shape == EXTREME.shape
    assert (values >= 0).all()


@every_loss
@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_value_and_gradient_are_finite_however_wrong_an_output_is(loss: Loss, kind: float) -> None:
    output = EXTREME.clone().requires_grad_()
    values = loss(output, target(loss, kind))
    values.sum().backward()
    assert output.grad is not None
    assert torch.isfinite(values).all()
    assert torch.isfinite(output.grad).all()


@every_loss
@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_the_gradient_is_the_slope_of_the_value(loss: Loss, kind: float) -> None:
    output = torch.tensor([-3.3, -0.4, 0.3, 2.6], dtype=torch.float64, requires_grad=True)
    wanted = None if target(loss, kind) is None else torch.full_like(output, kind)
    (found,) = torch.autograd.grad(loss(output, wanted).sum(), output)
    step = 1e-6
    with torch.no_grad():
        slope = (loss(output + step, wanted) - loss(output - step, wanted)) / (2 * step)
    assert torch.allclose(found, slope, rtol=1e-5, atol=1e-6)


@every_comparison
@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_a_row_costs_less_the_nearer_it_is(loss: Loss, kind: float) -> None:
    away = torch.tensor([0.5, 2.0, 8.0])
    side = away if kind else -away
    values = loss(side if type(loss).__name__ == "CostWeighted" else kind + away.flip(0), torch.full((3,), kind))
    assert (values[1:] < values[:-1]).all()


@every_comparison
def test_a_row_is_judged_for_itself(loss: Loss) -> None:
    output, wanted = torch.tensor([-2.0, 0.5, 3.0]), torch.tensor([0.0, 1.0, 1.0])
    alone = torch.cat([loss(output[row : row + 1], wanted[row : row + 1]) for row in range(3)])
    assert torch.equal(loss(output, wanted), alone)


@every_comparison
def test_a_mismatch_names_both_shapes(loss: Loss) -> None:
    with pytest.raises(ValueError) as caught:
        loss(torch.zeros(3), torch.zeros(3, 1))
    assert str(caught.value) == "Expected one shape, got output (3,), target (3, 1)."
    with pytest.raises(ValueError) as caught:
        loss(torch.zeros(3), None)
    assert str(caught.value) == "Expected one shape, got output (3,), target None."


@every_loss
def test_it_is_read_back_as_what_it_was(loss: Loss) -> None:
    class Pull(Value):
        by: Loss

    written = Pull(by=loss).model_dump(mode="json")
    assert written["by"]["kind"] == type(loss).__name__
    assert Pull.model_validate(written) == Pull(by=loss)
    assert type(Pull.model_validate(written).by) is type(loss)


@every_loss
def test_it_has_nothing_that_learns(loss: Loss) -> None:
    assert not any(isinstance(value, torch.Tensor) for value in dict(loss).values())
