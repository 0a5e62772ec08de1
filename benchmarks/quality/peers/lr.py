"""Logistic regression on the dense encoding."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression

from benchmarks.quality.encoding import Encoded
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.peer import HoldOut
from benchmarks.quality.splits import Rows


def fit(encoded: Encoded, rows: Rows, seed: int, *, balanced: bool = False) -> Fitted:
    """Ridge of strength 1, as scikit-learn comes."""
    del seed
    model = LogisticRegression(C=1.0, class_weight="balanced" if balanced else None, max_iter=3000)
    model.fit(encoded.dense[rows], encoded.sick[rows])
    return Fitted.of(lambda asked: model.predict_proba(encoded.dense[asked])[:, 1], model)


peer = HoldOut("logistic regression", fit)
