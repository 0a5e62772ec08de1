"""COVID-19 from eight answers to eight questions, real tests of March and April 2020."""

from __future__ import annotations

from datetime import date

from models.change_control import ChangeControl
from models.contracts.capacity import Capacity
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.costs import Costs
from models.grouping import Grouping
from models.schema import Binary, Categorical, Schema
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_size import SquaredSize
from training.networks.mlp import MLP
from training.sampling import Oversampled
from training.sources.covid import CovidTests
from training.split import ByDate, Random, Shares
from training.study import Alternative, Model, Outcome, Study
from training.term import WEIGHTS, Term

study = Study(
    name="covid",
    source=CovidTests(),
    columns=Schema(
        columns=(
            Binary(name="cough", meaning="has a cough", missing="impute"),
            Binary(name="fever", meaning="has a fever", missing="impute"),
            Binary(name="sore_throat", meaning="has a sore throat", missing="impute"),
            Binary(name="shortness_of_breath", meaning="is short of breath", missing="impute"),
            Binary(name="head_ache", meaning="has a headache", missing="impute"),
            Binary(name="age_60_and_above", meaning="is 60 years old or older", missing="impute"),
            Categorical(name="sex", meaning="sex in the record", categories=("female", "male")),
            Binary(name="contact_with_confirmed", meaning="was in contact with a confirmed case"),
        )
    ),
    outcome=Outcome(
        name="infected", column="result", positive="positive", meaning="positive RT-PCR test for SARS-CoV-2"
    ),
    groupings=(Grouping(column="sex"), Grouping(column="age_60_and_above")),
    split=ByDate(
        column="test_date",
        since=date(2020, 3, 22),
        certify_from=date(2020, 3, 29),
        test_from=date(2020, 4, 1),
        until=date(2020, 4, 8),
        before=Random(shares=Shares(training=0.75, validation=0.25, certification=0, test=0)),
    ),
    models=(
        Model(
            name="screen",
            purpose="Who should be tested: misses few of the infected, from answers anybody can give.",
            network=MLP(hidden=(64, 64)),
            terms=(
                Term(on="infected", against="infected", by=CostWeighted(costs=Costs(miss=5.0))),
                Term(on=WEIGHTS, by=SquaredSize(), weight=1e-5),
            ),
            sampling=Oversampled(times=2.0),
            contract=Recall(at_least=0.9),
            alternatives=(Alternative(name="careful", contract=Recall(at_least=0.95)),),
            change_control=ChangeControl(criteria=(Recall(at_least=0.85),), prevalences=(0.01, 0.2)),
        ),
        Model(
            name="presurgical",
            purpose="Whose operation should be put off until the test is back: few are put off in vain.",
            network=MLP(hidden=(64, 64)),
            terms=(
                Term(on="infected", against="infected", by=CostWeighted(costs=Costs(false_alarm=2.0))),
                Term(on=WEIGHTS, by=SquaredSize(), weight=1e-5),
            ),
            contract=Precision(at_least=0.8, prevalence=0.08),
            alternatives=(Alternative(name="capacity", contract=Capacity(at_most=0.04, prevalence=0.08)),),
            change_control=ChangeControl(criteria=(Precision(at_least=0.7, prevalence=0.08),), prevalences=(0.01, 0.2)),
        ),
    ),
)
