"""Networks of several kinds that answer with the mean of their logits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.generate import generate
from models.inputs import Inputs
from tests import handmade
from training.answers.number import Number
from training.averaged import Averaged
from training.export import TOLERANCE, check_alone, check_parity, export
from training.net import Net
from training.network import Network
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.networks.tabm import TabM
from training.numbers.bounded_bins import BoundedBins
from training.numbers.periodic import Periodic

COLUMNS = generate(handmade.SCHEMA, 400, 1)
HEADS = {"sick": 1, "grade": 3}
BINS = BoundedBins(bins=4)


def kind(network: Network, count: int, seed: int = 0) -> list[Net]:
    torch.manual_seed(seed)
    return [network.build(handmade.SCHEMA, generate(handmade.SCHEMA, 300, 0), HEADS) for _ in range(count)]


def said(net: Net, head: str) -> np.ndarray:
    with torch.no_grad():
        return net.eval()(torch.from_numpy(COLUMNS))[head].double().numpy()


KINDS = {
    "linear beside hidden": (Linear(numbers=BINS), MLP(hidden=(5,))),
    "deep beside members": (MLP(hidden=(5, 4), numbers=BINS), TabM(hidden=(5,), count=2, numbers=BINS)),
    "learnt waves beside bins": (Linear(numbers=Periodic()), MLP(hidden=(5,), numbers=BINS)),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_counts_alike_however_many_copies_it_has(name: str) -> None:
    kinds = [kind(network, count, seed) for seed, (network, count) in enumerate(zip(KINDS[name], (2, 5), strict=True))]
    net = Averaged(kinds)
    wanted = {
        head: np.mean([np.mean([said(one, head) for one in each], axis=0) for each in kinds], axis=0) for head in HEADS
    }
    with torch.no_grad():
        taps = net.eval()(torch.from_numpy(COLUMNS))
    answers = net.answers(Inputs(COLUMNS), tuple(HEADS))
    assert tuple(taps) == tuple(HEADS)
    for head in HEADS:
        assert taps[head].numpy() == pytest.approx(wanted[head], abs=1e-5)
        assert answers[head].numpy() == pytest.approx(wanted[head], abs=1e-5)


def test_kinds_are_averaged_in_the_exported_file_too() -> None:
    net = Averaged([kind(KINDS["deep beside members"][0], 2), kind(Linear(numbers=BINS), 3)])
    raw = export(net, {"sick": Number()}, handmade.SCHEMA)
    assert check_parity(net, raw, {"sick": Number()}, COLUMNS) <= TOLERANCE
    check_alone(raw, COLUMNS, most=200)


def test_below_the_heads_it_answers_as_its_first_network() -> None:
    kinds = [kind(MLP(hidden=(5, 4)), 3), kind(Linear(), 2)]
    found = Averaged(kinds).answers(Inputs(COLUMNS), ("hidden_1", "sick", "embedding"))
    first = kinds[0][0].answers(Inputs(COLUMNS), ("hidden_1", "embedding"))
    assert set(found) == {"hidden_1", "sick", "embedding"}
    assert torch.equal(found["hidden_1"], first["hidden_1"])
    assert torch.equal(found["embedding"], first["embedding"])


def test_numbers_that_are_embedded_alike_are_embedded_once_in_a_graph() -> None:
    deep, other = MLP(hidden=(4, 4), numbers=BINS), MLP(hidden=(4, 4), numbers=BoundedBins(bins=3))
    once, twice, learnt = (
        Averaged(kinds)
        for kinds in (
            [kind(deep, 3), kind(Linear(numbers=BINS), 2)],
            [kind(deep, 3), kind(other, 2)],
            [kind(Linear(numbers=Periodic()), 3)],
        )
    )
    assert [len({id(net.numbers) for net in each.nets}) for each in (once, twice, learnt)] == [1, 2, 3]
