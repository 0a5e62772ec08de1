from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from models.contract import Contract
from models.contracts.cost import Cost
from models.costs import Costs
from models.curve import Counts, Curve
from models.errors import Unreachable
from models.plan import Expected
from tests.cases import drawn, least, most, two_scores


def price_by_scipy(counts: Counts, contract: Cost) -> float:
    """Fewer hits and more alarms than were seen, each at half the risk."""
    half = (1 + contract.confidence) / 2
    missed = contract.prevalence * (1 - least(counts.hits, counts.positives, half))
    alarmed = (1 - contract.prevalence) * most(counts.alarms, counts.negatives, half)
    return contract.costs.miss * missed + contract.costs.false_alarm * alarmed


@pytest.mark.parametrize("stated", [0.01, 0.1, 0.4])
@pytest.mark.parametrize("prevalence", [0.05, 0.1])
def test_the_threshold_is_what_the_prices_say_whatever_scale_the_probabilities_are_on(
    stated: float, prevalence: float
) -> None:
    contract = Cost(costs=Costs(miss=20.0, false_alarm=2.0), prevalence=prevalence, at_most=4.0)
    curve = drawn(20_000, 0.2, seed=1, apart=4, of=stated)
    point = contract.choose(curve, guide=curve)
    # Elkan: 2 / (2 + 20) at the contract's prevalence; by Bayes at the curve's.
    odds = 2 / 20 * (stated / (1 - stated)) / (prevalence / (1 - prevalence))
    assert point.threshold == pytest.approx(odds / (1 + odds), rel=1e-6)
    assert point.threshold == np.float32(point.threshold)
    assert point.certificates[0].certified == pytest.approx(price_by_scipy(curve.at(point.threshold), contract))


def test_no_case_moves_the_threshold() -> None:
    contract = Cost(costs=Costs(miss=9.0), prevalence=0.2)
    found = {
        contract.choose(drawn(3000, 0.2, seed=seed, of=0.2), guide=drawn(9, 0.5, seed=1)).threshold for seed in range(5)
    }
    assert found == {float(np.float32(0.1))}


@pytest.mark.parametrize(
    ("miss", "trivial"),
    [(2.0, 0.2), (50.0, 0.9)],  # nobody flagged: 2 a tenth of the time; everybody: 1 nine tenths of it
)
def test_it_has_to_be_cheaper_than_flagging_everybody_and_nobody(miss: float, trivial: float) -> None:
    contract = Cost(costs=Costs(miss=miss), prevalence=0.1)
    assert contract.trivial == pytest.approx(trivial)
    assert contract.promises[0].at_most == contract.trivial
    useless = Curve.of(special.expit(np.random.default_rng(1).normal(-2, 0.1, 900)), [0, 1, 0] * 300, prevalence=0.1)
    with pytest.raises(Unreachable) as caught:
        contract.choose(useless, guide=useless)
    assert caught.value.nearest > trivial


def test_too_dear_is_said_in_full() -> None:
    contract = Cost(costs=Costs(miss=3.0), prevalence=0.5, at_most=0.1)
    counts = Counts(hits=30, misses=0, alarms=0, clears=30)
    curve = two_scores(counts, of=0.5)
    with pytest.raises(Unreachable) as caught:
        contract.choose(curve, guide=curve)
    more = caught.value.missing_positives
    priced = "at prevalence 0.5 where a miss costs 3, an alarm 1"
    assert str(caught.value) == (
        f"cost per person <= 0.1 {priced} with confidence 0.95: cannot be certified. 30 positives and 30 negatives"
        f" carry cost per person <= {price_by_scipy(counts, contract):.4g} {priced}."
        f" Would do: {more} more positives and {more} more negatives."
    )
    assert more is not None
    enough = two_scores(counts.grown(1 + more / 30), of=0.5)
    assert contract.choose(enough, guide=curve).certificates[0].certified <= 0.1


def test_a_curve_that_does_not_tell_its_scale_is_refused() -> None:
    curve = drawn(100, 0.2, seed=1)
    with pytest.raises(ValueError) as caught:
        Cost(costs=Costs(miss=9.0), prevalence=0.2).choose(curve, guide=curve)
    assert str(caught.value) == "The curve should tell at which prevalence its probabilities are stated."


def test_the_region_is_the_share_of_the_trivial_price_saved_by_a_slow_loop() -> None:
    curve, contract = drawn(200, 0.3, seed=7), Cost(costs=Costs(miss=10.0, false_alarm=2.0), prevalence=0.1)
    saved = []
    for factor in np.geomspace(0.5, 2, 21):
        price = 5 * factor
        prices = [0.9, price * 0.1]
        for counts in map(curve.at, curve.thresholds):
            missed, alarmed = counts.misses / counts.positives, counts.alarms / counts.negatives
            prices.append(0.1 * price * missed + 0.9 * alarmed)
        saved.append(1 - min(prices) / min(price * 0.1, 0.9))
    assert contract.region(curve) == pytest.approx(np.mean(saved))


def test_the_plan_is_of_a_model_that_beats_the_trivial_answers_or_none() -> None:
    contract = Cost(costs=Costs(miss=9.0), prevalence=0.1)
    (need,) = contract.plan(Expected(recall=0.9, specificity=0.9))
    worst = Counts(
        hits=need.positives - (need.allowed_misses or 0),
        misses=need.allowed_misses or 0,
        alarms=0,
        clears=need.negatives,
    )
    assert need.positives / (need.positives + need.negatives) == pytest.approx(0.1, abs=0.01)
    assert price_by_scipy(worst, contract) <= contract.trivial
    assert contract.plan(Expected(recall=0.5, specificity=0.5)) == ()


@pytest.mark.parametrize(
    ("text", "costs", "at_most"),
    [
        ("a miss costs 50 alarms at prevalence 0.2 %", Costs(miss=50.0), None),
        ("miss costs as much as 1,000 false alarms at prevalence 0.2 %", Costs(miss=1000.0), None),
        ("a miss costs 50, an alarm 2.5 at prevalence 0.2 %", Costs(miss=50.0, false_alarm=2.5), None),
        ("a miss costs 5, a false alarm 2 at prevalence 0.002, costing <= 3", Costs(miss=5.0, false_alarm=2.0), 3.0),
    ],
)  # fmt: skip
def test_prices_are_read_as_people_write_them(text: str, costs: Costs, at_most: float | None) -> None:
    assert Contract.read(text) == Cost(costs=costs, prevalence=0.002, at_most=at_most)
