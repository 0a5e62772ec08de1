from __future__ import annotations

import math

import pytest
import torch

from training.losses.prototype import Prototype


def test_it_is_the_surprise_at_the_class_by_squared_distances() -> None:
    torch.manual_seed(0)
    prototypes = Prototype(classes=3, temperature=2.0).companion(4).double()
    rows = torch.randn(5, 4, dtype=torch.float64)
    classes = [0, 2, 1, 1, 0]
    expected = []
    for row, kind in zip(rows.tolist(), classes, strict=True):
        near = [math.exp(-(math.dist(row, place) ** 2) / 2.0) for place in prototypes.places.tolist()]
        expected.append(-math.log(near[kind] / sum(near)))
    found = prototypes(rows, torch.tensor(classes, dtype=torch.float64))
    assert found.tolist() == pytest.approx(expected, rel=1e-9)


def test_far_out_the_nearer_prototype_is_still_told_in_single_precision() -> None:
    prototypes = Prototype().companion(1)
    with torch.no_grad():
        prototypes.places[:] = torch.tensor([[0.0], [1e-4]])
    # The squares of the distances are 1e8 and 1e8 - 2: beside 1e8, float32 knows steps of 8.
    assert prototypes(torch.tensor([[1e4]]), torch.tensor([1.0])).item() == pytest.approx(math.log1p(math.exp(-2)))


def test_embeddings_and_prototypes_learn_to_tell_the_classes() -> None:
    torch.manual_seed(0)
    classes = (torch.arange(120) % 4).float()
    rows = torch.nn.functional.one_hot(classes.long(), 4).float() * 2 + torch.randn(120, 4) / 2
    net, prototypes = torch.nn.Linear(4, 4), Prototype().told(classes).companion(4)
    optimizer = torch.optim.Adam([*net.parameters(), *prototypes.parameters()], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        prototypes(net(rows), classes).mean().backward()
        optimizer.step()
    nearest = torch.cdist(net(rows), prototypes.places).argmin(dim=1)
    assert float((nearest == classes).float().mean()) > 0.95


def test_the_training_part_says_how_many_classes_there_are() -> None:
    assert Prototype().told(torch.tensor([2.0, 0.0])) == Prototype(classes=3)


def test_an_unknown_class_is_refused_by_name() -> None:
    with pytest.raises(ValueError) as caught:
        Prototype()(torch.zeros(2, 3), torch.tensor([1.0, 2.0]))
    assert str(caught.value) == "Expected classes from 0 to 1, got class 2."
