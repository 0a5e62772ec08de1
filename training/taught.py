"""One model of a study, trained on its training part and judged on its validation part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from models.errors import BadStudy
from models.value import Value
from training.data import Data
from training.fit import Epoch, Fitted, fit, reproducible
from training.labels import LEARNT_FROM, compared
from training.model import Model
from training.reference import Answers
from training.study import Study
from training.undo import undo


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
    labels = compared(study, model, parts, partial(says, study, parts, seed))
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


def says(study: Study, parts: Mapping[str, Data], seed: int, model: Value, tap: str) -> Answers:
    """What a tap of a model says of the training and the validation part once it is trained on them.

    Of the outcome it says the logit of the probability, for the teacher's prices and sampling are its own.

    Raises BadStudy if it has no such tap.
    """
    assert isinstance(model, Model)
    if tap not in (taps := (*model.network.tap_names(), *study.heads)):
        raise BadStudy(f"teacher.tap: should be one of {', '.join(taps)}, got {tap}.")
    fitted, outcome = taught(study, model, parts, seed=seed), study.outcome.name
    made = undo(model, outcome, parts["training"].labels[outcome], fitted.pull)
    found = {}
    for name in LEARNT_FROM:
        answer = fitted.net.answers(parts[name].inputs, (tap,))[tap].numpy()
        found[name] = np.asarray(made.logits(answer) if tap == outcome else answer, dtype=np.float32)
    return found
