"""What other models say, as something to be compared with."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from scipy import special

from models.bundle import Bundle
from models.costs import Costs
from models.errors import BadStudy
from models.scorer import Scorer
from models.value import Value
from tests import simulated
from tests.training.test_run import model, simulated_study
from training.data import Data
from training.labels import compared
from training.loss import Loss
from training.losses.cost_weighted import CostWeighted
from training.losses.embedding_match import EmbeddingMatch
from training.losses.soft_targets import SoftTargets
from training.losses.squared_error import SquaredError
from training.model import Budget, Model
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.reference import Answers
from training.references.from_bundle import FromBundle
from training.references.from_model import FromModel
from training.run import Loaded, load, run
from training.study import Study
from training.taught import says, taught
from training.term import Term

QUICK = Budget(epochs=25, batch=128, learning_rate=0.05)
FLUID = Term(on="fluid", against="fluid", by=SquaredError())


def nobody(model: Value, tap: str) -> Answers:
    raise AssertionError(f"{model} should not be taught for {tap}")


def student(*terms: Term, **fields: object) -> Model:
    made = model(**fields)
    return made.model_copy(update={"terms": (*terms, FLUID)})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, dict[str, Data], Path]:
    folder = tmp_path_factory.mktemp("world")
    study = simulated_study(folder, rows=3000)
    return study, load(study).parts, folder


@pytest.fixture(scope="module")
def bundle(world: tuple[Study, dict[str, Data], Path]) -> Bundle:
    """A teacher that is a bundle, which lies in the folder of the world."""
    study, parts, folder = world
    return run(study, study.models[0], Loaded(parts, {}), folder).bundle


def test_a_student_of_a_bundle_learns_its_logits(world: tuple[Study, dict[str, Data], Path], bundle: Bundle) -> None:
    study, parts, _ = world
    by_name = FromBundle(path=str(bundle.folder))
    taught_by = student(Term(on="sick", against=by_name, by=SoftTargets()))
    fitted = taught(study, taught_by, parts, seed=1)
    test = parts["test"]
    logits = fitted.net.answers(test.inputs, ("sick",))["sick"].numpy()
    teacher = Scorer(bundle).score(test.columns).logit
    assert np.abs(special.expit(logits) - special.expit(teacher)).max() < 0.03
    # Its labels are not what it learnt: the teacher was asked.
    assert np.corrcoef(logits, teacher)[0, 1] > 0.999


def test_a_teacher_may_see_columns_that_the_student_does_not(
    world: tuple[Study, dict[str, Data], Path], bundle: Bundle
) -> None:
    study, parts, _ = world
    fewer = study.columns.model_copy(update={"columns": study.columns.columns[:2]})
    blind = study.model_copy(update={"columns": fewer})
    reference = FromBundle(path=str(bundle.folder), output="fluid")
    answers = reference.answers(load(blind).parts, nobody)
    assert set(answers) == {"training", "validation"}
    columns = parts["training"].columns
    assert answers["training"] == pytest.approx(5 + 2 * columns[:, 0], abs=0.6)


def test_a_network_is_trained_first_and_says_the_logit_of_the_probability_whatever_its_prices(
    world: tuple[Study, dict[str, Data], Path],
) -> None:
    study, parts, _ = world
    priced = CostWeighted(costs=Costs(miss=50.0))
    teacher = student(Term(on="sick", against="sick", by=priced), budget=QUICK)
    answers = FromModel(model=teacher, tap="sick").answers(parts, partial(says, study, parts, 3))["training"]
    assert float(special.expit(answers).mean()) == pytest.approx(parts["training"].labels["sick"].mean(), abs=0.03)
    fitted = taught(study, teacher, parts, seed=3)
    raw = fitted.net.answers(parts["training"].inputs, ("sick",))["sick"].numpy()
    assert raw - answers == pytest.approx(np.log(50), abs=1e-3)


def test_an_embedding_of_a_network_can_be_matched_by_one_of_another_width(
    world: tuple[Study, dict[str, Data], Path],
) -> None:
    study, parts, _ = world
    teacher = student(Term(on="sick", against="sick", by=CostWeighted()), network=MLP(hidden=(12,)), budget=QUICK)
    hint = Term(on="embedding", against=FromModel(model=teacher, tap="embedding"), by=EmbeddingMatch(), weight=0.5)
    plain = Term(on="sick", against="sick", by=CostWeighted())
    fitted = taught(study, student(plain, hint, network=MLP(hidden=(6,)), budget=QUICK), parts, seed=0)
    (regressor,) = fitted.pull.companions
    wanted = says(study, parts, 0, teacher, "embedding")["validation"]
    embedding = fitted.net.answers(parts["validation"].inputs, ("embedding",))["embedding"]
    with torch.no_grad():
        left = regressor(embedding, torch.from_numpy(wanted)).mean()
        apart = regressor(embedding[torch.randperm(len(embedding))], torch.from_numpy(wanted)).mean()
    assert float(left) < 0.3 * float(apart)


def test_what_a_teacher_does_not_have_is_named(world: tuple[Study, dict[str, Data], Path], bundle: Bundle) -> None:
    study, parts, _ = world
    path = str(bundle.folder)
    with pytest.raises(BadStudy) as caught:
        FromBundle(path=path, output="vessels").answers(parts, nobody)
    assert str(caught.value) == f"{path}: output: should be one of logit, fluid, got vessels."
    with pytest.raises(BadStudy) as caught:
        FromModel(model=study.models[0], tap="hidden_9").answers(parts, partial(says, study, parts, 0))
    assert str(caught.value) == "teacher.tap: should be one of inputs, embedding, sick, fluid, got hidden_9."


def test_a_study_with_a_teacher_is_read_back_with_its_teacher_whole() -> None:
    teacher = Model(
        name="teacher",
        purpose="",
        network=Linear(),
        terms=(Term(on="sick", against="sick", by=CostWeighted()),),
        contract=simulated.model().contract,
    )
    term = Term(on="sick", against=FromModel(model=teacher, tap="sick"), by=SoftTargets(temperature=3.0))
    again = Term.model_validate(term.model_dump(mode="json"))
    assert again == term
    assert Term.model_validate_json(term.model_dump_json()) == term
    assert str(term) == "SoftTargets on sick against FromModel"


# Columns


def with_columns(parts: dict[str, Data], **columns: object) -> dict[str, Data]:
    found = {}
    for name, part in parts.items():
        cells = {column: pl.Series([cell(row) for row in range(part.table.height)]) for column, cell in columns.items()}
        found[name] = replace(part, table=part.table.with_columns(**cells))
    return found


def test_text_stands_for_classes_and_one_that_training_does_not_know_is_unknown(
    world: tuple[Study, dict[str, Data], Path],
) -> None:
    study, parts, _ = world
    told = with_columns(parts, site=lambda row: ["west", "east", None][row % 3])
    strange = with_columns(parts, site=lambda row: ["west", "north"][row % 2])
    told["validation"] = strange["validation"]
    term = Term(on="embedding", against="site", by=SquaredError())
    found = compared(study, student(Term(on="sick", against="sick", by=CostWeighted()), term), told, nobody)
    assert found["training"]["site"][:3] == pytest.approx([1.0, 0.0, float("nan")], nan_ok=True)
    assert found["validation"]["site"][:2] == pytest.approx([1.0, float("nan")], nan_ok=True)


def test_a_number_in_the_table_is_compared_with_as_it_stands(world: tuple[Study, dict[str, Data], Path]) -> None:
    study, parts, _ = world
    told = with_columns(parts, dose=lambda row: f"{row / 2}")
    term = Term(on="fluid", against="dose", by=SquaredError())
    found = compared(study, student(Term(on="sick", against="sick", by=CostWeighted()), term), told, nobody)
    assert found["training"]["dose"][:3].tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("cell", "by", "text"),
    [
        (
            lambda row: row % 3,
            CostWeighted(),
            "models.screen.terms.1: CostWeighted on sick against dose compares with 0 or 1, got 0 to 2.",
        ),
    ],
)
def test_a_label_that_a_loss_can_not_be_compared_with_is_named(
    world: tuple[Study, dict[str, Data], Path], cell: object, by: Loss, text: str
) -> None:
    study, parts, _ = world
    told = with_columns(parts, dose=cell)
    made = student(Term(on="sick", against="sick", by=CostWeighted()), Term(on="sick", against="dose", by=by))
    with pytest.raises(BadStudy) as caught:
        compared(study, made, told, nobody)
    assert str(caught.value) == text


def test_a_column_that_is_not_there_is_named_with_those_that_are(world: tuple[Study, dict[str, Data], Path]) -> None:
    study, parts, _ = world
    made = student(
        Term(on="sick", against="sick", by=CostWeighted()), Term(on="fluid", against="sit", by=SquaredError())
    )
    with pytest.raises(BadStudy) as caught:
        compared(study, made, parts, nobody)
    assert str(caught.value) == (
        "models.screen.terms.1.against: should be a head, a tap or a column of the table"
        " (sick, fluid, a, b, c, patient, day), got sit."
    )
