"""Breast masses from the nuclei of a needle aspirate, real biopsies that come with scikit-learn."""

from __future__ import annotations

from models.change_control import ChangeControl
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.costs import Costs
from models.grouping import Grouping
from models.schema import Numeric, Schema
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_size import SquaredSize
from training.networks.linear import Linear
from training.sources.breast import BreastBiopsies
from training.split import Random, Shares
from training.study import Budget, Model, Outcome, Study
from training.term import WEIGHTS, Term

# The highest value a nucleus can have, well above the highest of the 569; all are at least 0.
HIGHEST = {
    "radius": ("radius of a nucleus", "pixels", 60),
    "texture": ("standard deviation of the grey values", "", 100),
    "perimeter": ("perimeter of a nucleus", "pixels", 400),
    "area": ("area of a nucleus", "pixels^2", 8000),
    "smoothness": ("local variation of the radius", "", 1),
    "compactness": ("perimeter^2 / area - 1", "", 2),
    "concavity": ("depth of concave parts of the contour", "", 2),
    "concave_points": ("share of concave parts of the contour", "", 1),
    "symmetry": ("symmetry of a nucleus", "", 1),
    "fractal_dimension": ("'coastline approximation' - 1", "", 1),
}
ASPECTS = {"mean_{}": "mean", "{}_error": "standard error", "worst_{}": "mean of the three largest"}

study = Study(
    name="breast",
    source=BreastBiopsies(),
    columns=Schema(
        columns=tuple(
            Numeric(name=pattern.format(name), meaning=f"{meaning}, {aspect}", unit=unit, low=0, high=highest)
            for pattern, aspect in ASPECTS.items()
            for name, (meaning, unit, highest) in HIGHEST.items()
        )
    ),
    outcome=Outcome(name="malignant", column="diagnosis", positive="malignant", meaning="malignant at biopsy"),
    groupings=(Grouping(column="mean_radius", cuts=(13.0,)),),
    split=Random(shares=Shares(training=0.35, validation=0.15, certification=0.3, test=0.2)),
    models=(
        Model(
            name="screen",
            purpose="Whose mass should be looked at again: misses few malignant ones.",
            network=Linear(),
            terms=(
                Term(on="malignant", against="malignant", by=CostWeighted(costs=Costs(miss=5.0))),
                Term(on=WEIGHTS, by=SquaredSize(), weight=0.01),
            ),
            contract=Recall(at_least=0.9),
            change_control=ChangeControl(criteria=(Recall(at_least=0.8),), prevalences=(0.05, 0.6)),
            budget=Budget(batch=64),
        ),
        Model(
            name="presurgical",
            purpose="Whose mass should be operated without a further biopsy: few operations are in vain.",
            network=Linear(),
            terms=(
                Term(on="malignant", against="malignant", by=CostWeighted(costs=Costs(false_alarm=5.0))),
                Term(on=WEIGHTS, by=SquaredSize(), weight=0.01),
            ),
            contract=Precision(at_least=0.85, prevalence=0.4),
            change_control=ChangeControl(criteria=(Precision(at_least=0.75, prevalence=0.4),), prevalences=(0.05, 0.6)),
            budget=Budget(batch=64),
        ),
    ),
)
