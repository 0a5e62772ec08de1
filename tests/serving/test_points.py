from __future__ import annotations

import dataclasses
import json

import pytest
from pydantic import ValidationError

from models.bundle import Bundle
from models.change_control import ChangeControl
from models.contracts.recall import Recall
from models.scorer import Scorer
from models.turn import Setting
from serving.points import AnsweredAt, Foreseen, Promised, Proposal, Recorded, RollBack, WorkingPoint
from tests import handmade

ZONE = "rule in with specificity >= 0.9, rule out with recall >= 0.95"


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    bundle: Bundle = handmade.bundle(tmp_path_factory.mktemp("bundle"))
    return Scorer(bundle)


def test_a_certificate_is_told_with_all_that_is_promised(scorer: Scorer) -> None:
    turned = scorer.turn(Setting.told("precision >= 0.8 at prevalence 0.3"))
    (certificate,) = turned.certificates

    assert Promised.of(certificate).model_dump() == {
        "in_words": "precision >= 0.8 at prevalence 0.3 with confidence 0.95",
        "figure": "precision",
        "at_least": 0.8,
        "at_most": None,
        "confidence": 0.95,
        "prevalence": 0.3,
        "group": None,
        "certified": certificate.certified,
        "positives": certificate.positives,
        "negatives": certificate.negatives,
    }
    grouped = certificate.promise.model_copy(update={"group": "eye=left"})
    assert Promised.of(certificate.model_copy(update={"promise": grouped})).group == "eye=left"


@pytest.mark.parametrize("asked", ["default", ZONE, 0.3])
def test_a_working_point_is_told_alike_in_short_and_in_full(scorer: Scorer, asked: str | float) -> None:
    turned = scorer.turn(Setting.told(asked, 0.05))
    short, full = AnsweredAt.of(turned), WorkingPoint.of(turned)

    assert full.prevalence == full.figures.prevalence == 0.05
    for name in ("threshold", "clear_below", "contract", "certificates"):
        assert getattr(short, name) == getattr(full, name)
    assert (short.precision, short.npv) == (full.figures.precision, full.figures.npv)
    assert (full.contract is None) == (full.certificates == ()) == (asked == 0.3)
    assert (full.clear_below < full.threshold) == (asked == ZONE)


def test_a_setting_without_any_positive_is_told_without_a_figure_for_it(scorer: Scorer) -> None:
    told = json.loads(WorkingPoint.of(scorer.turn(Setting.told(1.0))).model_dump_json())

    assert told["figures"]["precision"]["value"] is None
    assert told["figures"]["net_benefit"] is None


def test_foreseen_changes_are_told_in_words() -> None:
    control = ChangeControl(lowest=0.1, criteria=(Recall(at_least=0.9),), prevalences=(0.01, 0.2))

    assert Foreseen.of(control).model_dump() == {
        "lowest": 0.1,
        "highest": 1.0,
        "criteria": ("recall >= 0.9 with confidence 0.95",),
        "prevalence_low": 0.01,
        "prevalence_high": 0.2,
    }
    fixed = Foreseen.of(ChangeControl())
    assert (fixed.prevalence_low, fixed.prevalence_high, fixed.criteria) == (None, None, ())


def test_a_proposal_asks_for_what_a_person_writes() -> None:
    proposal = Proposal(operating_point="0.25", prevalence=0.1, reason="x", version=3)

    assert proposal.setting == Setting(operating_point=0.25, prevalence=0.1)
    assert Proposal(reason="x", version=0).setting == Setting()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Proposal, {"reason": "", "version": 0}),
        (Proposal, {"reason": "r" * 2001, "version": 0}),
        (Proposal, {"reason": "x", "version": -1}),
        (Proposal, {"reason": "x", "version": 0, "by": "me"}),
        (RollBack, {"reason": "x", "version": 0}),
        (RollBack, {"reason": "x", "version": 0, "to": -1}),
    ],
)
def test_a_change_without_a_reason_or_a_version_is_none(kind: type[Proposal | RollBack], fields: object) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(fields)


def test_a_recorded_change_tells_numbers_and_refuses_what_is_none() -> None:
    known = dict.fromkeys(("threshold", "clear_below", "prevalence"), 0.5)
    words = dict.fromkeys(("in_words", "by", "at", "reason", "hash"), "x")
    recorded = Recorded(version=1, setting={"operating_point": 0.5}, **known, **words)

    assert recorded.threshold == 0.5
    with pytest.raises(ValidationError):
        Recorded(version=1, setting={}, **{**known, "threshold": float("nan")}, **words)


def test_what_was_measured_moves_with_the_thresholds_of_the_bundle(scorer: Scorer) -> None:
    turned = scorer.turn(Setting.told(0.3))
    told = WorkingPoint.of(dataclasses.replace(turned, own=(0.9, 0.9)))

    assert told.threshold == pytest.approx(0.3)
    assert told.figures.counts == scorer.manifest.curve.at(0.9)
