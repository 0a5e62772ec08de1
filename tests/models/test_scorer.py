from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from models.calibration import shift
from models.errors import BadInput
from models.scorer import ROWS_PER_CALL, Scorer
from models.turn import Setting
from tests import handmade, one_column


def test_rows_and_columns_of_the_same_people_get_the_same_answers(scorers: dict[str, Scorer]) -> None:
    for scorer in scorers.values():
        by_row, by_column = scorer.score_rows(handmade.rows(3000)), scorer.score(handmade.encoded(3000))
        assert np.array_equal(by_row.probability, by_column.probability)
        assert np.array_equal(by_row.positive, by_column.positive)
        assert len(by_row) == 3000


def test_without_settings_the_certified_threshold_decides_and_is_said(scorers: dict[str, Scorer]) -> None:
    for scorer in scorers.values():
        scores = scorer.score(handmade.encoded(3000))
        assert scores.threshold == scorer.manifest.point.threshold
        assert scores.prevalence == scorer.manifest.prevalence
        assert np.array_equal(scores.positive, ~(scores.probability < np.float32(scores.threshold)))
        assert np.allclose(scores.probability, special.expit(scores.logit.astype(float)), atol=1e-7)


def test_a_certified_point_is_measured_again_through_the_scorer_to_the_same_counts(scorers: dict[str, Scorer]) -> None:
    columns = handmade.encoded(4000, seed=1)
    sick = handmade.targets(columns, seed=1)
    for scorer in scorers.values():
        counts = scorer.manifest.point.measured.counts
        positive = scorer.score(columns).positive
        assert (counts.hits, counts.alarms) == (positive[sick == 1].sum(), positive[sick == 0].sum())


def test_a_threshold_of_the_caller_decides(scorers: dict[str, Scorer]) -> None:
    scores = scorers["screen"].score(handmade.encoded(3000), threshold=0.7)
    assert scores.threshold == float(np.float32(0.7))
    assert np.array_equal(scores.positive, scores.probability >= np.float32(0.7))
    assert scorers["screen"].score(handmade.encoded(10), threshold=0).positive.all()


def test_who_lies_in_the_zone_of_a_model_is_neither_positive_nor_negative(tmp_path: Path) -> None:
    scorer = Scorer(handmade.bundle(tmp_path, "zoned"))
    scores, point = scorer.score(handmade.encoded(3000)), scorer.manifest.point
    assert point.clear_below < point.threshold
    assert np.array_equal(scores.negative, scores.probability < np.float32(point.clear_below))
    assert np.array_equal(scores.positive, ~(scores.probability < np.float32(point.threshold)))
    assert 0 < (~scores.positive & ~scores.negative).sum() < 3000


def test_a_row_exactly_on_the_threshold_is_flagged(scorers: dict[str, Scorer]) -> None:
    scores = scorers["screen"].score(handmade.encoded(200))
    for place in range(0, 200, 10):
        again = scorers["screen"].score(handmade.encoded(200), threshold=float(scores.probability[place]))
        assert again.positive[place]
        assert again.positive.sum() == (scores.probability >= scores.probability[place]).sum()


def test_more_rows_than_fit_one_call_are_answered_in_order(scorers: dict[str, Scorer]) -> None:
    columns = handmade.encoded(2 * ROWS_PER_CALL + 3)
    whole = scorers["screen"].score(columns)
    parts = [scorers["screen"].score(columns[start : start + 100]) for start in range(0, len(columns), 100)]
    assert np.array_equal(whole.probability, np.concatenate([part.probability for part in parts]))


def test_no_rows_get_no_answers(scorers: dict[str, Scorer]) -> None:
    assert len(scorers["screen"].score(np.empty((0, 4), dtype=np.float32))) == 0


def test_a_precision_is_promised_at_one_prevalence_and_a_recall_at_any(scorers: dict[str, Scorer]) -> None:
    promised = {
        model: [
            [str(each.promise) for each in scorer.turn(Setting(prevalence=prevalence)).certificates]
            for prevalence in (None, 0.2, 0.01)
        ]
        for model, scorer in scorers.items()
    }
    recall, precision = "recall >= 0.9 with confidence 0.95", "precision >= 0.6 at prevalence 0.2 with confidence 0.95"
    assert promised == {"screen": [[recall]] * 3, "presurgical": [[precision], [precision], []]}


def test_at_another_prevalence_a_precise_model_keeps_its_threshold_and_flags_fewer_where_fewer_are_sick(
    scorers: dict[str, Scorer],
) -> None:
    columns = handmade.encoded(3000)
    scores = [scorers["presurgical"].score(columns, prevalence=prevalence) for prevalence in (0.05, 0.2, 0.5)]
    assert {found.threshold for found in scores} == {scorers["presurgical"].manifest.point.threshold}
    flagged = [int(found.positive.sum()) for found in scores]
    assert flagged[0] < flagged[1] < flagged[2]
    for found in scores:
        wanted = shift(scores[1].logit, prevalence=0.2, to=found.prevalence)
        assert np.allclose(found.probability, special.expit(wanted), rtol=1e-5)


def test_at_another_prevalence_a_recall_model_restates_and_flags_the_same_people(scorers: dict[str, Scorer]) -> None:
    columns = handmade.encoded(3000)
    here = scorers["screen"].score(columns)
    for prevalence in (0.001, 0.04, 0.5, 0.9):
        there = scorers["screen"].score(columns, prevalence=prevalence)
        assert np.array_equal(there.positive, here.positive)
        assert there.prevalence == prevalence
        assert there.threshold != here.threshold
        assert (there.probability < here.probability).all() == (prevalence < here.prevalence)


def test_its_own_prevalence_said_aloud_changes_nothing(scorers: dict[str, Scorer]) -> None:
    for scorer in scorers.values():
        columns = handmade.encoded(500)
        silent, said = scorer.score(columns), scorer.score(columns, prevalence=scorer.manifest.prevalence)
        assert said.threshold == silent.threshold
        assert np.array_equal(said.probability, silent.probability)


LOG_ODDS = st.floats(-16, 16)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), LOG_ODDS, LOG_ODDS, LOG_ODDS, st.floats(-12, 12))
def test_another_prevalence_never_loses_a_case_of_a_recall_model(
    seed: int, own: float, reference: float, other: float, centre: float
) -> None:
    random = np.random.default_rng(seed)
    logits = (centre + random.normal(0, random.choice([0.001, 1.0, 5.0]), (200, 1))).astype(np.float32)
    settings: dict[str, Any] = {
        "prevalence": float(special.expit(own)), "reference": float(special.expit(reference))
    }  # fmt: skip
    probabilities = one_column.scorer(threshold=0.0, **settings).score(logits).probability
    scorer = one_column.scorer(threshold=float(random.choice(probabilities)), **settings)
    here = scorer.score(logits).positive
    there = scorer.score(logits, prevalence=float(special.expit(other))).positive
    assert not (here & ~there).any()


@pytest.mark.parametrize(
    ("own", "reference", "other", "centre"),
    [
        (0.99263378410681, 0.99999968061096, 0.07076569853956, -9.3),
        (5.6851892811233e-07, 0.67698989884853, 0.99999958657711, -18.0),
        (4.9016407775775e-07, 0.99993418928587, 7.4529721945119e-06, -10.0),
        (0.49978258928265, 0.99959495989019, 3.2679029531494e-05, -9.0),
    ],
)
def test_rounding_of_large_logits_loses_no_case_either(
    own: float, reference: float, other: float, centre: float
) -> None:
    """Neighbouring logits, each in turn on the threshold: here a margin on the probability alone is not enough."""
    logits = (centre + np.arange(-400, 400) * np.spacing(np.float32(centre))).astype(np.float32)[:, None]
    whole = one_column.scorer(threshold=0.0, prevalence=own, reference=reference)
    for threshold in whole.score(logits).probability[::40]:
        scorer = one_column.scorer(threshold=float(threshold), prevalence=own, reference=reference)
        assert not (scorer.score(logits).positive & ~scorer.score(logits, prevalence=other).positive).any()


@pytest.mark.parametrize("other", [1e-7, 0.001, 0.5, 1 - 1e-7, 1e-30])
@pytest.mark.parametrize("threshold", [0.0, 1.0, 2.0**-149, float(np.nextafter(np.float32(1), np.float32(0)))])
def test_a_recall_threshold_at_the_end_of_the_scale_loses_no_case_either(threshold: float, other: float) -> None:
    scorer = one_column.scorer(threshold=threshold, prevalence=0.3)
    logits = np.linspace(-110, 110, 2201).astype(np.float32)[:, None]
    here, there = scorer.score(logits), scorer.score(logits, prevalence=other)
    assert not (here.positive & ~there.positive).any()
    assert 0 <= there.threshold <= 1


def test_a_restated_threshold_gives_hardly_more_alarms() -> None:
    scorer = one_column.scorer(threshold=float(np.float32(0.0002)), prevalence=0.001)
    logits = np.linspace(-12, 0, 100_001).astype(np.float32)[:, None]
    here, there = scorer.score(logits), scorer.score(logits, prevalence=0.08)
    assert 0 <= there.positive.sum() - here.positive.sum() <= 5


FOUR = "should be float32 [rows, 4]"


@pytest.mark.parametrize(
    ("columns", "settings", "text"),
    [
        (np.zeros((2, 3), np.float32), {}, f"columns: {FOUR}, got float32 [2, 3]."),
        (np.zeros(4, np.float32), {}, f"columns: {FOUR}, got float32 [4]."),
        (np.zeros((2, 4)), {}, f"columns: {FOUR}, got float64 [2, 4]."),
        (np.zeros((2, 4, 1), np.float32), {}, f"columns: {FOUR}, got float32 [2, 4, 1]."),
        (None, {"threshold": 1.5}, "threshold: should be a probability from 0 to 1, got 1.5."),
        (None, {"threshold": -0.1}, "threshold: should be a probability from 0 to 1, got -0.1."),
        (None, {"threshold": float("nan")}, "threshold: should be a probability from 0 to 1, got nan."),
        (None, {"prevalence": 0.0}, "prevalence: should be a share between 0 and 1, got 0.0."),
        (None, {"prevalence": 1.0}, "prevalence: should be a share between 0 and 1, got 1.0."),
        (None, {"prevalence": 2.0}, "prevalence: should be a share between 0 and 1, got 2.0."),
        (None, {"prevalence": float("nan")}, "prevalence: should be a share between 0 and 1, got nan."),
        (None, {"prevalence": 1e-60}, "prevalence: should be a share between 0 and 1, got 1e-60."),
        (None, {"prevalence": 1 - 1e-12}, "prevalence: should be a share between 0 and 1, got 0.999999999999."),
        (
            np.zeros((2, 3), np.float32),
            {"threshold": 2.0, "prevalence": -1.0},
            (
                f"columns: {FOUR}, got float32 [2, 3].\n"
                "threshold: should be a probability from 0 to 1, got 2.0.\n"
                "prevalence: should be a share between 0 and 1, got -1.0."
            ),
        ),
    ],
)
def test_what_can_not_be_scored_is_refused_by_its_name(
    scorers: dict[str, Scorer], columns: np.ndarray | None, settings: dict[str, float], text: str
) -> None:
    with pytest.raises(BadInput) as caught:
        scorers["screen"].score(handmade.encoded(2) if columns is None else columns, **settings)
    assert str(caught.value) == text


def test_pitfall_a_bad_row_among_encoded_ones_is_refused_and_none_is_answered(scorers: dict[str, Scorer]) -> None:
    columns = handmade.encoded(1500)
    columns[3, 0], columns[1400, 3] = np.nan, 0.5
    with pytest.raises(BadInput) as caught:
        scorers["screen"].score(columns)
    assert str(caught.value) == (
        "rows.3: should keep the schema of the model, got a row outside it.\n"
        "rows.1400: should keep the schema of the model, got a row outside it."
    )


def test_a_bad_cell_of_a_row_is_refused_by_its_path(scorers: dict[str, Scorer]) -> None:
    rows = handmade.rows(3)
    rows[2]["age"] = 6e9
    with pytest.raises(BadInput) as caught:
        scorers["screen"].score_rows(rows)
    assert str(caught.value) == "rows.2.age: should be a number from 0 to 120 years, got 6000000000.0."


def test_symptoms_are_answered_by_their_names(scorers: dict[str, Scorer]) -> None:
    columns = handmade.encoded(50)
    found = scorers["screen"].score(columns).symptoms
    assert list(found) == ["fluid_volume"]
    assert np.allclose(found["fluid_volume"], np.nan_to_num(columns[:, 1]) * 0.002, atol=1e-6)
