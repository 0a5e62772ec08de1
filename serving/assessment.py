"""Answers as FHIR R4 has them: one RiskAssessment a row, in a Bundle.

RiskAssessment is the same in R4 (4.0.1) and R4B (4.3.0). Its probability is a percentage: "Decimal values are
expressed as percentages as well (max = 100)", and the rule ras-2 refuses more.

Source: https://hl7.org/fhir/R4/riskassessment.html
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from models.manifest import Manifest, Symptom
from serving.messages import Reply
from serving.points import AnsweredAt

# What codes and identifiers of ours are called by; docs/fhir.md says what each of them holds.
DECISION_ID = "urn:uuid:5c1a2b0e-6f0d-4c55-9d3a-0d2c6a1f7b01"
DECISION = "urn:uuid:5c1a2b0e-6f0d-4c55-9d3a-0d2c6a1f7b02"
BUNDLE = "urn:uuid:5c1a2b0e-6f0d-4c55-9d3a-0d2c6a1f7b03"
HEAD = "urn:uuid:5c1a2b0e-6f0d-4c55-9d3a-0d2c6a1f7b04"
POINT = "urn:uuid:5c1a2b0e-6f0d-4c55-9d3a-0d2c6a1f7b05"
ESTIMATE = "urn:uuid:5c1a2b0e-6f0d-4c55-9d3a-0d2c6a1f7b06"

WHY = {
    "positive": "The probability is not below the threshold of {threshold} %.",
    "negative": "The probability is below {clear_below} %.",
    "indeterminate": "The probability lies from {clear_below} % to {threshold} %, where the model does not decide.",
}


def bundle(reply: Reply, references: Sequence[str], manifest: Manifest) -> dict[str, Any]:
    """A reply as a Bundle of RiskAssessments in the order of its rows; `references` says whom each is about.

    Decimals stand for numbers whose digits matter: they are to be written as they are.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    said = Said(reply, manifest, now)
    pairs = enumerate(zip(vars(reply)["rows"], references, strict=True))
    entries = [
        {
            "fullUrl": uuid.uuid5(uuid.NAMESPACE_OID, f"{reply.id}.{place}").urn,
            "resource": said.of(place, row, reference),
        }
        for place, (row, reference) in pairs
    ]
    return {"resourceType": "Bundle", "type": "collection", "timestamp": now, "entry": entries}


class Said:
    """What the assessments of one reply have in common."""

    def __init__(self, reply: Reply, manifest: Manifest, now: str) -> None:
        at = reply.operating_point
        limits = {"threshold": percent(at.threshold), "clear_below": percent(at.clear_below)}
        self._reply, self._symptoms, self._now = reply, manifest.symptoms, now
        self._why = {decision: words.format(**limits) for decision, words in WHY.items()}
        self._outcome = _concept(HEAD, manifest.target.name, manifest.target.meaning)
        self._method = _concept(BUNDLE, reply.bundle, reply.model)
        self._point = {"url": POINT, "extension": _point(reply, **limits)}
        self._note = _note(at, reply)

    def of(self, place: int, row: Any, reference: str) -> dict[str, Any]:
        """The assessment of one row."""
        heads = vars(row.symptoms).values() if self._symptoms else ()
        return {
            "resourceType": "RiskAssessment",
            "extension": [self._point],
            "identifier": [{"system": DECISION_ID, "value": f"{self._reply.id}.{place}"}],
            "status": "final",
            "method": self._method,
            "subject": {"reference": reference},
            "occurrenceDateTime": self._now,
            "prediction": [
                {
                    "outcome": self._outcome,
                    "probabilityDecimal": percent(row.probability),
                    "qualitativeRisk": _concept(DECISION, row.decision),
                    "rationale": self._why[row.decision],
                },
                *(_further(*pair) for pair in zip(self._symptoms, heads, strict=True)),
            ],
            "note": [{"text": self._note}],
        }


def percent(probability: float) -> Decimal:
    """A share in percent with the very digits it has as a share, so that what was compared can be compared again.

    >>> percent(0.30000001192092896)
    Decimal('30.000001192092896')
    """
    moved = Decimal(repr(probability)).scaleb(2)
    # Without an exponent, which a share of few digits would get: 0.5 is 50 % and not 5E+1 %.
    return moved.quantize(Decimal(1)) if moved == moved.to_integral_value() else moved


def _further(symptom: Symptom, value: float) -> dict[str, Any]:
    """What a symptom head says: a probability, or a number of its own in an extension."""
    outcome = _concept(HEAD, symptom.name, symptom.meaning)
    if symptom.scale == "probability":
        return {"outcome": outcome, "probabilityDecimal": percent(value)}
    unit = {"unit": symptom.unit} if symptom.unit else {}
    quantity = {"value": Decimal(repr(value)), **unit}
    return {
        "extension": [{"url": ESTIMATE, "valueQuantity": quantity}],
        "outcome": outcome,
        "rationale": f"An estimate ({symptom.scale}{f', {symptom.unit}' if symptom.unit else ''}), no probability.",
    }


def _point(reply: Reply, threshold: Decimal, clear_below: Decimal) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"url": "threshold", "valueDecimal": threshold},
        {"url": "clearBelow", "valueDecimal": clear_below},
        {"url": "prevalence", "valueDecimal": percent(reply.prevalence)},
    ]
    return parts if reply.version is None else [*parts, {"url": "version", "valueInteger": reply.version}]


def _note(at: AnsweredAt, reply: Reply) -> str:
    promised = " ".join(
        f"Promised: {each.in_words}, certified on {each.positives} positive and {each.negatives} negative cases."
        for each in at.certificates
    )
    asked = "a threshold by hand" if at.contract is None else at.contract
    return (
        f"Operating point: {asked}. {promised or 'Nothing is promised there.'}"
        f" Probabilities are stated where {percent(reply.prevalence)} % of the people are sick."
    )


def _concept(system: str, code: str, text: str = "") -> dict[str, Any]:
    # A code holds no blanks but single ones between words.
    return {"coding": [{"system": system, "code": " ".join(code.split())}], "text": text.strip() or code}
