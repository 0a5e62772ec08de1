from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.metrics import recall_score, roc_auc_score

from models.calibration import Reliability
from models.curve import Curve
from models.operating_point import Certificate, Measured, OperatingPoint
from models.promise import Promise
from models.scorer import Scorer
from tests import handmade
from training import evaluate as evaluated
from training.evaluate import area, evaluate, kept


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return Scorer(handmade.bundle(tmp_path_factory.mktemp("bundles"), "screen"))


def cases(rows: int = 1500, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    columns = handmade.encoded(rows, seed=seed)
    return columns, handmade.targets(columns, seed=seed).astype(np.float32)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60))
def test_the_area_is_that_of_scikit_learn_ties_included(rows: list[tuple[int, bool]]) -> None:
    scores, sick = np.array([score / 8 for score, _ in rows]), np.array([sick for _, sick in rows], dtype=int)
    if len(set(sick.tolist())) == 2:
        assert area(Curve.of(scores, sick)) == pytest.approx(roc_auc_score(sick, scores))


def test_every_figure_is_what_an_outside_tool_makes_of_the_files_answers(scorer: Scorer) -> None:
    columns, sick = cases()
    evidence = evaluate(scorer, columns, sick)
    answers = scorer.score(columns)
    assert evidence.part.model_dump() == {"name": "test", "rows": 1500, "positives": int(sick.sum())}
    assert evidence.area_under_curve == pytest.approx(roc_auc_score(sick, answers.probability))
    assert evidence.measured.recall.value == pytest.approx(recall_score(sick, answers.positive))
    assert evidence.measured.specificity.value == pytest.approx(recall_score(1 - sick, ~answers.positive))
    assert evidence.measured.precision.value == pytest.approx(
        (answers.positive & (sick > 0)).sum() / answers.positive.sum()
    )
    assert evidence.reliability == Reliability.of(answers.logit, sick)
    expected = special.expit(answers.logit.astype(float)).sum()
    assert evidence.reliability.observed_over_expected == pytest.approx(sick.sum() / expected)
    assert evidence.kept == (recall_score(sick, answers.positive) >= 0.9)


def test_a_promise_that_was_not_reached_is_said_not_to_be_kept(scorer: Scorer) -> None:
    columns, sick = cases()
    lost = np.where(scorer.score(columns).positive, sick, 1).astype(np.float32)
    assert not evaluate(scorer, columns, lost).kept


def test_the_interval_of_the_area_is_as_wide_as_that_of_its_standard_error(scorer: Scorer) -> None:
    columns, sick = cases(4000)
    low, high = evaluate(scorer, columns, sick).area_interval
    probability = scorer.score(columns).probability
    # Source: DeLong et al., Biometrics 1988: the variance of the area from the placements of each case.
    ill, well = probability[sick > 0], probability[sick == 0]
    caught = np.array([(score > well).mean() + (score == well).mean() / 2 for score in ill])
    spared = np.array([(ill > score).mean() + (ill == score).mean() / 2 for score in well])
    error = np.sqrt(caught.var(ddof=1) / len(ill) + spared.var(ddof=1) / len(well))
    assert high - low == pytest.approx(2 * stats.norm.ppf(0.975) * error, rel=0.08)
    assert low < caught.mean() < high


def test_pitfall_rows_of_one_patient_come_and_go_together_in_resamples(scorer: Scorer) -> None:
    columns, sick = cases(300)
    patients = np.repeat(np.arange(300), 10)
    many, labels = np.repeat(columns, 10, axis=0), np.repeat(sick, 10)
    alone, together, apart = (
        evaluate(scorer, *rows, groups=groups).area_interval
        for rows, groups in (((columns, sick), None), ((many, labels), patients), ((many, labels), None))
    )
    assert together == pytest.approx(alone, abs=0.01)
    assert together[1] - together[0] > 2 * (apart[1] - apart[0])


def test_resamples_without_a_sick_case_do_not_count(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, _ = cases(12)
    sick = np.zeros(12, dtype=np.float32)
    sick[np.argmax(scorer.score(columns).probability)] = 1
    # A third of the resamples of twelve cases miss the only sick one.
    evidence = evaluate(scorer, columns, sick)
    assert evidence.area_under_curve == 1.0
    assert evidence.area_interval == (1.0, 1.0)
    monkeypatch.setattr(evaluated, "RESAMPLES", 30)
    assert len(evaluated._areas(scorer.score(columns).probability, sick, None, 0)) < 30


def test_a_seed_gives_the_same_interval_again_and_another_seed_another(scorer: Scorer) -> None:
    columns, sick = cases(400)
    first, again, other = (evaluate(scorer, columns, sick, seed=seed).area_interval for seed in (1, 1, 2))
    assert first == again != other


def test_precision_is_stated_at_the_prevalence_of_the_promise(tmp_path: Path) -> None:
    scorer = Scorer(handmade.bundle(tmp_path, "presurgical"))
    columns, sick = cases()
    evidence = evaluate(scorer, columns, sick)
    positive = scorer.score(columns).positive
    caught, alarmed = positive[sick > 0].mean(), positive[sick == 0].mean()
    assert evidence.measured.prevalence == 0.2
    assert evidence.measured.precision.value == pytest.approx(0.2 * caught / (0.2 * caught + 0.8 * alarmed))
    assert evidence.kept == (evidence.measured.precision.value >= 0.6)


def test_a_promise_to_a_group_without_a_test_case_is_not_broken_by_it() -> None:
    curve = Curve.of([0.2, 0.4, 0.6, 0.8], [0, 1, 0, 1])
    promises = [
        Promise(figure="recall", at_least=0.9, confidence=0.95, group=group) for group in ("eye=left", "eye=right")
    ]
    certificates = tuple(Certificate(promise=promise, certified=0.9, positives=2, negatives=2) for promise in promises)
    point = OperatingPoint(
        threshold=0.4, clear_below=0.4, certificates=certificates, measured=Measured.of(curve, 0.4, prevalence=None)
    )
    missed = Curve.of([0.2, 0.6], [1, 1])
    assert kept(point, curve, {"eye=left": curve})
    assert not kept(point, curve, {"eye=left": missed})
