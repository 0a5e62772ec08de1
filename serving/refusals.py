"""Why a request was not answered: the status and the body of each refusal, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import Response

from models import rows
from models.errors import BadBundle, BadInput, FulcrumError, Refusal, shown
from models.schema import Schema
from models.value import Value

SHOWN = 100


class NotJson(BadInput):
    """Send JSON: the body could not be read."""


class WrongMethod(BadInput):
    """Use POST: the endpoint answers to nothing else."""


class TooLarge(BadInput):
    """Send fewer rows at once: the request is larger than the service takes."""


class WrongType(BadInput):
    """Say that the body is JSON: the content type names another format."""


class Refused(Value):
    """The body of every refusal."""

    error: str = Field(description="what to correct, in words")
    refusals: tuple[Refusal, ...] = Field(
        description=f"each refused value: its path, the rule and what was got; the first {SHOWN} of them"
    )


STATUSES: Mapping[type[FulcrumError], HTTPStatus] = {
    NotJson: HTTPStatus.BAD_REQUEST,
    WrongMethod: HTTPStatus.METHOD_NOT_ALLOWED,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    WrongType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadBundle: HTTPStatus.SERVICE_UNAVAILABLE,
}


def refuse(error: FulcrumError) -> Response:
    """An error as it is answered over HTTP."""
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    refused = error.refusals[:SHOWN] if isinstance(error, BadInput) else ()
    body = Refused(error=str(error), refusals=refused).model_dump_json()
    return Response(
        body,
        status,
        {"Allow": "POST"} if status == HTTPStatus.METHOD_NOT_ALLOWED else None,
        media_type="application/json",
    )


def cause(schema: Schema, error: ValidationError) -> BadInput:
    """What a typed request refused, as an error in the words of the schema."""
    details = error.errors(include_url=False)
    kind = details[0]["type"]
    if kind == "json_invalid":
        return NotJson([_frame(details[0])])
    if kind == "too_long":
        return TooLarge([_frame(details[0])])
    frame = [_frame(detail) for detail in details if not _in_a_row(detail)]
    within = [refusal for refusal in rows.refusals(schema, error) if refusal.path.startswith("rows.")]
    return BadInput([*frame, *within])


def _in_a_row(detail: ErrorDetails) -> bool:
    return len(detail["loc"]) > 1


def _frame(detail: ErrorDetails) -> Refusal:
    """What is wrong around the rows."""
    path, got, limits = ".".join(map(str, detail["loc"])), detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "json_invalid":
            return Refusal("body", "should be JSON", limits["error"] if got else "nothing")
        case "model_type":
            return Refusal("body", 'should be {"rows": [...]}', shown(got))
        case "missing":
            return Refusal(path, "should be a list of rows", "nothing")
        case "too_short":
            return Refusal(path, "should hold at least one row", "an empty list")
        case "too_long":
            return Refusal(path, f"should hold at most {limits['max_length']} rows", f"{len(got)} rows")
        case "extra_forbidden":
            return Refusal(path, "is not a part of a request, which holds rows only", shown(got))
        case _:
            return Refusal(path, "should be a list of rows", shown(got))
