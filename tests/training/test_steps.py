"""What a network is shown, batch by batch."""

from __future__ import annotations

import lightning_fabric
import pytest
import torch

import training.steps
from models.inputs import Inputs
from tests import simulated
from training.cases import cases
from training.networks.mlp import MLP
from training.numbers.bounded_bins import BoundedBins
from training.pull import Pull
from training.steps import Batches


@pytest.mark.parametrize("together", [1, 20, 1000])
def test_batches_hold_every_row_once_with_its_own_numbers(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    monkeypatch.setattr(training.steps, "TOGETHER", together)
    columns, sick = simulated.people(70, 1)
    made = simulated.model().model_copy(update={"network": MLP(hidden=(4,), numbers=BoundedBins(bins=3))})
    net = made.network.build(simulated.SCHEMA, columns, {"sick": 1})
    shown = cases(net, Inputs(columns), {"sick": sick})
    fabric, generator = lightning_fabric.Fabric(accelerator="cpu"), torch.Generator().manual_seed(0)
    steps = Batches(
        made, net, Pull(made, net, shown, torch.ones(70)), shown, "sick", fabric=fabric, generator=generator
    )
    rows = torch.randperm(70, generator=generator)
    batches = list(steps.batches(rows, 16))
    assert [len(batch) for batch in batches] == [16, 16, 16, 16, 6]
    assert torch.equal(torch.cat([batch.labels["sick"] for batch in batches]), shown.labels["sick"][rows])
    assert torch.equal(torch.cat([batch.inputs for batch in batches]), shown.inputs[rows])
    for batch in batches:
        assert net.numbers is not None
        assert batch.numbers is not None
        assert torch.equal(batch.numbers, net.numbers(batch.inputs))
