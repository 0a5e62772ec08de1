"""One model of a study, trained on its training part and judged on its validation part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.errors import BadStudy
from models.value import Value
from training.averaged import Averaged
from training.copies import Copies
from training.data import Data
from training.fit import Epoch, Fitted, fit, reproducible
from training.labels import LEARNT_FROM, compared
from training.model import Model
from training.net import Net
from training.reference import Answers
from training.study import Study
from training.undo import undo


def taught(
    study: Study,
    model: Model,
    parts: Mapping[str, Data],
    *,
    seed: int,
    held: NDArray[np.bool_] | None = None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Fitted:
    """Build the model's networks and train them; whatever they are compared with is worked out first.

    `held` bool [rows, copies] says which rows of the training part which copy never sees: networks are then trained in
    so many copies, and no validation part is asked for. What comes out is the mean of all, with the history of the
    first.

    Raises BadStudy if a term is compared with what is not there.
    """
    each, before = [], 0
    for place, kind in enumerate(model.kinds):
        told = partial(_later, progress, before)
        each.append(_taught(study, kind, parts, seed=(seed + 1009 * place) % 2**31, held=held, progress=told))
        before += kind.budget.epochs
    if len(each) == 1 and held is None:
        return each[0]
    beside = tuple(fitted.pull for fitted in each[1:])
    return replace(each[0], net=Averaged([_nets(fitted) for fitted in each]), unseen=_unseen(each), beside=beside)


def _later(progress: Callable[[Epoch], None], before: int, epoch: Epoch) -> None:
    progress(replace(epoch, number=epoch.number + before))


def _taught(
    study: Study,
    model: Model,
    parts: Mapping[str, Data],
    *,
    seed: int,
    held: NDArray[np.bool_] | None,
    progress: Callable[[Epoch], None],
) -> Fitted:
    """One network of a model, or its copies."""
    labels = compared(study, model, parts, partial(says, study, parts, seed))
    columns = parts["training"].columns
    with reproducible(seed):
        nets = [
            model.network.build(study.columns, columns, study.widths)
            for _ in range(1 if held is None else held.shape[1])
        ]
        net = nets[0] if held is None else Copies(nets)
    return fit(
        model,
        net,
        head=study.outcome.name,
        training=(parts["training"].inputs, labels["training"]),
        validation=(parts["validation"].inputs, labels["validation"]) if held is None else None,
        held=held,
        seed=seed,
        progress=progress,
    )


def _nets(fitted: Fitted) -> list[Net]:
    if isinstance(fitted.net, Copies):
        return fitted.net.apart()
    assert isinstance(fitted.net, Net)
    return [fitted.net]


def _unseen(each: list[Fitted]) -> dict[str, NDArray[np.float32]] | None:
    """The mean of what networks of all kinds say of rows they never saw."""
    found = [fitted.unseen for fitted in each if fitted.unseen is not None]
    if not found:
        return None
    return {head: np.mean([unseen[head] for unseen in found], axis=0, dtype=np.float32) for head in found[0]}


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
