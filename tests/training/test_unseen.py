"""Which score a case that taught is certified by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import Calibration
from models.contracts.recall import Recall
from models.curve import Curve
from training.unseen import told, worse

SHARE = st.floats(0, 1, width=32)


@given(st.lists(st.tuples(SHARE, SHARE, st.booleans()), min_size=1, max_size=40), SHARE)
def test_a_case_is_right_at_a_threshold_only_where_both_scores_are(
    cases: list[tuple[float, float, bool]], threshold: float
) -> None:
    unseen, delivered = (np.float32([case[place] for case in cases]) for place in (0, 1))
    sick = [case[2] for case in cases]
    found = worse(unseen, delivered, sick)
    assert found.dtype == np.float32
    for one, other, is_sick, score in zip(unseen, delivered, sick, found, strict=True):
        right = [(each >= np.float32(threshold)) == is_sick for each in (one, other)]
        assert ((score >= np.float32(threshold)) == is_sick) == all(right)


def test_raw_logits_become_the_probabilities_of_another_prevalence() -> None:
    raw = np.float32([-3.0, 0.0, 2.0])
    made = Calibration(loss_log_ratio=np.log(7), prevalence=0.2, slope=1.3, intercept=-0.1)
    probability = told(made, raw, prevalence=0.02)
    odds = np.exp(made.logits(raw)) * (0.02 / 0.98) / (0.2 / 0.8)
    assert probability == pytest.approx(odds / (1 + odds), rel=1e-6)
    assert probability.dtype == np.float32


# Two kinds of people, who can not be told apart among themselves: without the second, recall is 0.78.
CHANCES, PEOPLE = np.array([0.5, 0.06]), np.array([0.3, 0.7])
COPIES = 10


def drawn(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The cell of each person, and who is sick: people of one cell have one score."""
    cells = random.choice(len(PEOPLE), count, p=PEOPLE)
    return cells, (random.random(count) < CHANCES[cells]).astype(int)


def scores(cells: np.ndarray, sick: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold scores and those of the mean of all copies, where a copy counts the sick of each cell it saw."""
    fold = random.permutation(np.arange(len(cells)) % COPIES)
    rates = np.array(
        [
            [(sick[(cells == cell) & (fold != copy)].sum() + 0.5) / (((cells == cell) & (fold != copy)).sum() + 1)]
            for copy in range(COPIES)
            for cell in range(len(PEOPLE))
        ]
    ).reshape(COPIES, len(PEOPLE))
    delivered = rates.mean(axis=0)
    return np.float32(rates[fold, cells]), np.float32(delivered[cells])


def recall_of_fresh_people(threshold: float, by_cell: np.ndarray) -> float:
    """The delivered file's recall on everybody: a cell is flagged or it is not."""
    weight = PEOPLE * CHANCES
    return float(weight[by_cell >= np.float32(threshold)].sum() / weight.sum())


def test_pitfall_where_many_people_share_a_score_a_threshold_between_copies_would_lose_them_when_delivered() -> None:
    """A promise of recall that one in ten may break: by out-of-fold scores alone it is broken far oftener."""
    contract, repeats = Recall(at_least=0.8, confidence=0.9), 200
    broken = {"out of fold": 0, "worse": 0}
    for seed in range(repeats):
        random = np.random.default_rng(seed)
        cells, sick = drawn(800, random)
        unseen, delivered = scores(cells, sick, random)
        by_cell = np.array([delivered[cells == cell][0] for cell in range(len(PEOPLE))])
        for name, score in (("out of fold", unseen), ("worse", worse(unseen, delivered, sick))):
            threshold = contract.choose(Curve.of(score, sick), guide=None).threshold
            broken[name] += recall_of_fresh_people(threshold, by_cell) < 0.8
    assert broken["worse"] <= 0.1 * repeats
    assert broken["out of fold"] > 0.3 * repeats
