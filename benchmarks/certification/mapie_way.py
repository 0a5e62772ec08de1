"""The threshold that MAPIE 1.6.0 finds, from counts: its own controller, given weighted cases."""

from __future__ import annotations

import inspect
import warnings
from functools import cache
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.curve import Curve
from models.errors import NoData
from models.promise import Promise

Floats = NDArray[np.float64]
Grid = Literal["its default", "quantiles of all", "quantiles of the sick"]
Method = Literal["bonferroni_holm", "fixed_sequence"]
SIZE = 100
VERSION = "1.6.0"
# What it controls for a promise, and what it then makes best: its own `auto` choice.
RISKS = {
    "recall": ("recall", "precision"),
    "precision": ("precision", "recall"),
    "specificity": ("false_positive_rate", "recall"),
}


@cache
def mapie() -> ModuleType:
    """MAPIE's risk control. Raises NoData if that version is not installed."""
    try:
        import mapie as package  # noqa: PLC0415  # only those who compare need it
        from mapie import risk_control  # noqa: PLC0415
    except ImportError:
        raise NoData(f'mapie=={VERSION} is not installed: pip install ".[bench]".') from None
    if package.__version__ != VERSION:
        raise NoData(f"mapie should be {VERSION}, got {package.__version__}.")
    return risk_control


@cache
def _weighted() -> type[Any]:
    """MAPIE's risk of a binary classifier, of cases that count several times."""

    class Weighted(mapie().BinaryRisk):  # type: ignore[misc]  # known at run time only
        def __init__(self, plain: Any, weights: NDArray[np.int64]) -> None:
            super().__init__(plain._risk_occurrence, plain._risk_condition, plain.higher_is_better)  # noqa: SLF001
            self._weights = weights

        def get_value_and_effective_sample_size(
            self, y_true: NDArray[np.int64], y_pred: NDArray[np.int64]
        ) -> tuple[float, int]:
            values, counted = self._compute_values_and_effective_mask(y_true, y_pred)
            cases = int(self._weights[counted].sum())
            if not cases:
                return 1, -1
            value = float((values * self._weights)[counted].sum()) / cases
            return (1 - value if self.higher_is_better else value), cases

    return Weighted


def threshold(promise: Promise, curve: Curve, grid: Grid, method: Method = "bonferroni_holm") -> float | None:
    """The threshold MAPIE chooses for a recall, a precision or a specificity; None if it finds none.

    Precision is at the share of the sick among the cases, for it knows no other.
    """
    candidates = thresholds(curve, grid)
    # All cases between two candidates are flagged by the same ones: they are one weighted case each.
    places = np.searchsorted(candidates, np.array(curve.thresholds), side="right")
    weights = np.concatenate(
        [
            np.bincount(places, weights=counts, minlength=len(candidates) + 1).astype(np.int64)
            for counts in (curve.positives, curve.negatives)
        ]
    )
    # Those below the first candidate are at none.
    probabilities = np.tile(np.append(-1.0, candidates), 2)
    targets = np.repeat([1, 0], len(candidates) + 1)
    controlled, best = (_weighted()(getattr(mapie(), name), weights) for name in RISKS[promise.figure])
    controller = mapie().BinaryClassificationController(
        predict_function=lambda rows: np.stack([1 - rows, rows], axis=1),
        risk=controlled,
        target_level=1 - promise.bound if promise.figure == "specificity" else promise.bound,
        confidence_level=promise.confidence,
        best_predict_param_choice=best,
        list_predict_params=candidates,
        fwer_method=method,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where it finds none, and says so by None too
        controller.calibrate(probabilities, targets)
    found = controller.best_predict_param
    return None if found is None else float(found)


def thresholds(curve: Curve, grid: Grid) -> Floats:
    """The candidates it is given, rising."""
    if grid == "its default":
        signature = inspect.signature(mapie().BinaryClassificationController)
        return np.asarray(signature.parameters["list_predict_params"].default)
    counts = np.array(curve.positives)
    if grid == "quantiles of all":
        counts = counts + np.array(curve.negatives)
    below = np.cumsum(counts)
    places = np.searchsorted(below, np.linspace(0, 1, SIZE) * (below[-1] - 1), side="right")
    return np.unique(np.array(curve.thresholds)[places])
