"""Copies of a network that learn side by side, none from rows that are held from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from models.inputs import Inputs
from tests import simulated
from training.cases import Cases, cases
from training.copies import Copies
from training.fit import Fitted, fit, reproducible
from training.losses.cost_weighted import CostWeighted
from training.losses.ldam import LDAM
from training.losses.pairwise_auc import PairwiseAUC
from training.losses.precision_at_recall import PrecisionAtRecall
from training.losses.prototype import Prototype
from training.losses.squared_error import SquaredError
from training.losses.squared_size import SquaredSize
from training.model import Budget, Model
from training.net import Net
from training.network import Network
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.networks.tabm import TabM
from training.numbers.bounded_bins import BoundedBins
from training.numbers.periodic import Periodic
from training.pull import Apart, Pull
from training.term import WEIGHTS, Term

ROWS, COPIES = 90, 3
BUDGET = Budget(epochs=4, batch=32, learning_rate=0.05, schedule="cosine", decay=0.01)
HEADS = {"sick": 1, "fluid": 1}
SICK = Term(on="sick", against="sick", by=CostWeighted())
FLUID = Term(on="fluid", against="fluid", by=SquaredError())
SMALL, WITHIN = MLP(hidden=(6,)), TabM(hidden=(6,), count=2)


@dataclass(frozen=True)
class Rows:
    """Columns, who is sick, how much fluid is known of whom, and which copy never sees whom, bool [rows, copies]."""

    columns: np.ndarray
    sick: np.ndarray
    fluid: np.ndarray
    held: np.ndarray


def rows(count: int = ROWS) -> Rows:
    columns, sick = simulated.people(count, 1)
    fluid = (5 + 2 * columns[:, 0]).astype(np.float32)
    fluid[np.random.default_rng(0).random(count) < 0.4] = np.nan
    held = np.zeros((count, COPIES), dtype=bool)
    held[np.arange(count), np.arange(count) % COPIES] = True
    return Rows(columns, sick, fluid, held)


def copies(network: Network, columns: np.ndarray, count: int = COPIES) -> Copies:
    with reproducible(0):
        return Copies([network.build(simulated.SCHEMA, columns, HEADS) for _ in range(count)])


def model(network: Network, *terms: Term, budget: Budget = BUDGET) -> Model:
    return simulated.model(budget=budget).model_copy(update={"network": network, "terms": terms})


def trained(made: Model, shown: Rows, *, scaled_by: np.ndarray) -> Fitted:
    """Copies that learnt from `shown`; numbers are scaled by those of other rows, which no label has a say in."""
    net = copies(made.network, scaled_by)
    labels = {"sick": shown.sick, "fluid": shown.fluid}
    training = (shown.columns, labels)
    return fit(made, net, head="sick", training=training, validation=None, held=shown.held, seed=0)


def weights(fitted: Fitted, copy: int) -> list[torch.Tensor]:
    assert isinstance(fitted.net, Copies)
    return [weight[copy] for weight in fitted.net.stacked]


# Blind


CASES: dict[str, tuple[Network, tuple[Term, ...]]] = {
    "by rows": (SMALL, (SICK,)),
    "with dropout": (MLP(hidden=(6,), dropout=0.3), (SICK,)),
    "of lines": (Linear(), (SICK,)),
    "by numbers in bins": (MLP(hidden=(6,), dropout=0.3, numbers=BoundedBins(bins=3)), (SICK,)),
    "by what is learnt of numbers": (Linear(numbers=Periodic()), (SICK,)),
    "by comparing rows": (SMALL, (SICK, Term(on="sick", against="sick", by=PairwiseAUC()))),
    "by counts of both kinds": (SMALL, (Term(on="sick", against="sick", by=LDAM()),)),
    "by prototypes": (SMALL, (SICK, Term(on="embedding", against="sick", by=Prototype()))),
    "by a promise": (SMALL, (Term(on="sick", against="sick", by=PrecisionAtRecall(recall=0.9)),)),
    "by symptoms partly unknown": (SMALL, (SICK, FLUID)),
    "by another tap": (MLP(hidden=(4, 3)), (SICK, Term(on="embedding", against="inputs", by=SquaredError()))),
    "by several members": (WITHIN, (SICK, FLUID)),
    "by comparing rows within members": (WITHIN, (Term(on="sick", against="sick", by=PairwiseAUC()), SICK)),
    "by prototypes of several members": (WITHIN, (SICK, Term(on="embedding", against="sick", by=Prototype()))),
}


@pytest.mark.parametrize("case", CASES)
def test_pitfall_whatever_rows_hold_that_are_held_from_a_copy_its_weights_are_the_same_to_the_bit(case: str) -> None:
    network, terms = CASES[case]
    first, random = rows(), np.random.default_rng(5)
    own = np.flatnonzero(first.held[:, 1])
    # How many are sick in all, and of how many a symptom is known, all copies are told.
    others = replace(first, **{name: getattr(first, name).copy() for name in ("columns", "sick", "fluid")})
    others.columns[own] = random.normal(size=(len(own), 3)) * 5
    others.sick[own], others.fluid[own] = random.permutation(first.sick[own]), random.permutation(first.fluid[own])
    assert (others.sick != first.sick).any()
    assert (np.isnan(others.fluid) != np.isnan(first.fluid)).any()
    made = model(network, *terms)
    before, after = (trained(made, shown, scaled_by=first.columns) for shown in (first, others))
    for copy in range(COPIES):
        pairs = list(zip(weights(before, copy), weights(after, copy), strict=True))
        same = all(torch.equal(one, other) for one, other in pairs)
        assert same is (copy == 1), copy
        assert all(torch.isfinite(one).all() for one, _ in pairs)


def test_what_learns_beside_a_copy_is_as_blind_as_the_copy() -> None:
    first = rows()
    own = np.flatnonzero(first.held[:, 1])
    others = replace(first, columns=first.columns.copy())
    others.columns[own] += 3
    made = model(SMALL, SICK, Term(on="embedding", against="sick", by=Prototype()))
    found = [trained(made, shown, scaled_by=first.columns).pull.companions[0] for shown in (first, others)]
    places = []
    for companion in found:
        assert isinstance(companion, Apart)
        places.append([one.places for one in companion.of])
    assert [torch.equal(one, other) for one, other in zip(*places, strict=True)] == [False, True, False]


# As each copy alone


def asked(network: Network) -> tuple[Copies, Cases, Rows]:
    shown = rows()
    net = copies(network, shown.columns)
    known = cases(net, Inputs(shown.columns), {"sick": shown.sick, "fluid": shown.fluid})
    return net, replace(known, seen=torch.from_numpy(~shown.held).float()), shown


ALONE = [
    Linear(),
    Linear(numbers=BoundedBins(bins=3)),
    SMALL,
    MLP(hidden=(5, 4), numbers=BoundedBins(bins=3)),
    MLP(hidden=(5,), numbers=Periodic()),
    WITHIN,
]


@pytest.mark.parametrize("network", ALONE, ids=repr)
def test_copies_answer_as_each_of_them_does_alone(network: Network) -> None:
    net, known, _ = asked(network)
    alone = net.apart()
    with torch.no_grad():
        each = net.train().taps(known.inputs)
        for place, one in enumerate(alone):
            found = one.train().taps(known.inputs)
            for name, tap in found.items():
                if name == "inputs":
                    continue
                members = each[name].unflatten(1, (COPIES, network.members))[:, place]
                wanted = tap if name in one.spread else tap.unsqueeze(1)
                assert torch.allclose(members, wanted.expand_as(members), atol=1e-6), name
        together = net.eval().taps(known.inputs)
        answers = [one.eval().taps(known.inputs) for one in alone]
    assert not torch.allclose(answers[0]["sick"], answers[1]["sick"], atol=1e-3)
    for name, tap in together.items():
        mean = torch.stack([answer[name] for answer in answers]).mean(dim=0)
        assert torch.allclose(tap, mean, atol=1e-6), name


@pytest.mark.parametrize("network", ALONE[:-1], ids=repr)
def test_numbers_that_are_known_already_make_no_odds(network: Network) -> None:
    net, known, _ = asked(network)
    numbers = net.known_numbers(known.inputs)
    assert (numbers is None) is (network.numbers is None or isinstance(network.numbers, Periodic))
    each, other = net.train().taps(known.inputs), net.taps(known.inputs, numbers=numbers)
    assert all(torch.equal(tap, other[name]) for name, tap in each.items())


def test_what_is_left_out_by_chance_is_left_out_in_all_copies_and_in_other_rows_each_time() -> None:
    net, known, _ = asked(MLP(hidden=(8,), dropout=0.5))
    out = net.train().taps(known.inputs)["hidden_1"] == 0
    assert torch.equal(out[:, :1].expand_as(out), out)
    assert 0.4 < out.float().mean() < 0.6
    assert len(out[:, 0].unique(dim=0)) > ROWS / 2
    assert not (net.eval().taps(known.inputs)["hidden_1"] == 0).any()


@pytest.mark.parametrize("network", [SMALL, WITHIN], ids=repr)
@pytest.mark.parametrize("by", [CostWeighted(), PairwiseAUC()], ids=lambda by: type(by).__name__)
def test_a_term_is_the_mean_of_what_each_copy_makes_of_its_own_rows(network: Network, by: Any) -> None:
    """Each copy goes down what it would alone, over as many as there are copies."""
    net, known, shown = asked(network)
    made = model(network, Term(on="sick", against="sick", by=by), FLUID, Term(on=WEIGHTS, by=SquaredSize(), weight=0.1))
    whole = Pull(made, net, known, torch.ones(len(known)))
    values = whole.values(net, net.train().taps(known.inputs), known)
    alone: list[list[torch.Tensor]] = [[], [], []]
    for place, one in enumerate(net.apart()):
        seen = torch.from_numpy(~shown.held[:, place])
        own = replace(known, seen=None)[seen]
        single = Pull(made, one, own, torch.ones(len(own)))
        single.scales = whole.scales
        for found, value in zip(alone, single.values(one, one.train().taps(own.inputs), own), strict=True):
            found.append(value.detach())
    for value, wanted in zip(values, alone, strict=True):
        assert value.item() == pytest.approx(torch.stack(wanted).mean().item(), rel=1e-5)


@pytest.mark.parametrize("network", [SMALL, MLP(hidden=(5, 4)), WITHIN], ids=repr)
def test_a_copy_comes_to_what_a_network_comes_to_that_is_trained_on_its_rows_alone(network: Network) -> None:
    """With all rows in a batch there is but one order of them; in which unit a loss is makes no odds to Adam."""
    shown, count = rows(), 2
    budget = Budget(epochs=20, batch=1000, learning_rate=0.03, schedule="cosine", decay=0.1)
    held = shown.held[:, :count]
    made = model(network, SICK, budget=budget)
    net = copies(network, shown.columns, count)
    starts = net.apart()
    labels = {"sick": shown.sick, "fluid": shown.fluid}
    fitted = fit(made, net, head="sick", training=(shown.columns, labels), validation=None, held=held, seed=0)
    assert isinstance(fitted.net, Copies)
    for place, (start, found) in enumerate(zip(starts, fitted.net.apart(), strict=True)):
        seen = ~held[:, place]
        alone = by_hand(start, shown.columns[seen], shown.sick[seen], fitted.pull, budget)
        for name, weight in alone.named_parameters():
            assert torch.allclose(dict(found.named_parameters())[name], weight, atol=2e-3), name


def by_hand(net: Net, columns: np.ndarray, sick: np.ndarray, pull: Pull, budget: Budget) -> Net:
    """A plain loop with torch's own optimizer, and the rate as a cosine after a rise."""
    net.start_from(pull.answers)
    multiplying = {id(weight) for weight in net.each_weight()}
    groups = [
        {"params": [each for each in net.parameters() if id(each) in multiplying], "weight_decay": budget.decay},
        {"params": [each for each in net.parameters() if id(each) not in multiplying], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=budget.learning_rate)
    inputs, targets = net.encoding(torch.from_numpy(columns)), torch.from_numpy(sick)
    net.train()
    for step in range(1, budget.epochs + 1):
        share = (step - 1 + budget.batch / ROWS) / budget.epochs
        falling = (1 + np.cos(np.pi * max(0.0, share - 0.2) / 0.8)) / 2
        for group in optimizer.param_groups:
            group["lr"] = budget.learning_rate * min(share / 0.2, 1.0) * falling
        optimizer.zero_grad()
        logits = net.taps(inputs)["sick"]
        wanted = targets if logits.ndim == 1 else targets.unsqueeze(1).expand_as(logits)
        torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted).backward()
        optimizer.step()
    return net


# Out of fold


@pytest.mark.parametrize("network", [SMALL, WITHIN], ids=repr)
def test_a_row_s_unseen_answer_is_the_mean_of_the_copies_it_was_held_from(network: Network) -> None:
    shown, repeats = rows(40), 2
    again = np.zeros((40, COPIES), dtype=bool)
    again[np.arange(40), np.random.default_rng(3).permutation(np.arange(40) % COPIES)] = True
    held = np.concatenate([shown.held, again], axis=1)
    heads = {"sick": 1, "grade": 3}
    with reproducible(0):
        net = Copies([network.build(simulated.SCHEMA, shown.columns, heads) for _ in range(COPIES * repeats)])
    inputs = net.encoding(torch.from_numpy(shown.columns))
    found = net.unseen(inputs, torch.from_numpy(held))
    alone = net.apart()
    assert found["sick"].shape == (40,)
    assert found["grade"].shape == (40, 3)
    for row in range(40):
        answers = [one.taps(inputs[row : row + 1]) for place, one in enumerate(alone) if held[row, place]]
        assert len(answers) in {1, 2}
        for head in heads:
            wanted = torch.stack([answer[head][0] for answer in answers]).mean(dim=0)
            assert torch.allclose(found[head][row], wanted.detach(), atol=1e-6)


def test_the_unseen_answers_of_training_are_those_of_the_copies_it_ended_with() -> None:
    shown = rows()
    fitted = trained(model(SMALL, SICK, FLUID), shown, scaled_by=shown.columns)
    assert isinstance(fitted.net, Copies)
    assert fitted.unseen is not None
    alone = fitted.net.apart()
    for place, one in enumerate(alone):
        own = shown.held[:, place]
        for head in HEADS:
            wanted = one.answers(Inputs(shown.columns[own]), (head,))[head].numpy()
            assert fitted.unseen[head][own] == pytest.approx(wanted, abs=1e-5)


# Against an outside reference


@pytest.mark.parametrize(
    ("budget", "near"),
    [
        (Budget(epochs=400, batch=300, learning_rate=0.1, schedule="cosine"), 2e-3),
        # All copies take their steps together, and end as soon as their mean hardly moves.
        (Budget(epochs=100, schedule="whole"), 2e-2),
    ],
    ids=["cosine", "whole"],
)
def test_a_linear_copy_is_what_scikit_learn_finds_on_the_rows_it_saw(budget: Budget, near: float) -> None:
    """A term counts as a share of what the best constant answer costs: the entropy of the outcome."""
    shown, weight = rows(300), 0.02
    size = Term(on=WEIGHTS, by=SquaredSize(), weight=weight)
    fitted = trained(model(Linear(), SICK, size, budget=budget), shown, scaled_by=shown.columns)
    assert isinstance(fitted.net, Copies)
    share = shown.sick.mean()
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    scaled = (shown.columns - shown.columns.mean(axis=0)) / shown.columns.std(axis=0)
    for place, one in enumerate(fitted.net.apart()):
        seen = ~shown.held[:, place]
        # SquaredSize is half the square, as scikit-learn's penalty is: C is of the sum over rows.
        strength = 1 / (weight * seen.sum() * entropy)
        wanted = LogisticRegression(C=strength, tol=1e-10, max_iter=1000).fit(scaled[seen], shown.sick[seen])
        head = one.heads[0]
        assert isinstance(head, torch.nn.Linear)
        assert head.weight.detach().numpy() == pytest.approx(wanted.coef_, abs=near)
        assert head.bias.item() == pytest.approx(float(wanted.intercept_[0]), abs=near)
