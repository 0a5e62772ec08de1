"""One model of a study, trained on its training part and judged on its validation part."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from training.data import Data
from training.fit import Epoch, Fitted, fit, reproducible
from training.labels import compared
from training.model import Model
from training.study import Study


def taught(
    study: Study,
    model: Model,
    parts: Mapping[str, Data],
    *,
    seed: int,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Fitted:
    """Build the model's network and train it; whatever it is compared with is worked out first.

    Raises BadStudy if a term is compared with what is not there.
    """
    labels = compared(study, model, parts, seed=seed)
    with reproducible(seed):
        net = model.network.build(study.columns, parts["training"].columns, study.widths)
    return fit(
        model,
        net,
        head=study.outcome.name,
        training=(parts["training"].inputs, labels["training"]),
        validation=(parts["validation"].inputs, labels["validation"]),
        seed=seed,
        progress=progress,
    )
