"""The mean of the logits of TabM, CatBoost and logistic regression, each cross-fitted."""

from __future__ import annotations

from benchmarks.quality.peer import Blend

peer = Blend(
    "TabM + CatBoost + logistic regression, cross-fitted",
    ("tabm_cross_fitted", "catboost_cross_fitted", "lr_cross_fitted"),
)
