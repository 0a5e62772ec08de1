"""The operating point turned: what a name, a threshold or a contract means for a model, solved from its bundle."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from pydantic import Field, PlainSerializer, ValidationError

from models import special
from models.calibration import shift
from models.contract import Contract
from models.errors import BadInput, Refusal, shown
from models.figures import Figures
from models.graph import float32
from models.manifest import Manifest
from models.operating_point import Certificate, OperatingPoint
from models.promise import OF_THE_CLEARED
from models.value import Value

# Eight times the rounding of one step in 32 bits. Tried on 600,000 rows with prevalences from 1e-7 to 1 - 1e-7.
ROUNDING = 1e-6

PREVALENCE = "should be a share between 0 and 1"

Asked = (
    Annotated[float, Field(strict=True, ge=0, le=1)]
    | str
    | Annotated[Contract, PlainSerializer(lambda contract: contract.model_dump(mode="json"))]
    | None
)


class Setting(Value):
    """What is asked of a model: where to work, and among whom. Nothing asked is the point as released."""

    operating_point: Asked = Field(
        None, description="the name of a point of the bundle, a threshold, or a contract: in words, or by its fields"
    )
    prevalence: float | None = Field(
        None, gt=0, lt=1, description="share of the sick where the model is used; else the contract's or the bundle's"
    )

    @classmethod
    def told(cls, operating_point: str | float | Contract | None = None, prevalence: float | None = None) -> Self:
        """A setting as a person writes it, where a number is a threshold.

        Raises BadInput naming what is wrong with it.

        >>> Setting.told("0.25").operating_point
        0.25
        """
        if isinstance(operating_point, str):
            with suppress(ValueError):
                operating_point = float(operating_point)
        try:
            return cls(operating_point=operating_point, prevalence=prevalence)
        except ValidationError as error:
            raise BadInput(setting_refused(error)) from None


RULES = {"operating_point": "should be a name, a threshold from 0 to 1 or a contract", "prevalence": PREVALENCE}


def setting_refused(error: ValidationError) -> list[Refusal]:
    """What is wrong with the parts of a setting, each thing once; other parts of the value are not looked at."""
    found = {str(detail["loc"][0]): detail for detail in error.errors(include_url=False) if detail["loc"]}
    return [Refusal(name, RULES[name], shown(detail["input"])) for name, detail in found.items() if name in RULES]


@dataclass(frozen=True)
class Turned:
    """Where a model works.

    `threshold` and `clear_below` are 32-bit floats on the scale of probabilities at `prevalence`; `own` holds
    both on the scale of the bundle, on which its curve is counted. `certificates` are those that hold here.
    """

    manifest: Manifest
    threshold: float
    clear_below: float
    prevalence: float
    own: tuple[float, float]
    contract: str | None
    certificates: tuple[Certificate, ...]

    @cached_property
    def figures(self) -> Figures:
        """What was measured here on the certification cases, stated at `prevalence`."""
        curve = self.manifest.curve
        threshold, clear_below = self.own
        below = curve.at(clear_below) if clear_below < threshold else None
        return Figures.of(curve.at(threshold), prevalence=self.prevalence, below=below, threshold=self.threshold)

    @cached_property
    def against(self) -> tuple[str, ...]:
        """Why this may not become the live point of the released model; empty if it may."""
        control = self.manifest.change_control
        if control is None:
            return ("The bundle foresees no change after its release.",)
        return control.against(
            self.manifest.curve,
            threshold=self.own[0],
            clear_below=self.own[1],
            prevalence=self.prevalence,
            released_at=self.manifest.prevalence,
            groups=self.manifest.group_curves,
        )


def turn(manifest: Manifest, setting: Setting) -> Turned:
    """What a setting means for a model.

    A promise made at a prevalence is one about the probability, so its threshold stays when only the prevalence
    is another, and the certificate is not given; one that does not depend on it (recall) is kept by restating
    the threshold along with the probabilities, rounded down so that nobody who was flagged is lost.

    Raises BadInput if the setting can not be understood, Unreachable if its contract can not be certified.
    """
    if setting.prevalence is not None and not 0 < float32(setting.prevalence) < 1:
        raise BadInput([Refusal("prevalence", PREVALENCE, repr(setting.prevalence))])
    asked, here = setting.operating_point, manifest.prevalence
    if isinstance(asked, float):
        return _at_threshold(manifest, float32(asked), setting.prevalence)
    if asked is None:
        return _at_point(manifest, manifest.point, str(manifest.contract), stated=here, asked=setting.prevalence)
    if isinstance(asked, str):
        for point in manifest.points:
            if point.name == asked.strip():
                stated = point.prevalence or here
                return _at_point(manifest, point, point.in_words, stated=stated, asked=setting.prevalence)
        asked = _in_words(manifest, asked)
    named = asked.prevalence_named
    if None not in {named, setting.prevalence} and named != setting.prevalence:
        rule = f"should be that of the contract, {named:g}, or be left out"
        raise BadInput([Refusal("prevalence", rule, f"{setting.prevalence:g}")])
    point = asked.choose(manifest.curve, guide=manifest.guide, groups=manifest.group_curves)
    return _at_point(manifest, point, str(asked), stated=named or here, asked=setting.prevalence)


def _in_words(manifest: Manifest, text: str) -> Contract:
    try:
        return Contract.read(text)
    except BadInput as error:
        names = ", ".join(point.name for point in manifest.points)
        raise BadInput(
            [
                Refusal(refusal.path, f"{refusal.rule} or the name of a point ({names})", refusal.got)
                if refusal.path == "operating_point"
                else refusal
                for refusal in error.refusals
            ]
        ) from None


def _at_threshold(manifest: Manifest, threshold: float, prevalence: float | None) -> Turned:
    """A threshold chosen by hand: nothing is promised."""
    at = manifest.prevalence if prevalence is None else prevalence
    own = _lowered(threshold, manifest, at, manifest.prevalence)
    return Turned(manifest, threshold, threshold, at, (own, own), None, ())


def _at_point(manifest: Manifest, point: OperatingPoint, words: str, *, stated: float, asked: float | None) -> Turned:
    """A point of the bundle's curve, with what it promises, at `stated`; else with the certificates that hold there."""
    here, at = manifest.prevalence, stated if asked is None else asked
    limits, kept = [], []
    for limit, cleared in ((point.threshold, False), (point.clear_below, True)):
        mine = [
            certificate
            for certificate in point.certificates
            if not point.has_zone or (certificate.promise.figure in OF_THE_CLEARED) == cleared
        ]
        if at == stated or any(each.promise.prevalence in {None, at} for each in mine):
            limits.append((_lowered(limit, manifest, here, at), limit))
            kept += (
                mine
                if asked is None
                else [each for each in mine if each.promise.holds_at(at, cases=manifest.curve.share)]
            )
        else:
            # All that it promises is of the probability at another prevalence: what it says there, it says here.
            stays = _lowered(limit, manifest, here, stated)
            limits.append((stays, _lowered(stays, manifest, at, here)))
    (threshold, own), (clear_below, own_below) = limits[0], min(limits)
    certificates = tuple(each for each in point.certificates if each in kept)
    return Turned(manifest, threshold, clear_below, at, (own, own_below), words, certificates)


def _lowered(threshold: float, manifest: Manifest, at: float, to: float) -> float:
    """A threshold where `at` of the people are sick as it reads where `to` are; itself where that is the same.

    It is lowered by what the graph may round: in a probability, and in each term of the logit.
    """
    if at == to:
        return threshold
    before, after, reference = (float32(share) for share in (at, to, manifest.calibration.prevalence))
    lowest = special.logit(threshold * (1 - ROUNDING))
    slack = ROUNDING * np.abs([lowest, *special.logit([before, after, reference])]).sum()
    moved = special.expit(shift(lowest, prevalence=before, to=after) - slack)
    return float32(float(moved) * (1 - ROUNDING))
