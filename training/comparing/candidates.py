"""What is compared: the models as they are, one plain model, and one model for each loss that can judge the outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from models.comparison import PAIR, PLAIN, Figure
from models.contract import Contract, OneThreshold
from models.contracts.several import Several
from models.errors import BadStudy
from models.value import members
from training.loss import Learning, Loss
from training.losses.cost_weighted import CostWeighted
from training.model import Model
from training.sampling import Plain
from training.study import Study
from training.term import Term

KINDS = {"recall": "false-positive rate", "precision": "recall"}


@dataclass(frozen=True)
class Candidate:
    """A name, what it is in words, and the model that answers for each figure, in their order."""

    name: str
    what: str
    models: tuple[Model, ...]


def figures(study: Study) -> tuple[Figure, ...]:
    """What the contracts name: the false-positive rate at a promised recall, the recall at a promised precision.

    The first model that promises a recall, and the first that promises a precision, say at which.

    Raises BadStudy if none promises either.
    """
    found: dict[str, Figure] = {}
    for model in study.models:
        for promise in model.contract.promises:
            if promise.figure in KINDS and promise.group is None and promise.figure not in found:
                found[promise.figure] = Figure.model_validate(
                    {
                        "kind": KINDS[promise.figure],
                        "at_least": promise.bound,
                        "prevalence": promise.prevalence if promise.figure == "precision" else None,
                        "model": model.name,
                    }
                )
    if not found:
        said = "; ".join(str(model.contract) for model in study.models)
        raise BadStudy(f"{study.name}: a model should promise a recall or a precision to be compared by, got {said}.")
    return tuple(found[figure] for figure in KINDS if figure in found)


def candidates(study: Study, *, share: float) -> tuple[Candidate, ...]:
    """All that is compared, `share` being that of the sick in training.

    Everybody but the models as they are is one model for all figures: the first of the study without its weights
    and its sampling, stopped in the region of all contracts.

    Raises BadStudy if no model promises what can be compared, or no term compares the outcome with its labels.
    """
    asked, named = figures(study), {model.name: model for model in study.models}
    own = tuple(named[figure.model] for figure in asked)
    plain = own[0].model_copy(
        update={"name": PLAIN, "sampling": Plain(), "contract": together([model.contract for model in own])}
    )
    # Promises of the contracts, as a loss that keeps one in training is told them.
    told = {"recall" if figure.prevalence is None else "precision": figure for figure in asked}

    def one(name: str, loss: Loss) -> Candidate:
        return Candidate(name, said(loss), (judged_by(study, plain, loss),) * len(asked))

    return (
        Candidate(PAIR, "; ".join(_said(study, model) for model in dict.fromkeys(own)), own),
        one(PLAIN, CostWeighted()),
        *(one(kind.__name__, _sensible(kind, told, share)) for kind in judges() if kind is not CostWeighted),
    )


def judges() -> list[type[Loss]]:
    """Every loss that can judge the outcome, by name: a further one joins by being there."""
    family = members(Loss)  # type: ignore[type-abstract]  # the family is asked for its members
    found = [kind for kind in family if (kind.output, kind.target) == ("logit", "binary")]
    return sorted(found, key=lambda kind: kind.__name__)


def judged_by(study: Study, model: Model, loss: Loss) -> Model:
    """The model with this loss in place of what compared the outcome with its labels, in each of its networks.

    Raises BadStudy if nothing did.
    """
    terms = _judged_by(study.outcome.name, model.terms, loss)
    if terms is None:
        head = study.outcome.name
        raise BadStudy(f"models.{model.name}.terms: should compare {head} with its labels, got none that does.")
    beside = tuple(
        each.model_copy(update={"terms": _judged_by(study.outcome.name, each.terms, loss) or each.terms})
        for each in model.beside
    )
    return model.model_copy(update={"terms": terms, "beside": beside})


def _judged_by(head: str, terms: tuple[Term, ...], loss: Loss) -> tuple[Term, ...] | None:
    places = [place for place, term in enumerate(terms) if (term.on, term.against) == (head, head)]
    if not places:
        return None
    weight = sum(terms[place].weight for place in places)
    judged = Term(on=head, against=head, by=loss, weight=weight)
    return tuple(judged if place == places[0] else term for place, term in enumerate(terms) if place not in places[1:])


def together(contracts: list[Contract]) -> Contract:
    """One contract in whose region a model is good for all of them; the first where they can not be joined."""
    parts = tuple(
        each.held_with(contracts[0].confidence)
        for each in contracts
        if isinstance(each, OneThreshold) and not isinstance(each, Several)
    )
    if len(contracts) == 1 or len(parts) < len(contracts):
        return contracts[0]
    return Several(contracts=parts, confidence=contracts[0].confidence)


def _sensible(kind: type[Loss], told: Mapping[str, Figure], share: float) -> Loss:
    """A loss with its own defaults; one that keeps a promise in training is told the contract's."""
    fields: dict[str, float] = {}
    if issubclass(kind, Learning):
        if "recall" in kind.model_fields and "recall" in told:
            fields["recall"] = told["recall"].at_least
        if "precision" in kind.model_fields and (figure := told.get("precision")) and figure.prevalence:
            # The same likelihood ratio among the cases of training as the promise asks for at its prevalence.
            odds = figure.at_least / (1 - figure.at_least)
            odds *= share / (1 - share) / (figure.prevalence / (1 - figure.prevalence))
            fields["precision"] = odds / (1 + odds)
    return kind(**fields)


def said(loss: Loss) -> str:
    """A loss in words: its name, and its settings where they are not its own.

    >>> said(CostWeighted())
    'CostWeighted'
    """
    fields = {name: getattr(loss, name) for name in type(loss).model_fields}
    given = {name: value for name, value in fields.items() if value != type(loss).model_fields[name].default}
    shown = (
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value!r}" for name, value in given.items()
    )
    return f"{type(loss).__name__}({', '.join(shown)})" if given else type(loss).__name__


def _said(study: Study, model: Model) -> str:
    """What pulls on the outcome of a model, and which cases it is shown."""
    losses = [said(term.by) for term in model.terms if term.on == study.outcome.name]
    sampling = "" if isinstance(model.sampling, Plain) else f", {model.sampling!r}"
    return f"{model.name}: {' + '.join(losses)}{sampling}"


def definition(study: Study) -> str:
    """SHA-256 of a study, its background left out: what people tell of it changes no figure."""
    return hashlib.sha256(study.model_dump_json(exclude={"background"}).encode()).hexdigest()
