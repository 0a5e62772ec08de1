from __future__ import annotations

import numpy as np
import pytest
import torch

from training.losses.decorrelation import Decorrelation


def test_it_is_the_mean_squared_correlation_of_different_columns() -> None:
    rows = torch.randn(40, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 30
    rows[:, 3] += rows[:, 1]
    found = np.corrcoef(rows.numpy().T)
    expected = np.mean([found[one, other] ** 2 for one in range(5) for other in range(5) if one != other])
    assert Decorrelation()(rows, None).tolist() == pytest.approx([expected] * 40, rel=1e-6)


def test_neither_shrinking_nor_moving_an_embedding_helps() -> None:
    rows = (
        torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ torch.ones(3, 3).double()
    )
    rows += torch.randn(40, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    plain = Decorrelation()(rows, None)
    assert float(plain[0]) > 0.3
    torch.testing.assert_close(Decorrelation()(rows * 1000 - 7, None), plain, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    "rows", [torch.ones(5, 3), torch.randn(1, 3), torch.randn(6, 1)], ids=["still", "one", "narrow"]
)
def test_where_nothing_can_correlate_nothing_costs(rows: torch.Tensor) -> None:
    asked = rows.clone().requires_grad_()
    values = Decorrelation()(asked, None)
    values.sum().backward()
    assert values.tolist() == [0.0] * len(rows)
    assert asked.grad is not None
    assert not asked.grad.any()


def test_going_down_it_makes_columns_say_different_things() -> None:
    torch.manual_seed(0)
    inputs = torch.randn(200, 4)
    weights = (torch.ones(4, 3) + 0.1 * torch.randn(4, 3)).requires_grad_()
    before = float(Decorrelation()(inputs @ weights.detach(), None)[0])
    optimizer = torch.optim.Adam([weights], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        Decorrelation()(inputs @ weights, None).mean().backward()
        optimizer.step()
    assert before > 0.9
    assert float(Decorrelation()(inputs @ weights.detach(), None)[0]) < 1e-3


def test_something_that_is_no_embedding_is_refused_by_its_shape() -> None:
    with pytest.raises(ValueError) as caught:
        Decorrelation()(torch.zeros(3), None)
    assert str(caught.value) == "Expected output (rows, width), got output (3,)."
