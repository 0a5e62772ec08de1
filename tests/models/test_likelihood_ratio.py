from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special

from models.curve import Curve
from models.likelihood_ratio import kinds_of, line_of, logits_of, ratios_of, refitted


def cases(seed: int, positives: int = 80, negatives: int = 400) -> Curve:
    random = np.random.default_rng(seed)
    logits = np.concatenate([random.normal(1, 1.5, positives), random.normal(-1, 1.5, negatives)])
    return Curve.of(special.expit(np.round(logits, 1)), np.repeat([1, 0], [positives, negatives]))


def test_the_line_is_that_of_a_logistic_regression_but_for_a_tenth_of_a_case() -> None:
    kinds = kinds_of(cases(1))

    def loss(line: np.ndarray) -> float:
        logit = line[0] * kinds.z + line[1]
        return float((kinds.sick * np.logaddexp(0, -logit) + kinds.healthy * np.logaddexp(0, logit)).sum())

    assert line_of(kinds) == pytest.approx(optimize.minimize(loss, np.zeros(2)).x, abs=0.02)


def test_lines_of_samples_are_those_of_each_fitted_alone() -> None:
    kinds, random = kinds_of(cases(2)), np.random.default_rng(2)
    sick, healthy = (
        random.multinomial(int(kind.sum()), kind / kind.sum(), size=5) for kind in (kinds.sick, kinds.healthy)
    )
    together = refitted(line_of(kinds), kinds, sick.astype(float), healthy.astype(float))
    for place in range(5):
        alone = type(kinds)(kinds.z, kinds.centre, kinds.scale, sick[place].astype(float), healthy[place].astype(float))
        assert together[place] == pytest.approx(line_of(alone), abs=1e-5)


def test_perfectly_separated_cases_have_a_finite_line() -> None:
    kinds = kinds_of(Curve.of([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]))
    line = line_of(kinds)
    assert np.isfinite(line).all()
    found = refitted(line, kinds, kinds.sick[None], kinds.healthy[None])
    assert np.isfinite(found).all()
    low, high = ratios_of(found, np.array([kinds.z[0], kinds.z[-1]]), kinds.odds)[0]
    assert low < 0.2
    assert high > 5


def test_a_ratio_is_the_odds_at_a_score_over_the_odds_of_all() -> None:
    kinds = kinds_of(cases(3, 100, 300))
    assert kinds.odds == pytest.approx(np.log(1 / 3))
    ratios = ratios_of(np.array([[0.0, np.log(1 / 3)], [0.0, np.log(1 / 3) + 1]]), kinds.z, kinds.odds)
    assert ratios[0] == pytest.approx(np.ones(len(kinds.z)))
    assert ratios[1] == pytest.approx(np.full(len(kinds.z), np.e))


def test_probabilities_of_0_and_1_have_finite_logits() -> None:
    assert logits_of(np.array([0.0, 0.5, 1.0])).round(2).tolist() == [-17.33, 0.0, 17.33]
