from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

from benchmarks.certification import mapie_way
from models.curve import Curve
from models.errors import NoData
from models.promise import Promise

PROMISES = (
    Promise(figure="recall", at_least=0.8, confidence=0.95),
    Promise(figure="precision", at_least=0.4, confidence=0.95, prevalence=0.2),
    Promise(figure="specificity", at_least=0.7, confidence=0.95),
)
RISK = {"recall": "recall", "precision": "precision", "specificity": "fpr"}


def drawn(seed: int, decimals: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = (random.random(600) < 0.2).astype(int)
    scores = random.normal(2 * targets, 1)
    probabilities = (1 / (1 + np.exp(2 - scores * 1.5))).round(decimals).astype(np.float32)
    return probabilities, targets


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.figure)
@pytest.mark.parametrize("decimals", [6, 2])
@pytest.mark.parametrize("grid", ["its default", "quantiles of all", "quantiles of the sick"])
def test_weighted_cases_give_the_threshold_that_mapie_gives_for_them_one_by_one(
    promise: Promise, decimals: int, grid: mapie_way.Grid
) -> None:
    mapie = pytest.importorskip("mapie.risk_control", reason="mapie comes with the extra `bench`")
    for seed in range(3):
        probabilities, targets = drawn(seed, decimals)
        curve = Curve.of(probabilities, targets)
        for method in ("bonferroni_holm", "fixed_sequence"):
            controller = mapie.BinaryClassificationController(
                predict_function=lambda rows: np.stack([1 - rows, rows], axis=1),
                risk=RISK[promise.figure],
                target_level=1 - promise.bound if promise.figure == "specificity" else promise.bound,
                confidence_level=0.95,
                list_predict_params=mapie_way.thresholds(curve, grid),
                fwer_method=method,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                controller.calibrate(probabilities.astype(float), targets)
            assert mapie_way.threshold(promise, curve, grid, method) == controller.best_predict_param


def test_a_recall_on_too_few_cases_is_found_nowhere_by_quantiles_of_the_sick() -> None:
    pytest.importorskip("mapie", reason="mapie comes with the extra `bench`")
    curve = Curve.of([0.2, 0.3, 0.4, 0.5, 0.6], [0, 1, 0, 1, 1])
    assert mapie_way.threshold(PROMISES[0], curve, "quantiles of the sick") is None


def test_where_its_default_flags_nobody_no_precision_is_found() -> None:
    pytest.importorskip("mapie", reason="mapie comes with the extra `bench`")
    curve = Curve.of([0.0001, 0.0002, 0.0003], [0, 1, 1])
    assert mapie_way.threshold(PROMISES[1], curve, "its default") is None


def test_quantiles_are_those_of_numpy_on_the_scores_one_by_one() -> None:
    probabilities, targets = drawn(7, decimals=2)
    curve = Curve.of(probabilities, targets)
    levels = np.linspace(0, 1, 100)
    for grid, scores in (("quantiles of all", probabilities), ("quantiles of the sick", probabilities[targets == 1])):
        expected = np.unique(np.quantile(scores, levels, method="lower"))
        assert mapie_way.thresholds(curve, grid) == pytest.approx(expected)


def test_without_mapie_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mapie", None)
    with pytest.raises(NoData) as error:
        mapie_way.mapie.__wrapped__()
    assert str(error.value) == 'mapie==1.6.0 is not installed: pip install ".[bench]".'


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("mapie", reason="mapie comes with the extra `bench`")
    monkeypatch.setattr(package, "__version__", "1.7.0")
    with pytest.raises(NoData) as error:
        mapie_way.mapie.__wrapped__()
    assert str(error.value) == "mapie should be 1.6.0, got 1.7.0."
