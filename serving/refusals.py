"""Why a request was not answered: the status and the body of each refusal, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import Response

from models.errors import BadBundle, BadInput, FulcrumError, Refusal, Unreachable, shown
from models.turn import setting_refused
from models.value import Value
from serving.access import IssuerLost, NotAllowed, NoToken
from serving.gate import TooMany
from serving.tuning import Moved, StoreLost, StoreSpoiled

# As many refusals as a person reads; the error says how many there are.
SHOWN = 100
# A request of 8 MB can break the contract 700,000 times: naming them took 13 s, in which nobody else is answered.
NAMED = 100_000


class NotJson(BadInput):
    """Send JSON: the body could not be read."""


class NotAForm(BadInput):
    """Send a form: the body could not be read as one."""


class NotATable(BadInput):
    """Send a table as the content type says: the body could not be read as one."""


class BadTensors(BadInput):
    """Send tensors as the metadata of the model describes them."""


class WrongMethod(BadInput):
    """Use another method: the address does not answer to this one."""


class TooLarge(BadInput):
    """Send fewer rows at once: the request is larger than the service takes."""


class HeadTooLarge(BadInput):
    """Send fewer or shorter headers: the line and the headers of the request are larger than the service takes."""


class TooSlow(BadInput):
    """Send faster: a request has to be there within some seconds."""


class TooBusy(FulcrumError):
    """Try again in a second: more is asked at once than can be answered in time."""

    retry_after = 1


class LogLost(FulcrumError):
    """Try again when the log of decisions can be written: what is not recorded is not answered."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"FULCRUM_DECISIONS: should take every decision before it is answered, got: {why}; nothing was answered."
        )


class WrongType(BadInput):
    """Say what the body is, in a format that the address takes: the content type names another one."""


class NoEndpoint(BadInput):
    """Name an endpoint that is there."""


class NoBundle(BadInput):
    """Put the bundle into the folder of releases, or name one that is there."""


class OtherBundle(BadInput):
    """Look at the live bundle and decide again: the decision was made on another one."""


class NotForeseen(BadInput):
    """Ask for another point, or release a new bundle: the change was not foreseen when this one was released."""


class Refused(Value):
    """The body of every refusal."""

    error: str = Field(description="what to correct, in words")
    refusals: tuple[Refusal, ...] = Field(
        description=f"each refused value: its path, the rule and what was got; the first {SHOWN} of them"
    )


STATUSES: Mapping[type[FulcrumError], HTTPStatus] = {
    NotJson: HTTPStatus.BAD_REQUEST,
    NotAForm: HTTPStatus.BAD_REQUEST,
    NotATable: HTTPStatus.BAD_REQUEST,
    BadTensors: HTTPStatus.BAD_REQUEST,
    WrongMethod: HTTPStatus.METHOD_NOT_ALLOWED,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HeadTooLarge: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    WrongType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    NoToken: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    NoEndpoint: HTTPStatus.NOT_FOUND,
    NoBundle: HTTPStatus.NOT_FOUND,
    Moved: HTTPStatus.CONFLICT,
    OtherBundle: HTTPStatus.CONFLICT,
    BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unreachable: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    IssuerLost: HTTPStatus.SERVICE_UNAVAILABLE,
    BadBundle: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreLost: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreSpoiled: HTTPStatus.SERVICE_UNAVAILABLE,
    LogLost: HTTPStatus.SERVICE_UNAVAILABLE,
}
# What a refused caller is told besides.
HEADERS = {HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "POST"}, HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"}}


# What pydantic finds wrong with a request as a whole, and so alone, ...
WHOLE: Mapping[str, type[BadInput]] = {"json_invalid": NotJson, "too_long": TooLarge}
# ... and the rule that is broken around the people.
FRAME = {
    "json_invalid": "should be JSON",
    "too_short": "should hold at least one row",
    "too_long": "should hold at most {max_length} rows",
    "extra_forbidden": "is not a part of a request, which holds {part}, operating_point and prevalence",
}
# How people are sent: under which name, and what it holds.
PARTS = {"rows": ("[...]", "a list of rows"), "columns": ("{...}", "a mapping of column names to lists of cells")}
ASKED = {("operating_point",), ("prevalence",)}


class Answer(NamedTuple):
    """What is sent back over HTTP: a status, a JSON body, and headers beside those that say so."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})


def refuse(error: FulcrumError) -> Response:
    """An error as it is answered over HTTP."""
    status, body, headers = refusal(error)
    return Response(body, status, headers, media_type="application/json")


def refusal(error: FulcrumError) -> Answer:
    """The same, for who speaks HTTP without Starlette."""
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    body = Refused(error=str(error), refusals=_refusals(error)).model_dump_json().encode()
    wait = error.retry_after if isinstance(error, TooMany | TooBusy | NoToken | IssuerLost) else None
    headers = HEADERS.get(status, {}) | ({} if wait is None else {"Retry-After": str(wait)})
    return Answer(status, body, headers)


def lost() -> Answer:
    """The answer where something broke that nobody foresaw; what it was stands in the log."""
    body = Refused(error="The service could not answer; nothing was decided.", refusals=()).model_dump_json().encode()
    return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, body)


def _refusals(error: FulcrumError) -> tuple[Refusal, ...]:
    match error:
        case BadInput():
            return error.refusals[:SHOWN]
        case Unreachable():
            return (Refusal("operating_point", f"should be one that the cases carry. {error.cure()}", error.promise),)
        case Moved():
            newest = "0, as released" if error.newest is None else f"{error.newest.version}, by {error.newest.by}"
            return (Refusal("version", f"should be the newest ({newest})", str(error.seen)),)
        case _:
            return ()


def cause(part: str, error: ValidationError, within: Callable[[], list[Refusal]]) -> BadInput:
    """What a typed request refused, as an error in the words of the schema.

    `part` is the name under which people are sent; `within` tells what is wrong with them.
    """
    if error.error_count() > NAMED:
        return BadInput(
            [Refusal("body", f"should hold at most {NAMED} bad values to have them named", str(error.error_count()))]
        )
    details = error.errors(include_url=False)
    if details[0]["type"] in WHOLE:
        return WHOLE[details[0]["type"]]([_frame(part, details[0])])
    frame = [_frame(part, detail) for detail in details if len(detail["loc"]) < 2 and detail["loc"][:1] not in ASKED]
    return BadInput([*frame, *setting_refused(error), *within()])


def _frame(part: str, detail: ErrorDetails) -> Refusal:
    """What is wrong around the people."""
    shape, words = PARTS[part]
    if not detail["loc"] and detail["type"] not in FRAME:
        return Refusal("body", f'should be {{"{part}": {shape}}}', _got(detail))
    rule = FRAME.get(detail["type"], f"should be {words}").format(part=part, **detail.get("ctx", {}))
    return Refusal(".".join(map(str, detail["loc"])) or "body", rule, _got(detail))


def _got(detail: ErrorDetails) -> str:
    value = detail["input"]
    match detail["type"]:
        case "json_invalid":
            return str(detail["ctx"]["error"]) if value else "nothing"
        case "missing":
            return "nothing"
        case "too_short":
            return "an empty list"
        case "too_long":
            return f"{len(value)} rows"
        case _:
            return shown(value)
