from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.curve import Counts, Curve
from models.figures import Figures
from models.intervals import flagged_share, likelihood_ratio, npv_at, precision_at, wilson

COUNTS = Counts(hits=80, misses=20, alarms=50, clears=950)
BELOW = Counts(hits=95, misses=5, alarms=200, clears=800)


def test_without_a_zone_between_every_figure_is_of_the_one_threshold() -> None:
    found = Figures.of(COUNTS, prevalence=0.01)
    assert (found.prevalence, found.counts) == (0.01, COUNTS)
    assert (found.indeterminate_sick, found.indeterminate_healthy) == (0, 0)
    assert found.recall == wilson(80, 100)
    assert found.specificity == wilson(950, 1000)
    assert found.recall_range == (found.recall, found.recall)
    assert found.specificity_range == (found.specificity, found.specificity)
    flags = {"hits": 80, "positives": 100, "alarms": 50, "negatives": 1000, "prevalence": 0.01}
    assert found.precision == precision_at(**flags)
    assert found.flagged == flagged_share(**flags)
    assert found.npv == npv_at(misses=20, positives=100, clears=950, negatives=1000, prevalence=0.01)
    assert found.likelihood_ratio_positive.value == pytest.approx(0.8 / 0.05)
    assert found.likelihood_ratio_negative.value == pytest.approx(0.2 / 0.95)
    assert Figures.of(COUNTS, prevalence=0.01, below=COUNTS) == found


def test_with_a_zone_between_flagging_and_clearing_are_measured_where_each_happens() -> None:
    found = Figures.of(COUNTS, prevalence=0.01, below=BELOW)
    assert (found.indeterminate_sick, found.indeterminate_healthy) == (15, 150)
    assert found.indeterminate_sick_share == wilson(15, 100)
    assert found.indeterminate_healthy_share == wilson(150, 1000)
    assert (found.recall, found.specificity) == (wilson(80, 100), wilson(800, 1000))
    assert found.recall_range == (wilson(80, 100), wilson(95, 100))
    assert found.specificity_range == (wilson(950, 1000), wilson(800, 1000))
    alone = Figures.of(COUNTS, prevalence=0.01)
    assert (found.precision, found.flagged) == (alone.precision, alone.flagged)
    assert found.likelihood_ratio_positive == alone.likelihood_ratio_positive
    assert found.npv == npv_at(misses=5, positives=100, clears=800, negatives=1000, prevalence=0.01)
    assert found.likelihood_ratio_negative == likelihood_ratio(of_sick=5, sick=100, of_healthy=800, healthy=1000)


def test_of_1000_people_each_goes_one_way() -> None:
    found = Figures.of(COUNTS, prevalence=0.1, below=BELOW).per_1000
    wanted = {
        "sick_found": 80, "sick_missed": 5, "sick_indeterminate": 15,
        "alarmed_in_vain": 45, "healthy_indeterminate": 135, "cleared": 720,
    }  # fmt: skip
    assert found.model_dump() == pytest.approx(wanted)
    assert sum(found.model_dump().values()) == pytest.approx(1000)


def test_net_benefit_weighs_false_alarms_by_the_odds_of_the_threshold() -> None:
    # 0.1 * 0.8 true and 0.9 * 0.05 false positives a person, the false ones at 0.2 / 0.8.
    assert Figures.of(COUNTS, prevalence=0.1, threshold=0.2).net_benefit == pytest.approx(0.08 - 0.045 / 4)
    assert Figures.of(COUNTS, prevalence=0.1, threshold=0.0).net_benefit == pytest.approx(0.08)


def test_net_benefit_is_none_where_there_is_no_threshold_no_finite_price_or_nothing_to_measure_on() -> None:
    assert Figures.of(COUNTS, prevalence=0.1).net_benefit is None
    assert Figures.of(COUNTS, prevalence=0.1, threshold=1.0).net_benefit is None
    for empty in (Counts(hits=0, misses=0, alarms=1, clears=1), Counts(hits=1, misses=1, alarms=0, clears=0)):
        assert Figures.of(empty, prevalence=0.1, threshold=0.5).net_benefit is None


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=rf"^threshold: should be a probability, got {threshold}\.$"):
        Figures.of(COUNTS, prevalence=0.1, threshold=threshold)


def test_a_prevalence_without_healthy_people_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^prevalence: should lie strictly between 0 and 1, got 1\.0\.$"):
        Figures.of(COUNTS, prevalence=1.0)


@pytest.mark.parametrize(
    "below",
    [
        COUNTS.model_copy(update={"misses": 21}),
        COUNTS.model_copy(update={"clears": 951}),
        Counts(hits=79, misses=21, alarms=50, clears=950),
        Counts(hits=80, misses=20, alarms=49, clears=951),
    ],
)
def test_a_lower_threshold_of_other_cases_or_that_flags_fewer_is_refused(below: Counts) -> None:
    with pytest.raises(ValueError) as refused:
        Figures.of(COUNTS, prevalence=0.1, below=below)
    assert str(refused.value) == (
        f"below: should be of the same cases, with no fewer flagged, got {below!r} below {COUNTS!r}."
    )


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([1e-6, 0.001, 0.1, 0.5, 0.99]),
)
def test_any_counts_give_figures_without_nan_or_infinity_that_can_be_written_and_read(
    cases: list[tuple[int, bool]], one: int, other: int, prevalence: float
) -> None:
    curve = Curve.of([score / 5 for score, _ in cases], [int(sick) for _, sick in cases])
    high, low = max(one, other) / 5, min(one, other) / 5
    found = Figures.of(curve.at(high), prevalence=prevalence, below=curve.at(low), threshold=high)
    written = found.model_dump_json()
    assert Figures.model_validate_json(written) == found
    assert json.loads(written, parse_constant=pytest.fail)
    for name in ("recall", "specificity", "precision", "npv", "flagged"):
        estimate = getattr(found, name)
        assert estimate.low <= (estimate.low if estimate.value is None else estimate.value) <= estimate.high
    for recall, specificity in zip(found.recall_range, reversed(found.specificity_range), strict=True):
        assert (recall.value is None) == (curve.positive_count == 0)
        assert (specificity.value is None) == (curve.negative_count == 0)
    people = found.per_1000
    assert (people.sick_found is None) == (curve.positive_count == 0)
    assert (people.cleared is None) == (curve.negative_count == 0)
