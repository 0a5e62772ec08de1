"""A request that says beside its rows whom each is about, in references of FHIR: no log and no error shows them."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from models import rows
from models.errors import BadInput, Refusal
from models.turn import setting_refused
from serving.messages import Request, typed_request
from serving.refusals import ASKED, NAMED, WHOLE, cause

# A resource at the caller's own server or another one, of one version of it or not; or one that has no address.
# Source: https://hl7.org/fhir/R4/references.html#literal
REFERENCE = re.compile(
    r"(https?://[!-~]+/)?Patient/[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?"
    r"|urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
SUBJECT = 'should be {"reference": ...} with Patient/ID, an address that ends so, or urn:uuid:...'
PARTS = "rows, subjects, operating_point and prevalence"
HIDDEN = "something else, not shown"


class Subject(BaseModel):
    """Whom a row is about."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    reference: str = Field(
        pattern=f"^({REFERENCE.pattern})$",
        max_length=2000,
        description="a FHIR reference of the patient: Patient/ID, an address that ends so, or urn:uuid:...",
    )


class SubjectsRequest(Request):
    """People to be screened, and whom each row is about."""

    @classmethod
    def read(cls, body: bytes) -> Self:
        request = super().read(body)
        asked, named = len(vars(request)["rows"]), len(request.references)
        if asked != named:
            raise BadInput([Refusal("subjects", f"should hold as many as there are rows, {asked}", str(named))])
        return request

    @classmethod
    def refused(cls, error: ValidationError) -> BadInput:
        """Why a body was not read.

        What was got is shown of the columns of a row and of the setting alone: whatever else is sent may say who
        somebody is.
        """
        details = error.errors(include_url=False)
        if error.error_count() > NAMED or details[0]["type"] in WHOLE:
            return cause("rows", error, list)
        found = [_around(detail) for detail in details if len(detail["loc"]) < 2 and detail["loc"][:1] not in ASKED]
        people = rows.refusals(cls.columns, error)
        found += [cls._of_a_row(each) for each in people if each.path.startswith("rows.")]
        subjects = {detail["loc"][1]: None for detail in details if len(detail["loc"]) > 1 and _is_subject(detail)}
        found += [Refusal(f"subjects.{place}", SUBJECT, HIDDEN) for place in subjects]
        return BadInput([*found, *setting_refused(error)])

    @classmethod
    def _of_a_row(cls, refusal: Refusal) -> Refusal:
        _, _, name = (*refusal.path.split(".", 2), "")[:3]
        return refusal if cls.columns.rule(name) else Refusal(refusal.path, refusal.rule, HIDDEN)

    @property
    def references(self) -> list[str]:
        """Whom each row is about."""
        return [subject.reference for subject in vars(self)["subjects"]]


def subjects_request(request: type[Request], *, name: str) -> type[SubjectsRequest]:
    """The type of a request that asks what `request` asks, with a subject a row."""
    subject = create_model(f"{name}Subject", __base__=Subject, __doc__=Subject.__doc__)
    people: dict[str, Any] = {
        "rows": (request.model_fields["rows"].annotation, request.model_fields["rows"]),
        "subjects": (list[subject], Field(description="whom each row is about, in the order of the rows")),
    }
    return typed_request(
        SubjectsRequest,
        request.columns,
        people,
        name=f"{name}FhirRequest",
        max_bytes=request.max_bytes,
        own_point=request.own_point,
    )


def _is_subject(detail: ErrorDetails) -> bool:
    return detail["loc"][0] == "subjects"


def _around(detail: ErrorDetails) -> Refusal:
    """What is wrong around the people."""
    path, kind = ".".join(map(str, detail["loc"])), detail["type"]
    if not path:
        return Refusal("body", 'should be {"rows": [...], "subjects": [...]}', HIDDEN)
    if kind == "extra_forbidden":
        return Refusal(path, f"is not a part of a request, which holds {PARTS}", HIDDEN)
    rule = "should hold at least one row" if kind == "too_short" else f"should be a list of {path}"
    return Refusal(path, rule, {"missing": "nothing", "too_short": "an empty list"}.get(kind, HIDDEN))


def schemas(request: type[SubjectsRequest], template: str) -> dict[str, Any]:
    """The type of a request and those it is made of, as OpenAPI names them."""
    described = request.model_json_schema(ref_template=template)
    return {**described.pop("$defs"), request.__name__: described}
