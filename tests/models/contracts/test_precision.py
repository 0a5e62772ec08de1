from __future__ import annotations

import math

import numpy as np
import pytest

from models.contracts.precision import Precision
from models.curve import Counts, Curve
from models.errors import Unreachable
from tests.cases import drawn, least, precision_by_scipy, two_scores


def test_the_region_of_precision_is_a_mean_of_recalls_by_a_slow_loop() -> None:
    curve = drawn(150, 0.3, seed=8)
    rule = Precision(at_least=0.7, prevalence=0.1)
    recalls = []
    for step in range(100):
        least = 0.4 + 0.6 * step / 100
        counted = [curve.at(score) for score in curve.thresholds]
        measured = [(rule.promises[0].measured(counts) or 0.0, counts.hits) for counts in counted]
        recalls.append(max((hits for value, hits in measured if value >= least), default=0) / curve.positive_count)
    assert rule.region(curve) == pytest.approx(np.mean(recalls), abs=1e-9)


def precision_by_loop(rule: Precision, certification: Curve, guide: Curve) -> float | None:
    """The guide's surest score first, then each lower one; each against the bound of scipy; stop at a failure."""
    scores = sorted(guide.thresholds, reverse=True)
    sure = [precision_by_scipy(guide.at(score), rule.confidence, rule.prevalence) for score in scores]
    found = None
    for score in scores[sure.index(max(sure)) :]:
        below = max((other for other in scores if other < score), default=0.0)
        middle = float(np.float32((below + score) / 2))
        if precision_by_scipy(certification.at(middle), rule.confidence, rule.prevalence) < rule.at_least:
            return found
        found = middle
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("at_least", "prevalence"), [(0.6, 0.2), (0.3, 0.05), (0.9, 0.5)])
def test_the_precision_threshold_is_that_of_a_slow_loop_over_the_guide(
    seed: int, at_least: float, prevalence: float
) -> None:
    certification, guide = drawn(1200, 0.2, seed=seed), drawn(150, 0.2, seed=seed + 100)
    rule = Precision(at_least=at_least, prevalence=prevalence)
    wanted = precision_by_loop(rule, certification, guide)
    if wanted is None:
        with pytest.raises(Unreachable):
            rule.choose(certification, guide=guide)
        return
    point = rule.choose(certification, guide=guide)
    assert point.threshold == wanted
    assert precision_by_scipy(certification.at(wanted), 0.95, prevalence) >= at_least
    assert point.certificates[0].certified == at_least
    assert point.measured.prevalence == prevalence


def test_the_order_of_testing_depends_on_the_guide_alone() -> None:
    """Whatever the certification cases are, an answer is one of the guide's own thresholds."""
    guide = drawn(100, 0.3, seed=9)
    possible = {guide.settled(score) for score in guide.thresholds}
    answers = set()
    for seed in range(20):
        point = Precision(at_least=0.5, prevalence=0.3).choose(drawn(800, 0.3, seed=seed), guide=guide)
        answers.add(point.threshold)
    assert answers <= possible
    assert len(answers) > 1


@pytest.mark.parametrize("sick", [0, 1])
def test_a_guide_with_one_lucky_or_unlucky_case_at_its_top_starts_where_it_is_sure(sick: int) -> None:
    """One case alone on top, whatever it is, proves nothing: were it the start, testing would end there."""
    guide = Curve.of([0.95] + [0.5] * 100 + [0.1] * 100, [sick] + [1] * 95 + [0] * 105)
    certification = Curve.of([0.5] * 100 + [0.1] * 100, [1] * 95 + [0] * 105)
    point = Precision(at_least=0.8, prevalence=0.5).choose(certification, guide=guide)
    assert point.measured.counts == certification.at(0.5)


def test_testing_stops_at_the_first_failure_even_if_a_later_threshold_would_pass() -> None:
    rule = Precision(at_least=0.5, prevalence=0.5, confidence=0.9)
    guide = Curve.of([0.9] * 20 + [0.5] * 20 + [0.2] * 20, [1] * 20 + [0, 1] * 10 + [0] * 20)
    # At 0.9 fine; at 0.5 many false alarms; lower down they are drowned in hits again.
    certification = Curve.of(
        [0.9] * 30 + [0.5] * 60 + [0.2] * 300 + [0.01] * 60, [1] * 30 + [0] * 60 + [1] * 300 + [0] * 60
    )
    at = [precision_by_scipy(certification.at(score), 0.9, 0.5) >= 0.5 for score in (0.9, 0.5, 0.2)]
    assert at == [True, False, True]
    point = rule.choose(certification, guide=guide)
    assert point.measured.counts == certification.at(0.9)


@pytest.mark.parametrize(
    ("counts", "prevalence"),
    [
        (Counts(hits=5, misses=5, alarms=0, clears=30), 0.3),
        (Counts(hits=5, misses=5, alarms=0, clears=30), 0.01),
        (Counts(hits=7, misses=0, alarms=0, clears=3), 0.3),
        (Counts(hits=20, misses=3, alarms=1, clears=800), 0.01),
        (Counts(hits=90, misses=30, alarms=13, clears=300), 0.3),
    ],
)
def test_advice_on_missing_cases_makes_precision_reachable(counts: Counts, prevalence: float) -> None:
    """As many more of each kind, flagged as often as those there: then it is certified, and not much earlier."""
    rule = Precision(at_least=0.85, prevalence=prevalence)
    curve = two_scores(counts)
    with pytest.raises(Unreachable) as caught:
        rule.choose(curve, guide=curve)
    more_sick, more_healthy = caught.value.missing_positives, caught.value.missing_negatives
    assert more_sick is not None
    assert more_healthy is not None
    assert caught.value.nearest == pytest.approx(precision_by_scipy(counts, 0.95, prevalence))

    def grown(share: float) -> Counts:
        positives = counts.positives + math.floor(share * more_sick)
        negatives = counts.negatives + math.floor(share * more_healthy)
        hits = math.ceil(positives * counts.hits / counts.positives)
        alarms = math.floor(negatives * counts.alarms / counts.negatives)
        return Counts(hits=hits, misses=positives - hits, alarms=alarms, clears=negatives - alarms)

    assert rule.choose(two_scores(grown(1)), guide=curve).certificates[0].certified >= 0.85
    if min(more_sick, more_healthy) > 20:
        with pytest.raises(Unreachable):
            rule.choose(two_scores(grown(0.5)), guide=curve)


def test_where_no_number_of_cases_would_do_none_is_named() -> None:
    curve = Curve.of([0.5] * 40, [0, 1] * 20)
    with pytest.raises(Unreachable) as caught:
        Precision(at_least=0.9, prevalence=0.1).choose(curve, guide=curve)
    assert (caught.value.missing_positives, caught.value.missing_negatives) == (None, None)
    # All are flagged. By hand: the share of sick at which 20 of 40 or more have a chance of 5 %; odds of 1:9 instead.
    share = least(20, 40, 0.95)
    carried = share / (share + 9 * (1 - share))
    assert caught.value.nearest == pytest.approx(carried, rel=1e-12)
    assert str(caught.value) == (
        "precision >= 0.9 at prevalence 0.1 with confidence 0.95: cannot be certified. 20 positives and 20 negatives"
        f" carry precision >= {carried:.4g} at prevalence 0.1. More cases of the same kind would not help:"
        " ask for less, or train a better model."
    )


def test_precision_without_positives_to_certify_on_is_unreachable_and_never_a_number() -> None:
    guide = drawn(200, 0.3, seed=1)
    for targets in ([0] * 50, [1] * 50):
        with pytest.raises(Unreachable):
            Precision(at_least=0.9, prevalence=0.01).choose(Curve.of(np.linspace(0, 1, 50), targets), guide=guide)


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        ([0] * 5, "The guide should hold both kinds of cases, got 0 positives, 5 negatives."),
        ([1] * 5, "The guide should hold both kinds of cases, got 5 positives, 0 negatives."),
        ([], "The guide should hold both kinds of cases, got 0 positives, 0 negatives."),
    ],
)
def test_a_guide_of_one_kind_is_refused(targets: list[int], text: str) -> None:
    guide = Curve.of(np.linspace(0.1, 0.9, len(targets)), targets)
    with pytest.raises(ValueError) as caught:
        Precision(at_least=0.9, prevalence=0.1).choose(drawn(200, 0.3, seed=1), guide=guide)
    assert str(caught.value) == text


def test_the_higher_the_prevalence_the_lower_the_threshold_that_is_precise_enough() -> None:
    certification, guide = drawn(4000, 0.2, seed=1), drawn(2000, 0.2, seed=2)
    thresholds = [
        Precision(at_least=0.6, prevalence=prevalence).choose(certification, guide=guide).threshold
        for prevalence in (0.1, 0.2, 0.4)
    ]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] > thresholds[2]
