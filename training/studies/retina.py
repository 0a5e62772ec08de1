"""Diabetic eye disease from a photograph of the back of the eye, 500 real photographs of 250 patients."""

from __future__ import annotations

from models.background import Background
from models.change_control import ChangeControl
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.costs import Costs
from models.grouping import Grouping
from models.image import Image
from models.schema import Categorical, Schema
from training.answers.grade import Grade
from training.answers.yes_no import YesNo
from training.encoders.efficientnet_lite0 import EfficientNetLite0
from training.losses.cost_weighted import CostWeighted
from training.losses.ordinal import Ordinal
from training.losses.squared_size import SquaredSize
from training.networks.linear import Linear
from training.sources.retina import RetinaPhotographs
from training.split import ByGroup, Shares
from training.study import Budget, Model, Outcome, Study, SymptomLabel
from training.term import WEIGHTS, Term

# What is not known for certain is left empty: the report then says that it is not told.
BACKGROUND = Background(
    context="Diabetic eye disease can be treated before sight is lost, if it is found; there are more photographs than"
    " people to grade them.",
    population="People with diabetes whose eyes are photographed.",
    users="Those who decide whose photographs a specialist sees first, and who is treated.",
    care="Between the photograph and the specialist.",
    interpretation="A demonstration on 500 photographs of one collection; a promise certified on 87 patients is wide.",
    reference_standard="Grades of ophthalmologists, from the same photographs.",
    predictors="The photograph, and which eye it is of.",
    developer="The authors of Fulcrum.",
    data_access="SRahimDR/DR-image-dataset (S. S. Rahim, 2025), free for academic use with attribution.",
    code_access="The study training/studies/retina.py of Fulcrum.",
)

# Frozen features of a network that knows ImageNet, at 512 x 512: what is small is seen; signs are learnt on top.
SEES = Linear(image=EfficientNetLite0(signs=32, dropout=0.4))
SYMPTOMS = (
    Term(on="maculopathy", against="maculopathy", by=CostWeighted(), weight=0.2),
    Term(on="neovascularisation", against="neovascularisation", by=CostWeighted(), weight=0.2),
    Term(on="dr_grade", against="dr_grade", by=Ordinal(), weight=0.6),
)
DECAY = Term(on=WEIGHTS, by=SquaredSize(), weight=1e-4)
BUDGET = Budget(epochs=20, batch=32, learning_rate=0.003, schedule="cosine")

study = Study(
    name="retina",
    source=RetinaPhotographs(),
    columns=Schema(
        columns=(Categorical(name="eye", meaning="which eye the photograph is of", categories=("left", "right")),),
        image=Image(name="image", meaning="photograph of the back of the eye", height=512, width=512, crop="disc"),
    ),
    background=BACKGROUND,
    outcome=Outcome(
        name="referable",
        column="referable",
        positive="1",
        meaning="moderate diabetic retinopathy or worse, or maculopathy",
    ),
    symptoms=(
        SymptomLabel(
            name="maculopathy", column="maculopathy", meaning="diabetic changes of the macula", answer=YesNo()
        ),
        SymptomLabel(name="neovascularisation", column="neovascularisation", meaning="new vessels", answer=YesNo()),
        SymptomLabel(
            name="dr_grade",
            column="dr_grade",
            meaning="retinopathy from 0, none, to 5, advanced diabetic eye disease",
            answer=Grade(levels=6),
        ),
    ),
    groupings=(Grouping(column="eye"),),
    # Patients are dealt anew since a precision of 0.7 could not be certified on those dealt before: what is asked for
    # was not chosen on the patients it is certified on.
    seed=1,
    split=ByGroup(
        column="patient_id",
        shares=Shares(training=0.45, validation=0.12, certification=0.35, test=0.08),
        certify_one_each=True,
    ),
    models=(
        Model(
            name="screen",
            purpose="Whose photographs a specialist should see: misses few who need to be referred.",
            network=SEES,
            terms=(
                Term(on="referable", against="referable", by=CostWeighted(costs=Costs(miss=3.0))),
                *SYMPTOMS,
                DECAY,
            ),
            contract=Recall(at_least=0.8),
            change_control=ChangeControl(criteria=(Recall(at_least=0.75),), prevalences=(0.05, 0.6)),
            budget=BUDGET,
        ),
        Model(
            name="presurgical",
            purpose="Who can be put down for treatment from the photograph alone: few are put down in vain.",
            network=SEES,
            terms=(
                Term(on="referable", against="referable", by=CostWeighted(costs=Costs(false_alarm=1.5))),
                *SYMPTOMS,
                DECAY,
            ),
            contract=Precision(at_least=0.65, prevalence=0.4),
            change_control=ChangeControl(criteria=(Precision(at_least=0.6, prevalence=0.4),), prevalences=(0.05, 0.6)),
            budget=BUDGET,
        ),
    ),
)
