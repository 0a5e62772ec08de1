from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from models import prevalence
from models.curve import Curve
from models.likelihood_ratio import NotIdentified, kinds_of, line_of, logits_of, ratios_of
from models.prevalence import PrevalenceEstimate, estimate, most_likely, weighed

Numbers = NDArray[np.float64]
SHARE, SPREAD = 0.02, 1.4


def probabilities(scores: Numbers) -> NDArray[np.float32]:
    """Of a model that takes the sick to spread as the healthy do."""
    return special.expit(np.round(4 * (2 * scores - 4)) / 4).astype(np.float32)


def bent(random: np.random.Generator) -> tuple[NDArray[np.float32], Curve]:
    """People and certification cases of whom the sick spread more widely, so that no logistic line is right."""
    scores = np.concatenate([random.normal(2, SPREAD, 2000), random.normal(0, 1, 18_000)])
    curve = Curve.of(probabilities(scores), np.repeat([1, 0], [2000, 18_000]))
    sick = random.random(20_000) < SHARE
    return probabilities(np.where(sick, random.normal(2, SPREAD, 20_000), random.normal(0, 1, 20_000))), curve


def likeliest(people: NDArray[np.float32], curve: Curve) -> float:
    """The share that is likeliest if the line is believed."""
    kinds = kinds_of(curve)
    z, rows = np.unique(logits_of(people.astype(np.float64)), return_counts=True)
    ratios = ratios_of(line_of(kinds)[None], (z - kinds.centre) / kinds.scale, kinds.odds)
    return float(most_likely(ratios, rows[None].astype(np.float64))[0])


def test_a_line_that_is_not_right_misleads_the_likeliest_share_and_not_the_estimate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prevalence, "RESAMPLES", 200)
    random = np.random.default_rng(1)
    sites = [bent(random) for _ in range(30)]
    found = [estimate(*site) for site in sites]
    assert np.mean([one.value for one in found]) == pytest.approx(SHARE, abs=0.0015)
    assert sum(one.low <= SHARE <= one.high for one in found) >= 26
    assert np.mean([likeliest(*site) for site in sites]) < 0.017


def test_the_evidence_of_people_is_that_of_a_mix_of_cases_whatever_the_weights() -> None:
    random = np.random.default_rng(2)
    ratios = np.exp(random.normal(0, 1.5, 12))
    sick, healthy = random.integers(1, 50, 12), random.integers(1, 50, 12)
    mix = 0.3 * sick / sick.sum() + 0.7 * healthy / healthy.sum()
    for at in (0.01, 0.3, 0.9):
        evidence = [(ratio - 1) / (1 - at + at * ratio) for ratio in ratios]  # one score after another
        here, of_sick, of_healthy = (
            sum(part * one for part, one in zip(parts / parts.sum(), evidence, strict=True))
            for parts in (mix, sick, healthy)
        )
        (found,) = weighed(
            at, (ratios[None], mix[None]), (ratios[None], sick[None] * 1.0), (ratios[None], healthy[None] * 1.0)
        )
        assert found == pytest.approx((here - of_healthy) / (of_sick - of_healthy))
        assert found == pytest.approx(0.3)


def test_no_mix_is_beyond_nobody_and_everybody() -> None:
    ratios, sick, healthy = np.array([[0.5, 2.0]]), np.array([[20.0, 80.0]]), np.array([[80.0, 20.0]])
    for here, share in (([100.0, 0.0], 0.0), ([0.0, 100.0], 1.0)):
        assert weighed(0.5, (ratios, np.array([here])), (ratios, sick), (ratios, healthy)).tolist() == [share]


def test_the_likeliest_share_is_found_where_ratios_are_beyond_all_bounds() -> None:
    ratios = np.exp(np.array([[-300.0, 0.0, 300.0]]))
    found = most_likely(ratios, np.array([[30.0, 0.0, 70.0], [0.0, 0.0, 9.0], [9.0, 0.0, 0.0]]))
    assert found == pytest.approx([0.7, 1.0, 0.0])


@pytest.mark.parametrize("cases", [5, 40, 1000])
def test_the_interval_of_few_cases_is_widened_as_the_t_distribution_is(cases: int) -> None:
    # That of a mean of so many normal cases, by resamples whose spread is too small by the root of (n - 1) / n.
    wanted = stats.t.ppf(0.975, cases - 1) * np.sqrt(cases / (cases - 1))
    low, high = prevalence._ends(np.linspace(0, 1, 1001), 0.5, cases)
    assert (-stats.norm.ppf(low), stats.norm.ppf(high)) == pytest.approx((wanted, wanted))


def test_the_interval_is_corrected_for_the_bias_of_the_resamples() -> None:
    random = np.random.default_rng(5)
    sample = random.exponential(size=(400,))
    resampled = np.array([np.sum(random.choice(sample, 400) ** 2) / 400 for _ in range(4000)])
    value = float(np.mean(sample**2)) * 0.97
    low, high = np.quantile(resampled, prevalence._ends(resampled, value, 10**6))
    shift = 2 * stats.norm.ppf(np.mean(resampled < value))
    wanted = np.sort(resampled)[[round(4000 * stats.norm.cdf(shift + side * 1.959964)) for side in (-1, 1)]]
    assert (low, high) == pytest.approx(tuple(wanted), rel=0.01)
    assert low < np.quantile(resampled, 0.025)


def test_few_sick_people_widen_the_interval_as_few_sick_cases_do() -> None:
    random = np.random.default_rng(3)
    few, many = (
        Curve.of(
            probabilities(np.concatenate([random.normal(2, 1, sick), random.normal(0, 1, 2000)])),
            np.repeat([1, 0], [sick, 2000]),
        )
        for sick in (12, 1000)
    )
    crowd = probabilities(np.concatenate([random.normal(2, 1, 300), random.normal(0, 1, 700)]))
    rare = probabilities(np.concatenate([random.normal(2, 1, 12), random.normal(0, 1, 988)]))
    for people, curve, least in ((crowd, few, 1.05), (rare, many, 1.03), (crowd, many, 0.99)):
        found: list[PrevalenceEstimate] = []
        kept = prevalence._ends
        for ends in (kept, lambda resampled, value, cases, kept=kept: kept(resampled, value, 10**6)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(prevalence, "_ends", ends)
                found.append(estimate(people, curve))
        wide, narrow = (one.high - one.low for one in found)
        assert wide / narrow >= least
        assert wide / narrow < 1.05 or least > 1


def test_fifty_rows_are_enough_and_one_less_is_not() -> None:
    random = np.random.default_rng(4)
    scores = np.concatenate([random.normal(2, 1, 100), random.normal(0, 1, 900)])
    curve = Curve.of(probabilities(scores), np.repeat([1, 0], [100, 900]))
    people = probabilities(np.concatenate([random.normal(2, 1, 25), random.normal(0, 1, 25)]))
    assert estimate(people, curve).rows == 50
    with pytest.raises(NotIdentified):
        estimate(people[1:], curve)
