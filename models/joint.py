"""Two models on the same people: how many of each kind got each pair of answers.

Two models on one input are not independent, so what they do one after the other does not follow from what each does
alone. It is counted, once, and lies as `pathway.json` beside the folders of both bundles.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, ValidationError, model_validator

from models.bundle import Bundle
from models.curve import Count, Curve, Probability
from models.errors import BadBundle, shown
from models.manifest import Digest, Manifest, Part
from models.pathway_figures import Answered, Cases, PathwayFigures
from models.turn import Turned
from models.value import Value

PATHWAY = "pathway.json"


@dataclass(frozen=True, eq=False)  # arrays are not equal or unequal: values that cache this are told by their fields
class _Columns:
    """The columns of pairs: probabilities float32 [pairs], and the sick and the healthy int64 [2, pairs]."""

    screen: NDArray[np.float32]
    presurgical: NDArray[np.float32]
    counts: NDArray[np.int64]


class Pairs(Value):
    """Each distinct pair of probabilities that some case got, with the sick and the healthy who got it.

    Probabilities are 32-bit floats as the graphs give them, each at its bundle's own prevalence.
    """

    part: Part
    screen: tuple[Probability, ...] = Field(description="of the screen, rising")
    presurgical: tuple[Probability, ...] = Field(description="of the pre-surgical model, rising where the first ties")
    sick: tuple[Count, ...] = Field(description="sick cases with exactly this pair")
    healthy: tuple[Count, ...] = Field(description="healthy cases with exactly this pair")

    @classmethod
    def of(
        cls,
        screen: ArrayLike,
        presurgical: ArrayLike,
        targets: ArrayLike,
        *,
        part: Literal["certification", "test"] = "certification",
    ) -> Self:
        """Count pairs of probabilities float32 [rows] of the same rows against targets [rows] in {0, 1}.

        Raises ValueError if the three differ in length, if a target is neither 0 nor 1, if a probability is none,
        or if the cases are of one kind.

        >>> pairs = Pairs.of([0.5, 0.25, 0.5], [0.75, 0.5, 0.75], [1, 0, 0])
        >>> pairs.screen, pairs.presurgical, pairs.sick, pairs.healthy
        ((0.25, 0.5), (0.5, 0.75), (0, 1), (1, 1))
        """
        first, second = (np.asarray(each, dtype=np.float32) for each in (screen, presurgical))
        kinds = np.asarray(targets)
        if not first.shape == second.shape == kinds.shape or first.ndim != 1:
            raise ValueError(
                f"Expected one shape [rows], got screen {first.shape}, presurgical {second.shape},"
                f" targets {kinds.shape}."
            )
        if not np.isin(kinds, (0, 1)).all():
            raise ValueError("Targets should be 0 or 1.")
        order = np.lexsort((second, first))
        first, second, kinds = first[order], second[order], kinds[order].astype(np.int64)
        begins = np.flatnonzero(np.append(True, (first[1:] != first[:-1]) | (second[1:] != second[:-1])))[: len(first)]
        sick = np.add.reduceat(kinds, begins) if len(begins) else kinds
        everyone = np.diff(np.append(begins, len(first)))
        return cls(
            part=Part(name=part, rows=len(kinds), positives=int(kinds.sum())),
            screen=tuple(first[begins].tolist()),
            presurgical=tuple(second[begins].tolist()),
            sick=tuple(sick.tolist()),
            healthy=tuple((everyone - sick).tolist()),
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        lengths = sorted({len(self.screen), len(self.presurgical), len(self.sick), len(self.healthy)})
        if len(lengths) > 1:
            raise ValueError(f"screen, presurgical, sick and healthy should be of one length, got {lengths}")
        places = list(zip(self.screen, self.presurgical, strict=True))
        if any(low >= high for low, high in pairwise(places)):
            raise ValueError("pairs should rise")
        sick, everyone = sum(self.sick), sum(self.sick) + sum(self.healthy)
        if (self.part.positives, self.part.rows) != (sick, everyone):
            raise ValueError(
                f"part should be of {everyone} rows with {sick} positives, as are the pairs,"
                f" got {self.part.rows} rows with {self.part.positives}"
            )
        if sick in {0, everyone}:
            raise ValueError(f"pairs should be of cases of both kinds, got {sick} sick of {everyone}")
        return self

    @cached_property
    def _columns(self) -> _Columns:
        return _Columns(
            screen=np.array(self.screen, dtype=np.float32),
            presurgical=np.array(self.presurgical, dtype=np.float32),
            counts=np.array([self.sick, self.healthy], dtype=np.int64),
        )

    def answered(self, screen: Turned, presurgical: Turned) -> Answered:
        """What becomes of these cases at two turned points."""
        known = self._columns
        # A screen with a zone between clears below the lower of its two thresholds.
        cleared = known.screen < np.float32(min(screen.own))
        positive = ~(known.presurgical < np.float32(presurgical.own[0]))

        def cases(some: NDArray[np.bool_]) -> Cases:
            sick, healthy = (known.counts @ some).tolist()
            return Cases(sick=sick, healthy=healthy)

        return Answered(
            cleared=cases(cleared),
            referred=cases(~(cleared | positive)),
            operated=cases(~cleared & positive),
            overruled=cases(cleared & positive),
        )

    def measure(self, screen: Turned, presurgical: Turned, prevalence: float) -> PathwayFigures:
        """What the pathway does at two turned points, stated where `prevalence` of the people are sick.

        Raises ValueError unless `prevalence` lies strictly between 0 and 1.
        """
        return PathwayFigures.of(self.answered(screen, presurgical), prevalence=prevalence)

    def curve(self, model: Literal["screen", "presurgical"], prevalence: float | None) -> Curve:
        """What one of the two models does alone on these cases."""
        known = self._columns
        distinct, place = np.unique(known.screen if model == "screen" else known.presurgical, return_inverse=True)
        sick, healthy = (np.bincount(place, weights=each).astype(np.int64) for each in known.counts)
        return Curve(
            thresholds=tuple(distinct.tolist()),
            positives=tuple(sick.tolist()),
            negatives=tuple(healthy.tolist()),
            prevalence=prevalence,
        )


class Joint(Value):
    """The joint evidence of two bundles, which are named by the SHA-256 of their manifests."""

    format: Literal[1] = 1
    screen: Digest
    presurgical: Digest
    certification: Pairs
    test: Pairs | None = Field(None, description="the test part, if there is one")

    @model_validator(mode="after")
    def _parts(self) -> Self:
        for name, pairs in (("certification", self.certification), ("test", self.test)):
            if pairs and pairs.part.name != name:
                raise ValueError(f"{name}.part.name should be {name}, got {pairs.part.name}")
        return self

    def measure(self, screen: Turned, presurgical: Turned, prevalence: float) -> PathwayFigures:
        """What the pathway does at two turned points on the certification cases; `test.measure` has the test cases.

        Raises ValueError unless `prevalence` lies strictly between 0 and 1.
        """
        return self.certification.measure(screen, presurgical, prevalence)


def check_joint(joint: Joint, screen: Bundle, presurgical: Bundle, *, file: str | Path = PATHWAY) -> None:
    """Refuse joint evidence that is not of these two bundles.

    The digests must be theirs, and each model alone must do on the pairs what its own manifest says it does.

    Raises BadBundle naming file, rule and what was got.
    """
    for name, digest, bundle in (("screen", joint.screen, screen), ("presurgical", joint.presurgical, presurgical)):
        if digest != bundle.digest:
            raise BadBundle(
                f"{file}: {name}: should be {bundle.digest}, the SHA-256 of the manifest of {bundle.name},"
                f" got {digest}."
            )
    for part, pairs in (("certification", joint.certification), ("test", joint.test)):
        _agree(pairs, part, "screen", screen.manifest, file)
        _agree(pairs, part, "presurgical", presurgical.manifest, file)


def _agree(
    pairs: Pairs | None, part: str, model: Literal["screen", "presurgical"], manifest: Manifest, file: str | Path
) -> None:
    known = manifest.curve if part == "certification" else manifest.evidence and manifest.evidence.curve
    if pairs and known and pairs.curve(model, known.prevalence) != known:
        raise BadBundle(
            f"{file}: {part}.{model}: should have the counts of the curve of {manifest.study}/{manifest.model},"
            f" got others."
        )


def open_joint(folder: str | Path, screen: Bundle, presurgical: Bundle) -> Joint:
    """Read `pathway.json` in the folder that holds both bundles' folders, only if it is of these two bundles.

    Raises BadBundle naming file, rule and what was got.
    """
    file = Path(folder) / PATHWAY
    joint = read_joint(file)
    check_joint(joint, screen, presurgical, file=file)
    return joint


def read_joint(file: Path) -> Joint:
    """Read joint evidence, of whatever bundles it is.

    Raises BadBundle naming file, rule and what was got.
    """
    try:
        return Joint.model_validate_json(file.read_bytes())
    except OSError as error:
        raise BadBundle(f"{file}: should be a readable file, got: {error.strerror or error}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        rule = first["msg"].removeprefix("Value error, ")
        got = "" if ", got " in rule else f", got {shown(first['input'])}"
        raise BadBundle(f"{file}: {path or 'document'}: {rule}{got}.") from None


def write_joint(joint: Joint, folder: str | Path) -> Path:
    """Write `pathway.json` to a folder so that a reader sees the old one or the new one; the same bytes each time."""
    file = Path(folder) / PATHWAY
    handle, beside = tempfile.mkstemp(prefix=f".{PATHWAY}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as fresh:
            fresh.write(f"{joint.model_dump_json(indent=1)}\n".encode())
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(beside).chmod(0o644)
        Path(beside).replace(file)
    finally:
        # After the replacement there is none; after a failure, the unfinished one.
        Path(beside).unlink(missing_ok=True)
    return file
