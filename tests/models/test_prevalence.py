from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, special

from models.curve import Curve
from models.likelihood_ratio import NotIdentified
from models.prevalence import PrevalenceEstimate, estimate, most_likely

Numbers = NDArray[np.float64]
OWN = 0.1


@dataclass(frozen=True)
class Clinic:
    """Sick scores ~ N(apart, 1), healthy ~ N(0, 1), and a model that knows it: its probabilities hold at OWN."""

    apart: float = 2.0

    def probabilities(self, scores: Numbers) -> Numbers:
        logits = self.apart * scores - self.apart**2 / 2 + special.logit(OWN)
        # In steps of 1/4, so that few scores are distinct and the tests are quick.
        return np.asarray(special.expit(np.round(logits * 4) / 4))

    def curve(self, random: np.random.Generator, positives: int, negatives: int) -> Curve:
        scores = np.concatenate([random.normal(self.apart, 1, positives), random.normal(0, 1, negatives)])
        return Curve.of(self.probabilities(scores), np.repeat([1, 0], [positives, negatives]), prevalence=OWN)

    def people(self, random: np.random.Generator, rows: int, share: float) -> Numbers:
        sick = random.random(rows) < share
        return self.probabilities(random.normal(0, 1, rows) + self.apart * sick)


def slow_em(ratios: Numbers, rows: Numbers) -> float:
    """The iteration as Saerens, Latinne and Decaestecker write it."""
    share = 0.5
    for _ in range(100_000):
        posterior = share * ratios / (share * ratios + 1 - share)
        share, before = float(rows @ posterior / rows.sum()), share
        if abs(share - before) < 1e-14:
            break
    return share


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_the_share_is_where_the_em_iteration_ends_and_the_likelihood_is_greatest(share: float) -> None:
    random = np.random.default_rng(1)
    ratios = np.exp(random.normal(0, 2, 50))
    rows = random.poisson(40 * (share * ratios + 1 - share) / (1 + ratios)).astype(float)
    (found,) = most_likely(ratios[None], rows[None])
    assert found == pytest.approx(slow_em(ratios, rows), abs=1e-9)
    least = optimize.minimize_scalar(
        lambda at: -rows @ np.log(at * ratios + 1 - at), bounds=(0, 1), method="bounded", options={"xatol": 1e-10}
    )
    assert found == pytest.approx(least.x, abs=1e-6)


def test_many_samples_are_answered_as_each_alone() -> None:
    random = np.random.default_rng(2)
    ratios, rows = np.exp(random.normal(0, 2, (7, 30))), random.poisson(5, (7, 30)).astype(float)
    alone = [most_likely(ratios[[place]], rows[[place]])[0] for place in range(7)]
    assert most_likely(ratios, rows) == pytest.approx(alone, abs=1e-12)


def test_a_share_at_an_end_is_told_exactly() -> None:
    ratios = np.array([[0.5, 2.0]])
    assert most_likely(ratios, np.array([[10.0, 0.0], [0.0, 10.0]])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("share", [0.03, 0.3])
def test_the_estimate_is_the_em_of_probabilities_recalibrated_on_the_certification_cases(share: float) -> None:
    random, clinic = np.random.default_rng(3), Clinic()
    curve, people = clinic.curve(random, 3000, 27_000), clinic.people(random, 20_000, share)
    found = estimate(people, curve)
    # The model is right here, so its own probabilities give nearly the same without a line.
    distinct, counts = np.unique(people, return_counts=True)
    odds = np.exp(special.logit(distinct) - special.logit(OWN))
    assert found.value == pytest.approx(slow_em(odds, counts.astype(float)), abs=0.005)
    assert found.low < share < found.high
    assert found.high - found.low < 0.05
    assert (found.rows, found.groups, found.confidence) == (20_000, None, 0.95)
    assert found.trusted


def test_a_miscalibrated_model_does_not_mislead() -> None:
    random, clinic = np.random.default_rng(4), Clinic()
    curve, people = clinic.curve(random, 1000, 9000), clinic.people(random, 8000, 0.25)
    bent = special.expit(0.5 * special.logit(np.array(curve.thresholds)) - 1)
    wrong = Curve.model_validate({**curve.model_dump(), "thresholds": tuple(np.float32(bent).tolist())})
    found = estimate(np.float32(special.expit(0.5 * special.logit(people) - 1)), wrong)
    assert found.value == pytest.approx(estimate(people, curve).value, abs=1e-3)


def test_the_interval_holds_the_truth_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.prevalence.RESAMPLES", 300)
    random, clinic = np.random.default_rng(5), Clinic()
    repeats, share, held = 300, 0.08, 0
    for seed in range(repeats):
        found = estimate(clinic.people(random, 1500, share), clinic.curve(random, 150, 1350), seed=seed)
        held += found.low <= share <= found.high
    assert held / repeats >= 0.93


def test_few_certification_cases_widen_the_interval_as_few_rows_do() -> None:
    random, clinic = np.random.default_rng(6), Clinic()
    people, many, few = (
        clinic.people(random, 5000, 0.1),
        clinic.curve(random, 5000, 45_000),
        clinic.curve(random, 60, 540),
    )
    wide, narrow, less = estimate(people, few), estimate(people, many), estimate(people[:500], many)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    assert less.high - less.low > 1.5 * (narrow.high - narrow.low)


def test_rows_of_one_patient_count_once() -> None:
    random, clinic = np.random.default_rng(7), Clinic()
    curve, people = clinic.curve(random, 2000, 18_000), clinic.people(random, 400, 0.2)
    once = estimate(people, curve)
    copied = estimate(np.tile(people, 5), curve, groups=np.tile(np.arange(400), 5))
    careless = estimate(np.tile(people, 5), curve)
    assert copied.value == pytest.approx(once.value, abs=1e-9)
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.1)
    assert careless.high - careless.low < 0.6 * (once.high - once.low)
    assert (copied.rows, copied.groups) == (2000, 400)


def test_people_who_differ_by_more_than_their_prevalence_are_told_from_those_who_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.prevalence.RESAMPLES", 300)
    random, clinic = np.random.default_rng(8), Clinic()
    fits, others = [], []
    for seed in range(60):
        curve = clinic.curve(random, 200, 1800)
        fits.append(estimate(clinic.people(random, 2000, 0.2), curve, seed=seed).trusted)
        # The healthy score higher here.
        moved = clinic.probabilities(random.normal(0.6, 1, 2000) + 1.4 * (random.random(2000) < 0.2))
        others.append(estimate(moved, curve, seed=seed).trusted)
    assert np.mean(fits) >= 0.95
    assert np.mean(others) <= 0.1


def test_doubt_names_the_rows_the_chance_and_what_to_do() -> None:
    found = PrevalenceEstimate(value=0.18, low=0.16, high=0.2, rows=8000, fit=0.001)
    assert not found.trusted
    assert found.doubt == (
        "No mix of sick and healthy certification cases has scores like these 8,000 rows (by chance: 0.001), so"
        " 0.1800 may be far off: name the prevalence, or bring labels."
    )


def test_the_same_rows_give_the_same_interval_in_any_order() -> None:
    random, clinic = np.random.default_rng(9), Clinic()
    curve, people = clinic.curve(random, 100, 900), clinic.people(random, 500, 0.2)
    assert estimate(people, curve) == estimate(people[::-1], curve)


@pytest.mark.parametrize(
    ("people", "curve", "text"),
    [
        (np.full(49, 0.2), Curve.of([0.1, 0.2], [0, 1]), "rows: should be at least 50 to tell a prevalence, got 49."),
        (
            np.full(60, 0.25),
            Curve.of([0.1, 0.2], [0, 1]),
            "rows: should have different scores to tell a prevalence, got 0.25 for all.",
        ),
        (
            np.linspace(0.1, 0.9, 60),
            Curve.of([0.1, 0.2], [0, 0]),
            "curve: should hold certification cases of both kinds, got 0 positives and 2 negatives.",
        ),
        (
            np.linspace(0.1, 0.9, 60),
            Curve.of([0.2, 0.2], [0, 1]),
            "curve: should hold different scores, got one score for all certification cases.",
        ),
        (
            np.tile([0.2, 0.4, 0.6, 0.8], 15),
            Curve.of(np.tile([0.2, 0.4, 0.6, 0.8], 15), np.tile([0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0], 5)),
            (
                "curve: should show that the scores tell the sick from the healthy, got 30 sick and 30 healthy"
                " cases that do not."
            ),
        ),
        (
            np.repeat([0.01, 0.02], 60),
            Curve.of(np.tile([0.1, 0.2, 0.5, 0.9], 30), np.tile([0, 0, 1, 1], 30)),
            (
                "prevalence: should lie between 0 and 1, got 0: no mix has such scores more often than healthy people"
                " alone. More rows may tell, unless these people differ by more than their prevalence."
            ),
        ),
        (
            np.repeat([0.98, 0.99], 60),
            Curve.of(np.tile([0.1, 0.5, 0.5, 0.9], 30), np.tile([0, 0, 1, 1], 30)),
            (
                "prevalence: should lie between 0 and 1, got 1: no mix has such scores more often than sick people"
                " alone. More rows may tell, unless these people differ by more than their prevalence."
            ),
        ),
    ],
)
def test_what_the_scores_do_not_tell_is_refused_by_name(people: Numbers, curve: Curve, text: str) -> None:
    with pytest.raises(NotIdentified) as error:
        estimate(people, curve)
    assert str(error.value) == text
