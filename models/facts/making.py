"""How a model was made: its study in words, what training added to the logits, and how that was undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from models.calibration import Calibration, Reliability
from models.facts.crossing import Crossing
from models.facts.origin import Origin, PartName
from models.manifest import Manifest, Parity
from models.value import Value


class Pull(Value):
    """One term of the loss: what of the network was compared with what, by which loss, how heavily."""

    on: str
    against: str | None = Field(description="None where there is nothing to compare with")
    by: str = Field(description="the loss with its settings")
    weight: float


class Beside(Value):
    """A further network that answers together with the first: logits are averaged."""

    network: str | None
    terms: tuple[Pull, ...]
    emptied: float | None
    budget: str | None


class Making(Value):
    """The study in words, as it was run; None where the manifest holds no study."""

    source: str | None
    split: str | None
    network: str | None
    terms: tuple[Pull, ...]
    weighing: str | None = Field(description="how several terms share the pull")
    sampling: str | None
    emptied: float | None = Field(description="share of the cells that may be empty that training emptied")
    budget: str | None
    epochs: int
    seed: int
    versions: dict[str, str]
    parity: Parity
    beside: tuple[Beside, ...] = Field(
        (),
        description="further networks whose logits are averaged with the first one's",
        exclude_if=lambda them: not them,
    )

    @classmethod
    def of(cls, manifest: Manifest) -> Making:
        """Read from the provenance of a manifest."""
        study = manifest.provenance.study
        model: Mapping[str, Any] = next(iter(study.get("models", [])), {})
        return cls(
            source=_said(study.get("source")),
            split=_said(study.get("split")),
            network=_said(model.get("network")),
            terms=_terms(model),
            weighing=_said(model.get("weighing")),
            sampling=_said(model.get("sampling")),
            emptied=model.get("emptied"),
            budget=_said(model.get("budget")),
            epochs=manifest.provenance.epochs,
            seed=manifest.provenance.seed,
            versions=manifest.provenance.versions,
            parity=manifest.parity,
            beside=tuple(_beside(each, model) for each in model.get("beside", [])),
        )


def _beside(each: Mapping[str, Any], model: Mapping[str, Any]) -> Beside:
    """A further network; what it does not tell is as the model's own."""
    told = {**model, **{name: value for name, value in each.items() if value not in (None, [])}}
    return Beside(
        network=_said(told.get("network")),
        terms=_terms(told),
        emptied=told.get("emptied"),
        budget=_said(told.get("budget")),
    )


def _terms(model: Mapping[str, Any]) -> tuple[Pull, ...]:
    return tuple(
        Pull(on=term["on"], against=_other(term.get("against")), by=in_words(term["by"]), weight=term["weight"])
        for term in model.get("terms", [])
    )


class Reliable(Value):
    """How far probabilities could be taken at their word, at one stage, on some cases."""

    stage: str
    part: PartName
    origin: Origin | None = Field(description="None if the manifest does not count the cases")
    reliability: Reliability
    out_of_fold: bool = Field(
        False,
        description="whether copies of the network scored the cases, each those that it never saw",
        exclude_if=lambda found: not found,
    )


class Undo(Value):
    """What training added to the logits, taken away again, and the line that was fitted after it."""

    rule: Literal["shift", "map", "teacher", "fitted"] = Field(description="how what losses did is taken away")
    loss_log_ratio: float
    loss_map: tuple[tuple[float, float], ...] | None
    sampling_log_ratio: float
    slope: float
    intercept: float
    fitted_at: float = Field(description="prevalence for which undo and line hold")
    prevalence: float = Field(description="at which the probabilities are stated, moved there by prior shift")
    stages: tuple[Reliable, ...]
    out_of_fold: bool = Field(
        False,
        description="whether the line was fitted on what copies of the network say of cases they never saw",
        exclude_if=lambda found: not found,
    )

    @property
    def fitted_on(self) -> str:
        """The cases and scores that the line was fitted on."""
        return "the out-of-fold scores of the training part" if self.out_of_fold else "the validation part"

    @property
    def reweighted(self) -> bool:
        """Whether mistakes, or the kinds of cases, counted unequally in training."""
        return bool(self.loss_log_ratio or self.sampling_log_ratio or self.rule != "shift")

    @property
    def of_losses(self) -> str:
        """What is done about the losses, in words."""
        if self.loss_map is not None:
            low, high = self.loss_map[0][0], self.loss_map[-1][0]
            return f"an exact map of {len(self.loss_map)} points, from logits of {low:.3g} to {high:.3g}"
        if self.rule == "teacher":
            return "nothing: it learnt a teacher's logits"
        if self.rule == "fitted":
            return "nothing but the fit: no closed form is known"
        return f"{self.loss_log_ratio:.4f}, exactly"

    @classmethod
    def of(cls, manifest: Manifest, origins: Mapping[str, Origin], crossing: Crossing | None) -> Undo:
        """Read from the calibration and the evidence of a manifest."""
        crossed = crossing is not None
        fitted_on: PartName = "training" if crossed else "validation"
        made: Calibration = manifest.calibration
        evidence = manifest.evidence
        stages: tuple[tuple[str, PartName, Reliability | None], ...] = (
            ("after the undo alone", fitted_on, made.undone),
            ("after the fitted line", fitted_on, made.fitted),
            ("as released", "test", evidence.reliability if evidence else None),
        )
        return cls(
            rule=made.undo,
            loss_log_ratio=made.loss_log_ratio,
            loss_map=made.loss_map,
            sampling_log_ratio=made.sampling_log_ratio,
            slope=made.slope,
            intercept=made.intercept,
            fitted_at=made.prevalence,
            prevalence=manifest.prevalence,
            stages=tuple(
                Reliable(
                    stage=stage,
                    part=part,
                    origin=origins.get(part),
                    reliability=found,
                    out_of_fold=crossed and part != "test",
                )
                for stage, part, found in stages
                if found
            ),
            out_of_fold=crossed,
        )


def in_words(value: Any) -> str:
    """A member of a family or a setting as it was written, to be read.

    >>> in_words({"kind": "CostWeighted", "costs": {"miss": 5.0, "false_alarm": 1.0}})
    'CostWeighted (costs: miss 5, false alarm 1)'
    """
    if isinstance(value, Mapping):
        kind = value.get("kind")
        rest = ", ".join(_pair(name, item) for name, item in value.items() if name != "kind" and item is not None)
        return f"{kind} ({rest})" if kind and rest else str(kind or rest)
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pair(name: str, value: Any) -> str:
    named = name.replace("_", " ")
    between = ":" if isinstance(value, (Mapping, list)) else ""
    return f"{named}{between} {in_words(value)}"


def _other(value: Any) -> str | None:
    """What a term compares with: a name, or another model's output, of which its study tells the rest."""
    if not isinstance(value, Mapping):
        return value if value is None else str(value)
    named = (str(value[key]) for key in ("path", "output", "tap") if key in value)
    return f"{value.get('kind')} ({', '.join(named)})"


def _said(value: Any) -> str | None:
    return None if value is None else in_words(value)
