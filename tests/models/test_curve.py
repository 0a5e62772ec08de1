from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn import metrics

from models.curve import Counts, Curve

PROBABILITIES = st.floats(0, 1, width=32)
CASES = st.lists(st.tuples(PROBABILITIES | st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), max_size=30)


def split(cases: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in cases], dtype=np.float32), np.array([sick for _, sick in cases], dtype=int)


def counted(scores: np.ndarray, sick: np.ndarray, threshold: float) -> Counts:
    """The four counts one case after the other, flagged as the graph does: not (score < threshold)."""
    found = {"hits": 0, "misses": 0, "alarms": 0, "clears": 0}
    for score, is_sick in zip(scores, sick, strict=True):
        flagged = not (score < np.float32(threshold))
        found[("hits" if flagged else "misses") if is_sick else ("alarms" if flagged else "clears")] += 1
    return Counts(**found)


@settings(deadline=None)
@given(CASES, PROBABILITIES)
def test_counts_are_those_of_a_slow_loop_at_any_threshold(cases: list[tuple[float, bool]], threshold: float) -> None:
    scores, sick = split(cases)
    curve = Curve.of(scores, sick)
    for at in [threshold, *curve.thresholds]:
        assert curve.at(at) == counted(scores, sick, at)
    assert (curve.positive_count, curve.negative_count) == (int(sick.sum()), int((1 - sick).sum()))


@settings(deadline=None)
@given(CASES, PROBABILITIES)
def test_settling_changes_no_count_and_goes_down_into_the_gap(
    cases: list[tuple[float, bool]], threshold: float
) -> None:
    curve = Curve.of(*split(cases))
    for at in [threshold, *curve.thresholds]:
        settled = curve.settled(at)
        assert settled == np.float32(settled)
        assert curve.at(settled) == curve.at(at)
        above = min((score for score in curve.thresholds if score >= at), default=at)
        below = max((score for score in curve.thresholds if score < at), default=0.0)
        assert below <= settled <= above


def test_a_settled_threshold_lies_in_the_middle() -> None:
    curve = Curve.of([0.25, 0.5, 0.75], [0, 1, 1])
    assert [curve.settled(score) for score in (0.25, 0.5, 0.75)] == [0.125, 0.375, 0.625]
    assert curve.settled(0.6) == 0.625
    assert curve.settled(0.9) == np.float32(0.9)


@pytest.mark.parametrize("start", [0.3, 0.5, 0.7, 1e-30, 2.0**-149])
def test_between_neighbouring_floats_the_score_itself_is_the_threshold(start: float) -> None:
    """The middle of two neighbours is rounded to one of them: now up, now down."""
    low = np.float32(start)
    for _ in range(2):
        high = np.nextafter(low, np.float32(1))
        curve = Curve.of([low, high], [0, 1])
        assert curve.settled(float(high)) == high
        assert curve.at(curve.settled(float(high))) == Counts(hits=1, misses=0, alarms=0, clears=1)
        low = high


def test_scores_are_held_as_the_graph_gives_them_in_32_bits() -> None:
    assert Curve.of([0.1], [1]).thresholds == (float(np.float32(0.1)),)


def test_a_settled_threshold_survives_a_score_rounded_one_bit_lower_on_another_processor() -> None:
    scores = np.array([0.1] * 50 + [0.3] * 50, dtype=np.float32)
    curve = Curve.of(scores, [0] * 50 + [1] * 50)
    threshold = curve.settled(curve.thresholds[1])
    elsewhere = np.nextafter(scores, np.float32(0))
    assert Curve.of(elsewhere, [0] * 50 + [1] * 50).at(threshold).hits == 50


def test_roc_and_precision_agree_with_scikit_learn_at_every_threshold() -> None:
    random = np.random.default_rng(3)
    sick = (random.random(3000) < 0.2).astype(int)
    scores = np.round(random.normal(sick, 1.5), 1)
    scores = ((scores - scores.min()) / np.ptp(scores)).astype(np.float32)
    curve = Curve.of(scores, sick)
    alarmed, caught, thresholds = metrics.roc_curve(sick, scores, drop_intermediate=False)
    for at, x, y in zip(thresholds[1:], alarmed[1:], caught[1:], strict=True):
        counts = curve.at(float(at))
        assert (counts.alarms / counts.negatives, counts.hits / counts.positives) == pytest.approx((x, y))
    assert curve.at(curve.thresholds[0]).prevalence == sick.mean()


def test_pitfall_candidate_thresholds_are_the_observed_scores_so_one_in_a_thousand_is_not_all_or_nothing() -> None:
    random = np.random.default_rng(5)
    sick = np.arange(100_000) < 100
    odds = np.exp(random.normal(np.where(sick, 2.0, 0.0), 1.0) * 2 - 2) / 999
    scores = (odds / (1 + odds)).astype(np.float32)
    curve = Curve.of(scores, sick)
    wanted = np.sort(scores[sick])[5]  # keeps 95 of 100
    assert wanted < 0.005
    at_observed = curve.at(float(wanted))
    assert at_observed.hits == 95
    assert at_observed.alarms / at_observed.negatives < 0.5
    on_a_grid = [curve.at(float(point)) for point in np.linspace(0, 1, 101)]
    best = min(counts.alarms for counts in on_a_grid if counts.hits >= 95)
    assert best > 2 * at_observed.alarms


@pytest.mark.parametrize(
    ("probabilities", "targets", "text"),
    [
        ([0.1, 0.2], [0], "Expected one shape, got probabilities (2,), targets (1,)."),
        ([[0.1]], [[0]], "Expected one shape, got probabilities (1, 1), targets (1, 1)."),
        ([0.1], [[0]], "Expected one shape, got probabilities (1,), targets (1, 1)."),
        ([0.1, 0.2], [0, 2], "Targets should be 0 or 1."),
        ([0.1, 0.2], [0, float("nan")], "Targets should be 0 or 1."),
        ([0.1, float("nan")], [0, 1], "Probabilities should lie from 0 to 1, and none be NaN."),
        ([0.1, 1.5], [0, 1], "Probabilities should lie from 0 to 1, and none be NaN."),
        ([-0.1, 0.5], [0, 1], "Probabilities should lie from 0 to 1, and none be NaN."),
    ],
)
def test_what_can_not_be_counted_is_refused(probabilities: list[float], targets: list[float], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        Curve.of(probabilities, targets)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("thresholds", "positives", "text"),
    [
        ((0.1, 0.1), (1, 1), "thresholds should rise"),
        ((0.2, 0.1), (1, 1), "thresholds should rise"),
        ((0.1, 0.2), (1,), "thresholds, positives and negatives should be of one length, got [1, 2]"),
        ((0.1, 0.2), (1, -1), "Input should be greater than or equal to 0"),
        ((0.1, 1.2), (1, 1), "Input should be less than or equal to 1"),
    ],
)
def test_a_curve_that_can_not_be_is_refused(
    thresholds: tuple[float, ...], positives: tuple[int, ...], text: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Curve(thresholds=thresholds, positives=positives, negatives=(1, 1))
    assert caught.value.errors()[0]["msg"].removeprefix("Value error, ") == text


def test_a_curve_is_read_back_bit_by_bit() -> None:
    scores = np.random.default_rng(0).random(500).astype(np.float32)
    curve = Curve.of(scores, scores > 0.5)
    again = Curve.model_validate_json(curve.model_dump_json())
    assert again == curve
    assert np.array_equal(np.array(again.thresholds, dtype=np.float32), np.unique(scores))


def test_grown_cases_are_so_many_times_as_many_also_once_the_old_ones_were_counted() -> None:
    curve = Curve.of([0.2, 0.6, 0.6, 0.9], [0, 1, 0, 1])
    assert (curve.positive_count, curve.negative_count) == (2, 2)
    assert curve.at(0.6) == Counts(hits=2, misses=0, alarms=1, clears=1)
    grown = curve.grown(3)
    assert (grown.positive_count, grown.negative_count) == (6, 6)
    assert grown.at(0.6) == Counts(hits=6, misses=0, alarms=3, clears=3)
    assert grown.thresholds == curve.thresholds
