from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from training.losses.adversary import Adversary


def test_what_it_says_is_the_cross_entropy_of_its_classifier() -> None:
    torch.manual_seed(0)
    classifier = Adversary(classes=3).companion(4)
    rows, sites = torch.randn(6, 4), torch.tensor([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])
    likely = torch.softmax(classifier.layers(rows), dim=1).detach()
    expected = [-float(likely[row, int(site)].log()) for row, site in enumerate(sites)]
    assert classifier(rows, sites).tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("strength", [0.3, 2.0])
def test_towards_the_embedding_the_slope_is_turned_round_and_towards_the_classifier_it_is_not(strength: float) -> None:
    torch.manual_seed(0)
    classifier = Adversary(strength=strength).companion(3).double()
    rows, sites = torch.randn(5, 3, dtype=torch.float64, requires_grad=True), torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0])
    classifier(rows, sites).sum().backward()
    weight = classifier.layers[0].weight

    def slope(of: torch.Tensor) -> float:
        values = []
        with torch.no_grad():
            for move in (1e-6, -2e-6):
                of[0, 0] += move
                values.append(float(classifier(rows, sites).sum()))
            of[0, 0] += 1e-6
        return (values[0] - values[1]) / 2e-6

    assert rows.grad is not None
    assert weight.grad is not None
    assert float(rows.grad[0, 0]) == pytest.approx(-strength * slope(rows), rel=1e-5)
    assert float(weight.grad[0, 0]) == pytest.approx(slope(weight), rel=1e-5)


def told_from(embedding: torch.Tensor, site: torch.Tensor) -> float:
    """How often a classifier that has nothing to do with training tells the site from the embedding."""
    fresh = LogisticRegression().fit(embedding.numpy(), site.numpy())
    return float(fresh.score(embedding.numpy(), site.numpy()))


@pytest.mark.parametrize(("fought", "least", "most"), [(False, 0.8, 1.0), (True, 0.0, 0.65)])
def test_an_embedding_forgets_the_site_and_keeps_the_disease(fought: bool, least: float, most: float) -> None:  # noqa: FBT001 - one case of two
    torch.manual_seed(0)
    disease, site = (torch.rand(2, 600) < 0.5).float()
    columns = torch.stack([2 * disease + torch.randn(600), 3 * site + torch.randn(600), torch.randn(600)], dim=1)
    net, head, loss = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1), Adversary().told(site).companion(2)
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters(), *loss.parameters()], lr=0.02)
    for _ in range(400):
        optimizer.zero_grad()
        embedding = net(columns)
        task = torch.nn.functional.binary_cross_entropy_with_logits(head(embedding).squeeze(1), disease)
        (task + (loss(embedding, site).mean() if fought else 0.0)).backward()
        optimizer.step()
    embedding = net(columns).detach()
    assert least <= told_from(embedding, site) <= most
    assert told_from(embedding, disease) > 0.8


def test_the_training_part_says_how_many_classes_there_are() -> None:
    assert Adversary().told(torch.tensor([3.0, 0.0])) == Adversary(classes=4)


def test_an_unknown_class_is_refused_by_name() -> None:
    with pytest.raises(ValueError) as caught:
        Adversary()(torch.zeros(2, 3), torch.tensor([1.0, 2.0]))
    assert str(caught.value) == "Expected classes from 0 to 1, got class 2."
