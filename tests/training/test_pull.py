"""What a network goes down, term by term."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.costs import Costs
from models.inputs import Inputs
from models.schema import Numeric, Schema
from tests import simulated
from training.cases import Cases, cases
from training.fit import fit, reproducible
from training.loss import Learning, Loss
from training.losses.absolute_size import AbsoluteSize
from training.losses.cost_weighted import CostWeighted
from training.losses.ldam import LDAM
from training.losses.pairwise_auc import PairwiseAUC
from training.losses.squared_error import SquaredError
from training.losses.squared_size import SquaredSize
from training.model import Budget, Model
from training.net import Net
from training.networks.mlp import MLP
from training.networks.tabm import TabM
from training.pull import Pull
from training.pull_table import PullTableMaker
from training.term import Term, said
from training.weighings.uncertainty import Uncertainty

SICK = Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=3.0)))
FLUID = Term(on="fluid", against="fluid", by=SquaredError(), weight=0.5)
HEADS = {"sick": 1, "fluid": 1}


class Towards(Learning):
    """Squared distance from one number that is learnt beside the network. Source: this test."""

    def companion(self, width: int) -> torch.nn.Module:
        del width
        return Place()


class Place(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.at = torch.nn.Parameter(torch.zeros(1))

    def forward(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        assert target is not None
        return (output - target - self.at).square()


def model(*terms: Term, **fields: object) -> Model:
    made = simulated.model().model_copy(update={"terms": terms, "network": MLP(hidden=(5,))})
    return made.model_copy(update=fields)


def shown(made: Model, *, missing: float = 0.3, rows: int = 60) -> tuple[Net, Cases]:
    columns, sick = simulated.people(rows, 1)
    fluid = (5 + 2 * columns[:, 0]).astype(np.float32)
    fluid[np.random.default_rng(0).random(rows) < missing] = np.nan
    with reproducible(0):
        net = made.network.build(simulated.SCHEMA, columns, HEADS)
    return net, cases(net, Inputs(columns), {"sick": sick, "fluid": fluid})


def pull(made: Model, net: Net, known: Cases) -> Pull:
    return Pull(made, net, known, torch.ones(len(known)))


def test_the_pull_is_the_sum_of_what_each_term_comes_to_by_hand() -> None:
    made = model(SICK, FLUID, Term(on="hidden_1", by=SquaredSize(), weight=0.1), Term(on="weights", by=AbsoluteSize()))
    net, known = shown(made)
    whole = pull(made, net, known)
    with torch.no_grad():
        taps = net.train().taps(known.inputs)
        found = float(whole(net, taps, known))
    wanted = 0.0
    for row in range(len(known)):
        price = 3.0 if known.labels["sick"][row] > 0 else 1.0
        cost = functional.binary_cross_entropy_with_logits(taps["sick"][row], known.labels["sick"][row])
        wanted += price * float(cost) / whole.scales[0] / len(known)
        wanted += 0.1 * float(taps["hidden_1"][row].square().mean() / 2) / len(known)
    rows = [row for row in range(len(known)) if not torch.isnan(known.labels["fluid"][row])]
    assert 30 < len(rows) < 55
    for row in rows:
        wanted += 0.5 * float((taps["fluid"][row] - known.labels["fluid"][row]) ** 2) / whole.scales[1] / len(rows)
    wanted += sum(float(weight.detach().abs().sum()) for weight in net.parameters() if weight.ndim > 1)
    assert found == pytest.approx(wanted, rel=1e-5)


def test_a_term_on_the_weights_of_one_layer_sees_no_other() -> None:
    made = model(SICK, Term(on="weights.hidden_1", by=SquaredSize()), Term(on="weights.fluid", by=SquaredSize()))
    net, known = shown(made)
    with torch.no_grad():
        values = pull(made, net, known).values(net, net.taps(known.inputs), known)
    layer, head = net.layers["hidden_1"][0].weight.detach(), net.heads[1].weight.detach()
    assert values[1].item() == pytest.approx(layer.square().sum().item() / 2)
    assert values[2].item() == pytest.approx(head.square().sum().item() / 2)


def test_another_tap_is_compared_with_and_not_pulled_on() -> None:
    made = model(SICK, Term(on="embedding", against="inputs", by=SquaredError()), network=MLP(hidden=(4, 3)))
    net, known = shown(made)
    taps = net.train().taps(known.inputs)
    taps["inputs"] = taps["inputs"].detach().requires_grad_()
    value = pull(made, net, known).values(net, taps, known)[1]
    wanted = (taps["embedding"] - taps["inputs"]).square().mean()
    assert value.item() == pytest.approx(wanted.item())
    reached, untouched = torch.autograd.grad(value, [taps["embedding"], taps["inputs"]], allow_unused=True)
    assert reached.abs().max() > 0
    assert untouched is None


def test_values_of_a_network_of_several_members_are_the_mean_of_those_of_each() -> None:
    for by in (CostWeighted(), PairwiseAUC()):
        made = model(Term(on="sick", against="sick", by=by), FLUID, network=TabM(hidden=(5,), count=3))
        net, known = shown(made)
        whole = pull(made, net, known)
        taps = net.train().taps(known.inputs)
        assert taps["sick"].shape == (60, 3)
        found = whole.values(net, taps, known)[0]
        wanted = [by(taps["sick"][:, member], known.labels["sick"]).mean() / whole.scales[0] for member in range(3)]
        assert found.item() == pytest.approx(torch.stack(wanted).mean().item(), rel=1e-5)
        rows = known.known("fluid")
        fluid = [(taps["fluid"][rows, member] - known.labels["fluid"][rows]).square().mean() for member in range(3)]
        assert whole.values(net, taps, known)[1].item() == pytest.approx(
            0.5 * torch.stack(fluid).mean().item() / whole.scales[1], rel=1e-5
        )


def test_members_differ_while_they_learn_and_answer_with_their_mean() -> None:
    made = model(SICK, network=TabM(hidden=(5, 4), count=7))
    net, known = shown(made)
    each = net.train().taps(known.inputs)
    assert (each["sick"].std(dim=1) > 0).all()
    together = net.eval().taps(known.inputs)
    for name in ("hidden_1", "hidden_2", "embedding", "sick", "fluid"):
        assert torch.allclose(together[name], each[name].mean(dim=1), atol=1e-6)


def test_a_batch_in_which_nobody_has_a_label_does_not_pull() -> None:
    made = model(SICK, FLUID)
    net, known = shown(made)
    nobody = known[torch.nonzero(~known.known("fluid")).flatten()]
    value = pull(made, net, known).values(net, net.taps(nobody.inputs), nobody)[1]
    assert value.item() == 0.0


def test_what_learns_beside_the_network_learns_and_is_kept_of_the_same_epoch() -> None:
    made = model(SICK, Term(on="fluid", against="fluid", by=Towards()), budget=Budget(epochs=40, batch=128))
    columns, sick = simulated.people(2000, 1)
    labels = {"sick": sick, "fluid": np.zeros(2000, dtype=np.float32)}
    with reproducible(0):
        net = made.network.build(simulated.SCHEMA, columns, HEADS)
    fitted = fit(made, net, head="sick", training=(columns, labels), validation=(columns, labels), seed=0)
    (place,) = fitted.pull.companions
    assert isinstance(place, Place)
    apart = fitted.net.answers(Inputs(columns), ("fluid",))["fluid"] - place.at
    assert apart.square().mean().item() < 0.01


class Later(Loss):
    """Nothing at first, and squared distance from epoch 3 on. Source: this test."""

    now: int = 0

    def at_epoch(self, number: int) -> Later:
        return Later(now=int(number >= 3))

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        assert target is not None
        return (output - target).square() * self.now


def test_a_loss_that_changes_with_the_epochs_is_told_and_what_was_kept_before_is_forgotten() -> None:
    made = model(SICK, Term(on="fluid", against="fluid", by=Later()), budget=Budget(epochs=8, batch=128))
    columns, sick = simulated.people(1000, 1)
    labels = {"sick": sick, "fluid": np.full(1000, 3.0, dtype=np.float32)}
    with reproducible(0):
        net = made.network.build(simulated.SCHEMA, columns, HEADS)
    fitted = fit(made, net, head="sick", training=(columns, labels), validation=(columns, labels), seed=0)
    assert fitted.kept.number >= 3
    assert fitted.history[1].loss < fitted.history[2].loss


def test_ldam_weighs_anew_from_the_epoch_it_names() -> None:
    made = model(Term(on="sick", against="sick", by=LDAM(reweight_from_epoch=3)))
    net, known = shown(made)
    whole = pull(made, net, known)
    assert [whole.begin(epoch) for epoch in (1, 2, 3, 4)] == [False, False, True, False]


def test_uncertainty_weighs_terms_by_what_is_left_of_them() -> None:
    """At rest exp(-s) times a term's value is one half: s is the logarithm of twice the value."""
    made = model(SICK, FLUID, weighing=Uncertainty(), budget=Budget(epochs=300, batch=2000, learning_rate=0.05))
    columns, sick = simulated.people(2000, 1)
    fluid = (5 + 2 * columns[:, 0] + np.random.default_rng(0).normal(size=2000)).astype(np.float32)
    labels = {"sick": sick, "fluid": fluid}
    with reproducible(0):
        net = made.network.build(simulated.SCHEMA, columns, HEADS)
    fitted = fit(made, net, head="sick", training=(columns, labels), validation=(columns, labels), seed=0)
    known = cases(fitted.net, Inputs(columns), labels)
    values = fitted.pull.values(fitted.net, fitted.net.taps(known.inputs), known)
    assert fitted.pull.weighing is not None
    learnt = fitted.pull.weighing.values.detach()
    assert learnt.numpy() == pytest.approx([np.log(2 * value.item()) for value in values], abs=0.25)


# The pull table


def test_the_pull_table_holds_the_norms_that_torch_finds_and_nothing_is_changed_by_looking() -> None:
    made = model(SICK, FLUID, Term(on="hidden_1", by=SquaredSize(), weight=0.1))
    net, known = shown(made, missing=0.0)
    whole = pull(made, net, known)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    maker = PullTableMaker(whole, net)
    for epoch in range(1, 10):
        maker.look(epoch, known)
    table = maker.table
    assert [look.epoch for look in table.looks] == [1, 2, 4, 8]
    assert table.taps == ("inputs", "hidden_1", "embedding", "sick", "fluid", "weights")
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(weight.grad is None for weight in net.parameters())
    # By hand: the slope of weighted cross-entropy at the head, row by row.
    with torch.no_grad():
        taps = net.eval().taps(known.inputs)
    share = torch.sigmoid(taps["sick"]) - known.labels["sick"]
    slopes = torch.where(known.labels["sick"] > 0, 3.0, 1.0) * share / whole.scales[0]
    norms = dict(zip(table.taps, table.looks[0].norms[0], strict=True))
    assert norms["sick"] == pytest.approx(float(slopes.square().mean().sqrt()), rel=1e-5)
    assert norms["fluid"] is None
    head = net.heads[0].weight
    assert norms["embedding"] == pytest.approx((slopes.square().mean().sqrt() * head.norm()).item(), rel=1e-5)
    third = dict(zip(table.taps, table.looks[0].norms[2], strict=True))
    assert third["sick"] is None
    assert third["inputs"] is not None


def test_terms_that_are_said_alike_are_numbered() -> None:
    assert said((SICK, FLUID, SICK)) == (
        "CostWeighted on sick against sick (1)",
        "SquaredError on fluid against fluid",
        "CostWeighted on sick against sick (2)",
    )


def test_a_study_in_training_fills_the_table() -> None:
    made = model(SICK, FLUID, budget=Budget(epochs=5, batch=128))
    columns, sick = simulated.people(500, 1)
    labels = {"sick": sick, "fluid": columns[:, 0]}
    net = made.network.build(Schema(columns=tuple(Numeric(name=n, low=-50, high=50) for n in "abc")), columns, HEADS)
    fitted = fit(made, net, head="sick", training=(columns, labels), validation=(columns, labels), seed=0)
    assert [look.epoch for look in fitted.pulls.looks] == [1, 2, 4]
