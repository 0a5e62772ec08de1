"""CatBoost with its own handling of words, stopped early on a fifth of the rows."""

from __future__ import annotations

from catboost import CatBoostClassifier, Pool

from benchmarks.quality.early import apart, row_weights
from benchmarks.quality.encoding import Encoded
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.peer import HoldOut
from benchmarks.quality.splits import Rows


def fit(encoded: Encoded, rows: Rows, seed: int, *, balanced: bool = False) -> Fitted:
    """Symmetric trees of depth five."""
    learnt, judged = apart(encoded, rows, seed)
    cells = encoded.trees.astype(object)
    for column in encoded.words:
        cells[:, column] = [str(int(code)) for code in encoded.trees[:, column]]
    words = list(encoded.words)

    def pool(part: Rows) -> Pool:
        weights = row_weights(encoded.sick[part], balanced=balanced)
        return Pool(cells[part], encoded.sick[part], cat_features=words, weight=weights)

    model = CatBoostClassifier(
        iterations=500,
        learning_rate=0.06,
        depth=5,
        l2_leaf_reg=3,
        random_seed=seed,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
        eval_metric="Logloss",
    )
    model.fit(pool(learnt), eval_set=pool(judged), early_stopping_rounds=40)
    return Fitted.of(
        lambda asked: model.predict_proba(Pool(cells[asked], cat_features=words), thread_count=1)[:, 1], model
    )


peer = HoldOut("CatBoost", fit)
