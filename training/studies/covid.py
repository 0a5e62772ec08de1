"""COVID-19 from eight answers to eight questions, real tests of March and April 2020."""

from __future__ import annotations

from datetime import date

from models.background import Background
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

# What is not known for certain is left empty: the report then says that it is not told.
BACKGROUND = Background(
    context="In spring 2020 tests for SARS-CoV-2 were scarce. Earlier models used scans or blood values of people in"
    " hospital; Zoabi, Deri-Rozov & Shomron (npj Digital Medicine 2021) asked eight questions of everybody tested.",
    population="People in the community who may be infected, as they came to be tested in Israel in spring 2020.",
    users="Those who decide who is tested first, and clinicians before an operation that can wait.",
    care="Before the RT-PCR test; it says whose test comes first, and whose operation waits for the result.",
    interpretation="A demonstration on data of one country and one month. The published study found symptoms"
    " recorded less completely of people who tested negative, which flatters any model. At the released point of the"
    " screen every man is flagged: where that is not wanted, specificity in every sex has to be looked at as well.",
    setting="All of Israel, as reported to the Ministry of Health.",
    eligibility="Everybody tested by RT-PCR; who was tested was decided by the rules of the Ministry at that time.",
    recruitment="From the records of tests; nobody was recruited.",
    series="Consecutive: all tests of the days named.",
    timing="Before: the records were public when this study was written.",
    representativeness="Tested people of one country in the first wave, not the population.",
    differences="The test week follows those of training; more people a day were tested, and fewer of them were sick.",
    reference_standard="RT-PCR of a nasopharyngeal swab, as recorded.",
    reference_reason="The usual test for the virus, by which cases were confirmed.",
    predictors="The eight features of the published model, to be comparable with it.",
    measurement="Asked or read from the record around the test, and recorded as yes or no.",
    flow="Tests without a clear result, and people without a recorded sex, are left out.",
    sample_size="All tests of the days named; nothing was chosen.",
    developer="The authors of Fulcrum.",
    data_access="Public: Ministry of Health of Israel; a translation lies in the repository nshomron/covidpred.",
    code_access="The study training/studies/covid.py of Fulcrum.",
)

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
    background=BACKGROUND,
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
