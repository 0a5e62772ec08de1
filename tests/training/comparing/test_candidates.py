from __future__ import annotations

from pathlib import Path

import pytest

from models.comparison import PAIR, PLAIN
from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.contracts.several import Several
from models.costs import Costs
from models.errors import BadStudy
from models.value import members
from tests import small_study
from tests.comparable import study_file
from training.comparing.candidates import candidates, definition, figures, judged_by, said
from training.loss import Loss
from training.losses.asymmetric import Asymmetric
from training.losses.cost_weighted import CostWeighted
from training.losses.focal import Focal
from training.losses.squared_error import SquaredError
from training.sampling import Plain
from training.study import Study, find_study
from training.term import Term


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return find_study(str(study_file(tmp_path)))


def test_the_contracts_say_by_what_candidates_are_judged(study: Study) -> None:
    assert [(str(figure), figure.model) for figure in figures(study)] == [
        ("false-positive rate at recall >= 0.8", "screen"),
        ("recall at precision >= 0.7 at prevalence 0.2", "presurgical"),
    ]


def test_a_study_that_promises_neither_recall_nor_precision_can_not_be_compared() -> None:
    free = small_study.study(small_study.model().model_copy(update={"contract": Contract.read("flag at most 5 %")}))
    with pytest.raises(BadStudy) as caught:
        figures(free)
    assert str(caught.value) == (
        "eyes: a model should promise a recall or a precision to be compared by,"
        " got flag at most 0.05 with confidence 0.95."
    )


def test_the_pair_as_it_is_answers_with_a_model_a_figure_and_all_others_with_one_for_both(study: Study) -> None:
    pair, *others = candidates(study, share=0.3)
    assert (pair.name, pair.models) == (PAIR, study.models)
    assert all(len(set(each.models)) == 1 and len(each.models) == 2 for each in others)
    assert pair.what == (
        "screen: CostWeighted(costs=Costs(miss=5.0, false_alarm=1.0)), Oversampled(times=2.0);"
        " presurgical: CostWeighted(costs=Costs(miss=1.0, false_alarm=5.0))"
    )


def test_every_loss_that_can_judge_the_outcome_takes_part_and_no_other() -> None:
    names = [each.name for each in candidates(small_study.study(), share=0.3)]
    expected = {
        kind.__name__
        for kind in members(Loss)
        if kind.output == "logit" and kind.target == "binary" and kind.__module__.startswith("training.losses")
    } - {"CostWeighted"}
    assert set(names[2:]) == expected
    assert {"Focal", "TwoWayPartialAUC"} <= expected
    assert names[:2] == [PAIR, PLAIN]


def test_the_plain_model_has_no_weights_and_no_sampling_and_all_else_as_the_first(study: Study) -> None:
    _, plain, *others = candidates(study, share=0.3)
    model, screen = plain.models[0], study.models[0]
    assert model.terms == (Term(on="sick", against="sick", by=CostWeighted()), screen.terms[1])
    assert model.sampling == Plain()
    assert (model.network, model.budget, model.emptied) == (screen.network, screen.budget, screen.emptied)
    for each in others:
        assert each.models[0].terms[1:] == model.terms[1:]
        assert each.models[0].model_copy(update={"terms": model.terms}) == model


def test_one_model_for_both_thresholds_stops_in_the_region_of_both(study: Study) -> None:
    _, plain, *_ = candidates(study, share=0.3)
    contract = plain.models[0].contract
    assert isinstance(contract, Several)
    assert contract.contracts == (Recall(at_least=0.8), Precision(at_least=0.7, prevalence=0.2))


def test_a_loss_that_keeps_a_promise_in_training_is_told_the_contracts(study: Study) -> None:
    named = {each.name: each.models[0].terms[0].by for each in candidates(study, share=0.3)}
    assert named["PrecisionAtRecall"].recall == 0.8
    # At 30 % sick the likelihood ratio that gives a precision of 0.7 at 20 % gives a higher one.
    ratio = 0.7 / 0.3 / (0.2 / 0.8)
    assert named["RecallAtPrecision"].precision == pytest.approx(0.3 * ratio / (0.3 * ratio + 0.7))


def test_a_loss_takes_the_place_of_all_that_compared_the_outcome_with_its_labels() -> None:
    pull = small_study.PULL
    thick = Term(on="thickness", against="thickness", by=SquaredError())
    model = small_study.model(thick, pull, Term(on="sick", against="sick", by=Focal(), weight=0.5))
    found = judged_by(small_study.study(model), model, Asymmetric())
    assert found.terms == (thick, Term(on="sick", against="sick", by=Asymmetric(), weight=1.5))


def test_a_model_that_no_label_teaches_can_not_be_compared() -> None:
    study = small_study.study()
    taught = study.models[0].model_copy(
        update={"terms": (Term(on="thickness", against="thickness", by=SquaredError()),)}
    )
    with pytest.raises(BadStudy) as caught:
        judged_by(study, taught, Focal())
    assert str(caught.value) == "models.screen.terms: should compare sick with its labels, got none that does."


def test_a_loss_is_told_by_what_is_not_its_own() -> None:
    assert said(Focal()) == "Focal"
    assert said(Focal(gamma=1.5, alpha=0.25)) == "Focal(gamma=1.5, alpha=0.25)"


def test_what_people_tell_of_a_study_does_not_make_it_another_and_a_price_does(study: Study) -> None:
    told = study.background.model_copy(update={"context": "A clinic."})
    assert definition(study.model_copy(update={"background": told})) == definition(study)
    dearer = Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=6.0)))
    other = study.models[0].model_copy(update={"terms": (dearer,)})
    assert definition(study.model_copy(update={"models": (other, study.models[1])})) != definition(study)
