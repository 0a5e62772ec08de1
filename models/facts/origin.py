"""Where a number comes from: which cases, of which days, out of which data."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import Field

from models.curve import Curve
from models.facts.crossing import Crossing
from models.manifest import Digest, Manifest
from models.value import Value

PartName = Literal["training", "validation", "certification", "test"]
PARTS: tuple[PartName, ...] = ("training", "validation", "certification", "test")


class Dates(Value):
    """The days of some cases, from `first` on and `before` the other, as the study writes them."""

    first: str
    before: str

    def __str__(self) -> str:
        return f"from {self.first} to before {self.before}"


class Origin(Value):
    """The cases that numbers were counted on, with the digests that pin them down."""

    part: PartName
    rows: int = Field(ge=0)
    positives: int = Field(ge=0)
    dates: Dates | None = Field(description="None if the study does not split by date")
    data: dict[str, Digest] = Field(description="SHA-256 of each file or table that was read")
    counts: Digest | None = Field(
        description="SHA-256 of the curve that holds the counts, as JSON in the manifest's order without spaces;"
        " None if the bundle holds no curve of these cases"
    )
    taught: bool = Field(
        False,
        description="whether cases of a part that measures taught too, and were scored by copies that never saw them",
        exclude_if=lambda taught: not taught,
    )

    @property
    def named(self) -> str:
        """The part, where its numbers stand; cases that taught too are none set aside."""
        return f"{self.part}, cross-fitted" if self.taught else f"{self.part} part"


def origins(manifest: Manifest, crossing: Crossing | None) -> dict[str, Origin]:
    """The origin of each part that the manifest tells of, in the order of their use.

    Where every row teaches, parts without a row are left out: they are none.
    """
    evidence = manifest.evidence
    parts: dict[str, tuple[int, int]] = {part.name: (part.rows, part.positives) for part in manifest.provenance.parts}
    if evidence:
        parts["test"] = (evidence.part.rows, evidence.part.positives)
    curves: dict[str, Curve | None] = {
        "validation": manifest.guide,
        "certification": manifest.curve,
        "test": evidence.curve if evidence else None,
    }
    for name, curve in curves.items():
        if curve:
            # What was counted, not what was meant to be.
            parts[name] = (curve.positive_count + curve.negative_count, curve.positive_count)
    split = manifest.provenance.study.get("split", {})
    return {
        name: Origin(
            part=name,
            rows=parts[name][0],
            positives=parts[name][1],
            dates=_dates(split, name),
            data=manifest.provenance.data,
            counts=_digest(curves.get(name)),
            taught=name == "certification" and crossing is not None and crossing.certified,
        )
        for name in PARTS
        if name in parts and (parts[name][0] or crossing is None)
    }


USED: dict[PartName, str] = {
    "training": "fitting the weights",
    "validation": "stopping, calibrating, guiding the search",
    "certification": "choosing and certifying thresholds",
    "test": "nothing but measuring",
}
CROSSED: dict[PartName, str] = {
    "training": "fitting the weights and, scored by copies that did not see them, calibrating",
    "validation": "fitting too; kept for a search for losses and networks to choose by, and not certified on",
    "certification": "fitting too; scored by copies that did not see them, choosing and certifying thresholds",
    "test": "nothing but measuring",
}
# Once a cross-fitted model is certified anew on cases of a site.
ELSEWHERE: dict[PartName, str] = {
    **CROSSED,
    "validation": "fitting too; certified on before, now guiding the search for thresholds",
    "certification": USED["certification"],
}


def used_for(origin: Origin, crossing: Crossing | None) -> str:
    """What a part of the data was used for."""
    used = USED if crossing is None else CROSSED if crossing.certified else ELSEWHERE
    return used[origin.part]


def _digest(curve: Curve | None) -> str | None:
    return hashlib.sha256(curve.model_dump_json().encode()).hexdigest() if curve else None


def _dates(split: dict[str, Any], part: str) -> Dates | None:
    """The days of a part, if the split is one by date."""
    if not {"since", "test_from", "until"} <= set(split):
        return None
    late = split.get("certify_from")
    days = {"test": (split["test_from"], split["until"])}
    if late:
        days["certification"] = (late, split["test_from"])
    first, before = days.get(part, (split["since"], late or split["test_from"]))
    return Dates(first=str(first), before=str(before))
