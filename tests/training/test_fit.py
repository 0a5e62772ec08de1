from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import special
from sklearn.metrics import roc_auc_score

from models.calibration import Reliability
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.costs import Costs
from models.curve import Curve
from models.inputs import Inputs
from models.schema import Numeric, Schema
from tests import simulated
from training.cases import Cases
from training.copies import Copies
from training.fit import Fitted, fit, reproducible
from training.keeper import Epoch, Keeper, mix
from training.losses.absolute_error import AbsoluteError
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_error import SquaredError
from training.losses.squared_size import SquaredSize
from training.model import Budget, Model
from training.net import Net
from training.network import Network
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.networks.tabm import TabM
from training.numbers.periodic import Periodic
from training.pull import Pull
from training.sampling import Balanced, Oversampled, Plain
from training.term import WEIGHTS, Term
from training.undo import undo

ROOT = Path(__file__).parents[2]
SHORT = Budget(epochs=3, batch=256)
QUICK = Budget(batch=512, learning_rate=0.05, patience=3, halvings=3)


def raw_logits(fitted: Fitted, columns: np.ndarray, head: str = "sick") -> np.ndarray:
    with torch.no_grad():
        return np.asarray(fitted.net(torch.from_numpy(columns))[head].numpy())


def weights(fitted: Fitted) -> dict[str, torch.Tensor]:
    return fitted.net.state_dict()


def digest(fitted: Fitted) -> str:
    return hashlib.sha256(b"".join(weight.numpy().tobytes() for weight in weights(fitted).values())).hexdigest()


# Undo


@pytest.mark.parametrize(
    "setting",
    [
        {"costs": Costs(miss=0.1)},
        {"costs": Costs(miss=10.0)},
        {"costs": Costs(miss=1000.0)},
        {"costs": Costs(false_alarm=1000.0)},
        {"sampling": Oversampled(times=10.0)},
        {"sampling": Oversampled(times=1000.0)},
        {"sampling": Balanced()},
        {"costs": Costs(miss=10.0), "sampling": Oversampled(times=10.0)},
    ],
    ids=lambda setting: ", ".join(map(repr, setting.values())),
)
def test_pitfall_weights_and_rates_are_undone_exactly(setting: dict[str, Any]) -> None:
    model = simulated.model(**setting)
    fitted = simulated.trained(model)
    columns, sick = simulated.people(100_000, 3)
    raw = raw_logits(fitted, columns)
    made = undo(model, "sick", simulated.people(16_000, 1)[1])
    after, before = Reliability.of(made.logits(raw), sick), Reliability.of(raw, sick)
    assert 0.9 <= after.observed_over_expected <= 1.1
    assert after.slope is not None
    # Pitfall "the down-weighted model stops early": short of convergence the slope is 2 and more.
    assert 0.9 <= after.slope <= 1.1
    # Without the undo it is far off, so that this test can fail.
    assert not 0.6 <= before.observed_over_expected <= 1.6
    # The map that is fitted afterwards has hardly anything left to do.
    fresh = simulated.people(8000, 2)
    mended = made.fit(raw_logits(fitted, fresh[0]), fresh[1])
    assert mended.slope == pytest.approx(1.0, abs=0.15)


def test_the_undo_names_what_each_thing_added() -> None:
    sick = np.array([1, 0, 0, 0], dtype=np.float32)
    made = undo(simulated.model(costs=Costs(miss=20.0), sampling=Balanced()), "sick", sick)
    assert (made.loss_log_ratio, made.sampling_log_ratio) == pytest.approx((math.log(20), math.log(3)))
    assert (made.slope, made.intercept, made.prevalence) == (1.0, 0.0, 0.25)


def test_several_terms_on_the_outcome_are_undone_as_the_mixture_they_are_and_others_do_not_count() -> None:
    further = (
        Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=100.0)), weight=3.0),
        Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=7.0)), weight=0.0),
        Term(on=WEIGHTS, by=SquaredSize()),
        Term(on="sick", by=SquaredSize()),
    )
    made = undo(simulated.model(*further), "sick", np.array([1, 0], dtype=np.float32))
    assert made.loss_log_ratio == pytest.approx(math.log((1 * 1 + 3 * 100) / (1 + 3)))


def test_nothing_is_undone_where_nothing_pulls_on_the_outcome() -> None:
    model = simulated.model().model_copy(update={"terms": (Term(on=WEIGHTS, by=SquaredSize()),)})
    assert undo(model, "sick", np.array([1, 0], dtype=np.float32)).loss_log_ratio == 0.0


# Reproducing


def small(seed: int) -> Fitted:
    made = simulated.model(budget=SHORT, sampling=Oversampled(times=3.0)).model_copy(
        update={"network": MLP(hidden=(8,))}
    )
    return simulated.trained(made, rows=1000, seed=seed)


def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_seed_others() -> None:
    first, again, other = small(1), small(1), small(2)
    assert digest(first) == digest(again) != digest(other)
    assert first.history == again.history


def test_another_process_comes_to_the_same_weights() -> None:
    module = "tests.training.test_fit"
    program = (
        "import importlib.util, sys;"
        f"spec = importlib.util.spec_from_file_location({module!r}, {str(Path(__file__))!r});"
        "made = importlib.util.module_from_spec(spec); spec.loader.exec_module(made);"
        "print(made.digest(made.small(1)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == [digest(small(1))]


def test_everything_is_as_it_was_after_training() -> None:
    torch.manual_seed(99)
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    state = torch.get_rng_state()
    small(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (threads, strict)


@pytest.mark.parametrize("strict", [True, False])
def test_everything_is_as_it_was_even_if_training_fails(strict: bool) -> None:  # noqa: FBT001  # a setting
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(3)
    torch.use_deterministic_algorithms(mode=strict)
    state = torch.get_rng_state()
    try:
        with pytest.raises(RuntimeError, match="stopped"), reproducible(5):  # noqa: PT012  # what happens inside counts
            assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (1, True)
            first = torch.rand(1)
            raise RuntimeError("stopped")
        assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (3, strict)
        assert torch.equal(torch.get_rng_state(), state)
        with reproducible(5):
            assert torch.equal(torch.rand(1), first)
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(mode=before[1])


# Stopping


def test_the_weights_are_those_of_the_epoch_that_is_said_to_be_kept() -> None:
    model = simulated.model(budget=QUICK).model_copy(update={"network": MLP(hidden=(32, 32))})
    fitted = simulated.trained(model, rows=1000)
    assert fitted.kept in fitted.history
    assert fitted.kept != fitted.history[-1]
    columns, sick = simulated.people(500, 2)
    probabilities = special.expit(raw_logits(fitted, columns).astype(float)).astype(np.float32)
    assert model.contract.region(Curve.of(probabilities, sick)) == fitted.kept.region
    assert not fitted.net.training


def test_training_ends_when_nothing_moves_and_halves_its_steps_before() -> None:
    fitted = simulated.trained(simulated.model(budget=QUICK), rows=2000)
    rates = [epoch.learning_rate for epoch in fitted.history]
    assert len(rates) < QUICK.epochs
    assert [epoch.number for epoch in fitted.history] == list(range(1, len(rates) + 1))
    assert sorted(set(rates), reverse=True) == pytest.approx([0.05, 0.025, 0.0125, 0.00625])
    assert rates == sorted(rates, reverse=True)
    assert rates.count(rates[-1]) >= QUICK.patience


def test_a_budget_is_not_exceeded_and_every_epoch_is_told() -> None:
    told: list[Epoch] = []
    model = simulated.model(budget=Budget(epochs=4))
    columns, sick = simulated.people(300, 1)
    net = model.network.build(simulated.SCHEMA, columns, {"sick": 1})
    rows = (columns, {"sick": sick})
    fitted = fit(model, net, head="sick", training=rows, validation=rows, seed=0, progress=told.append)
    assert tuple(told) == fitted.history
    assert len(told) == 4


def test_a_rate_that_falls_as_a_cosine_rises_first_and_ends_at_nothing_after_all_epochs() -> None:
    budget = Budget(epochs=10, batch=200, learning_rate=0.05, patience=1, halvings=0, schedule="cosine")
    fitted = simulated.trained(simulated.model(budget=budget), rows=2000)
    rates = [epoch.learning_rate for epoch in fitted.history]
    # At the end of epoch e a share of e / 10 is done.
    wanted = [
        0.025,
        0.05,
        *(0.05 * (1 + math.cos(math.pi * (share - 0.2) / 0.8)) / 2 for share in np.arange(3, 11) / 10),
    ]
    assert rates == pytest.approx(wanted, abs=1e-9)
    columns, sick = simulated.people(5000, 3)
    assert roc_auc_score(sick, raw_logits(fitted, columns)) > 0.99 * roc_auc_score(sick, simulated.truth(columns))


@pytest.mark.parametrize("network", [MLP(hidden=(6,), numbers=Periodic()), TabM(hidden=(6,), count=3)], ids=repr)
def test_weights_that_multiply_something_decay_as_adamw_has_it_and_nothing_else_does(network: Network) -> None:
    """One step of nearly nothing: where a rate is tiny against what decays, only the decay is left."""
    columns, sick = simulated.people(64, 1)
    rate, share = 1e-6, 1e5
    found = []
    for decay in (0.0, share):
        budget = Budget(epochs=1, batch=64, learning_rate=rate, decay=decay)
        model = simulated.model(budget=budget).model_copy(update={"network": network})
        with reproducible(0):
            net = model.network.build(simulated.SCHEMA, columns, {"sick": 1})
        before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
        multiplying = {id(weight) for weight in net.each_weight()}
        named = {name for name, weight in net.named_parameters() if id(weight) in multiplying}
        rows = (columns, {"sick": sick})
        fitted = fit(model, net, head="sick", training=rows, validation=rows, seed=0)
        found.append(dict(fitted.net.named_parameters()))
    plain, decayed = found
    assert {name.rpartition(".")[2] for name in named} == {"weight"}
    assert 0 < len(named) < len(plain)
    for name, weight in plain.items():
        taken = rate * share * before[name] if name in named else torch.zeros(())
        assert torch.allclose(decayed[name], weight - taken, atol=1e-6), name


def test_without_a_validation_part_the_last_epoch_is_kept_and_judged_by_what_training_lowered() -> None:
    columns, sick = simulated.people(600, 1)
    model = simulated.model(budget=Budget(epochs=6, batch=100, learning_rate=0.05, schedule="cosine"))
    held = np.arange(600)[:, None] % 3 == np.arange(3)
    with reproducible(0):
        net = Copies([model.network.build(simulated.SCHEMA, columns, {"sick": 1}) for _ in range(3)])
    rows, told = (columns, {"sick": sick}), list[Epoch]()
    fitted = fit(model, net, head="sick", training=rows, validation=None, held=held, seed=0, progress=told.append)
    assert tuple(told) == fitted.history
    assert fitted.kept == fitted.history[-1]
    assert fitted.kept.number == 6
    losses = [epoch.loss for epoch in fitted.history]
    assert losses[0] > losses[-1]
    assert all(math.isnan(epoch.region) for epoch in fitted.history)
    assert str(fitted.kept) == f"epoch 6, loss {fitted.kept.loss:.4f}"
    # A share of what the best constant answer costs: on the way of the last epoch nearly what it is after it.
    share = sick.mean()
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    each = [
        np.logaddexp(0, np.where(sick > 0, -1, 1) * one.answers(Inputs(columns), ("sick",))["sick"].numpy())[
            ~own
        ].mean()
        for one, own in zip(net.apart(), held.T, strict=True)
    ]
    assert fitted.kept.loss == pytest.approx(np.mean(each) / entropy, abs=0.02)
    assert not fitted.net.training


ONE = Schema(columns=(Numeric(name="a", low=-9, high=9),))


def judged(steps: list[tuple[float, float]], model: Model | None = None) -> list[tuple[Epoch, Epoch]]:
    """What a keeper says of each epoch, and what it keeps by then, for weights and biases of a one-column network."""
    random = np.random.default_rng(0)
    columns = random.normal(size=(400, 1)).astype(np.float32)
    sick = (random.random(400) < special.expit(2 * columns[:, 0] - 1)).astype(np.float32)
    net = Linear().build(ONE, columns, {"sick": 1})
    model = model or simulated.model()
    with torch.no_grad():
        held = Cases(net.encoding(torch.from_numpy(columns)), {"sick": torch.from_numpy(sick)})
    keeper = Keeper(model, held, "sick")
    pull = Pull(model, net, held, mix(model, held.labels["sick"]))
    pull.scales = [1.0] * len(model.terms)
    found = []
    for number, (slope, bias) in enumerate(steps, 1):
        _set(net, slope, bias)
        epoch = keeper.judge(net, pull, number, 0.1)
        assert float(keeper.weights["net"]["heads.0.bias"]) == pytest.approx(steps[keeper.kept.number - 1][1])
        found.append((epoch, keeper.kept))
    return found


def _set(net: Net, slope: float, bias: float) -> None:
    head = net.heads[0]
    assert isinstance(head, torch.nn.Linear)
    with torch.no_grad():
        head.weight.fill_(slope)
        head.bias.fill_(bias)


def test_a_better_loss_that_is_worse_in_the_operating_region_is_not_kept() -> None:
    (first, _), (second, kept) = judged([(30.0, 0.0), (0.0, -1.0)])
    assert second.loss < first.loss
    assert second.region < first.region
    assert kept == first


def test_of_epochs_that_are_as_good_in_the_operating_region_the_lowest_loss_is_kept() -> None:
    found = judged([(8.0, -1.0), (2.0, -1.0), (5.0, -1.0)])
    assert len({epoch.region for epoch, _ in found}) == 1
    assert [kept.number for _, kept in found] == [1, 2, 2]


def test_an_epoch_that_is_better_in_the_operating_region_replaces_one_with_a_better_loss() -> None:
    found = judged([(0.0, -1.0), (30.0, 0.0)])
    assert found[1][0].loss > found[0][0].loss
    assert [kept.number for _, kept in found] == [1, 2]


def test_an_epoch_that_was_not_best_at_its_time_is_kept_once_a_better_region_leaves_the_best_behind() -> None:
    keeper = object.__new__(Keeper)
    keeper.noise, keeper.top, keeper.candidates = 0.1, 0.0, []
    net = Linear().build(ONE, np.zeros((2, 1), dtype=np.float32), {"sick": 1})
    for number, (region, loss) in enumerate([(0.50, 1.0), (0.58, 1.2), (0.65, 1.3), (0.64, 1.4)], 1):
        keeper.top = max(keeper.top, region)
        keeper._consider(Epoch(number, loss, region, 0.1), net)
    assert keeper.kept.number == 2
    assert [epoch.number for epoch, _ in keeper.candidates] == [2, 3]


def test_the_operating_region_is_that_of_the_contract() -> None:
    for contract in (Recall(at_least=0.8), Precision(at_least=0.6, prevalence=0.2)):
        random = np.random.default_rng(0)
        columns = random.normal(size=(400, 1)).astype(np.float32)
        sick = (random.random(400) < special.expit(2 * columns[:, 0] - 1)).astype(np.float32)
        ((epoch, _),) = judged([(1.0, 0.0)], simulated.model(contract=contract))
        assert epoch.region == pytest.approx(contract.region(Curve.of(special.expit(columns[:, 0]), sick)))


def test_the_validation_loss_is_that_of_the_mix_that_training_shows() -> None:
    random = np.random.default_rng(0)
    columns = random.normal(size=(400, 1)).astype(np.float32)
    sick = (random.random(400) < special.expit(2 * columns[:, 0] - 1)).astype(np.float32)
    scaled = (columns[:, 0] - columns.mean()) / columns.std()
    costs = np.logaddexp(0, np.where(sick > 0, -1, 1) * (1.5 * scaled - 0.5))
    for sampling, rate in ((Plain(), 1.0), (Oversampled(times=7.0), 7.0)):
        ((epoch, _),) = judged([(1.5, -0.5)], simulated.model(sampling=sampling))
        assert epoch.loss == pytest.approx(np.average(costs, weights=np.where(sick > 0, rate, 1)), rel=1e-5)


# Terms


def test_prices_in_another_currency_change_nothing() -> None:
    cheap = simulated.trained(simulated.model(costs=Costs(miss=3.0, false_alarm=1.0), budget=SHORT), rows=1000)
    dear = simulated.trained(simulated.model(costs=Costs(miss=3000.0, false_alarm=1000.0), budget=SHORT), rows=1000)
    for name, weight in weights(cheap).items():
        assert torch.allclose(weights(dear)[name], weight, atol=1e-3), name


def test_the_best_constant_answer_costs_one() -> None:
    model = simulated.model(costs=Costs(miss=50.0), budget=Budget(epochs=1, learning_rate=1e-9, batch=5000))
    columns, sick = simulated.people(2000, 1)
    net = model.network.build(simulated.SCHEMA, columns, {"sick": 1})
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
    rows = (columns, {"sick": sick})
    fitted = fit(model, net, head="sick", training=rows, validation=rows, seed=0)
    assert fitted.kept.loss == pytest.approx(1.0, abs=1e-5)
    wanted = special.logit(50 * sick.mean() / (50 * sick.mean() + 1 - sick.mean()))
    assert raw_logits(fitted, columns[:3]) == pytest.approx([wanted] * 3, abs=1e-3)


def symptomatic(*, known: float, error: type[AbsoluteError | SquaredError] = SquaredError) -> tuple[Fitted, np.ndarray]:
    """A model with a symptom head whose label is known for a share of the rows, and absurd numbers nowhere."""
    model = simulated.model(Term(on="fluid", against="fluid", by=error()), budget=QUICK)
    random = np.random.default_rng(0)
    parts = []
    for seed in (1, 2):
        columns, sick = simulated.people(3000, seed)
        fluid = (5 + 2 * columns[:, 0]).astype(np.float32)
        # Known where b is high, so that rows without a label would pull elsewhere if they pulled at all.
        fluid[random.random(3000) >= known] = np.nan
        parts.append((columns, {"sick": sick, "fluid": fluid}))
    with reproducible(0):
        net = model.network.build(simulated.SCHEMA, parts[0][0], {"sick": 1, "fluid": 1})
    fitted = fit(model, net, head="sick", training=parts[0], validation=parts[1], seed=0)
    return fitted, simulated.people(1000, 3)[0]


@pytest.mark.parametrize("error", [SquaredError, AbsoluteError])
def test_a_symptom_is_learnt_from_the_rows_that_know_it(error: type[AbsoluteError | SquaredError]) -> None:
    fitted, columns = symptomatic(known=0.2, error=error)
    assert raw_logits(fitted, columns, "fluid") == pytest.approx(5 + 2 * columns[:, 0], abs=0.25)
    sick = np.corrcoef(raw_logits(fitted, columns), simulated.truth(columns))[0, 1]
    assert sick > 0.98


def test_a_symptom_that_nobody_knows_does_not_pull() -> None:
    fitted, columns = symptomatic(known=0.0)
    assert np.isfinite([epoch.loss for epoch in fitted.history]).all()
    assert all(torch.isfinite(weight).all() for weight in weights(fitted).values())
    assert np.corrcoef(raw_logits(fitted, columns), simulated.truth(columns))[0, 1] > 0.98


def test_a_symptom_that_is_the_same_for_everybody_is_learnt_as_that() -> None:
    model = simulated.model(Term(on="fluid", against="fluid", by=SquaredError()), budget=QUICK)
    columns, sick = simulated.people(1000, 1)
    rows = (columns, {"sick": sick, "fluid": np.full(1000, 3.0, dtype=np.float32)})
    with reproducible(0):
        net = model.network.build(simulated.SCHEMA, columns, {"sick": 1, "fluid": 1})
    fitted = fit(model, net, head="sick", training=rows, validation=rows, seed=0)
    assert raw_logits(fitted, columns, "fluid") == pytest.approx(3.0, abs=0.15)


def test_a_term_on_the_weights_shrinks_them() -> None:
    sizes = [
        float(simulated.trained(simulated.model(*decay, budget=QUICK), rows=2000).net.weights().detach().norm())
        for decay in ((), *((Term(on=WEIGHTS, by=SquaredSize(), weight=weight),) for weight in (0.1, 10.0)))
    ]
    assert sizes[0] > 1.2 * sizes[1]
    assert sizes[1] > 3 * sizes[2]


def test_a_term_on_an_embedding_pulls_on_it() -> None:
    sizes = []
    for weight in (0.0, 10.0):
        model = simulated.model(Term(on="embedding", by=SquaredSize(), weight=weight), budget=QUICK).model_copy(
            update={"network": MLP(hidden=(8,))}
        )
        fitted = simulated.trained(model, rows=2000)
        with torch.no_grad():
            sizes.append(float(fitted.net(torch.from_numpy(simulated.people(500, 3)[0]))["embedding"].norm()))
    assert sizes[0] > 5 * sizes[1]


def test_a_term_without_weight_changes_nothing() -> None:
    free = Term(on=WEIGHTS, by=SquaredSize(), weight=0.0)
    assert digest(simulated.trained(simulated.model(free, budget=SHORT), rows=1000)) == digest(
        simulated.trained(simulated.model(budget=SHORT), rows=1000)
    )


# Cells that were never empty


def never_empty(emptied: float) -> Reliability:
    """How a column that may be empty, and never was in training, is taken when it is; it began as a strong sign."""
    schema = Schema(
        columns=tuple(column.model_copy(update={"missing": "impute"}) for column in simulated.SCHEMA.columns)
    )
    model = simulated.model(emptied=emptied)
    (columns, sick), (held, held_sick) = simulated.people(8000, 1), simulated.people(4000, 2)
    with reproducible(0):
        net = model.network.build(schema, columns, {"sick": 1})
    head = net.heads[0]
    assert isinstance(head, torch.nn.Linear)
    with torch.no_grad():
        head.weight[0, -3:] = 5.0
    rows = (columns, {"sick": sick}), (held, {"sick": held_sick})
    fitted = fit(model, net, head="sick", training=rows[0], validation=rows[1], seed=0)
    fresh, truth = simulated.people(50_000, 3)
    fresh[:, 1] = np.nan
    return Reliability.of(raw_logits(fitted, fresh), truth)


def test_a_cell_that_was_never_empty_in_training_is_taken_as_unknown_when_it_is() -> None:
    learnt, arbitrary = never_empty(0.05), never_empty(0.0)
    assert 0.8 <= learnt.observed_over_expected <= 1.25
    assert arbitrary.observed_over_expected < 0.3
