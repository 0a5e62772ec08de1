"""What every embedding of measured numbers keeps, and each of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from models.generate import generate
from models.value import members
from tests import handmade
from training.answers.number import Number
from training.export import TOLERANCE, check_alone, check_parity, export
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.networks.tabm import TabM
from training.numbers.periodic import Periodic
from training.numbers.piecewise_linear import PiecewiseLinear
from training.numbers_embedding import NumbersEmbedding

EMBEDDINGS = [kind() for kind in members(NumbersEmbedding)]
every_embedding = pytest.mark.parametrize("numbers", EMBEDDINGS, ids=lambda numbers: type(numbers).__name__)


def test_all_embeddings_are_found() -> None:
    assert {type(numbers) for numbers in EMBEDDINGS} >= {PiecewiseLinear, Periodic}


@every_embedding
@pytest.mark.parametrize("network", [Linear(), MLP(hidden=(6,)), TabM(hidden=(6,), count=3)], ids=repr)
def test_a_network_with_it_names_the_tap_and_exports(numbers: NumbersEmbedding, network: MLP) -> None:
    torch.manual_seed(0)
    shape = network.model_copy(update={"numbers": numbers})
    net = shape.build(handmade.SCHEMA, generate(handmade.SCHEMA, 300, 0), {"sick": 1})
    assert "numbers" in net.tap_names()
    assert net.tap_names()[:-1] == shape.tap_names()
    columns = generate(handmade.SCHEMA, 400, 1)
    taps = net.eval()(torch.from_numpy(columns))
    assert tuple(taps) == net.tap_names()
    assert taps["numbers"].shape == (400, net.numbers.width)
    assert torch.isfinite(taps["numbers"]).all()
    raw = export(net, {"sick": Number()}, handmade.SCHEMA)
    assert check_parity(net, raw, {"sick": Number()}, columns) <= TOLERANCE
    check_alone(raw, columns, most=200)


@every_embedding
def test_only_measured_numbers_are_embedded(numbers: NumbersEmbedding) -> None:
    inputs = torch.randn(50, 4)
    layer = numbers.build(inputs, [2])
    out = layer(inputs)
    assert torch.equal(out[:, -3:], inputs[:, [0, 1, 3]])
    assert out.shape == (50, layer.width)


@every_embedding
def test_a_schema_without_measured_numbers_has_no_such_layer(numbers: NumbersEmbedding) -> None:
    schema = handmade.SCHEMA.model_copy(update={"columns": handmade.SCHEMA.columns[2:]})
    net = MLP(hidden=(4,), numbers=numbers).build(schema, generate(schema, 50, 0), {"sick": 1})
    assert net.numbers is None


def test_places_in_bins_are_those_of_a_slow_loop() -> None:
    random = np.random.default_rng(0)
    known = torch.from_numpy(random.gamma(2.0, size=(400, 2)).astype(np.float32))
    layer = PiecewiseLinear(bins=5, width=None).build(known, [0, 1])
    fresh = random.gamma(2.0, size=(60, 2)).astype(np.float32) * 1.5 - 0.5
    found = layer(torch.from_numpy(fresh)).reshape(60, 2, 5)
    for column in range(2):
        ends = np.quantile(known[:, column].numpy().astype(np.float64), np.linspace(0, 1, 6)).astype(np.float32)
        for row in range(60):
            for place, (start, stop) in enumerate(pairwise(ends)):
                share = (fresh[row, column] - start) / (stop - start)
                if place > 0:
                    share = max(share, 0.0)
                if place < 4:
                    share = min(share, 1.0)
                assert float(found[row, column, place]) == pytest.approx(share, abs=2e-4)


def test_a_column_of_few_distinct_numbers_has_as_few_bins_and_one_that_never_changes_has_one() -> None:
    known = torch.tensor([[0.0, 7.0], [0.0, 7.0], [1.0, 7.0], [3.0, 7.0]])
    layer = PiecewiseLinear(bins=16, width=None).build(known, [0, 1])
    out = layer(torch.tensor([[3.0, 8.0]])).reshape(2, 16)
    assert out[1].tolist() == [1.0] + [0.0] * 15
    assert (out[0] != 0).sum() <= 3


def test_with_it_a_linear_model_bends_and_without_it_can_not() -> None:
    """Sick are those in the middle: no straight line tells them."""
    random = np.random.default_rng(0)
    x = torch.from_numpy(random.normal(size=(4000, 1)).astype(np.float32))
    wanted = (x[:, 0].abs() < 0.7).float()
    areas = []
    for make in (PiecewiseLinear(bins=8).build, Periodic().build, None):
        torch.manual_seed(0)
        first = torch.nn.Identity() if make is None else make(x, [0])
        head = torch.nn.Linear(1 if make is None else first.width, 1)
        optimizer = torch.optim.Adam([*first.parameters(), *head.parameters()], lr=0.03)
        for _ in range(200):
            optimizer.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(head(first(x))[:, 0], wanted)
            loss.backward()
            optimizer.step()
        right = ((head(first(x))[:, 0] > 0) == (wanted > 0.5)).float().mean()
        areas.append(float(right))
    assert areas[0] > 0.95
    assert areas[1] > 0.95
    assert areas[2] < 0.7
