"""What every network keeps, those that nobody has written yet included."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import training.networks
from models import graph
from models.generate import generate
from models.schema import Schema
from models.scorer import Graph
from models.value import Value, descendants, load_members
from tests import handmade
from training.answers.number import Number
from training.export import TOLERANCE, check_parity, export
from training.net import EMBEDDING, INPUTS, Net
from training.network import Network

load_members(training.networks)
SCHEMA: Schema = handmade.SCHEMA
HEADS = {"sick": Number(), "fluid_volume": Number()}
WIDTHS = dict.fromkeys(HEADS, 1)
every_network = pytest.mark.parametrize(
    "network", [kind() for kind in descendants(Network)], ids=lambda network: type(network).__name__
)


def built(network: Network, seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return network.build(SCHEMA, generate(SCHEMA, 200, 0), WIDTHS)


def test_all_networks_are_found() -> None:
    assert {kind.__name__ for kind in descendants(Network)} >= {"Linear", "MLP"}


@every_network
def test_its_taps_are_those_it_names_and_each_has_all_rows(network: Network) -> None:
    net = built(network)
    taps = net(torch.from_numpy(generate(SCHEMA, 9, 1)))
    assert tuple(taps) == net.tap_names()
    assert next(iter(taps)) == INPUTS
    assert tuple(taps)[-3:] == (EMBEDDING, *HEADS)
    assert {len(tap) for tap in taps.values()} == {9}
    assert {taps[head].shape for head in HEADS} == {(9,) if network.members == 1 else (9, network.members)}
    answered = net.eval()(torch.from_numpy(generate(SCHEMA, 9, 1)))
    assert [answered[head].shape for head in HEADS] == [(9,), (9,)]


@every_network
def test_its_layers_fit_each_other_and_the_heads(network: Network) -> None:
    layers = network.layers(11)
    assert len({name for name, _, _ in layers}) == len(layers)
    width, rows = 11, torch.zeros(2, 11)
    for _, layer, after in layers:
        rows, width = layer(rows), after
        assert rows.shape in {(2, width), (2, network.members, width)}


@every_network
def test_the_gradient_reaches_all_weights(network: Network) -> None:
    net = built(network)
    taps = net(torch.from_numpy(generate(SCHEMA, 200, 1)))
    sum(taps[head].square().sum() for head in HEADS).backward()  # type: ignore[union-attr]
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


@every_network
def test_empty_cells_come_to_finite_answers(network: Network) -> None:
    columns = generate(SCHEMA, 50, 1)
    columns[:, SCHEMA.may_be_empty] = np.nan
    for tap in built(network)(torch.from_numpy(columns)).values():
        assert torch.isfinite(tap).all()


@every_network
def test_it_exports_and_the_file_answers_like_the_network(network: Network) -> None:
    net = built(network)
    raw = export(net, HEADS, SCHEMA)
    columns = generate(SCHEMA, 3000, 2)
    assert check_parity(net, raw, HEADS, columns) <= TOLERANCE
    answers = Graph(graph.as_bytes(raw)).run(columns)
    assert list(answers) == [f"raw.{head}" for head in HEADS]


@every_network
def test_the_same_seed_begins_with_the_same_weights(network: Network) -> None:
    first, again, other = (built(network, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@every_network
def test_it_is_read_back_as_what_it_was(network: Network) -> None:
    class Made(Value):
        network: Network

    assert Made.model_validate(Made(network=network).model_dump(mode="json")) == Made(network=network)
