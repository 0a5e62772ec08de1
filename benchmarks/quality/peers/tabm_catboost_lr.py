"""The mean of the logits of TabM, CatBoost and logistic regression."""

from __future__ import annotations

from benchmarks.quality.peer import Blend

peer = Blend("TabM + CatBoost + logistic regression", ("tabm", "catboost", "lr"))
