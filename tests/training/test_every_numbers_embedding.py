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
from training.numbers.bounded_bins import BoundedBins
from training.numbers.periodic import Periodic
from training.numbers.piecewise_linear import PiecewiseLinear
from training.numbers_embedding import NumbersEmbedding

EMBEDDINGS = [kind() for kind in members(NumbersEmbedding)]
every_embedding = pytest.mark.parametrize("numbers", EMBEDDINGS, ids=lambda numbers: type(numbers).__name__)


def test_all_embeddings_are_found() -> None:
    assert {type(numbers) for numbers in EMBEDDINGS} >= {PiecewiseLinear, Periodic, BoundedBins}


# Each embedding in one network, and each network with one of them: an embedding does not know what comes after it.
@pytest.mark.parametrize(
    ("numbers", "network"),
    [
        *((numbers, MLP(hidden=(6,))) for numbers in EMBEDDINGS),
        (BoundedBins(), Linear()),
        (BoundedBins(), TabM(hidden=(6,), count=3)),
    ],
    ids=repr,
)
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
    others = inputs[:, [0, 1, 3]]
    if isinstance(numbers, BoundedBins):
        # A rare yes, which scaling made large, is bounded too.
        others = others / torch.sqrt(1 + (others / numbers.reach) ** 2)
    assert torch.equal(out[:, -3:], others)
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


def test_numbers_are_squashed_and_placed_in_bins_as_a_slow_loop_does_it() -> None:
    random = np.random.default_rng(0)
    known = random.gamma(2.0, size=(400, 2)).astype(np.float32)
    layer = BoundedBins(bins=4, reach=2.0).build(torch.from_numpy(known), [0, 1])
    fresh = random.gamma(2.0, size=(60, 2)).astype(np.float32) * 3 - 1
    found = layer(torch.from_numpy(fresh)).reshape(60, 2, 5)

    def squashed(number: float, column: int) -> float:
        low, middle, high = np.quantile(known[:, column].astype(float), [0.25, 0.5, 0.75])
        far = (number - middle) / (high - low)
        return float(far / np.sqrt(1 + (far / 2.0) ** 2))

    for column in range(2):
        ends = np.quantile([squashed(number, column) for number in known[:, column]], np.linspace(0, 1, 5))
        for row in range(60):
            number = squashed(fresh[row, column], column)
            assert float(found[row, column, 0]) == pytest.approx(number, abs=1e-4)
            for place, (start, stop) in enumerate(pairwise(ends), 1):
                share = (number - start) / (stop - start)
                share = share if place == 1 else max(share, 0.0)
                share = share if place == 4 else min(share, 1.0)
                assert float(found[row, column, place]) == pytest.approx(share, abs=1e-3)


def test_pitfall_a_mistyped_number_and_a_rare_yes_do_not_outweigh_all_others() -> None:
    known = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    layer = BoundedBins(bins=4, reach=3.0).build(known, [0])
    out = layer(torch.tensor([[1e6, 1e6], [-1e6, -1e6]]))
    assert out.abs().max() < 100
    assert out[:, 0].tolist() == pytest.approx([3.0, -3.0])
    assert out[:, -1].tolist() == pytest.approx([3.0, -3.0])


def test_a_column_whose_middle_half_is_all_alike_is_scaled_by_its_range_and_one_that_never_changes_by_one() -> None:
    known = torch.zeros(100, 2)
    known[:5, 0], known[:, 1] = 8.0, 7.0
    layer = BoundedBins(bins=4, reach=3.0).build(known, [0, 1])
    out = layer(torch.tensor([[4.0, 8.0]])).reshape(2, 5)
    assert out[:, 0].tolist() == pytest.approx([1 / np.sqrt(1 + 1 / 9)] * 2)
    assert torch.isfinite(out).all()


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
