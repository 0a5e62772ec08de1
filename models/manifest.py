"""Everything about one model, in one strict file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, ValidationError, model_validator

import models.contracts
from models.calibration import Calibration, Reliability
from models.change_control import ChangeControl
from models.comparison import Comparison
from models.contract import Contract
from models.curve import Curve
from models.errors import BadBundle, shown
from models.grouping import Grouping, curves
from models.operating_point import Measured, OperatingPoint
from models.pulls import PullTable
from models.schema import Schema
from models.subgroup import Subgroup
from models.value import Value, load_members

load_members(models.contracts)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256")]
Share = Annotated[float, Field(ge=0, le=1)]


class Target(Value):
    """What is screened for."""

    name: str
    meaning: str = ""


# What a graph and a scored file call things of their own.
TAKEN = frozenset(
    {"columns", "threshold", "clear_below", "prevalence", "probability", "positive", "negative", "decision", "logit"}
)


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
    scale: Literal["number", "probability", "grade", "count"] = Field(
        "number", description="a measured number, the chance that a sign is there, an expected grade, an expected count"
    )
    highest: float | None = Field(None, description="answer there can be; null if there is none")


def check_symptoms(columns: Schema, symptoms: tuple[Symptom, ...]) -> None:
    """Refuse a symptom that is called like a column: in a scored file one would hide the other.

    Raises ValueError naming it.
    """
    for symptom in symptoms:
        if symptom.name in columns.by_name:
            raise ValueError(f"symptoms should not be called like a column, got {symptom.name}")
        if columns.image and symptom.name in {"image", columns.image.name}:
            raise ValueError(f"symptoms should not be called like the image, got {symptom.name}")


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
    image_seed: int | None = Field(
        None, description="of which its image was generated, if it has one", exclude_if=lambda seed: seed is None
    )


class Evidence(Value):
    """What was measured on cases that nothing was chosen on."""

    part: Part
    area_under_curve: Share
    area_interval: tuple[Share, Share]
    reliability: Reliability
    measured: Measured
    kept: bool = Field(description="whether all promised figures were reached on these cases")
    curve: Curve | None = Field(None, description="of the test cases; None in bundles of the first format")
    groups: tuple[Subgroup, ...] = Field((), description="the test cases of each subgroup")


class CrossFitted(Value):
    """How certification cases were scored that taught too: by copies of the network that never saw them.

    In the certification curve each case has the worse of two scores for what it is: of the mean of the copies that
    never saw it, and of the delivered model, the sick the lower and the healthy the higher.

    Source: Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 2015.
    """

    folds: int = Field(ge=2, description="that the rows were dealt into; each copy learnt from all of them but one")
    repeats: int = Field(ge=1, description="how often they were dealt")

    @property
    def copies(self) -> int:
        """Copies of the network, of which the delivered model is the mean."""
        return self.folds * self.repeats


class Provenance(Value):
    """Where the model comes from, so that it can be made again."""

    study: dict[str, Any] = Field(description="the whole study as it was run, every class by its name")
    data: dict[str, Digest] = Field(description="SHA-256 of each file or table that was read")
    parts: tuple[Part, ...]
    epochs: int = Field(ge=0, description="of training, up to the weights that were kept")
    seed: int
    versions: dict[str, str] = Field(description="of the packages that made it")


class Release(Value):
    """A version of a bundle that another one replaced at a site."""

    version: int = Field(ge=1)
    bundle: Digest = Field(description="SHA-256 of its manifest")
    site: str = Field(description="where the version after it is used")
    reason: str = Field(description="why there is a version after it")
    threshold: float = Field(description="at and above which it flagged")
    clear_below: float
    prevalence: float
    promised: str = Field(description="what it promised, in words")


class Manifest(Value):
    """Everything about one model; the file `manifest.json` and the metadata of the graph say the same."""

    format: Literal[3] = 3
    version: int = Field(1, ge=1, description="1 as trained; each new operating point for a site adds one")
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
    guide: Curve | None = Field(
        None,
        description="of other cases, which tell contracts where to look; None in bundles of the first format, and where"
        " every case is certified on",
    )
    cross_fitted: CrossFitted | None = Field(
        None,
        description="how the certification cases were scored, if they taught too; they are then no cases apart",
        exclude_if=lambda found: found is None,
    )
    groupings: tuple[Grouping, ...] = Field((), description="by which columns subgroups are told apart")
    groups: tuple[Subgroup, ...] = Field((), description="the certification cases of each subgroup")
    change_control: ChangeControl | None = Field(None, description="changes foreseen after release; None: none is")
    history: tuple[Release, ...] = Field((), description="what the versions before this one were, oldest first")
    evidence: Evidence | None = Field(None, description="on the test part")
    pulls: PullTable | None = Field(None, description="how hard each loss pulled where, in training")
    comparison: Comparison | None = Field(
        None,
        description="the study's models beside a plain one and other losses, if they were compared",
        exclude_if=lambda comparison: comparison is None,
    )
    parity: Parity
    probes: tuple[Probe, ...]
    provenance: Provenance

    @model_validator(mode="before")
    @classmethod
    def _earlier_formats(cls, data: Any) -> Any:
        """The first format knew one prevalence, and its curve did not name it.

        The second knew no photograph, no undo but a shift, no pulls and no comparison: all may be left out.
        """
        if not isinstance(data, dict) or data.get("format") not in {1, 2}:
            return data
        if data["format"] == 1 and isinstance(data.get("curve"), dict):
            data = {**data, "curve": {**data["curve"], "prevalence": data.get("prevalence")}}
        return {**data, "format": 3}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # Which subgroups a column has is known only once its values are.
        asked, made = (
            {promise.model_copy(update={"group": None}) for promise in promises}
            for promises in (self.contract.promises, self.point.promises)
        )
        if asked != made:
            raise ValueError(f"points.0.certificates should be of the contract ({self.contract})")
        names = [point.name for point in self.points]
        if len(set(names)) < len(names):
            raise ValueError(f"points should have a name each, got {', '.join(names)}")
        counted = {"curve": self.curve, "guide": self.guide}
        counted |= {f"groups.{place}.curve": group.curve for place, group in enumerate(self.groups)}
        for name, curve in counted.items():
            if curve and curve.prevalence != self.prevalence:
                raise ValueError(f"{name}.prevalence should be the bundle's {self.prevalence}, got {curve.prevalence}")
        check_symptoms(self.columns, self.symptoms)
        return self

    @property
    def point(self) -> OperatingPoint:
        """The operating point that is baked into the graph."""
        return self.points[0]

    @cached_property
    def group_curves(self) -> Mapping[str, Curve]:
        """The certification cases of each subgroup, by its name."""
        return curves(self.groups)


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
