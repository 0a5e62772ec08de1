from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from models.comparison import PAIR, PLAIN, Difference, Figure
from training.comparing.measure import Ranking
from training.comparing.resampling import Judged, resample
from training.comparing.verdicts import verdicts

SCREEN = Figure(kind="false-positive rate", at_least=0.8, model="screen")
SURE = Figure(kind="recall", at_least=0.7, prevalence=0.3, model="presurgical")
FIGURES = (SCREEN, SURE)


def study(
    random: np.random.Generator,
    *,
    noise: tuple[float, float] = (0.7, 0.7),
    people: int = 400,
    seeds: int = 3,
) -> list[Judged]:
    """Two candidates who see the same signal, each through noise of its own: the pair's, and the plain model's."""
    sick = (random.random(people) < 0.3).astype(float)
    signal = 1.5 * sick + random.normal(size=people)
    judged = []
    for _ in range(seeds):
        rows = random.permutation(people)[: people // 2]
        scores = {
            name: signal[rows] + spread * random.normal(size=len(rows))
            for name, spread in zip((PAIR, PLAIN), noise, strict=True)
        }
        judged.append(Judged(rows, {name: (Ranking.of(each, sick[rows]),) * 2 for name, each in scores.items()}))
    return judged


def differences(judged: list[Judged], *, resamples: int = 300, seed: int = 0) -> list[Difference]:
    found = verdicts(FIGURES, resample(FIGURES, judged, resamples=resamples, random_seed=seed))
    return [each.difference for each in found[PAIR] if each.difference is not None]


def test_where_there_is_no_difference_one_is_found_as_seldom_as_was_said() -> None:
    random = np.random.default_rng(5)
    found = [differences(study(random, people=300, seeds=2), resamples=200) for _ in range(120)]
    told = np.array([[each.verdict != "no difference" for each in both] for both in found])
    # 5 % of 120 is 6; more than 12 would come by chance once in a hundred times.
    assert (told.sum(axis=0) <= 12).all()


def test_where_there_is_a_large_difference_it_is_found_and_told_in_the_right_direction() -> None:
    random = np.random.default_rng(6)
    for _ in range(10):
        better, worse = (differences(study(random, noise=noise)) for noise in ((0.1, 3.0), (3.0, 0.1)))
        assert [each.verdict for each in better] == ["better", "better"]
        assert better[0].value < 0 < better[1].value
        assert [each.verdict for each in worse] == ["worse", "worse"]


def test_of_one_seed_intervals_are_those_of_scipy() -> None:
    random = np.random.default_rng(7)
    sick = (random.random(300) < 0.4).astype(int)
    first, second = sick + random.normal(size=(2, 300))

    def alarmed(scores: np.ndarray, rows: np.ndarray) -> float:
        rates, recall, _ = metrics.roc_curve(sick[rows], scores[rows], drop_intermediate=False)
        return float(rates[recall >= 0.8 - 1e-9][0])

    def apart(rows: np.ndarray) -> float:
        return alarmed(first, rows) - alarmed(second, rows)

    rankings = {PAIR: (Ranking.of(first, sick),), PLAIN: (Ranking.of(second, sick),)}
    judged = [Judged(np.arange(300), rankings)]
    drawn = resample((SCREEN,), judged, resamples=2000)
    (found,) = verdicts((SCREEN,), drawn)[PAIR]
    ours = found.difference
    assert ours is not None
    theirs = stats.bootstrap(
        (np.arange(300),), apart, n_resamples=2000, method="percentile", vectorized=False, rng=np.random.default_rng(1)
    )
    assert ours.value == pytest.approx(apart(np.arange(300)))
    low, high = theirs.confidence_interval
    # The error of a 2.5 % quantile of 2,000 draws is some 0.004 here.
    assert (ours.low, ours.high) == (pytest.approx(low, abs=0.015), pytest.approx(high, abs=0.015))
    assert theirs.standard_error == pytest.approx((drawn.drawn[:, 0, 0] - drawn.drawn[:, 1, 0]).std(), rel=0.08)


def test_visits_of_a_person_are_drawn_together() -> None:
    few = study(np.random.default_rng(8), seeds=2)
    many = [
        Judged(np.repeat(one.people, 5), {name: (repeated(each[0]),) * 2 for name, each in one.rankings.items()})
        for one in few
    ]
    for once, often in zip(differences(few), differences(many), strict=True):
        # Five times as many rows, and not a bit more known.
        assert (once.low, once.high) == pytest.approx((often.low, often.high))


def repeated(ranking: Ranking) -> Ranking:
    """The same people with five rows each, the rows of a person beside each other."""
    scores = np.empty(len(ranking.order))
    scores[ranking.order] = -np.arange(len(ranking.order))
    sick = np.empty(len(ranking.order))
    sick[ranking.order] = ranking.sick
    return Ranking.of(np.repeat(scores, 5), np.repeat(sick, 5))


def test_a_difference_that_one_seed_alone_bears_out_is_none() -> None:
    random = np.random.default_rng(9)
    # So many people that resampling them alone would take the one seed's luck for a difference.
    lucky, *rest = study(random, noise=(0.1, 3.0), seeds=1, people=6000) + study(random, people=6000)
    (alone, _), (among, _) = differences([lucky]), differences([lucky, *rest])
    assert alone.verdict == "better"
    assert among.verdict == "no difference"


def test_the_same_candidate_twice_makes_no_difference_at_all() -> None:
    judged = study(np.random.default_rng(10))
    same = [Judged(each.people, dict.fromkeys((PAIR, PLAIN), each.rankings[PLAIN])) for each in judged]
    for each in differences(same):
        assert (each.low, each.value, each.high, each.verdict, each.chance) == (0.0, 0.0, 0.0, "no difference", 1.0)


def test_draws_without_a_sick_person_are_made_again() -> None:
    sick = np.array([1, 0, 0, 0])
    one = Judged(np.arange(4), dict.fromkeys((PAIR, PLAIN), (Ranking.of([4.0, 3.0, 2.0, 1.0], sick),) * 2))
    drawn = resample(FIGURES, [one], resamples=50)
    assert drawn.drawn.shape == (50, 2, 2)
    assert np.isfinite(drawn.drawn).all()
