from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from training import looking
from training.looking import looked_at


class Counting(nn.Module):
    """Mean colours times a weight, and how many images it was asked for."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.seen = 0

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen += len(image)
        return image.float().mean(dim=(1, 2)) * self.weight


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_remembered", {})


def images(rows: int = 20) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(rows, 6, 5, 3), dtype=np.uint8)


def test_each_photograph_is_looked_at_once_whatever_the_order_and_the_company() -> None:
    encoder, rows = Counting(2.0), images()
    first = looked_at(encoder, rows, at_once=3)
    assert encoder.seen == 20
    order = np.random.default_rng(1).permutation(20)[:13]
    again = looked_at(encoder, rows[order], at_once=4)
    assert encoder.seen == 20
    assert torch.equal(again, first[torch.from_numpy(order)])
    assert first.numpy() == pytest.approx(rows.mean(axis=(1, 2)) * 2, rel=1e-5)


def test_another_weight_is_another_encoder() -> None:
    rows = images(4)
    looked_at(Counting(2.0), rows)
    other = Counting(3.0)
    assert looked_at(other, rows).numpy() == pytest.approx(rows.mean(axis=(1, 2)) * 3, rel=1e-5)
    assert other.seen == 4


def test_what_does_not_fit_is_looked_at_anew_and_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MOST_BYTES", 5 * 12)
    encoder, rows = Counting(2.0), images(8)
    first = looked_at(encoder, rows)
    assert len(looking._remembered) == 5
    assert torch.equal(looked_at(encoder, rows), first)
    assert encoder.seen == 8 + 3


def test_what_has_no_weights_is_not_worth_remembering() -> None:
    rows = images(3)
    assert torch.equal(looked_at(nn.Identity(), rows), torch.from_numpy(rows))
    assert looking._remembered == {}
