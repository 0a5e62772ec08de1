"""XGBoost, stopped early on a fifth of the rows."""

from __future__ import annotations

from xgboost import XGBClassifier

from benchmarks.quality.early import apart, row_weights
from benchmarks.quality.encoding import Encoded
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.peer import HoldOut
from benchmarks.quality.splits import Rows


def fit(encoded: Encoded, rows: Rows, seed: int, *, balanced: bool = False) -> Fitted:
    """Trees of depth four of four fifths of the rows and of the columns."""
    learnt, judged = apart(encoded, rows, seed)
    trees, sick = encoded.trees, encoded.sick
    model = XGBClassifier(
        n_estimators=600,
        learning_rate=0.05,
        max_depth=4,
        min_child_weight=2,
        subsample=0.8,
        colsample_bytree=0.8,
        reg_lambda=2.0,
        n_jobs=1,
        random_state=seed,
        early_stopping_rounds=40,
        eval_metric="logloss",
        tree_method="hist",
    )
    model.fit(
        trees[learnt],
        sick[learnt],
        sample_weight=row_weights(sick[learnt], balanced=balanced),
        eval_set=[(trees[judged], sick[judged])],
        sample_weight_eval_set=[row_weights(sick[judged], balanced=balanced)],
        verbose=False,
    )
    return Fitted.of(lambda asked: model.predict_proba(trees[asked])[:, 1], model)


peer = HoldOut("XGBoost", fit)
