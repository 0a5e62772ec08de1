"""What is promised of a whole pathway, and what cases that both models saw carry of it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from models.errors import BadInput, Refusal
from models.fixed_sequence import unreachable
from models.joint import Joint, Pairs
from models.operating_point import Certificate
from models.promise import Promise
from models.turn import Turned
from models.value import Value


class PathwayContract(Value):
    """What is asked of a pathway at a pair of points that is fixed beforehand; all of it holds with `confidence`."""

    not_cleared: float | None = Field(None, gt=0, lt=1, description="least share of the sick that is not cleared")
    ppv: float | None = Field(None, gt=0, lt=1, description="least share of sick among those operated on")
    prevalence: float | None = Field(None, gt=0, lt=1, description="at which the share of sick is promised")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="chance that all that is certified is true, at least")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.not_cleared is None and self.ppv is None:
            raise ValueError("needs one of not_cleared and ppv at least, got neither")
        if (self.ppv is None) != (self.prevalence is None):
            raise ValueError(f"prevalence should be given exactly where ppv is, got {self.prevalence}")
        return self

    @property
    def promises(self) -> dict[Literal["not_cleared", "ppv"], Promise]:
        """Each promise with its share of the risk (Bonferroni)."""
        asked = [bound for bound in (self.not_cleared, self.ppv) if bound is not None]
        each = 1 - (1 - self.confidence) / len(asked)
        found: dict[Literal["not_cleared", "ppv"], Promise] = {}
        if self.not_cleared is not None:
            found["not_cleared"] = Promise(figure="recall", at_least=self.not_cleared, confidence=each)
        if self.ppv is not None:
            found["ppv"] = Promise(figure="precision", at_least=self.ppv, confidence=each, prevalence=self.prevalence)
        return found


class PathwayCertificate(Value):
    """What cases carry of a contract about a pathway."""

    contract: PathwayContract
    part: Literal["certification", "test"] = Field(description="of the data, whose cases carry it")
    screen: float = Field(ge=0, le=1, description="below which the screen clears, at its bundle's prevalence")
    presurgical: float = Field(ge=0, le=1, description="from which on people are operated on, likewise")
    not_cleared: Certificate | None
    ppv: Certificate | None

    def __str__(self) -> str:
        said = [
            f"{name}: {certificate}"
            for name, certificate in (("not cleared", self.not_cleared), ("operated on", self.ppv))
            if certificate
        ]
        return "; ".join(said)


def certify(joint: Joint, contract: PathwayContract, screen: Turned, presurgical: Turned) -> PathwayCertificate:
    """Certify a pathway at two turned points, on cases on which neither was chosen.

    A point that is a contract's or has a name was chosen on the certification cases: then the test cases carry the
    pathway. Thresholds given as numbers are taken to be fixed before the certification cases were seen.

    One-sided Clopper-Pearson bounds of the joint counts, which do not care how the two models depend on each other.

    Raises Unreachable, saying how near the cases came, if they do not carry all that is asked; BadInput if points that
    were chosen on the certification cases have no test cases.
    """
    cases = _unseen(joint, screen, presurgical)
    answered = cases.answered(screen, presurgical)
    counts = {"not_cleared": answered.not_cleared, "ppv": answered.operations}
    certificates = {}
    for name, promise in contract.promises.items():
        certified = promise.carried(counts[name])
        if not promise.met_by(certified):
            raise unreachable(promise, counts[name])
        certificates[name] = Certificate(
            promise=promise, certified=certified, positives=answered.sick, negatives=answered.healthy
        )
    return PathwayCertificate(
        contract=contract,
        part="certification" if cases is joint.certification else "test",
        screen=min(screen.own),
        presurgical=presurgical.own[0],
        not_cleared=certificates.get("not_cleared"),
        ppv=certificates.get("ppv"),
    )


def _unseen(joint: Joint, screen: Turned, presurgical: Turned) -> Pairs:
    if screen.contract is None and presurgical.contract is None:
        return joint.certification
    if joint.test is None:
        rule = "should be there, as the points were chosen on the certification cases"
        raise BadInput([Refusal("joint.test", rule, "none")])
    return joint.test
