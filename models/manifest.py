"""Everything about one model, in one strict file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, ValidationError, model_validator

import models.contracts
from models.calibration import Calibration, Reliability
from models.contract import Contract
from models.curve import Curve
from models.errors import BadBundle, shown
from models.operating_point import Measured, OperatingPoint
from models.schema import Schema
from models.value import Value, load_members

load_members(models.contracts)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256")]
Share = Annotated[float, Field(ge=0, le=1)]


class Target(Value):
    """What is screened for."""

    name: str
    meaning: str = ""


# What a graph and a scored file call things of their own.
TAKEN = frozenset({"columns", "threshold", "prevalence", "probability", "positive", "logit"})


def free_name(name: str) -> str:
    """A symptom's name, if a graph and a scored file leave it free.

    Raises ValueError naming those that are not.
    """
    if name in TAKEN:
        raise ValueError(f"should be none of {', '.join(sorted(TAKEN))}, got {name}")
    return name


class Symptom(Value):
    """A further head of the network, answered in its own unit."""

    name: Annotated[str, AfterValidator(free_name)]
    meaning: str = ""
    unit: str = ""


def check_symptoms(columns: Schema, symptoms: tuple[Symptom, ...]) -> None:
    """Refuse a symptom that is called like a column: in a scored file one would hide the other.

    Raises ValueError naming it.
    """
    for symptom in symptoms:
        if symptom.name in columns.by_name:
            raise ValueError(f"symptoms should not be called like a column, got {symptom.name}")


class Part(Value):
    """One part of the data: what it was used for shows in its name."""

    name: Literal["training", "validation", "certification", "test"]
    rows: int = Field(ge=0)
    positives: int = Field(ge=0)


class Parity(Value):
    """How the exported file compares with the trained network and with itself, on `rows` rows."""

    rows: int
    largest_difference: float = Field(description="of a logit, network against file")
    tolerance: float = Field(description="beyond which the export would have been refused")
    decision_differences: Literal[0] = Field(0, description="network against file, at the baked threshold")
    row_alone_differences: Literal[0] = Field(0, description="a row alone against the same row among others")


class Probe(Value):
    """One generated row with the answer this file gave when it was made."""

    columns: tuple[float | None, ...] = Field(description="as the graph takes them; null for an empty cell")
    probability: Share
    positive: bool


class Evidence(Value):
    """What was measured on cases that nothing was chosen on."""

    part: Part
    area_under_curve: Share
    area_interval: tuple[Share, Share]
    reliability: Reliability
    measured: Measured
    kept: bool = Field(description="whether the promised figure was reached on these cases")


class Provenance(Value):
    """Where the model comes from, so that it can be made again."""

    study: dict[str, Any] = Field(description="the whole study as it was run, every class by its name")
    data: dict[str, Digest] = Field(description="SHA-256 of each file or table that was read")
    parts: tuple[Part, ...]
    epochs: int = Field(ge=0, description="of training, up to the weights that were kept")
    seed: int
    versions: dict[str, str] = Field(description="of the packages that made it")


class Manifest(Value):
    """Everything about one model; the file `manifest.json` and the metadata of the graph say the same."""

    format: Literal[1] = 1
    study: str
    model: str
    purpose: str = Field("", description="what the model is for, and what not")
    columns: Schema
    target: Target
    symptoms: tuple[Symptom, ...] = ()
    calibration: Calibration
    prevalence: float = Field(gt=0, lt=1, description="at which probabilities are stated by default")
    contract: Annotated[Contract, PlainSerializer(lambda contract: contract.model_dump(mode="json"))]
    points: tuple[OperatingPoint, ...] = Field(min_length=1, description="the first is baked into the graph")
    curve: Curve = Field(description="of the certification cases, at `prevalence`")
    evidence: Evidence | None = Field(None, description="on the test part")
    parity: Parity
    probes: tuple[Probe, ...]
    provenance: Provenance

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.point.promise != self.contract.promise:
            raise ValueError(f"points.0.promise should be the contract's ({self.contract.promise})")
        check_symptoms(self.columns, self.symptoms)
        return self

    @property
    def point(self) -> OperatingPoint:
        """The operating point that is baked into the graph."""
        return self.points[0]


class Files(Value):
    """`manifest.json` as it lies on disk: the manifest and the digests of the other files."""

    manifest: Manifest
    files: dict[str, Digest]


def read(text: str | bytes, *, file: str) -> Files:
    """Read `manifest.json`.

    Raises BadBundle naming file, field, rule and value.
    """
    try:
        return Files.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"] if step != "manifest")
        rule = first["msg"].removeprefix("Value error, ")
        # Rules of our own say themselves which part of the value they mean.
        got = "" if ", got " in rule else f", got {shown(first['input'])}"
        raise BadBundle(f"{file}: {path or 'document'}: {rule}{got}.") from None
