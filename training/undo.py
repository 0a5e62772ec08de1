"""What losses and sampling did to the outcome's logit, to be taken away again."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.calibration import Calibration
from models.errors import BadStudy
from training.loss import Learning, Loss
from training.model import Model
from training.pull import Apart, Comparison, Pull
from training.term import Term

# Logits on which losses are asked; beyond them a map goes on as straight as at its ends.
REACH, STEP = 20.0, 1 / 64
# A map is kept by as few points as leave every logit within this of it.
EXACT = 1e-4


def undo(model: Model, head: str, targets: NDArray[np.float32], pull: Pull | None = None) -> Calibration:
    """What the model's sampling and losses added to the outcome's logit, to be taken away again.

    `targets` are those of the training part, [rows]; `pull` is what was gone down, as training left it.

    At rest, the pulls of the sick and of the healthy who share a logit x cancel: p l+'(x) + (1 - p) l-'(x) = 0. So the
    odds of the true probability p are l-'(x) / -l+'(x), for whatever losses judge each row by itself, and for any
    mixture of them. Weighted cross-entropy gives a shift by ln(w+/w-); focal loss and others give a map. Where a
    loss judges rows by each other, or has no slope, there is no such form: the map is fitted, and the
    calibration says so. A student learns the teacher's logits, whatever the mix it was shown.
    """
    labels = torch.from_numpy(targets)
    pulls = [place for place, term in enumerate(model.terms) if term.on == head and term.against and term.weight > 0]
    losses = [model.terms[place].by.told(labels) for place in pulls]
    by: list[Comparison] = [pull.by[place] for place in pulls] if pull else list(losses)
    plain = Calibration(sampling_log_ratio=model.sampling.log_ratio(labels), prevalence=float(targets.mean()))
    if not pulls:
        return plain.model_copy(update={"undo": "fitted"})
    if all(loss.target == "logit" for loss in losses):
        return plain.model_copy(update={"undo": "teacher", "sampling_log_ratio": 0.0})
    # Copies that each learnt something of their own add something else each.
    if any(isinstance(each, Apart) for each in by):
        return plain.model_copy(update={"undo": "fitted"})
    if not all(_judges_rows(loss, model.terms[place], head) for loss, place in zip(losses, pulls, strict=True)):
        return plain.model_copy(update={"undo": "fitted"})
    weights = [model.terms[place].weight / (pull.scales[place] if pull else 1.0) for place in pulls]
    return plain.model_copy(update=_found(by, weights))


def undo_all(model: Model, head: str, targets: NDArray[np.float32], pulls: Sequence[Pull]) -> Calibration:
    """The undo of a model whose networks are averaged, each of which went down one of `pulls`, its own first.

    Logits are averaged before anything is undone, so what is undone has to be the same for all.

    Raises BadStudy naming the network that is undone otherwise.
    """
    first, *others = [undo(kind, head, targets, pull) for kind, pull in zip(model.kinds, pulls, strict=True)]
    for place, other in enumerate(others):
        if other != first:
            raise BadStudy(
                f"models.{model.name}.beside.{place}: what its losses and sampling do to a probability should be undone"
                f" as for the model's own network: by {_in_words(first)}, got {_in_words(other)}."
            )
    return first


def _in_words(found: Calibration) -> str:
    return f"a {found.undo} of {found.loss_log_ratio + found.sampling_log_ratio:.4g}"


def rule(loss: Loss) -> str:
    """How what a loss does to a probability is undone, in words."""
    if loss.target != "binary":
        return "the teacher's logit is learnt" if loss.target == "logit" else "nothing to undo"
    labels = torch.tensor([1.0] * 2 + [0.0] * 8)
    if not loss.row_by_row or loss.output != "logit":
        return "fitted"
    if isinstance(loss, Learning):
        return "exact, from what it learnt"
    found = _found([loss.told(labels).at_epoch(1)], [1.0])
    return {"shift": "exact: a shift", "map": "exact: a map", "fitted": "fitted"}[str(found["undo"])]


def _judges_rows(loss: Loss, term: Term, head: str) -> bool:
    return loss.row_by_row and loss.output == "logit" and loss.target == "binary" and term.against == head


def _found(by: Sequence[Comparison], weights: Sequence[float]) -> dict[str, object]:
    """The undo of losses that judge each row by itself: a shift, a map or, if there is none, a fit."""
    x = torch.arange(-REACH, REACH + STEP / 2, STEP, dtype=torch.float64)
    rising, falling = _slopes(by, weights, x, kind=0.0), -_slopes(by, weights, x, kind=1.0)
    odds = np.full(len(x), -np.inf)
    good = (rising > 0) & (falling > 0)
    odds[good] = np.log(rising[good]) - np.log(falling[good])
    added = x.numpy() - odds
    # Far out a slope is the difference of numbers that are nearly 1; in the middle it is exact.
    if good.all() and np.ptp(added) < 10 * EXACT:
        return {"undo": "shift", "loss_log_ratio": float(np.median(added[np.abs(x.numpy()) < 2]))}
    start, stop = _longest(good)
    points, levels = x.numpy()[start:stop], odds[start:stop]
    # Where one probability would have several logits, or hardly any logit has one, there is nothing to be exact about.
    if stop - start < len(x) // 8 or (np.diff(levels) <= 0).any():
        return {"undo": "fitted"}
    kept = _few(points, levels)
    pairs = tuple((float(point), float(level)) for point, level in zip(points[kept], levels[kept], strict=True))
    return {"undo": "map", "loss_map": pairs}


def _slopes(by: Sequence[Comparison], weights: Sequence[float], x: torch.Tensor, *, kind: float) -> NDArray[np.float64]:
    """The slope of all losses together at each logit, for people of one kind."""
    logits = x.clone().requires_grad_()
    total = torch.zeros((), dtype=torch.float64)
    for compare, weight in zip(by, weights, strict=True):
        module = copy.deepcopy(compare).double() if isinstance(compare, torch.nn.Module) else compare
        total = total + weight * module(logits, torch.full_like(logits, kind)).sum()
    if not total.requires_grad:
        return np.zeros(len(x))
    (found,) = torch.autograd.grad(total, logits)
    return np.asarray(found.numpy())


def _longest(good: NDArray[np.bool_]) -> tuple[int, int]:
    """The longest run of places that are good, from its first to behind its last."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8))).reshape(-1, 2)
    if not len(ends):
        return 0, 0
    start, stop = ends[np.argmax(ends[:, 1] - ends[:, 0])]
    return int(start), int(stop)


def _few(points: NDArray[np.float64], levels: NDArray[np.float64]) -> list[int]:
    """Places of as few points as leave straight lines between them within EXACT of all (Douglas & Peucker 1973)."""
    kept, open_runs = {0, len(points) - 1}, [(0, len(points) - 1)]
    while open_runs:
        start, stop = open_runs.pop()
        if stop - start < 2:
            continue
        line = np.interp(points[start : stop + 1], points[[start, stop]], levels[[start, stop]])
        away = np.abs(line - levels[start : stop + 1])
        worst = int(away.argmax())
        if away[worst] > EXACT:
            kept.add(start + worst)
            open_runs += [(start, start + worst), (start + worst, stop)]
    return sorted(kept)
