from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.operating_point import Certificate
from models.promise import Promise
from serving.points import Promised, Proposal, RollBack


def test_what_was_certified_is_told_beside_what_was_asked() -> None:
    promise = Promise(figure="recall", at_least=0.9, confidence=0.95, group="sex=female")
    told = Promised.of(Certificate(promise=promise, certified=0.93, positives=200, negatives=800))
    assert (told.at_least, told.certified, told.positives, told.negatives) == (0.9, 0.93, 200, 800)
    assert (told.in_words, told.group) == (str(promise), "sex=female")


@pytest.mark.parametrize(
    ("kind", "fields"), [(Proposal, {"operating_point": 0.2, "reason": "why"}), (RollBack, {"to": 0, "reason": "why"})]
)
def test_a_change_that_does_not_name_the_version_it_was_decided_on_is_refused(
    kind: type[Proposal | RollBack], fields: dict[str, object]
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(fields)
    assert [detail["loc"] for detail in refused.value.errors()] == [("version",)]
    assert kind.model_validate({**fields, "version": 0}).version == 0
