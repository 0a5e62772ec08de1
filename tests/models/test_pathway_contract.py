from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from models.errors import BadInput, Unreachable
from models.joint import Joint, Pairs
from models.pathway_contract import PathwayContract, certify
from tests.two_models import turned

CONTRACT = PathwayContract(not_cleared=0.9, ppv=0.3, prevalence=0.1)
BOTH = (turned(0.5), turned(0.5))


def pairs(part: str, *, times: int = 1) -> Pairs:
    """100 sick people: 3 cleared, 37 referred, 60 operated on; 1,000 healthy ones: 700, 290, 10."""
    screen = [0.1] * 3 + [0.9] * 97 + [0.1] * 700 + [0.9] * 300
    presurgical = [0.9] * 3 + [0.1] * 37 + [0.9] * 60 + [0.1] * 990 + [0.9] * 10
    targets = [1] * 100 + [0] * 1000
    return Pairs.of(screen * times, presurgical * times, targets * times, part=part)


def joint(*, test: Pairs | None = None) -> Joint:
    return Joint(screen="0" * 64, presurgical="1" * 64, certification=pairs("certification"), test=test)


def exact(of: int, out_of: int, confidence: float) -> tuple[float, float]:
    """One-sided Clopper-Pearson bounds, each at this confidence."""
    both = stats.binomtest(of, out_of).proportion_ci(2 * confidence - 1, method="exact")
    return both.low, both.high


def precise(hits: int, alarms: int, confidence: float, times: float = 10.0, prevalence: float = 0.1) -> float:
    """The precision that so many hits and alarms carry, with `times` as many healthy people as sick ones."""
    right = exact(hits, hits + alarms, confidence)[0]
    odds = right / (1 - right) * times * prevalence / (1 - prevalence)
    return float(odds / (1 + odds))


def test_both_figures_are_certified_by_clopper_pearson_bounds_of_the_joint_counts() -> None:
    found = certify(joint(), CONTRACT, *BOTH)
    # Half of the risk each.
    assert found.not_cleared.certified == pytest.approx(exact(97, 100, 0.975)[0])
    assert found.ppv.certified == pytest.approx(precise(60, 10, 0.975))
    assert (found.part, found.screen, found.presurgical) == ("certification", 0.5, 0.5)
    assert str(found) == (
        "not cleared: recall >= 0.9148 on 100 positives and 1,000 negatives; "
        f"operated on: precision >= {found.ppv.certified:.4g} at prevalence 0.1 on 100 positives and 1,000 negatives"
    )


def test_one_promise_alone_has_all_the_risk() -> None:
    found = certify(joint(), PathwayContract(not_cleared=0.9), *BOTH)
    assert found.not_cleared.certified == pytest.approx(exact(97, 100, 0.95)[0])
    assert found.ppv is None
    found = certify(joint(), PathwayContract(ppv=0.3, prevalence=0.1), *BOTH)
    assert found.ppv.promise.confidence == pytest.approx(0.95)
    assert found.not_cleared is None
    assert str(found).startswith("operated on: precision >= ")


@pytest.mark.parametrize("bound", [{"not_cleared": 0.95}, {"ppv": 0.82, "prevalence": 0.1}])
def test_what_the_cases_do_not_carry_is_refused_with_how_near_they_came(bound: dict[str, float]) -> None:
    with pytest.raises(Unreachable) as caught:
        certify(joint(), PathwayContract(**bound), *BOTH)
    error = caught.value
    least = bound.get("not_cleared", bound.get("ppv", 0))
    assert 0 < error.nearest < least
    assert f"100 positives and 1000 negatives carry {error.promise.split(' >=')[0]} >= " in str(error)
    # As many more cases as it says would do, and half of them would not.
    assert error.missing_positives is not None
    for share, enough in ((1.01, True), (0.5, False)):
        sick = 100 + share * error.missing_positives
        healthy = 10 * sick
        if "not_cleared" in bound:
            carried = exact(round(0.97 * sick), round(sick), 0.95)[0]
        else:
            carried = precise(round(0.6 * sick), round(0.01 * healthy), 0.95)
        assert (carried >= least) == enough


def test_what_no_number_of_such_cases_would_carry_is_refused_for_good() -> None:
    with pytest.raises(Unreachable) as caught:
        certify(joint(), PathwayContract(ppv=0.9, prevalence=0.1), *BOTH)
    assert caught.value.missing_positives is None


@pytest.mark.parametrize("chosen", [0, 1])
def test_points_that_were_chosen_on_the_certification_cases_are_certified_on_the_test_cases(chosen: int) -> None:
    points = list(BOTH)
    points[chosen] = turned(0.5, contract="recall >= 0.9 with confidence 0.95")
    with pytest.raises(BadInput) as caught:
        certify(joint(), CONTRACT, *points)
    rule = "should be there, as the points were chosen on the certification cases"
    assert str(caught.value) == f"joint.test: {rule}, got none."
    found = certify(joint(test=pairs("test", times=2)), CONTRACT, *points)
    assert found.part == "test"
    assert found.not_cleared.positives == 200
    assert found.not_cleared.certified == pytest.approx(exact(194, 200, 0.975)[0])


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "needs one of not_cleared and ppv at least, got neither"),
        ({"ppv": 0.9}, "prevalence should be given exactly where ppv is, got None"),
        ({"not_cleared": 0.9, "prevalence": 0.1}, "prevalence should be given exactly where ppv is, got 0.1"),
    ],
)
def test_a_contract_that_says_too_little_or_too_much_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PathwayContract(**fields)
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


def test_promises_are_broken_no_more_often_than_allowed_however_the_models_agree() -> None:
    """Counts drawn from known shares: a bound above the truth is a broken promise."""
    random = np.random.default_rng(1)
    # Shares of cleared, referred and operated among the sick and the healthy, with the models in step or not.
    for sick, healthy in (((0.05, 0.25, 0.7), (0.7, 0.28, 0.02)), ((0.1, 0.4, 0.5), (0.9, 0.06, 0.04))):
        truth = {"not_cleared": 1 - sick[0], "ppv": 0.1 * sick[2] / (0.1 * sick[2] + 0.9 * healthy[2])}
        broken = 0
        for _ in range(400):
            drawn = [np.repeat([0, 1, 2], random.multinomial(n, p)) for n, p in ((80, sick), (400, healthy))]
            answers = np.concatenate(drawn)
            cases = Pairs.of(np.where(answers == 0, 0.1, 0.9), np.where(answers == 2, 0.9, 0.1), [1] * 80 + [0] * 400)
            evidence = Joint(screen="0" * 64, presurgical="1" * 64, certification=cases)
            # Nearly nothing is asked, so that what is certified is always told.
            easy = PathwayContract(not_cleared=1e-6, ppv=1e-6, prevalence=0.1, confidence=0.9)
            found = certify(evidence, easy, *BOTH)
            broken += found.not_cleared.certified > truth["not_cleared"] or found.ppv.certified > truth["ppv"]
        assert stats.binomtest(broken, 400, 0.1, alternative="greater").pvalue > 1e-3
        assert broken > 0  # the bounds are not vacuous
