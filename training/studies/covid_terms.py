"""COVID-19 again, with other terms: a screen distilled into a weighted sum, and an embedding that knows more."""

from __future__ import annotations

from models.change_control import ChangeControl
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.costs import Costs
from training.answers.yes_no import YesNo
from training.losses.cost_weighted import CostWeighted
from training.losses.decorrelation import Decorrelation
from training.losses.soft_targets import SoftTargets
from training.losses.squared_size import SquaredSize
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.references.from_model import FromModel
from training.studies.covid import study as covid
from training.study import Model, Study, SymptomLabel
from training.term import WEIGHTS, Term

# The teacher learns the plain probabilities: what it would cost to be wrong is the student's business.
TEACHER = Model(
    name="teacher",
    purpose="Teaches the screen.",
    network=MLP(hidden=(64, 64)),
    terms=(
        Term(on="infected", against="infected", by=CostWeighted()),
        Term(on=WEIGHTS, by=SquaredSize(), weight=1e-5),
    ),
    contract=Recall(at_least=0.9),
)

study = Study(
    name="covid_terms",
    source=covid.source,
    columns=covid.columns,
    background=covid.background.model_copy(
        update={"code_access": "The study training/studies/covid_terms.py of Fulcrum."}
    ),
    outcome=covid.outcome,
    symptoms=(
        SymptomLabel(name="from_abroad", column="abroad", meaning="came from abroad, not asked for", answer=YesNo()),
    ),
    groupings=covid.groupings,
    split=covid.split,
    models=(
        Model(
            name="screen",
            purpose="Who should be tested, as a sum that fits on a card: learnt from a larger network's doubts.",
            network=Linear(),
            terms=(
                Term(on="infected", against=FromModel(model=TEACHER, tap="infected"), by=SoftTargets(temperature=2.0)),
                Term(on="from_abroad", against="from_abroad", by=CostWeighted(), weight=0.1),
            ),
            contract=Recall(at_least=0.9),
            change_control=ChangeControl(criteria=(Recall(at_least=0.85),), prevalences=(0.01, 0.2)),
        ),
        Model(
            name="presurgical",
            purpose="Whose operation should be put off until the test is back; its embedding also tells who travelled.",
            network=MLP(hidden=(64, 16)),
            terms=(
                Term(on="infected", against="infected", by=CostWeighted(costs=Costs(false_alarm=2.0))),
                Term(on="from_abroad", against="from_abroad", by=CostWeighted(), weight=0.3),
                Term(on="embedding", by=Decorrelation(), weight=0.01),
                Term(on=WEIGHTS, by=SquaredSize(), weight=1e-5),
            ),
            contract=Precision(at_least=0.8, prevalence=0.08),
            change_control=ChangeControl(criteria=(Precision(at_least=0.7, prevalence=0.08),), prevalences=(0.01, 0.2)),
        ),
    ),
)
