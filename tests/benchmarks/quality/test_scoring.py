from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from benchmarks.quality import scoring
from benchmarks.quality.scoring import AtThreshold


def people(
    seed: int, size: int = 300, *, tied: bool = False, share: float = 0.3
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    sick = (random.random(size) < share).astype(np.int64)
    scores = random.normal(size=size) + 1.8 * sick
    return (np.round(scores) if tied else scores), sick


CASES = [(seed, tied) for seed in range(4) for tied in (False, True)]


@pytest.mark.parametrize(("seed", "tied"), CASES)
def test_the_oracle_is_the_best_of_all_thresholds(seed: int, tied: bool) -> None:  # noqa: FBT001
    scores, sick = people(seed, tied=tied)
    specificity, recall = [], [0.0]
    for threshold in set(scores.tolist()):
        hits = sum(1 for s, y in zip(scores, sick, strict=True) if s >= threshold and y)
        alarms = sum(1 for s, y in zip(scores, sick, strict=True) if s >= threshold and not y)
        if hits >= 0.95 * sick.sum():
            specificity.append(1 - alarms / (len(sick) - sick.sum()))
        if hits >= 0.9 * (hits + alarms):
            recall.append(hits / sick.sum())
    assert scoring.oracle_specificity(scores, sick) == pytest.approx(max(specificity))
    assert scoring.oracle_recall(scores, sick) == pytest.approx(max(recall))


@pytest.mark.parametrize(("seed", "tied"), CASES)
def test_the_partial_area_is_the_mean_of_specificity_over_high_recalls(seed: int, tied: bool) -> None:  # noqa: FBT001
    scores, sick = people(seed, tied=tied)
    alarms, recall, _ = roc_curve(sick, scores, drop_intermediate=False)
    fine = np.linspace(0.9, 1, 200_001)[1:] - 0.1 / 400_000
    mean = 1 - np.interp(fine, recall, alarms).mean()
    assert scoring.partial_area(scores, sick) == pytest.approx(mean, abs=1e-4)
    assert scoring.partial_area(scores, sick, lowest=0.0) == pytest.approx(scoring.area(scores, sick))


@pytest.mark.parametrize("seed", range(4))
def test_a_naive_threshold_just_keeps_the_contract_on_its_own_cases(seed: int) -> None:
    scores, sick = people(seed)
    threshold = scoring.naive_recall_threshold(scores, sick)
    above = scores[scores > threshold].min()
    assert AtThreshold.of(scores >= threshold, sick).keeps_recall
    assert not AtThreshold.of(scores >= above, sick).keeps_recall
    threshold = scoring.naive_precision_threshold(scores, sick)
    lower = [other for other in scores if other < threshold]
    assert AtThreshold.of(scores >= threshold, sick).keeps_precision
    assert not any(AtThreshold.of(scores >= other, sick).keeps_precision for other in lower)


def test_no_precision_means_that_nobody_is_flagged() -> None:
    scores, sick = np.array([0.9, 0.1, 0.2]), np.array([0, 1, 0])
    assert scoring.naive_precision_threshold(scores, sick) == scoring.FLAG_NOBODY
    assert scoring.certified_precision_threshold(scores, sick) == scoring.FLAG_NOBODY
    at = AtThreshold.of(scores >= scoring.FLAG_NOBODY, sick)
    assert (at.recall, at.specificity, at.keeps_precision) == (0, 1, True)
    assert math.isnan(at.precision)


@pytest.mark.parametrize("positives", [44, 45, 76, 77, 200])
def test_certified_recall_misses_as_many_as_clopper_and_pearson_allow(positives: int) -> None:
    scores = np.concatenate([np.arange(positives), np.arange(100) - 50.5])
    sick = np.concatenate([np.ones(positives), np.zeros(100)]).astype(np.int64)
    threshold = scoring.certified_recall_threshold(scores, sick)
    bounds = [
        stats.binomtest(positives - missed, positives, alternative="greater").proportion_ci(0.9, method="exact").low
        for missed in range(positives)
    ]
    allowed = sum(bound >= 0.95 for bound in bounds)
    assert threshold == (allowed - 1 if allowed else scoring.FLAG_EVERYBODY)
    assert (allowed > 0) is (positives >= 45)


def slow_walks(scores: NDArray[np.float64], sick: NDArray[np.int64]) -> float:
    """One prefix after the other, one start after the other."""
    order = sorted(set(scores.tolist()), reverse=True)
    starts = [30.0]
    while starts[-1] * 1.6 <= len(scores) / 2:
        starts.append(starts[-1] * 1.6)
    best = math.inf
    for start in starts:
        for threshold in order:
            flagged = scores >= threshold
            if flagged.sum() < start:
                continue
            alarms = int((1 - sick[flagged]).sum())
            test = stats.binomtest(alarms, int(flagged.sum()), 0.1, alternative="less")
            if test.pvalue > 0.1 / len(starts):
                break
            best = min(best, threshold)
    return best


@pytest.mark.parametrize(("seed", "tied"), CASES)
def test_certified_precision_walks_from_every_start_until_a_test_fails(seed: int, tied: bool) -> None:  # noqa: FBT001
    scores, sick = people(seed, 900, tied=tied, share=0.5)
    scores = scores + (0.5 if tied else 1.2) * sick
    assert scoring.certified_precision_threshold(scores, sick) == slow_walks(scores, sick)


def test_some_certified_precision_is_found_and_a_walk_past_the_last_row_ends_there() -> None:
    scores, sick = people(0, 900, share=0.5)
    assert scoring.certified_precision_threshold(scores + 1.2 * sick, sick) < math.inf
    all_but_one = np.ones(900, dtype=np.int64)
    all_but_one[0] = 0
    rising = np.arange(900.0)
    assert scoring.certified_precision_threshold(rising, all_but_one) == 0


def test_counts_decide_where_shares_would_be_rounded() -> None:
    scores, sick = np.arange(101.0), np.array([0] + [1] * 100)
    at = AtThreshold.of(scores >= 6, sick)
    assert at.keeps_recall  # 95 of 100; in floats 1 - 0.05 * 100 is no whole number
    assert not AtThreshold.of(scores >= 7, sick).keeps_recall


def test_platts_map_is_a_logistic_regression_on_the_logit() -> None:
    scores, sick = people(1, 2000)
    wrong = 1 / (1 + np.exp(-(3 * scores - 1)))
    mapped = scoring.platt(wrong, sick, wrong)
    plain = (
        LogisticRegression(C=1e4, max_iter=1000)
        .fit((3 * scores - 1)[:, None], sick)
        .predict_proba((3 * scores - 1)[:, None])
    )
    assert mapped == pytest.approx(plain[:, 1], abs=1e-3)
    assert scoring.observed_to_expected(mapped, sick) == pytest.approx(1, abs=1e-3)
    assert scoring.brier(mapped, sick) < scoring.brier(wrong, sick)


@pytest.mark.parametrize(
    ("scores", "sick", "says"),
    [
        ([0.1, 0.2], [0, 1, 1], "Expected one shape, got scores (2,), sick (3,)."),
        ([0.1, np.nan], [0, 1], "Scores should be numbers, got 1 NaN."),
        ([0.1, 0.2], [0, 2], "Labels should be 0 and 1, both of them, got [0, 2]."),
        ([0.1, 0.2], [1, 1], "Labels should be 0 and 1, both of them, got [1]."),
    ],
)
def test_what_can_not_be_scored_is_refused(scores: list[float], sick: list[int], says: str) -> None:
    for figure in (scoring.area, scoring.oracle_recall, scoring.certified_recall_threshold):
        with pytest.raises(ValueError) as error:
            figure(np.array(scores), np.array(sick))
        assert str(error.value) == says
