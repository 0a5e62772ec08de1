"""scikit-learn's gradient boosting on histograms."""

from __future__ import annotations

from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.quality.encoding import Encoded
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.peer import HoldOut
from benchmarks.quality.splits import Rows


def boosting(encoded: Encoded, seed: int, *, balanced: bool) -> HistGradientBoostingClassifier:
    """Small steps and small trees, stopped early on a fifth of the rows."""
    return HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=300,
        max_leaf_nodes=15,
        min_samples_leaf=15,
        l2_regularization=1.0,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=25,
        class_weight="balanced" if balanced else None,
        categorical_features=list(encoded.words) or None,
        random_state=seed,
    )


def fit(encoded: Encoded, rows: Rows, seed: int, *, balanced: bool = False) -> Fitted:
    """Trees on numbers as they are and codes of words."""
    model = boosting(encoded, seed, balanced=balanced).fit(encoded.trees[rows], encoded.sick[rows])
    return Fitted.of(lambda asked: model.predict_proba(encoded.trees[asked])[:, 1], model)


peer = HoldOut("HistGradientBoosting", fit)
