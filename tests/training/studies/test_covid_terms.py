from __future__ import annotations

from training.answers.yes_no import YesNo
from training.losses.decorrelation import Decorrelation
from training.losses.soft_targets import SoftTargets
from training.networks.linear import Linear
from training.references.from_model import FromModel
from training.studies.covid import study as covid
from training.studies.covid_terms import TEACHER, study


def test_data_split_and_contracts_are_those_of_covid() -> None:
    for field in ("source", "columns", "outcome", "groupings", "split", "seed"):
        assert getattr(study, field) == getattr(covid, field), field
    assert [model.contract for model in study.models] == [model.contract for model in covid.models]
    assert [model.change_control for model in study.models] == [model.change_control for model in covid.models]


def test_the_screen_is_a_sum_that_learns_the_outcome_from_a_larger_network_alone() -> None:
    screen = study.models[0]
    assert screen.network == Linear()
    assert [(term.against, type(term.by)) for term in screen.terms if term.on == "infected"] == [
        (FromModel(model=TEACHER, tap="infected"), SoftTargets)
    ]


def test_the_teacher_sees_nothing_of_the_certification_or_the_test_days() -> None:
    # A reference answers for what is learnt from, so a term against it can not reach the later days.
    assert study.split.certify_from is not None  # type: ignore[attr-defined]  # by date
    assert study.split.before.shares.all == (0.75, 0.25, 0, 0)  # type: ignore[attr-defined]


def test_who_travelled_is_learnt_beside_the_outcome_and_never_asked() -> None:
    assert "abroad" not in study.columns.names
    assert [(label.column, label.answer) for label in study.symptoms] == [("abroad", YesNo())]
    assert any(isinstance(term.by, Decorrelation) for term in study.models[1].terms)
    assert all(any(term.against == "from_abroad" for term in model.terms) for model in study.models)
