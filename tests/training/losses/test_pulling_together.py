"""SupervisedContrastive and Triplet: rows of one class near each other, each checked in a slow loop."""

from __future__ import annotations

import math

import pytest
import torch
from pytorch_metric_learning import losses

from training.loss import Loss
from training.losses.supervised_contrastive import SupervisedContrastive
from training.losses.triplet import Triplet

LOSSES: list[SupervisedContrastive | Triplet] = [SupervisedContrastive(), Triplet()]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)
CLASSES = torch.tensor([0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 3.0, 0.0])  # the classes 2 and 3 have one row each


def embeddings(seed: int = 0) -> torch.Tensor:
    return torch.randn(8, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_supervised_contrastive_is_the_mean_surprise_at_a_partner(temperature: float) -> None:
    rows, classes = embeddings().tolist(), CLASSES.tolist()

    def likeness(one: list[float], other: list[float]) -> float:
        product = sum(a * b for a, b in zip(one, other, strict=True))
        return product / math.hypot(*one) / math.hypot(*other) / temperature

    expected = []
    for place, row in enumerate(rows):
        others = [other for other in range(8) if other != place]
        partners = [other for other in others if classes[other] == classes[place]]
        everybody = math.log(sum(math.exp(likeness(row, rows[other])) for other in others))
        surprises = [everybody - likeness(row, rows[other]) for other in partners]
        expected.append(sum(surprises) / len(surprises) if surprises else 0.0)
    found = SupervisedContrastive(temperature=temperature)(embeddings(), CLASSES)
    assert found.tolist() == pytest.approx(expected, rel=1e-9)


def test_over_the_rows_with_a_partner_it_is_the_mean_that_the_library_gives() -> None:
    found = SupervisedContrastive()(embeddings(), CLASSES)
    expected = losses.SupConLoss(temperature=0.1)(embeddings(), CLASSES)
    assert float(found.sum()) / 6 == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_triplet_is_the_farthest_partner_against_the_nearest_stranger(margin: float) -> None:
    rows, classes = embeddings(1).tolist(), CLASSES.tolist()
    expected = []
    for place, row in enumerate(rows):
        away = [math.dist(row, other) for other in rows]
        partners = [away[other] for other in range(8) if other != place and classes[other] == classes[place]]
        strangers = [away[other] for other in range(8) if classes[other] != classes[place]]
        expected.append(max(0.0, margin + max(partners) - min(strangers)) if partners else 0.0)
    assert Triplet(margin=margin)(embeddings(1), CLASSES).tolist() == pytest.approx(expected, rel=1e-6)
    assert max(expected) > 0


@every_loss
def test_a_row_without_a_partner_costs_nothing_and_is_not_drawn_to_itself(loss: Loss) -> None:
    lonely = CLASSES >= 2
    values = loss(embeddings(), CLASSES)
    assert values[lonely].tolist() == [0.0, 0.0]
    assert (values[~lonely] > 0).all()
    asked = embeddings().requires_grad_()
    loss(asked, CLASSES)[lonely].sum().backward()
    assert asked.grad is not None
    assert not asked.grad.any()


@every_loss
@pytest.mark.parametrize("classes", [[1.0, 1.0, 1.0], [0.0], [0.0, 1.0], [0.0, 1.0, 2.0]])
def test_where_there_is_nobody_to_compare_with_nothing_costs_or_pulls(loss: Loss, classes: list[float]) -> None:
    asked = embeddings()[: len(classes)].requires_grad_()
    values = loss(asked, torch.tensor(classes))
    values.sum().backward()
    assert values.tolist() == [0.0] * len(classes)
    assert asked.grad is not None
    assert not asked.grad.any()


def test_an_embedding_of_no_length_pulls_no_harder_than_a_short_one() -> None:
    asked = embeddings()
    asked[0] = 0.0
    asked.requires_grad_()
    SupervisedContrastive()(asked, CLASSES).sum().backward()
    assert asked.grad is not None
    assert float(asked.grad.abs().max()) < 1e5


@every_loss
def test_going_down_it_brings_each_class_together(loss: Loss) -> None:
    generator = torch.Generator().manual_seed(0)
    classes = (torch.arange(60) % 3).float()
    asked = torch.randn(60, 2, generator=generator, requires_grad=True)
    optimizer = torch.optim.Adam([asked], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss(asked, classes).mean().backward()
        optimizer.step()
    placed = (
        torch.nn.functional.normalize(asked.detach()) if isinstance(loss, SupervisedContrastive) else asked.detach()
    )
    away = torch.cdist(placed, placed).fill_diagonal_(torch.inf)
    assert (classes[away.argmin(dim=1)] == classes).all()
