"""What is asked of a model and what it answers: types made from its manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, cast, get_args

import bentoml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, create_model
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from models import rows
from models.bundle import Bundle
from models.errors import BadBundle, BadInput, FulcrumError, Refusal, shown
from models.inputs import Inputs
from models.manifest import Manifest, Symptom
from models.rows import encode_typed, row_type
from models.schema import Schema
from models.scorer import Scores
from models.turn import Asked, Setting, Turned
from serving.form import is_form, read_form
from serving.names import Names
from serving.off_loop import off_loop
from serving.once import check_once
from serving.points import AnsweredAt
from serving.refusals import NotJson, TooLarge, cause

AnyRequest = TypeVar("AnyRequest", bound="Request")
AnyReply = TypeVar("AnyReply", bound="Reply")


class Request(bentoml.IODescriptor, BaseModel):  # type: ignore[misc]  # BentoML's own types are not shipped
    """People to be screened."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    columns: ClassVar[Schema]
    max_bytes: ClassVar[int]
    own_point: ClassVar[bool]

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Read a body, JSON in UTF-8.

        Raises NotJson, TooLarge or BadInput naming each value that breaks the contract.
        """
        try:
            request: Self = cls.model_validate_json(body)
        except ValidationError as error:
            raise cls.refused(error) from None
        check_once(body)
        return request

    @classmethod
    def refused(cls, error: ValidationError) -> BadInput:
        """Why a body was not read, each value as `rows.3.age`."""
        return cause(
            "rows",
            error,
            lambda: [refusal for refusal in rows.refusals(cls.columns, error) if refusal.path.startswith("rows.")],
        )

    @classmethod
    async def from_http_request(cls, request: HttpRequest, serde: object) -> bentoml.IODescriptor:
        """Read what came over HTTP; a refusal is kept, and raised when the rows are asked for."""
        del serde  # A body is JSON, with a photograph also a form, or refused: there is nothing to choose.
        try:
            sent = await body(request, cls.max_bytes)
            if cls.columns.image is None:
                return cls.read(sent)
            content_type = request.headers.get("content-type", "")
            if is_form(content_type):
                return await off_loop(cls.read_form, sent, content_type)
            return await off_loop(cls.read, sent)
        except FulcrumError as error:
            return Unread(error)

    @classmethod
    def read_form(cls, body: bytes, content_type: str) -> Filled:
        """Read a form with one person.

        Raises NotAForm, or BadInput naming each field that breaks the contract.
        """
        return Filled(*read_form(cls.columns, body, content_type, own_point=cls.own_point))

    def encoded(self) -> Inputs:
        """The rows as the graph takes them."""
        return encode_typed(self.columns, vars(self)["rows"])

    @property
    def asked(self) -> Setting:
        """Where the model should work for this request alone; nothing asked is the live point.

        Raises BadInput if it can not be read.
        """
        fields = vars(self)
        return Setting.told(fields.get("operating_point"), fields["prevalence"])


class Filled(bentoml.IODescriptor):  # type: ignore[misc]  # the same
    """A form that was read: what `Request` is for JSON."""

    _encoded: Inputs = PrivateAttr()
    _asked: Setting = PrivateAttr()

    def __init__(self, encoded: Inputs, asked: Setting) -> None:
        super().__init__()
        self._encoded, self._asked = encoded, asked

    def encoded(self) -> Inputs:
        """The row as the graph takes it."""
        return self._encoded

    @property
    def asked(self) -> Setting:
        """Where the model should work for this request alone."""
        return self._asked


class Unread(bentoml.IODescriptor):  # type: ignore[misc]  # the same
    """A request that could not be read."""

    _error: FulcrumError = PrivateAttr()

    def __init__(self, error: FulcrumError) -> None:
        super().__init__()
        self._error = error

    def encoded(self) -> Inputs:
        """There are no rows: raises why."""
        raise self._error

    @property
    def asked(self) -> Setting:
        """Nothing was asked: raises why."""
        raise self._error


async def body(request: HttpRequest, most: int) -> bytes:
    """The body, as far as it may be read.

    Raises TooLarge as soon as it is, and NotJson if the caller hangs up before its end.
    """
    read = bytearray()
    try:
        async for chunk in request.stream():
            read += chunk
            if len(read) > most:
                raise TooLarge([Refusal("body", f"should hold at most {most} bytes", "more")])
    except ClientDisconnect:
        raise NotJson([Refusal("body", "should be sent whole", "a part of it")]) from None
    return bytes(read)


class Reply(bentoml.IODescriptor, BaseModel):  # type: ignore[misc]  # the same
    """The answer to one request: a decision a row, in the order of the request, and what stands behind them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    id: str = Field(description="name of this answer, which no other one has")
    model: str = Field(description="study and model that answered")
    bundle: str = Field(description="SHA-256 of the manifest of the bundle that answered")
    version: int | None = Field(description="of the live point that answered; null where the request asked for its own")
    prevalence: float = Field(description="share of sick people at which the probabilities are stated")
    operating_point: AnsweredAt


@dataclass(frozen=True)
class Messages:
    """The types of one endpoint, and the bundle they were made from."""

    bundle: Bundle
    request: type[Request]
    reply: type[Reply]
    names: Names = field(default_factory=Names)

    @property
    def answer_type(self) -> type[BaseModel]:
        """The type of the answer to one row."""
        (answer,) = get_args(self.reply.model_fields["rows"].annotation)
        return cast("type[BaseModel]", answer)

    @classmethod
    def of(cls, bundle: Bundle, *, name: str, max_rows: int, max_bytes: int) -> Self:
        """Make the types; their names begin with `name`, so that endpoints can be told apart in one document."""
        return cls(
            bundle=bundle,
            request=request_of(bundle.manifest.columns, name=name, max_rows=max_rows, max_bytes=max_bytes),
            reply=_reply(bundle.manifest, name=name),
        )

    def answer(self, scores: Scores, version: int | None) -> Reply:
        """Scores as they are sent: a probability is exactly the number that was compared with the threshold.

        Raises BadBundle if a head answers with what is no number.
        """
        return self.reply_with({"rows": _rows(scores)}, self.reply, scores.at, version)

    def reply_with(self, people: dict[str, Any], kind: type[AnyReply], at: Turned, version: int | None) -> AnyReply:
        """The answers to some people, as they are sent in a reply of that kind.

        Raises BadBundle if a head answers with what is no number.
        """
        try:
            return kind.model_validate({"id": self.names.new(), **self._said(at, version), **people})
        except ValidationError as error:
            detail = error.errors()[0]
            path = ".".join(map(str, detail["loc"]))
            raise BadBundle(f"{self.bundle.name}: {path}: should be a number, got {shown(detail['input'])}.") from None

    def frame(self, at: Turned, version: int | None) -> bytes:
        """What stands between the id and the rows of every reply at one point, JSON that ends with a comma."""
        reply = self.reply.model_validate({"id": "", **self._said(at, version), "rows": []})
        return reply.model_dump_json(exclude={"id", "rows"})[1:-1].encode() + b","

    def about(self, at: Turned, version: int | None, name: str | None = None) -> bytes:
        """What stands beside the people of a reply, as JSON: its id, which may be given, and where the model worked."""
        return b'{"id":"%b",%b}' % ((name or self.names.new()).encode(), self.frame(at, version)[:-1])

    def _said(self, at: Turned, version: int | None) -> dict[str, Any]:
        return {
            "model": self.bundle.name,
            "bundle": self.bundle.digest,
            "version": version,
            "prevalence": at.prevalence,
            "operating_point": AnsweredAt.of(at),
        }


def _rows(scores: Scores) -> list[dict[str, Any]]:
    # A float32 becomes the double of the same value, so comparing it with the threshold gives the decision.
    said = (scores.positive.tolist(), scores.negative.tolist(), scores.probability.tolist())
    rows = [
        {**decided(positive=positive, negative=negative), "probability": probability}
        for positive, negative, probability in zip(*said, strict=True)
    ]
    if not scores.symptoms:
        return rows
    heads = zip(*(values.tolist() for values in scores.symptoms.values()), strict=True)
    return [
        {**row, "symptoms": dict(zip(scores.symptoms, values, strict=True))}
        for row, values in zip(rows, heads, strict=True)
    ]


def decided(*, positive: bool, negative: bool) -> dict[str, Any]:
    """A decision as it is sent."""
    if positive:
        return {"positive": True, "decision": "positive"}
    return {"positive": False, "decision": "negative"} if negative else {"positive": None, "decision": "indeterminate"}


def request_of(columns: Schema, *, name: str, max_rows: int, max_bytes: int, own_point: bool = True) -> type[Request]:
    """The type of a request for rows of these columns, which may ask for its own operating point or not."""
    row = create_model(f"{name}Row", __base__=row_type(columns), __doc__=row_type(columns).__doc__)
    people = (list[row], Field(min_length=1, max_length=max_rows, description="one row a person"))
    return typed_request(
        Request, columns, {"rows": people}, name=f"{name}Request", max_bytes=max_bytes, own_point=own_point
    )


def typed_request(
    base: type[AnyRequest], columns: Schema, people: dict[str, Any], *, name: str, max_bytes: int, own_point: bool
) -> type[AnyRequest]:
    """A request with a field for its people, and what may be asked beside them."""
    point: dict[str, Any] = {"operating_point": (Asked, Setting.model_fields["operating_point"])} if own_point else {}
    made = create_model(
        name,
        __base__=base,
        __doc__=base.__doc__,
        **people,
        **point,
        prevalence=(float | None, Setting.model_fields["prevalence"]),
    )
    made.columns, made.max_bytes, made.own_point = columns, max_bytes, own_point
    return made


def _reply(manifest: Manifest, *, name: str) -> type[Reply]:
    answer = _answer(manifest, name=name)
    rows = Field(description="one answer a row, in the order of the request")
    return create_model(f"{name}Reply", __base__=Reply, __doc__=Reply.__doc__, rows=(list[answer], rows))  # type: ignore[valid-type]  # a type made at run time


def _answer(manifest: Manifest, *, name: str) -> type[BaseModel]:
    """The type of the answer to one row."""
    fields = answer_fields(manifest)
    if manifest.symptoms:
        fields["symptoms"] = (_symptoms(manifest.symptoms, name=name), ...)
    return create_model(f"{name}Answer", __config__=Reply.model_config, __doc__="The answer to one row.", **fields)


def answer_fields(manifest: Manifest) -> dict[str, Any]:
    """What is said of every person, but for the symptoms."""
    sick = manifest.target.meaning or manifest.target.name
    return {
        "positive": (bool | None, Field(description=f"whether the row is flagged: {sick}; null if undecided")),
        "decision": (Literal["positive", "negative", "indeterminate"], Field(description="the same in a word")),
        "probability": (
            Annotated[float, Field(ge=0, le=1)],
            Field(description=f"that this holds: {sick}; at the reply's prevalence"),
        ),
    }


def symptom_fields(symptoms: tuple[Symptom, ...], kind: Any) -> dict[str, Any]:
    """The further heads; fields carry neutral names, so any symptom name will do."""
    return {
        f"symptom_{place}": (
            kind,
            Field(
                alias=symptom.name,
                description=symptom.meaning or symptom.name,
                json_schema_extra={"unit": symptom.unit} if symptom.unit else None,
            ),
        )
        for place, symptom in enumerate(symptoms)
    }


def _symptoms(symptoms: tuple[Symptom, ...], *, name: str) -> type[BaseModel]:
    """The type of the further heads."""
    fields = symptom_fields(symptoms, float)
    config = ConfigDict(**Reply.model_config, serialize_by_alias=True)
    return create_model(f"{name}Symptoms", __config__=config, __doc__="Each symptom in its own unit.", **fields)
