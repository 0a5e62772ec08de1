from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from models.costs import Costs
from models.errors import BadStudy
from models.manifest import Symptom, Target
from tests.small_study import PULL, model, study
from training.generated import Generated
from training.loss import Loss
from training.losses.absolute_error import AbsoluteError
from training.losses.cost_weighted import CostWeighted
from training.losses.soft_targets import SoftTargets
from training.losses.squared_error import SquaredError
from training.losses.squared_size import SquaredSize
from training.networks.linear import Linear
from training.numbers.bounded_bins import BoundedBins
from training.numbers.periodic import Periodic
from training.references.from_bundle import FromBundle
from training.references.from_model import FromModel
from training.sampling import Oversampled
from training.source import Source
from training.split import CrossFit
from training.study import (
    Beside,
    Budget,
    Model,
    Outcome,
    Study,
    SymptomLabel,
    find_study,
    in_words,
    shipped,
)
from training.term import WEIGHTS, Term
from training.weighings.uncertainty import Uncertainty


def test_a_study_is_read_back_equal_every_class_by_its_name() -> None:
    whole = study(
        model(
            PULL,
            Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=7)), weight=0.5),
            Term(on="thickness", against="thickness", by=AbsoluteError()),
            Term(on="hidden_2", by=SquaredSize(), weight=0.1),
            Term(on=WEIGHTS, by=SquaredSize(), weight=1e-4),
        ).model_copy(update={"sampling": Oversampled(times=3), "budget": Budget(epochs=3)}),
        seed=7,
    )
    assert Study.model_validate(whole.model_dump(mode="json")) == whole
    assert Study.model_validate_json(whole.model_dump_json()) == whole


def test_heads_are_the_outcome_and_then_the_symptoms() -> None:
    made = study()
    assert made.heads == ("sick", "thickness")
    assert made.target == Target(name="sick", meaning="has the disease")
    assert made.symptom_heads == (Symptom(name="thickness", meaning="of the retina", unit="um"),)


class OfAll(Loss):
    """One value for all rows, which a loss should not give. Source: this test."""

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        assert target is not None
        return (output - target).square().mean()


TAPS = (
    "weights, weights.hidden_1, weights.hidden_2, weights.sick, weights.thickness,"
    " inputs, hidden_1, hidden_2, embedding, sick, thickness"
)
SHAPES = "Expected one shape, got output"


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        (
            (Term(on="sik", against="sick", by=CostWeighted()),),
            f"models.screen.terms.0.on: should be one of {TAPS}, got sik",
        ),
        (
            (PULL, Term(on="hidden_3", by=SquaredSize())),
            f"models.screen.terms.1.on: should be one of {TAPS}, got hidden_3",
        ),
        (
            (PULL, Term(on="embedding", against="sick", by=CostWeighted())),
            "models.screen.terms.1.by: CostWeighted should be on a head, got embedding",
        ),
        (
            (Term(on="sick", against="grade", by=CostWeighted()),),
            "models.screen.terms: none pulls sick towards its labels",
        ),
        (
            (Term(on="sick", against="sick", by=SquaredError()),),
            (
                "models.screen.terms.0.by: a loss that judges the outcome by its labels should say output = 'logit' and"
                " target = 'binary', got SquaredError with 'number' and 'number'"
            ),
        ),
        (
            (PULL, Term(on="thickness", against="thickness", by=OfAll())),
            "models.screen.terms.1: OfAll should return one value a row, (2,), got ()",
        ),
        ((Term(on="sick", by=CostWeighted()),), f"models.screen.terms.0: {SHAPES} (2,), target None"),
        (
            (PULL, Term(on="embedding", against="thickness", by=AbsoluteError())),
            f"models.screen.terms.1: {SHAPES} (2, 3), target (2,)",
        ),
        (
            (PULL, Term(on=WEIGHTS, against="thickness", by=SquaredSize())),
            "models.screen.terms.1: Expected nothing to compare with, got a target (2,)",
        ),
        (
            (Term(on="thickness", against="thickness", by=AbsoluteError()),),
            "models.screen.terms: none pulls sick towards its labels",
        ),
    ],
)
def test_a_term_that_can_not_pull_is_named_by_its_path(terms: tuple[Term, ...], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        study(model(*terms))
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


ANSWERS = "clear_below, columns, decision, logit, negative, positive, prevalence, probability, threshold"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"symptoms": (SymptomLabel(name="sick", column="microns"),)},
            "outcome and symptoms need a name each, got sick, sick",
        ),
        (
            {"symptoms": (SymptomLabel(name="embedding", column="microns"),)},
            "models.screen.network: has a tap embedding, so no head should be called that",
        ),
        (
            {"outcome": Outcome(name="weights", column="grade", positive="4")},
            "models.screen.network: has a tap weights, so no head should be called that",
        ),
        (
            {"symptoms": (SymptomLabel(name="hidden_2", column="microns"),)},
            "models.screen.network: has a tap hidden_2, so no head should be called that",
        ),
        (
            {"symptoms": (SymptomLabel(name="thickness", column="m"), SymptomLabel(name="logit", column="microns"))},
            f"symptoms.1.name: should be none of {ANSWERS}, got logit",
        ),
        (
            {"symptoms": (SymptomLabel(name="fluid", column="microns"),)},
            "symptoms should not be called like a column, got fluid",
        ),
    ],
)
def test_a_head_has_a_name_that_nothing_else_has(fields: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        study(**fields)
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


def test_models_have_names_of_their_own() -> None:
    with pytest.raises(ValidationError) as caught:
        study(model(), model())
    assert caught.value.errors()[0]["msg"] == "Value error, every model needs its own name, got screen, screen"


@pytest.mark.parametrize("name", ["Eyes", "1eye", "my eyes", "", "../eyes", "eyes.x"])
def test_a_name_that_could_not_be_a_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="String should match pattern"):
        study(name=name)


# Where every row teaches

CROSSED = CrossFit(folds=2, repeats=1)
FALLING = Budget(schedule="cosine")
TAUGHT = Term(on="sick", against=FromModel(model=model(), tap="sick"), by=SoftTargets())


def crossed(*terms: Term, **fields: object) -> Model:
    return model(*terms).model_copy(update={"budget": FALLING, **fields})


HALVED = (
    ".budget.schedule: should be 'cosine' or 'whole' where every row teaches and none is left to stop by, got 'halve'"
)
LEARNT = ".against: a teacher that learns from all rows would tell copies of those that they must not see"
SHARED = (
    ".budget.schedule: 'whole' takes steps that all copies share: it should be for linear networks, which end where"
    " each would alone"
)
WHOLE = Budget(schedule="whole")
BESIDE_HALVED = Beside(network=Linear(), budget=Budget(epochs=2))
BESIDE_TAUGHT = Beside(network=Linear(), terms=(PULL, TAUGHT))


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (crossed(budget=Budget()), HALVED),
        (crossed(beside=(BESIDE_HALVED,)), f".beside.0{HALVED}"),
        (
            crossed(sampling=Generated(times=2.0)),
            ".sampling: Generated makes cases of rows that some copies must not see",
        ),
        (
            crossed(weighing=Uncertainty()),
            ".weighing: Uncertainty learns from all rows, and would tell copies of those they must not see",
        ),
        (crossed(budget=WHOLE), f"{SHARED}, got MLP"),
        (crossed(network=Linear(numbers=Periodic()), budget=WHOLE), f"{SHARED}, got Linear"),
        (crossed(PULL, TAUGHT), f".terms.1{LEARNT}"),
        (crossed(beside=(BESIDE_TAUGHT,)), f".beside.0.terms.1{LEARNT}"),
    ],
)
def test_pitfall_what_would_tell_a_copy_of_rows_it_must_not_see_is_refused(made: Model, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        study(made, split=CROSSED)
    assert caught.value.errors()[0]["msg"] == f"Value error, models.screen{text}"
    # Where others are certified on than those that teach, it is nothing to refuse.
    assert study(made).models == (made,)


def test_a_teacher_that_is_finished_may_teach_copies() -> None:
    told = Term(on="sick", against=FromBundle(path="elsewhere"), by=SoftTargets())
    assert study(crossed(PULL, told), split=CROSSED).split.copies == 2


def test_linear_networks_may_take_all_rows_at_once() -> None:
    for numbers in (None, BoundedBins()):
        made = crossed(network=Linear(numbers=numbers), budget=WHOLE)
        assert study(made, split=CROSSED).models == (made,)


def test_photographs_are_not_cross_fitted() -> None:
    whole = find_study("retina")
    made = tuple(each.model_copy(update={"budget": FALLING}) for each in whole.models)
    with pytest.raises(ValidationError) as caught:
        Study(**{**dict(whole), "models": made, "split": CROSSED})
    assert caught.value.errors()[0]["msg"] == (
        "Value error, split: photographs can not be cross-fitted: each copy would carry an encoder of its own"
    )


def test_a_network_beside_another_is_the_model_s_but_for_what_it_says_itself() -> None:
    size = Term(on=WEIGHTS, by=SquaredSize())
    made = crossed(
        PULL,
        emptied=0.2,
        beside=(
            Beside(network=Linear()),
            Beside(network=Linear(), terms=(PULL, size), emptied=0.0, budget=Budget(epochs=7)),
        ),
    )
    own, first, second = made.kinds
    assert own == made.model_copy(update={"beside": ()})
    assert first == own.model_copy(update={"network": Linear()})
    others = {"network": Linear(), "terms": (PULL, size), "emptied": 0.0, "budget": Budget(epochs=7)}
    assert second == own.model_copy(update=others)
    assert made.epochs == 300 + 300 + 7
    assert Study.model_validate_json(study(made).model_dump_json()).models == (made,)


def test_a_term_of_a_network_beside_another_is_named_by_its_path() -> None:
    made = crossed(beside=(Beside(network=Linear(), terms=(PULL, Term(on="hidden_1", by=SquaredSize()))),))
    with pytest.raises(ValidationError) as caught:
        study(made)
    assert caught.value.errors()[0]["msg"] == (
        "Value error, models.screen.beside.0.terms.1.on: should be one of weights, weights.sick, weights.thickness,"
        " inputs, embedding, sick, thickness, got hidden_1"
    )


# Finding


def test_the_shipped_studies_are_found_by_name_and_are_called_like_their_files() -> None:
    assert set(shipped()) >= {"breast", "covid"}
    for name in shipped():
        found = find_study(name)
        assert found.name == name
        assert Study.model_validate_json(found.model_dump_json()) == found
        assert [made.name for made in found.models] == ["screen", "presurgical"]
        assert isinstance(found.source, Source)


def test_every_column_of_a_shipped_study_says_what_it_means() -> None:
    for name in shipped():
        assert all(column.meaning for column in find_study(name).columns.columns)


FILE = """
from models.contracts.recall import Recall
from models.schema import Numeric, Schema
from training.losses.cost_weighted import CostWeighted
from training.networks.linear import Linear
from training.sources.file import File
from training.split import Random
from training.study import Model, Outcome, Study
from training.term import Term

study = Study(
    name="eyes",
    source=File(path="eyes.csv"),
    columns=Schema(columns=(Numeric(name="age", low=0, high=120),)),
    outcome=Outcome(name="sick", column="grade", positive="4"),
    split=Random(),
    models=(
        Model(
            name="screen",
            purpose="",
            network=Linear(),
            terms=(Term(on="sick", against="sick", by=CostWeighted()),),
            contract=Recall(at_least=0.9),
        ),
    ),
)
"""


def test_a_study_is_found_by_the_path_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(FILE)
    assert find_study(str(tmp_path / "eyes.py")).name == "eyes"


@pytest.mark.parametrize(
    ("was", "now", "text"),
    [
        (
            'on="sick"',
            'on="sik"',
            (
                "Study: models.screen.terms.0.on: should be one of"
                " weights, weights.sick, inputs, embedding, sick, got sik."
            ),
        ),
        ("at_least=0.9", "at_least=1.9", "Recall.at_least: Input should be less than 1."),
        ("high=120", "high=-1", "Numeric: low should be below high, got 0.0 and -1.0."),
        ('positive="4"', 'positive="4", colour=1', "Outcome.colour: Extra inputs are not permitted."),
        ("split=Random(),", "", "Study.split: Field required."),
        (
            "study = Study(",
            "class Linear(Linear):\n    pass\n\nstudy = Study(",
            (
                "should be a Python file that runs, got TypeError: Linear should have a name of its own, got that of"
                " one in training.networks.linear."
            ),
        ),
        (
            "import Linear",
            "import Lin",
            (
                "should be a Python file that runs, got ImportError: cannot import name 'Lin' from"
                " 'training.networks.linear' ({networks}/linear.py)."
            ),
        ),
        (
            "study = Study(",
            "study = Study((",
            "should be a Python file that runs, got SyntaxError: '(' was never closed (eyes.py, line 11).",
        ),
        ("Random()", "Rand()", "should be a Python file that runs, got NameError: name 'Rand' is not defined."),
        ("study = Study(", "studies = Study(", "should define `study`, a Study, got NoneType."),
    ],
)
def test_a_study_file_that_is_wrong_is_refused_by_what_is_wrong(tmp_path: Path, was: str, now: str, text: str) -> None:
    file = tmp_path / "eyes.py"
    file.write_text(FILE.replace(was, now, 1))
    with pytest.raises(BadStudy) as caught:
        find_study(str(file))
    networks = Path(__file__).parents[2] / "training" / "networks"
    assert str(caught.value) == f"{file}: {text.format(networks=networks)}"


def test_a_copy_with_other_fields_is_checked_like_any_study(tmp_path: Path) -> None:
    file = tmp_path / "eyes.py"
    changed = 'study = study.model_copy(update={"models": (study.models[0].model_copy(update={"terms": TERMS}),)})'
    for terms, text in (
        ('(Term(on="sik", against="sick", by=CostWeighted()),)', "Study: models.screen.terms.0.on: should be one of"),
        ('(Term(on="sick", by=CostWeighted()),)', "Study: models.screen.terms.0: Expected one shape, got output (2,)"),
    ):
        file.write_text(f"{FILE}\n{changed.replace('TERMS', terms)}\n")
        with pytest.raises(BadStudy) as caught:
            find_study(str(file))
        assert str(caught.value).startswith(f"{file}: {text}")


@pytest.mark.parametrize("name", ["eyes", "missing.py", "covid.txt", ""])
def test_a_study_that_is_nowhere_is_named_with_those_there_are(name: str) -> None:
    with pytest.raises(BadStudy) as caught:
        find_study(name)
    assert str(caught.value) == f"{name}: should be one of {', '.join(shipped())}, or the path of a study file."


def test_a_refused_value_is_named_by_its_path() -> None:
    with pytest.raises(ValidationError) as caught:
        Study.model_validate({**study().model_dump(), "split": {"kind": "ByHand"}})
    assert (
        in_words(caught.value) == "Study.split: kind should be one of ByDate, ByGroup, CrossFit, Random, got 'ByHand'."
    )
