"""One contract test for every rule, found by itself, then each rule against independent references."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

import models.contracts
from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Counts, Curve
from models.errors import Unreachable
from models.intervals import wilson
from models.value import Value, descendants, load_members

load_members(models.contracts)
MEMBERS = [member for member in descendants(Contract) if member.__module__.startswith("models.")]
REQUIRED = {"at_least": 0.8, "prevalence": 0.2}


def asked(member: type[Contract], **changes: float) -> Contract:
    """A member with something reasonable in each field it requires."""
    fields = {name: REQUIRED[name] for name, field in member.model_fields.items() if field.is_required()}
    return member.model_validate(fields | changes)


def drawn(cases: int, prevalence: float, seed: int, *, apart: float = 3.0) -> Curve:
    random = np.random.default_rng(seed)
    sick = random.random(cases) < prevalence
    scores = 1 / (1 + np.exp(2 - random.normal(np.where(sick, apart, 0.0), 1.0)))
    return Curve.of(scores.astype(np.float32), sick)


every_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.__name__)


def test_both_rules_are_found() -> None:
    assert {Recall, Precision} <= set(MEMBERS)


@every_member
def test_every_rule_answers_with_a_point_that_it_certified(member: type[Contract]) -> None:
    contract = asked(member)
    curve = drawn(4000, 0.2, seed=1)
    point = contract.choose(curve, guide=drawn(2000, 0.2, seed=2))
    assert point.promise == contract.promise
    assert contract.promise.at_least <= point.certified <= 1
    assert point.threshold == np.float32(point.threshold)
    assert (point.positives, point.negatives) == (curve.positive_count, curve.negative_count)
    assert point.measured.counts == curve.at(point.threshold)
    assert contract.promise.kept_by(contract.measure(curve, point.threshold))


@every_member
def test_every_rule_measures_what_it_promises(member: type[Contract]) -> None:
    contract = asked(member)
    curve = drawn(3000, 0.2, seed=3)
    counts = curve.at(0.4)
    caught, alarmed = counts.hits / counts.positives, counts.alarms / counts.negatives
    figures = {"recall": caught, "precision": 0.2 * caught / (0.2 * caught + 0.8 * alarmed)}
    found = contract.measure(curve, 0.4)
    assert found.value == pytest.approx(figures[contract.promise.figure])
    assert found.low < figures[contract.promise.figure] < found.high


@every_member
def test_every_rule_is_written_and_read_back_by_its_name(member: type[Contract]) -> None:
    class Order(Value):
        contract: Contract

    order = Order(contract=asked(member, confidence=0.9))
    assert order.model_dump()["contract"]["kind"] == member.__name__
    assert Order.model_validate_json(order.model_dump_json()) == order


@every_member
def test_every_rule_raises_unreachable_with_few_cases_and_says_how_near_they_came(member: type[Contract]) -> None:
    contract = asked(member, at_least=0.9)
    curve = Curve.of(np.linspace(0.1, 0.9, 10), np.arange(10) >= 5)
    with pytest.raises(Unreachable) as caught:
        contract.choose(curve, guide=curve)
    assert 0 < caught.value.nearest < 0.9
    assert caught.value.missing_positives is not None
    assert caught.value.missing_positives > 0
    assert str(caught.value).startswith(f"{contract.promise}: cannot be certified. 5 positives")


@every_member
def test_pitfall_every_rule_refuses_demands_that_can_not_be_met_by_any_data(member: type[Contract]) -> None:
    for bad in (0.0, 1.0, 2.0, -0.1, float("nan")):
        for field in ("at_least", "confidence", *({"prevalence"} & set(member.model_fields))):
            with pytest.raises(ValidationError):
                asked(member, **{field: bad})
    with pytest.raises(ValidationError):
        asked(member, confidence=0.5)


@every_member
def test_every_rule_is_unreachable_and_never_a_sentinel_on_scores_that_say_nothing(member: type[Contract]) -> None:
    curve = Curve.of([0.5] * 30, [1] * 10 + [0] * 20)
    with pytest.raises(Unreachable):
        asked(member).choose(curve, guide=curve)


@every_member
def test_the_region_of_every_rule_rises_with_a_better_model_and_lies_from_0_to_1(member: type[Contract]) -> None:
    found = [asked(member).region(drawn(4000, 0.2, seed=6, apart=apart)) for apart in (0.0, 1.0, 2.0, 3.0, 6.0)]
    assert found == sorted(found)
    assert 0 <= found[0] < 0.5 < found[-1] <= 1


# Recall


def test_the_region_of_recall_is_a_mean_of_specificities_by_a_slow_loop() -> None:
    curve = drawn(200, 0.3, seed=7)
    specificities = []
    for step in range(100):
        least = 0.8 + 0.2 * step / 100
        enough = [
            counts for counts in map(curve.at, curve.thresholds) if counts.hits >= least * counts.positives - 1e-9
        ]
        specificities.append(max(counts.clears for counts in enough) / curve.negative_count)
    assert Recall(at_least=0.9).region(curve) == pytest.approx(np.mean(specificities), abs=1e-9)


def misses_by_loop(positives: int, at_least: float, confidence: float) -> int | None:
    """The largest k with BinCDF(k) <= risk, tried one after the other."""
    found = None
    for misses in range(positives + 1):
        if stats.binom.cdf(misses, positives, 1 - at_least) > 1 - confidence:
            break
        found = misses
    return found


@pytest.mark.parametrize(("at_least", "needed"), [(0.95, 59), (0.98, 149), (0.99, 299)])
def test_recall_needs_59_149_and_299_positives(at_least: float, needed: int) -> None:
    rule = Recall(at_least=at_least)
    assert rule.positives_needed == needed
    assert rule.allowed_misses(needed) == 0
    assert rule.allowed_misses(needed - 1) is None


@pytest.mark.parametrize("at_least", [0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_allowed_misses_are_those_of_a_loop_over_the_binomial(at_least: float, confidence: float) -> None:
    rule = Recall(at_least=at_least, confidence=confidence)
    every = np.arange(1, 2001)
    # The same loop for all counts at once: how many leading k pass.
    wanted = np.full(len(every), -1)
    for misses in range(2001):
        passing = stats.binom.cdf(misses, every, 1 - at_least) <= 1 - confidence
        wanted[passing] = misses
        if not passing.any():
            break
    for positives in [*range(1, 120), *range(120, 2001, 17), 2000]:
        found = rule.allowed_misses(positives)
        assert (-1 if found is None else found) == wanted[positives - 1], positives


def test_pitfall_misses_are_counted_exactly_and_not_rounded_up_from_floats() -> None:
    """Against fractions of whole numbers, where no float can be off by one."""
    for at_least, confidence in [("0.9", "0.95"), ("0.95", "0.9"), ("0.8", "0.99")]:
        share, risk = 1 - Fraction(at_least), 1 - Fraction(confidence)
        rule = Recall(at_least=float(at_least), confidence=float(confidence))
        for positives in range(1, 160, 3):
            total, found = Fraction(0), None
            for misses in range(positives + 1):
                ways = math.comb(positives, misses)
                total += ways * share**misses * (1 - share) ** (positives - misses)
                if total > risk:
                    break
                found = misses
            assert rule.allowed_misses(positives) == found, (at_least, confidence, positives)


@pytest.mark.parametrize(("at_least", "confidence", "needed"), [(0.5, 0.75, 2), (0.5, 0.875, 3), (0.25, 0.9375, 2)])
def test_a_chance_of_exactly_the_risk_still_certifies(at_least: float, confidence: float, needed: int) -> None:
    rule = Recall(at_least=at_least, confidence=confidence)
    assert (rule.positives_needed, rule.allowed_misses(needed)) == (needed, 0)


@pytest.mark.parametrize("at_least", [0.001, 0.5, 0.9, 0.999, 0.99999])
@pytest.mark.parametrize("confidence", [0.51, 0.9, 0.999])
def test_positives_needed_is_the_first_count_that_certifies(at_least: float, confidence: float) -> None:
    rule = Recall(at_least=at_least, confidence=confidence)
    needed = rule.positives_needed
    assert rule.allowed_misses(needed) is not None
    assert needed == 1 or rule.allowed_misses(needed - 1) is None


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**31),
    st.integers(22, 400),
    st.sampled_from([0.5, 0.8, 0.9, 0.95]),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
    st.sampled_from([3, 20, 10**7]),
)
def test_the_recall_threshold_lets_through_the_score_at_the_loop_s_place(
    seed: int, positives: int, at_least: float, confidence: float, steps: int
) -> None:
    """`steps` distinct scores at most: ties everywhere, some, none."""
    misses = misses_by_loop(positives, at_least, confidence)
    assume(misses is not None)
    assert misses is not None
    random = np.random.default_rng(seed)
    sick = np.arange(3 * positives) < positives
    scores = (random.integers(1, steps + 1, len(sick)) / (steps + 1)).astype(np.float32)
    curve = Curve.of(scores, sick)
    point = Recall(at_least=at_least, confidence=confidence).choose(curve, guide=curve)
    wanted = sorted(scores[sick])[misses]
    assert curve.at(point.threshold) == curve.at(float(wanted))
    assert point.threshold <= wanted
    # What is certified is the order statistic, not the misses that were seen.
    low = stats.binomtest(positives - misses, positives, alternative="greater").proportion_ci(confidence, "exact").low
    assert point.certified == pytest.approx(low, rel=1e-9)


def test_recall_takes_the_highest_threshold_that_certifies() -> None:
    curve = drawn(3000, 0.1, seed=5)
    rule = Recall(at_least=0.9)
    point = rule.choose(curve, guide=curve)
    allowed = rule.allowed_misses(curve.positive_count)
    next_higher = min(score for score in curve.thresholds if score > point.threshold)
    one_more = min(score for score in curve.thresholds if score > next_higher)
    assert curve.at(point.threshold).misses <= (allowed or 0)
    later = [curve.at(score).misses for score in curve.thresholds if score > one_more]
    assert min(misses for misses in later if misses > point.measured.counts.misses) > (allowed or 0)


def test_ties_only_raise_the_recall() -> None:
    curve = Curve.of([0.2] * 10 + [0.7] * 90 + [0.1] * 50, [1] * 100 + [0] * 50)
    point = Recall(at_least=0.95).choose(curve, guide=curve)
    # One miss is allowed, but the ten lowest share a score: none may go.
    assert point.measured.counts.misses == 0
    assert point.certified == pytest.approx(stats.beta.ppf(0.05, 99, 2))


@pytest.mark.parametrize(("positives", "missing"), [(0, 59), (1, 58), (58, 1)])
def test_adding_the_missing_positives_makes_recall_reachable_and_one_fewer_does_not(
    positives: int, missing: int
) -> None:
    rule = Recall(at_least=0.95)

    def curve(count: int) -> Curve:
        return Curve.of([0.9] * count + [0.1] * 5, [1] * count + [0] * 5)

    with pytest.raises(Unreachable) as caught:
        rule.choose(curve(positives), guide=curve(positives))
    assert (caught.value.missing_positives, caught.value.missing_negatives) == (missing, 0)
    assert caught.value.nearest == pytest.approx(0.05 ** (1 / positives) if positives else 0.0)
    assert rule.choose(curve(positives + missing), guide=curve(1)).measured.counts.misses == 0
    with pytest.raises(Unreachable):
        rule.choose(curve(positives + missing - 1), guide=curve(1))


def test_recall_out_of_reach_is_said_in_full() -> None:
    curve = Curve.of([0.9] * 40, [1] * 40)
    with pytest.raises(Unreachable) as caught:
        Recall(at_least=0.95).choose(curve, guide=curve)
    assert str(caught.value) == (
        "recall >= 0.95 with confidence 0.95: cannot be certified. 40 positives carry recall 0.9278 at most,"
        " even if all are flagged. Would do: 19 more positives."
    )


def test_recall_is_measured_among_the_sick_with_a_wilson_interval() -> None:
    curve = Curve.of([0.1, 0.6, 0.7, 0.8], [1, 1, 1, 0])
    assert Recall(at_least=0.5).measure(curve, 0.6) == wilson(2, 3)


def test_the_recall_threshold_lies_in_the_middle_of_the_gap_below_its_score() -> None:
    curve = Curve.of([0.25] * 5 + [0.5] * 60 + [0.75] * 40, [0] * 5 + [1] * 100)
    assert Recall(at_least=0.95).choose(curve, guide=curve).threshold == 0.375


# Precision


def test_the_region_of_precision_is_a_mean_of_recalls_by_a_slow_loop() -> None:
    curve = drawn(150, 0.3, seed=8)
    rule = Precision(at_least=0.7, prevalence=0.1)
    recalls = []
    for step in range(100):
        least = 0.4 + 0.6 * step / 100
        measured = [(rule.measure(curve, score).value or 0.0, curve.at(score).hits) for score in curve.thresholds]
        recalls.append(max((hits for value, hits in measured if value >= least), default=0) / curve.positive_count)
    assert rule.region(curve) == pytest.approx(np.mean(recalls), abs=1e-9)


def bound_by_scipy(counts: Counts, confidence: float, prevalence: float) -> float:
    """Both shares bounded by scipy's own Clopper-Pearson at half the risk, then Bayes."""
    half = (1 + confidence) / 2
    caught = stats.binomtest(counts.hits, counts.positives, alternative="greater").proportion_ci(half, "exact").low
    alarmed = stats.binomtest(counts.alarms, counts.negatives, alternative="less").proportion_ci(half, "exact").high
    return float(prevalence * caught / (prevalence * caught + (1 - prevalence) * alarmed))


@pytest.mark.parametrize("prevalence", [0.001, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_the_precision_bound_is_that_of_two_clopper_pearson_intervals(prevalence: float, confidence: float) -> None:
    rule = Precision(at_least=0.5, prevalence=prevalence, confidence=confidence)
    for hits, misses, alarms, clears in [(0, 9, 3, 5), (9, 0, 0, 9), (50, 50, 10, 990), (1, 0, 1, 0), (7, 3, 0, 1)]:
        counts = Counts(hits=hits, misses=misses, alarms=alarms, clears=clears)
        assert rule.bound(counts) == pytest.approx(bound_by_scipy(counts, confidence, prevalence), rel=1e-9)


def precision_by_loop(rule: Precision, certification: Curve, guide: Curve) -> float | None:
    """The guide's surest score first, then each lower one; each against the bound of scipy; stop at a failure."""
    scores = sorted(guide.thresholds, reverse=True)
    sure = [bound_by_scipy(guide.at(score), rule.confidence, rule.prevalence) for score in scores]
    found = None
    for score in scores[sure.index(max(sure)) :]:
        below = max((other for other in scores if other < score), default=0.0)
        middle = float(np.float32((below + score) / 2))
        if bound_by_scipy(certification.at(middle), rule.confidence, rule.prevalence) < rule.at_least:
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
    assert point.certified == pytest.approx(bound_by_scipy(certification.at(wanted), 0.95, prevalence), rel=1e-9)
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
    at = [rule.bound(certification.at(score)) >= 0.5 for score in (0.9, 0.5, 0.2)]
    assert at == [True, False, True]
    point = rule.choose(certification, guide=guide)
    assert point.measured.counts == certification.at(0.9)


def two_scores(counts: Counts) -> Curve:
    """Cases that score 0.9 if flagged and 0.1 if not."""
    flagged, clear = counts.hits + counts.alarms, counts.misses + counts.clears
    targets = [1] * counts.hits + [0] * counts.alarms + [1] * counts.misses + [0] * counts.clears
    return Curve.of([0.9] * flagged + [0.1] * clear, targets)


@pytest.mark.parametrize(
    ("counts", "prevalence"),
    [
        (Counts(hits=5, misses=5, alarms=0, clears=30), 0.3),
        (Counts(hits=5, misses=5, alarms=0, clears=30), 0.01),
        (Counts(hits=7, misses=0, alarms=0, clears=3), 0.3),
        (Counts(hits=20, misses=3, alarms=1, clears=800), 0.01),
        (Counts(hits=90, misses=30, alarms=9, clears=300), 0.3),
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
    assert caught.value.nearest == rule.bound(counts)

    def grown(share: float) -> Counts:
        positives = counts.positives + math.floor(share * more_sick)
        negatives = counts.negatives + math.floor(share * more_healthy)
        hits = math.ceil(positives * counts.hits / counts.positives)
        alarms = math.floor(negatives * counts.alarms / counts.negatives)
        return Counts(hits=hits, misses=positives - hits, alarms=alarms, clears=negatives - alarms)

    assert rule.choose(two_scores(grown(1)), guide=curve).certified >= 0.85
    if min(more_sick, more_healthy) > 20:
        with pytest.raises(Unreachable):
            rule.choose(two_scores(grown(0.5)), guide=curve)


def test_where_no_number_of_cases_would_do_none_is_named() -> None:
    curve = Curve.of([0.5] * 40, [0, 1] * 20)
    with pytest.raises(Unreachable) as caught:
        Precision(at_least=0.9, prevalence=0.1).choose(curve, guide=curve)
    assert (caught.value.missing_positives, caught.value.missing_negatives) == (None, None)
    assert str(caught.value) == (
        "precision >= 0.9 at prevalence 0.1 with confidence 0.95: cannot be certified. 20 positives and 20 negatives"
        " carry precision 0.0846 at most. More cases of the same kind would not help: ask for less, or train a"
        " better model."
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


@pytest.mark.parametrize("at_least", [1e-9, 1 - 1e-9])
def test_promises_at_the_extremes_are_kept_or_unreachable(at_least: float) -> None:
    curve = drawn(4000, 0.3, seed=4)
    for contract in (Recall(at_least=at_least), Precision(at_least=at_least, prevalence=0.3)):
        if at_least < 0.5:
            assert contract.choose(curve, guide=curve).certified >= at_least
        else:
            with pytest.raises(Unreachable) as caught:
                contract.choose(curve, guide=curve)
            assert 0.5 < caught.value.nearest < at_least


def test_pitfall_a_naive_threshold_breaks_its_promise_in_half_of_the_repeats_and_a_certified_one_does_not() -> None:
    naive, certified = 0, 0
    random = np.random.default_rng(1)
    for _ in range(400):
        scores = random.normal(2.0, 1.0, 200)
        probabilities = stats.norm.cdf(scores).astype(np.float32)
        curve = Curve.of(probabilities, np.ones(200))
        chosen = Recall(at_least=0.95, confidence=0.9).choose(curve, guide=curve).threshold
        simple = max(score for score in curve.thresholds if curve.at(score).hits >= 190)
        # True recall of a threshold: the share of the normal law above it.
        naive += stats.norm.sf(stats.norm.ppf(simple), 2.0) < 0.95
        certified += stats.norm.sf(stats.norm.ppf(chosen), 2.0) < 0.95
    assert naive / 400 > 0.4
    assert certified / 400 <= 0.13
