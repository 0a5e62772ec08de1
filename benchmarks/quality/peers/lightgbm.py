"""LightGBM, stopped early on a fifth of the rows."""

from __future__ import annotations

from lightgbm import LGBMClassifier, early_stopping

from benchmarks.quality.early import apart, row_weights
from benchmarks.quality.encoding import Encoded
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.peer import HoldOut
from benchmarks.quality.splits import Rows


def fit(encoded: Encoded, rows: Rows, seed: int, *, balanced: bool = False) -> Fitted:
    """Small trees of four fifths of the rows and of the columns."""
    learnt, judged = apart(encoded, rows, seed)
    trees, sick = encoded.trees, encoded.sick
    model = LGBMClassifier(
        n_estimators=600,
        learning_rate=0.05,
        num_leaves=15,
        min_child_samples=10,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        reg_lambda=1.0,
        n_jobs=1,
        random_state=seed,
        verbose=-1,
    )
    model.fit(
        trees[learnt],
        sick[learnt],
        sample_weight=row_weights(sick[learnt], balanced=balanced),
        eval_X=trees[judged],
        eval_y=sick[judged],
        eval_sample_weight=[row_weights(sick[judged], balanced=balanced)],
        categorical_feature=list(encoded.words) or "auto",
        callbacks=[early_stopping(40, verbose=False)],
    )
    # Its booster: the wrapper asks for names of columns, and says so on every call.
    booster = model.booster_
    return Fitted.of(lambda asked: booster.predict(trees[asked], num_threads=1), model)


peer = HoldOut("LightGBM", fit)
