"""A cross-fitted manifest made by hand, without training."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from models.calibration import Calibration, Reliability
from models.curve import Curve
from models.manifest import CrossFitted, Evidence, Manifest, Part
from models.operating_point import Measured
from tests import handmade

OUTCOME = {"on": "sick", "against": "sick", "by": {"kind": "CostWeighted", "costs": {"miss": 5.0}}, "weight": 1.0}
HELD_BACK = {"on": "weights", "against": None, "by": {"kind": "SquaredSize"}, "weight": 0.25}
MODEL = {
    "name": "screen",
    "network": {"kind": "MLP", "hidden": [64]},
    "terms": [OUTCOME],
    "emptied": 0.05,
    "budget": {"epochs": 50, "schedule": "cosine"},
}
BESIDE: tuple[dict[str, Any], ...] = (
    {
        "network": {"kind": "Linear"},
        "terms": [OUTCOME, HELD_BACK],
        "emptied": 0.2,
        "budget": {"epochs": 40, "schedule": "whole"},
    },
    # All but the network as the model's own.
    {"network": {"kind": "TabM", "copies": 8}, "terms": [], "emptied": None, "budget": None},
)
SPLIT = {"kind": "CrossFit", "folds": 5, "repeats": 2, "test": 0.0, "column": None, "certify_one_each": False}


def crossed(
    *,
    beside: tuple[dict[str, Any], ...] = BESIDE,
    split: dict[str, Any] = SPLIT,  # read only
    searched: int = 0,
    tested: bool = False,
) -> Manifest:
    """The hand-made screen as if cross-fitted in 5 folds, twice: 4,000 cases that taught and are certified on.

    `searched` of the 4,000 are told to be left to a search; `tested` adds 500 cases to test on.
    """
    made = _certified()
    positives = made.curve.positive_count
    parts = (
        Part(name="training", rows=4000, positives=positives),
        Part(name="validation", rows=searched, positives=searched // 4),
        Part(name="certification", rows=4000, positives=positives),
        Part(name="test", rows=500 if tested else 0, positives=100 if tested else 0),
    )
    study = {"split": split, "models": [{**MODEL, **({"beside": list(beside)} if beside else {})}]}
    return made.model_copy(
        update={
            "provenance": made.provenance.model_copy(update={"study": study, "parts": parts, "epochs": 50}),
            "evidence": _evidence(made.point.threshold) if tested else None,
        }
    )


@cache
def _certified() -> Manifest:
    _, made = handmade.finished()
    columns, sick = handmade.certification()
    delivered = handmade.logits(columns)
    unseen = delivered + np.random.default_rng(7).normal(0, 0.4, len(sick))
    low, high = np.minimum(unseen, delivered), np.maximum(unseen, delivered)
    curve = Curve.of(1 / (1 + np.exp(-np.where(sick, low, high))), sick, prevalence=made.prevalence)
    return made.model_copy(
        update={
            "calibration": Calibration(prevalence=made.prevalence).fit(unseen, sick),
            "curve": curve,
            "guide": None,
            "points": (made.contract.choose(curve, guide=None),),
            "cross_fitted": CrossFitted(folds=5, repeats=2),
        }
    )


def _evidence(threshold: float) -> Evidence:
    columns = handmade.encoded(500, seed=3)
    sick, logits = handmade.targets(columns, seed=3), handmade.logits(columns)
    curve = Curve.of(1 / (1 + np.exp(-logits)), sick)
    return Evidence(
        part=Part(name="test", rows=500, positives=int(sick.sum())),
        area_under_curve=0.875,
        area_interval=(0.85, 0.9),
        reliability=Reliability.of(logits, sick),
        measured=Measured.of(curve, threshold),
        kept=True,
        curve=curve,
    )
