from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from models.costs import Costs


def test_a_thousand_times_means_one_in_a_thousand_and_one() -> None:
    assert Costs(miss=1000.0).threshold == pytest.approx(1 / 1001, rel=1e-15)


@pytest.mark.parametrize(("miss", "false_alarm"), [(1, 1), (49, 1), (1, 9), (0.3, 0.7), (1000, 1)])
def test_at_the_threshold_both_answers_cost_the_same_and_alarms_are_cheaper_above(
    miss: float, false_alarm: float
) -> None:
    costs = Costs(miss=miss, false_alarm=false_alarm)
    for probability in np.linspace(0.001, 0.999, 999):
        alarm, clear = (1 - probability) * false_alarm, probability * miss
        if abs(alarm - clear) > 1e-12:
            assert (alarm < clear) == (probability > costs.threshold)


def test_the_log_ratio_is_what_the_prices_add_to_a_logit() -> None:
    assert Costs(miss=8.0, false_alarm=2.0).log_ratio == pytest.approx(math.log(4.0))
    assert Costs().log_ratio == 0.0


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("price", ["miss", "false_alarm"])
def test_a_price_is_positive_and_finite(price: str, bad: float) -> None:
    with pytest.raises(ValidationError, match=price):
        Costs(**{price: bad})
