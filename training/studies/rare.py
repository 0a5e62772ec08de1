"""A simulated eye clinic where 1 of 1,000 is sick and every true risk is known."""

from __future__ import annotations

from models.background import Background
from models.change_control import ChangeControl
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.costs import Costs
from models.grouping import Grouping
from models.schema import Binary, Categorical, Numeric, Schema
from training.answers.count import Count
from training.answers.grade import Grade
from training.answers.yes_no import YesNo
from training.losses.adversary import Adversary
from training.losses.cost_weighted import CostWeighted
from training.losses.huber import Huber
from training.losses.ordinal import Ordinal
from training.losses.poisson import Poisson
from training.losses.squared_size import SquaredSize
from training.networks.mlp import MLP
from training.sampling import Oversampled
from training.sources.clinic import Clinic
from training.split import ByGroup, Shares
from training.study import Budget, Model, Outcome, Study, SymptomLabel
from training.term import WEIGHTS, Term

# What graders see in the photograph: learnt beside the disease, so that the embedding knows how a sick eye looks.
SIGNS = (
    Term(on="vessels", against="vessels", by=CostWeighted(), weight=0.2),
    Term(on="haemorrhages", against="haemorrhages", by=Poisson(), weight=0.1),
    Term(on="severity", against="severity", by=Ordinal(), weight=0.2),
    Term(on="fluid", against="fluid", by=Huber(delta=20.0), weight=0.1),
)
BUDGET = Budget(batch=2048, epochs=25, patience=4, halvings=3)

study = Study(
    name="rare",
    source=Clinic(rows=300_000),
    columns=Schema(
        columns=(
            Numeric(name="age", meaning="age at the first visit", unit="years", low=50, high=95),
            Categorical(name="smoking", meaning="smokes", categories=("never", "former", "current"), missing="impute"),
            Numeric(
                name="acuity",
                meaning="visual acuity, higher is worse; empty where reading failed",
                unit="logMAR",
                low=-1,
                high=2,
                missing="impute",
            ),
            Binary(name="distortion", meaning="sees straight lines bent", missing="impute"),
            Numeric(name="drusen", meaning="area of drusen", unit="mm^2", low=0, high=100),
            Numeric(name="thickness", meaning="of the retina at its centre", unit="um", low=50, high=800),
            Numeric(name="brightness", meaning="mean of the photograph", unit="grey values", low=0, high=255),
            Numeric(name="pressure", meaning="in the eye", unit="mmHg", low=0, high=60),
        )
    ),
    background=Background(
        context="Nobody: the clinic is simulated, so that what is estimated can be checked against what is true.",
        population="Simulated people of 50 to 95 years, 1 of 1,000 with a neovascular macular degeneration.",
        interpretation="Says how well the method works, and nothing about real eyes.",
        developer="The authors of Fulcrum.",
        data_access="Made by training/sources/clinic.py, the same for the same seed.",
        code_access="The study training/studies/rare.py of Fulcrum.",
    ),
    outcome=Outcome(
        name="sick", column="diagnosis", positive="neovascular", meaning="neovascular macular degeneration"
    ),
    symptoms=(
        SymptomLabel(name="vessels", column="new_vessels", meaning="new vessels are seen", answer=YesNo()),
        SymptomLabel(name="haemorrhages", column="haemorrhages", meaning="haemorrhages counted", answer=Count()),
        SymptomLabel(name="severity", column="severity", meaning="severity", answer=Grade(levels=4)),
        SymptomLabel(name="fluid", column="fluid", meaning="fluid in the retina", unit="nl"),
    ),
    groupings=(Grouping(column="age", cuts=(70.0,)),),
    split=ByGroup(
        column="patient_id",
        shares=Shares(training=0.4, validation=0.15, certification=0.3, test=0.15),
        # Visits of one patient are alike: a promise is certified on one of each.
        certify_one_each=True,
    ),
    models=(
        Model(
            name="screen",
            purpose="Who should be seen by an eye doctor: misses few of the sick.",
            network=MLP(hidden=(32, 16)),
            terms=(
                Term(on="sick", against="sick", by=CostWeighted()),
                *SIGNS,
                # Sites with the new camera have more of the sick: the embedding should not know where it is.
                Term(on="embedding", against="site", by=Adversary(hidden=32, strength=3.0), weight=0.3),
                Term(on=WEIGHTS, by=SquaredSize(), weight=1e-5),
            ),
            sampling=Oversampled(times=50.0),
            contract=Recall(at_least=0.85),
            change_control=ChangeControl(criteria=(Recall(at_least=0.8),), prevalences=(0.0005, 0.01)),
            budget=BUDGET,
        ),
        Model(
            name="presurgical",
            purpose="Who should be treated without a further examination: few treatments are in vain.",
            network=MLP(hidden=(32, 16)),
            terms=(
                Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=10.0))),
                *SIGNS,
                Term(on=WEIGHTS, by=SquaredSize(), weight=1e-5),
            ),
            contract=Precision(at_least=0.3, prevalence=0.001),
            change_control=ChangeControl(
                criteria=(Precision(at_least=0.2, prevalence=0.001),), prevalences=(0.0005, 0.01)
            ),
            budget=BUDGET,
        ),
    ),
)
