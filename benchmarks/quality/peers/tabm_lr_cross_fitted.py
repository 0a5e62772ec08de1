"""The mean of the logits of TabM and logistic regression, each cross-fitted."""

from __future__ import annotations

from benchmarks.quality.peer import Blend

peer = Blend("TabM + logistic regression, cross-fitted", ("tabm_cross_fitted", "lr_cross_fitted"))
