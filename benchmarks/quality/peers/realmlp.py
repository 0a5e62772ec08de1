"""RealMLP with its tuned defaults, the small variant, from its authors' package.

Source: Holzmüller, Grinsztajn & Steinwart, "Better by Default", NeurIPS 2024.
"""

from __future__ import annotations

import logging

import torch
from pytabkit import RealMLP_TD_S_Classifier

from benchmarks.quality.encoding import Encoded
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.peer import HoldOut
from benchmarks.quality.splits import Rows


def fit(encoded: Encoded, rows: Rows, seed: int) -> Fitted:
    """Fewer epochs for larger tables, the best by held-out cross-entropy."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    model = RealMLP_TD_S_Classifier(
        device="cpu",
        random_state=seed,
        n_threads=1,
        n_epochs=10 if len(rows) > 20_000 else 64 if len(rows) > 3_000 else 128,
        batch_size=1024 if len(rows) > 20_000 else 256,
        verbosity=0,
        val_metric_name="cross_entropy",
        predict_batch_size=4096,
    )
    model.fit(encoded.dense[rows], encoded.sick[rows])
    return Fitted.of(lambda asked: model.predict_proba(encoded.dense[asked])[:, 1], model)


peer = HoldOut("RealMLP", fit)
