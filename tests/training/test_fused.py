"""Several networks of one shape as one."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from models.generate import generate
from tests import handmade
from training.answers.number import Number
from training.answers.yes_no import YesNo
from training.averaged import Averaged
from training.export import TOLERANCE, check_alone, check_parity, export
from training.fused import fused
from training.net import Net
from training.network import Network
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.networks.tabm import TabM
from training.numbers.bounded_bins import BoundedBins
from training.numbers.periodic import Periodic
from training.numbers.piecewise_linear import PiecewiseLinear

COLUMNS = generate(handmade.SCHEMA, 400, 1)
HEADS = {"sick": 1, "grade": 3}
ONE = {
    "Linear": Linear(),
    "Linear on bins": Linear(numbers=BoundedBins(bins=4)),
    "one hidden layer": MLP(hidden=(6,)),
    "one hidden layer with dropout": MLP(hidden=(6,), dropout=0.5, numbers=BoundedBins(bins=4)),
}
SEVERAL = {
    "two hidden layers": MLP(hidden=(6, 4)),
    "TabM": TabM(hidden=(6,), count=3),
    "Linear on learnt waves": Linear(numbers=Periodic()),
    "one hidden layer on learnt bins": MLP(hidden=(6,), numbers=PiecewiseLinear(bins=4, width=3)),
}


def nets(network: Network, count: int = 4, heads: dict[str, int] = HEADS) -> list[Net]:
    torch.manual_seed(0)
    return [network.build(handmade.SCHEMA, generate(handmade.SCHEMA, 300, 0), heads) for _ in range(count)]


def slowly(each: list[Net], head: str, columns: np.ndarray = COLUMNS) -> np.ndarray:
    """The mean of what each network says of each row, asked one by one."""
    with torch.no_grad():
        said = [net.eval()(torch.from_numpy(columns))[head].double().numpy() for net in each]
    return np.mean(said, axis=0)


@pytest.mark.parametrize("name", ONE)
def test_networks_that_can_be_one_are_one_and_it_says_their_mean(name: str) -> None:
    each = nets(ONE[name])
    whole = fused(each)
    assert whole is not None
    with torch.no_grad():
        taps = whole(torch.from_numpy(COLUMNS))
    for head in HEADS:
        assert taps[head].numpy() == pytest.approx(slowly(each, head), abs=1e-5)
    assert not np.allclose(slowly(each[:1], "sick"), slowly(each, "sick"), atol=1e-2)


def test_one_hidden_layer_has_the_units_of_all_side_by_side() -> None:
    each = nets(ONE["one hidden layer"])
    whole = fused(each)
    assert whole is not None
    layer, head = whole.layers["hidden_1"], whole.heads[1]
    assert isinstance(layer, nn.Sequential)
    assert [layer[0].in_features, layer[0].out_features] == [each[0].encoding.width, 24]
    assert head.weight.shape == (3, 24)


@pytest.mark.parametrize("name", SEVERAL)
def test_networks_that_can_not_be_one_stay_several(name: str) -> None:
    each = nets(SEVERAL[name])
    assert fused(each) is None
    assert len(Averaged([each]).nets) == 4


def test_the_networks_themselves_stay_as_they_were() -> None:
    for network in ONE.values():
        each = nets(network)
        before = [{name: value.clone() for name, value in net.state_dict().items()} for net in each]
        fused(each)
        Averaged([each])
        for net, kept in zip(each, before, strict=True):
            assert net.state_dict().keys() == kept.keys()
            assert all(torch.equal(value, kept[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("network", [ONE["one hidden layer"], SEVERAL["TabM"]], ids=repr)
def test_the_exported_file_says_the_mean_of_all_copies(network: Network) -> None:
    each = nets(network, 2, heads={"sick": 1, "sign": 1})
    wanted = slowly(each, "sick")
    net, heads = Averaged([each]), {"sick": Number(), "sign": YesNo()}
    raw = export(net, heads, handmade.SCHEMA)
    assert check_parity(net, raw, heads, COLUMNS) <= TOLERANCE
    check_alone(raw, COLUMNS, most=200)
    session = onnxruntime.InferenceSession(raw.SerializeToString())
    names = ["raw.sick", "raw.sign"]
    answers = dict(zip(names, session.run(names, {"columns": COLUMNS}), strict=True))
    assert answers["raw.sick"] == pytest.approx(wanted, abs=1e-5)
    # Logits are averaged, and a chance is made of their mean.
    assert answers["raw.sign"] == pytest.approx(1 / (1 + np.exp(-slowly(each, "sign"))), abs=1e-5)
