from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.costs import Costs
from models.value import members_in_words
from training.loss import Loss
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_size import SquaredSize
from training.term import WEIGHTS, Term


def test_a_term_is_read_back_with_its_loss_whole() -> None:
    term = Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=49.0)), weight=0.5)
    written = term.model_dump(mode="json")
    assert written == {
        "on": "sick",
        "against": "sick",
        "by": {"kind": "CostWeighted", "costs": {"miss": 49.0, "false_alarm": 1.0}},
        "weight": 0.5,
    }
    assert Term.model_validate(written) == term


def test_a_term_can_be_the_key_of_a_mapping() -> None:
    assert len({Term(on=WEIGHTS, by=SquaredSize()), Term(on=WEIGHTS, by=SquaredSize())}) == 1


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_weight_is_a_number_that_is_not_negative(weight: float) -> None:
    with pytest.raises(ValidationError, match=r"weight\n"):
        Term(on="sick", by=SquaredSize(), weight=weight)


def test_an_unknown_loss_is_named_with_those_there_are() -> None:
    with pytest.raises(ValidationError) as caught:
        Term.model_validate({"on": "sick", "by": {"kind": "Hinge"}})
    assert caught.value.errors()[0]["msg"] == (
        f"Value error, kind should be one of {members_in_words(Loss)}, got 'Hinge'"
    )
