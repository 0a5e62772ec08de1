from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from models.comparison import Figure
from training.comparing.measure import Ranking, measure

SCREEN = Figure(kind="false-positive rate", at_least=0.8, model="screen")
SURE = Figure(kind="recall", at_least=0.7, prevalence=0.3, model="presurgical")


def at_every_threshold(scores: np.ndarray, targets: np.ndarray) -> list[tuple[float, float]]:
    """Recall and false-positive rate at each distinct score, by counting."""
    return [
        (float(np.mean(scores[targets == 1] >= each)), float(np.mean(scores[targets == 0] >= each)))
        for each in np.unique(scores)
    ]


def by_hand(figure: Figure, scores: np.ndarray, targets: np.ndarray) -> float:
    points = at_every_threshold(scores, targets)
    if figure.prevalence is None:
        return min(alarmed for recall, alarmed in points if recall >= figure.at_least - 1e-9)
    share = figure.prevalence
    kept = [
        recall
        for recall, alarmed in points
        if share * recall >= figure.at_least * (share * recall + (1 - share) * alarmed) - 1e-9
    ]
    return max(kept, default=0.0)


@pytest.mark.parametrize("figure", [SCREEN, SURE])
@given(seed=st.integers(0, 10_000), rows=st.integers(4, 60), levels=st.integers(2, 40))
def test_a_figure_is_the_best_of_all_thresholds_with_ties_kept_together(
    figure: Figure, seed: int, rows: int, levels: int
) -> None:
    random = np.random.default_rng(seed)
    targets = np.append(random.integers(0, 2, rows), [0, 1])
    scores = random.integers(0, levels, rows + 2) + targets * random.integers(0, 2, rows + 2)
    assert measure(figure, *Ranking.of(scores, targets).counts()) == pytest.approx(by_hand(figure, scores, targets))


def test_the_false_positive_rate_is_the_one_that_scikit_learn_reads_off_the_curve() -> None:
    random = np.random.default_rng(1)
    targets = random.integers(0, 2, 500)
    scores = random.normal(size=500) + targets
    alarmed, recall, _ = metrics.roc_curve(targets, scores, drop_intermediate=False)
    found = measure(SCREEN, *Ranking.of(scores, targets).counts())
    assert found == pytest.approx(alarmed[recall >= 0.8 - 1e-9][0])


def test_copies_count_as_rows_written_so_many_times() -> None:
    random = np.random.default_rng(2)
    targets, scores = random.integers(0, 2, 80), random.integers(0, 9, 80)
    copies = random.integers(0, 4, 80)
    repeated = np.repeat(np.arange(80), copies)
    for figure in (SCREEN, SURE):
        found = measure(figure, *Ranking.of(scores, targets).counts(copies))
        assert found == pytest.approx(by_hand(figure, scores[repeated], targets[repeated]))


@pytest.mark.parametrize("kind", [0, 1])
def test_people_of_one_kind_tell_nothing(kind: int) -> None:
    counts = Ranking.of([1.0, 2.0], [kind, kind]).counts()
    assert measure(SCREEN, *counts) is None
    assert measure(SURE, *counts) is None


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError) as caught:
        Ranking.of([1.0, float("nan"), float("inf")], [0, 1, 0])
    assert str(caught.value) == "scores should be finite, got 2 that are not."
