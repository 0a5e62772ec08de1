"""What every loss keeps, those that nobody has written yet included: inputs are made from what a loss says it takes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import get_args

import pytest
import torch

import training.losses
from models.value import Value, load_members, members
from training.loss import Learning, Loss, Output, Target

load_members(training.losses)
LOSSES = [kind for kind in members(Loss) if kind.__module__.startswith("training.losses.")]
ROWS, WIDTH = 12, 4
EXTREME = torch.tensor([-1e4, -90.0, -1.0, 0.0, 1.0, 90.0, 1e4])
SEEDS = range(5)
every_kind = pytest.mark.parametrize("kind", LOSSES, ids=lambda kind: kind.__name__)


def outputs(loss: Loss, rows: int = ROWS, seed: int = 0) -> torch.Tensor:
    """What a tap gives to `loss`, in float64 and off the corners of any loss."""
    draw = torch.Generator().manual_seed(seed)
    shape = (rows,) if loss.output in {"logit", "number"} else (rows, WIDTH)
    return 2 * torch.randn(shape, generator=draw, dtype=torch.float64)


def targets(loss: Loss, rows: int = ROWS, seed: int = 0) -> torch.Tensor | None:
    """What `loss` compares `outputs` with; levels are one more than outputs a row."""
    draw = torch.Generator().manual_seed(100 + seed)
    row = torch.arange(rows)
    return {
        "binary": (row % 3 == 0).double(),
        "number": torch.randn(rows, generator=draw, dtype=torch.float64),
        "count": (row % 4).double(),
        "level": row % (WIDTH + 1),
        "class": row % 2,
        "logit": torch.randn(rows, generator=draw, dtype=torch.float64),
        "embedding": torch.randn((rows, WIDTH), generator=draw, dtype=torch.float64),
        "nothing": None,
    }[loss.target]


def grown(kind: type[Loss]) -> list[Loss]:
    """A loss as it is made, and as it is late in training if that is another."""
    made = kind()
    known = targets(made)
    late = (made if known is None else made.told(known)).at_epoch(1000)
    return [made] if late == made else [made, late]


every_loss = pytest.mark.parametrize(
    "loss",
    [pytest.param(loss, id=f"{kind.__name__}-{age}") for kind in LOSSES for age, loss in enumerate(grown(kind))],
)


def at_the_start(loss: Loss, output: torch.Tensor) -> Callable[..., torch.Tensor]:
    """What the trainer calls: the loss, or its companion in the type of `output`, the same each time."""
    if not isinstance(loss, Learning):
        return loss
    torch.manual_seed(0)
    return loss.companion(output.shape[1] if output.ndim > 1 else 1).to(output.dtype)


def values(loss: Loss, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
    return at_the_start(loss, output)(output, target)


def part(target: torch.Tensor | None, rows: slice) -> torch.Tensor | None:
    return None if target is None else target[rows]


def test_all_losses_are_found() -> None:
    found = {kind.__name__ for kind in LOSSES}
    assert found >= {"AbsoluteError", "CostWeighted", "Focal", "LDAM", "Ordinal", "SquaredSize", "Tversky"}
    assert "Counted" not in found


@every_kind
def test_it_says_what_it_takes(kind: type[Loss]) -> None:
    own = kind.__mro__[: kind.__mro__.index(Loss)]
    for name in ("output", "target"):
        assert any(name in vars(member) for member in own), name
    assert kind.output in get_args(Output)
    assert kind.target in get_args(Target)


@every_kind
def test_its_docstring_says_in_one_line_what_it_is_for_and_names_a_source(kind: type[Loss]) -> None:
    first, *rest = inspect.cleandoc(vars(kind)["__doc__"]).splitlines()
    assert first.endswith(".")
    assert rest[0] == ""
    assert sum(line.startswith("Source: ") for line in rest) == 1


@every_kind
def test_it_is_alone_in_its_file(kind: type[Loss]) -> None:
    assert [other for other in LOSSES if other.__module__ == kind.__module__] == [kind]


@every_loss
def test_there_is_one_value_a_row(loss: Loss) -> None:
    output = outputs(loss)
    found = values(loss, output, targets(loss))
    assert found.shape == (output.shape if loss.output == "anything" else (ROWS,))
    assert found.dtype == output.dtype


@every_loss
def test_in_single_precision_it_stays_there(loss: Loss) -> None:
    target = targets(loss)
    single = target.float() if target is not None and target.is_floating_point() else target
    found = values(loss, outputs(loss).float(), single)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), values(loss, outputs(loss), target), rtol=1e-4, atol=1e-5)


def extremes(loss: Loss) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
    """Batches in float32 that nobody wishes for: enormous, all the same, all zero, and with one kind of target."""
    scale = EXTREME[torch.arange(28) % 7]
    plain = outputs(loss, rows=28).float()
    column = scale if plain.ndim == 1 else scale[:, None]
    batches = [
        column.expand_as(plain).clone(),
        column * plain.sign(),
        torch.zeros_like(plain),
        torch.full_like(plain, 1e4),
        torch.full_like(plain, -1e4),
    ]
    usual = targets(loss, rows=28)
    if usual is None:
        return [(output, None) for output in batches]
    usual = usual.float() if usual.is_floating_point() else usual
    others = [torch.zeros_like(usual), torch.ones_like(usual)]
    if loss.target in {"logit", "number"}:
        others.append(scale.flip(0))
    return [(output, target) for output in batches for target in (usual, *others)]


@every_loss
def test_value_and_gradient_are_finite_however_wrong_an_output_is(loss: Loss) -> None:
    for output, target in extremes(loss):
        asked = output.clone().requires_grad_()
        torch.manual_seed(0)
        companion = loss.companion(output.shape[1] if output.ndim > 1 else 1)
        found = loss(asked, target) if companion is None else companion(asked, target)
        assert torch.isfinite(found).all(), (output, target)
        found.sum().backward()
        learning = [] if companion is None else [one for one in companion.parameters() if one.grad is not None]
        for one in (asked, *learning):
            assert one.grad is not None
            assert torch.isfinite(one.grad).all(), (output, target)


def factor(loss: Loss) -> float:
    """What a gradient is of the slope: 1, unless a docstring says that it is turned round on purpose."""
    said = " ".join(inspect.cleandoc(type(loss).__doc__ or "").split())
    return -vars(loss)["strength"] if "-`strength` times the slope of the value, on purpose" in said else 1.0


@every_loss
@pytest.mark.parametrize("seed", SEEDS[:2])
def test_the_gradient_is_the_slope_of_the_value(loss: Loss, seed: int) -> None:
    output, target = outputs(loss, seed=seed).requires_grad_(), targets(loss, seed=seed)
    (found,) = torch.autograd.grad(values(loss, output, target).sum(), output)
    slope, step = torch.empty_like(output), 1e-6
    with torch.no_grad():
        for place in range(output.numel()):
            moved = torch.zeros(output.numel(), dtype=output.dtype)
            moved[place] = step
            moved = moved.view_as(output)
            up, down = values(loss, output + moved, target).sum(), values(loss, output - moved, target).sum()
            slope.view(-1)[place] = (up - down) / (2 * step)
    torch.testing.assert_close(found, factor(loss) * slope, rtol=1e-5, atol=1e-6)
    assert found.any()


@every_loss
def test_a_row_is_judged_for_itself_or_it_says_that_it_is_not(loss: Loss) -> None:
    half = slice(0, ROWS // 2)
    differ = []
    for seed in SEEDS:
        output, target = outputs(loss, seed=seed), targets(loss, seed=seed)
        together = values(loss, output, target)
        if loss.row_by_row:
            rows = [slice(row, row + 1) for row in range(ROWS)]
            alone = torch.cat([values(loss, output[row], part(target, row)) for row in rows])
            torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
        else:
            differ.append(not torch.allclose(together[half], values(loss, output[half], part(target, half))))
    assert any(differ) != loss.row_by_row


@every_loss
def test_a_mismatch_names_both_shapes(loss: Loss) -> None:
    output, target = outputs(loss, rows=3), targets(loss, rows=4)
    if target is None:
        with pytest.raises(ValueError) as caught:
            values(loss, output, torch.zeros(3))
        assert str(caught.value) == "Expected nothing to compare with, got a target (3,)."
        return
    turned = output[:, 0] if output.ndim > 1 else output[:, None]
    for put, against in ((output, target), (output, None), (turned, target[:3])):
        with pytest.raises(ValueError) as caught:
            values(loss, put, against)
        got = None if against is None else tuple(against.shape)
        assert str(caught.value).startswith("Expected ")
        assert str(caught.value).endswith(f", got output {tuple(put.shape)}, target {got}.")


@every_loss
def test_it_is_read_back_as_what_it_was(loss: Loss) -> None:
    class Pull(Value):
        by: Loss

    written = json.loads(json.dumps(Pull(by=loss).model_dump(mode="json")))
    assert written["by"]["kind"] == type(loss).__name__
    assert Pull.model_validate(written) == Pull(by=loss)
    assert type(Pull.model_validate(written).by) is type(loss)


@every_loss
def test_it_has_nothing_that_learns(loss: Loss) -> None:
    assert not any(isinstance(value, (torch.Tensor, torch.nn.Module)) for value in dict(loss).values())
    hash(loss)


@every_loss
def test_told_and_later_it_is_the_same_loss(loss: Loss) -> None:
    before = loss.model_dump_json()
    known = targets(loss)
    assert type(loss.at_epoch(1)) is type(loss.at_epoch(7)) is type(loss)
    assert loss.at_epoch(3).at_epoch(5) == loss.at_epoch(5)
    if known is not None:
        assert type(loss.told(known)) is type(loss)
        assert loss.told(known).told(known) == loss.told(known)
    assert loss.model_dump_json() == before


@every_loss
def test_what_learns_starts_the_same_for_the_same_seed(loss: Loss) -> None:
    output, target = outputs(loss).float(), targets(loss)
    target = target.float() if target is not None and target.is_floating_point() else target
    torch.manual_seed(0)
    alone = loss(output, target)
    assert torch.equal(alone, values(loss, output, target))
    assert isinstance(loss, Learning) == (loss.companion(WIDTH) is not None)


@every_loss
def test_a_row_costs_less_the_nearer_it_is_and_never_more(loss: Loss) -> None:
    if not loss.row_by_row or (loss.output, loss.target) not in {("logit", "binary"), ("number", "number")}:
        return  # is not near or far in one number
    away = torch.tensor([0.5, 2.0, 8.0])
    for wanted in (0.0, 1.0):
        nearer = (away if wanted else -away) if loss.output == "logit" else wanted + away.flip(0)
        found = values(loss, nearer, torch.full((3,), wanted))
        assert (found[1:] <= found[:-1]).all()
        assert found[-1] < found[0]


@every_loss
def test_a_cost_is_never_negative(loss: Loss) -> None:
    if isinstance(loss, Learning):
        return  # a price that is learnt may be paid back
    usual = [(outputs(loss, seed=seed), targets(loss, seed=seed)) for seed in SEEDS]
    for output, target in (*usual, *extremes(loss)):
        assert (loss(output, target) >= 0).all(), (output, target)
