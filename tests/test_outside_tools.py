"""The same data through other people's tools: what we say, they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from dcurves import dca
from scipy import special, stats
from sklearn import calibration, datasets, linear_model, metrics, model_selection, pipeline, preprocessing
from statsmodels.stats import contingency_tables, proportion

from models.calibration import shift
from models.calibration_curve import CalibrationCurve
from models.curve import Curve
from models.figures import Figures
from models.intervals import clopper_pearson, likelihood_ratio, wilson
from models.net_benefit import DecisionCurve

EXACT = 1e-9


class Cases(NamedTuple):
    """Probabilities as a graph gives them, float32 [rows], who was sick, int [rows], and the curve of both."""

    name: str
    probabilities: np.ndarray
    sick: np.ndarray
    curve: Curve

    @classmethod
    def of(cls, name: str, probabilities: np.ndarray, sick: np.ndarray) -> Cases:
        scores = probabilities.astype(np.float32)
        return cls(name, scores, sick, Curve.of(scores, sick))

    @property
    def thresholds(self) -> list[float]:
        return [float(one) for one in np.quantile(self.probabilities, [0.05, 0.3, 0.5, 0.8, 0.97])]


def simulated() -> Cases:
    random = np.random.default_rng(12)
    probabilities = special.expit(random.normal(-2.5, 1.5, 2000))
    return Cases.of("simulated", probabilities, (random.random(2000) < probabilities).astype(int))


def breast_cancer() -> Cases:
    columns, benign = datasets.load_breast_cancer(return_X_y=True)
    # Four columns only, and strong regularisation: a better model would leave nothing to compare.
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(C=0.01))
    probabilities = model_selection.cross_val_predict(model, columns[:, 4:8], 1 - benign, cv=5, method="predict_proba")
    return Cases.of("breast cancer", probabilities[:, 1], 1 - benign)


def both() -> Iterator[Cases]:
    yield simulated()
    yield breast_cancer()


@pytest.fixture(scope="module", params=list(both()), ids=lambda cases: cases.name)
def cases(request: pytest.FixtureRequest) -> Cases:
    return request.param


def test_counts_are_the_confusion_matrix_of_scikit_learn(cases: Cases) -> None:
    for threshold in cases.thresholds:
        flagged = cases.probabilities >= np.float32(threshold)
        clears, alarms, misses, hits = metrics.confusion_matrix(cases.sick, flagged).ravel()
        found = cases.curve.at(threshold)
        assert (found.hits, found.misses, found.alarms, found.clears) == (hits, misses, alarms, clears)


def test_intervals_of_shares_are_those_of_statsmodels_and_scipy(cases: Cases) -> None:
    for threshold in cases.thresholds:
        counts = cases.curve.at(threshold)
        for of, out_of in [(counts.hits, counts.positives), (counts.clears, counts.negatives)]:
            found = wilson(of, out_of)
            assert (found.low, found.high) == pytest.approx(
                proportion.proportion_confint(of, out_of, method="wilson"), abs=EXACT
            )
            interval = stats.binomtest(of, out_of).proportion_ci(method="wilson")
            assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=EXACT)
            exact = clopper_pearson(of, out_of)
            assert exact[1:] == pytest.approx(proportion.proportion_confint(of, out_of, method="beta"), abs=EXACT)
            interval = stats.binomtest(of, out_of).proportion_ci(method="exact")
            assert exact[1:] == pytest.approx((interval.low, interval.high), abs=EXACT)


@pytest.mark.parametrize("prevalence", [None, 0.02, 0.4])
def test_net_benefit_is_that_of_dcurves(cases: Cases, prevalence: float | None) -> None:
    thresholds = np.linspace(0.01, 0.9, 45)
    table = pd.DataFrame({"sick": cases.sick, "model": cases.probabilities.astype(float)})
    theirs = dca(data=table, outcome="sick", modelnames=["model"], thresholds=thresholds, prevalence=prevalence)
    at = float(cases.sick.mean()) if prevalence is None else prevalence
    ours = DecisionCurve.of(cases.curve, prevalence=at, thresholds=thresholds.tolist())
    assert ours.model == pytest.approx(theirs[theirs["model"] == "model"]["net_benefit"].to_numpy(), abs=EXACT)
    assert ours.all == pytest.approx(theirs[theirs["model"] == "all"]["net_benefit"].to_numpy(), abs=EXACT)
    assert (theirs[theirs["model"] == "none"]["net_benefit"] == 0).all()
    for place, threshold in enumerate(thresholds.tolist()):
        alone = Figures.of(cases.curve.at(threshold), prevalence=at, threshold=threshold)
        assert alone.net_benefit == pytest.approx(ours.model[place], abs=1e-12)


def test_net_benefit_after_a_shift_is_that_of_dcurves_on_the_shifted_probabilities(cases: Cases) -> None:
    own, thresholds = float(cases.sick.mean()), np.linspace(0.003, 0.3, 40)
    moved = special.expit(shift(special.logit(cases.probabilities.astype(float)), prevalence=own, to=0.01))
    table = pd.DataFrame({"sick": cases.sick, "model": moved})
    theirs = dca(data=table, outcome="sick", modelnames=["model"], thresholds=thresholds, prevalence=0.01)
    curve = Curve.of(cases.probabilities, cases.sick, prevalence=own)
    ours = DecisionCurve.of(curve, prevalence=0.01, thresholds=thresholds.tolist())
    assert ours.model == pytest.approx(theirs[theirs["model"] == "model"]["net_benefit"].to_numpy(), abs=EXACT)


def test_the_roc_curve_and_its_area_are_those_of_scikit_learn(cases: Cases) -> None:
    alarmed, recall, thresholds = metrics.roc_curve(cases.sick, cases.probabilities, drop_intermediate=False)
    found = [Figures.of(cases.curve.at(float(one)), prevalence=0.1) for one in thresholds[1:]]
    assert [one.recall.value for one in found] == pytest.approx(recall[1:], abs=EXACT)
    assert [1 - one.specificity.value for one in found] == pytest.approx(alarmed[1:], abs=EXACT)
    _, hits, alarms = cases.curve.cumulative
    area = np.trapezoid(hits[::-1] / hits[0], alarms[::-1] / alarms[0])
    assert area == pytest.approx(metrics.roc_auc_score(cases.sick, cases.probabilities), abs=EXACT)


def test_the_precision_recall_curve_and_its_area_are_those_of_scikit_learn(cases: Cases) -> None:
    precision, recall, thresholds = metrics.precision_recall_curve(cases.sick, cases.probabilities)
    own = float(cases.sick.mean())
    found = [Figures.of(cases.curve.at(float(one)), prevalence=own) for one in thresholds]
    ours = np.array([[one.precision.value, one.recall.value] for one in found])
    assert ours == pytest.approx(np.stack([precision[:-1], recall[:-1]], axis=1), abs=EXACT)
    area = float(np.sum(ours[:, 0] * -np.diff(np.append(ours[:, 1], 0.0))))
    assert area == pytest.approx(metrics.average_precision_score(cases.sick, cases.probabilities), abs=EXACT)


def test_predictive_values_at_the_own_prevalence_are_those_of_scikit_learn(cases: Cases) -> None:
    for threshold in cases.thresholds:
        flagged = cases.probabilities >= np.float32(threshold)
        found = Figures.of(cases.curve.at(threshold), prevalence=float(cases.sick.mean()))
        assert found.precision.value == pytest.approx(metrics.precision_score(cases.sick, flagged), abs=EXACT)
        npv = metrics.precision_score(cases.sick, flagged, pos_label=0)
        assert found.npv.value == pytest.approx(npv, abs=EXACT)
        assert found.flagged.value == pytest.approx(flagged.mean(), abs=EXACT)


def test_likelihood_ratios_are_those_of_scikit_learn_and_statsmodels(cases: Cases) -> None:
    for threshold in cases.thresholds[:-1]:
        counts = cases.curve.at(threshold)
        assert min(counts.hits, counts.alarms) > 0
        flagged = cases.probabilities >= np.float32(threshold)
        found = Figures.of(counts, prevalence=0.1)
        ratios = [found.likelihood_ratio_positive.value, found.likelihood_ratio_negative.value]
        assert ratios == pytest.approx(metrics.class_likelihood_ratios(cases.sick, flagged), rel=EXACT)
        table = contingency_tables.Table2x2(
            [[counts.hits, counts.misses], [counts.alarms, counts.clears]], shift_zeros=False
        )
        assert ratios[0] == pytest.approx(table.riskratio, rel=EXACT)


def test_the_ratio_interval_lies_near_the_score_interval_of_statsmodels_and_is_somewhat_wider(cases: Cases) -> None:
    counts = cases.curve.at(cases.thresholds[2])
    found = likelihood_ratio(
        of_sick=counts.hits, sick=counts.positives, of_healthy=counts.alarms, healthy=counts.negatives
    )
    low, high = proportion.confint_proportions_2indep(
        counts.hits,
        counts.positives,
        counts.alarms,
        counts.negatives,
        compare="ratio",
        method="score",
        correction=False,
    )
    assert (found.low, found.high) == pytest.approx((low, high), rel=0.05)
    assert np.log(found.high / found.low) > np.log(high / low)


def test_calibration_bins_are_those_of_scikit_learn_where_there_are_no_ties(cases: Cases) -> None:
    chosen = np.unique(cases.probabilities, return_index=True)[1]
    chosen = chosen[: len(chosen) // 10 * 10]
    probabilities, sick = cases.probabilities[chosen], cases.sick[chosen]
    found = CalibrationCurve.of(Curve.of(probabilities, sick), bins=10)
    observed, expected = calibration.calibration_curve(
        sick, probabilities.astype(float), n_bins=10, strategy="quantile"
    )
    assert [one.observed.value for one in found.bins] == pytest.approx(observed, abs=EXACT)
    assert [one.expected for one in found.bins] == pytest.approx(expected, abs=EXACT)
