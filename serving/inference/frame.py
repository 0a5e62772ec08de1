"""The JSON of a request of the Open Inference Protocol, as far as all models have it in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, FailFast, Field, ValidationError
from pydantic_core import ErrorDetails

from models.errors import BadInput, Refusal, shown
from models.value import Value
from serving.once import check_once
from serving.refusals import NotJson

Parameters = dict[str, Any]


class Part(Value):
    """A part of a request: closed and strict; what was refused may be a patient's, and goes into no log."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


class Tensor(Part):
    """One input."""

    name: str = Field(description="should be the name of an input")
    shape: Annotated[list[Annotated[int, Field(ge=0)]], FailFast()] = Field(
        description="should be whole numbers from 0"
    )
    datatype: str = Field(description="should be the name of a datatype")
    parameters: Parameters = Field({}, description="should be a mapping of names to values")
    data: list[Any] | None = Field(None, description="should be a list of values")


class Wanted(Part):
    """One output that is asked for."""

    name: str = Field(description="should be the name of an output")
    parameters: Parameters = Field({}, description="should be a mapping of names to values")


class Frame(Part):
    """A request."""

    id: str | None = Field(None, description="should be text")
    parameters: Parameters = Field({}, description="should be a mapping of names to values")
    # Ends at the first that is wrong: a body has room for hundreds of thousands.
    inputs: Annotated[list[Tensor], FailFast()] = Field(description="should be a list of tensors")
    outputs: Annotated[list[Wanted], FailFast()] = Field([], description="should be a list of outputs")


RULES = {
    name: str(field.description) for part in (Wanted, Tensor, Frame) for name, field in part.model_fields.items()
} | {"name": "should be the name of a tensor"}


def read_frame(sent: bytes) -> Frame:
    """Read the JSON of a request.

    Raises NotJson, or BadInput naming what is not as the protocol has it.
    """
    try:
        frame = Frame.model_validate_json(sent)
    except ValidationError as error:
        details = error.errors(include_url=False)
        if details[0]["type"] == "json_invalid":
            got = str(details[0]["ctx"]["error"]) if sent else "nothing"
            raise NotJson([Refusal("body", "should begin with JSON", got)]) from None
        raise BadInput([_refusal(detail) for detail in details]) from None
    check_once(sent)
    return frame


def _refusal(detail: ErrorDetails) -> Refusal:
    steps = detail["loc"]
    path = ".".join(map(str, steps)) or "body"
    got = "nothing" if detail["type"] == "missing" else shown(detail["input"])
    if not steps:
        return Refusal(path, 'should be {"inputs": [...]}', got)
    if detail["type"] == "extra_forbidden":
        kind = {1: Frame, 3: Tensor if steps[0] == "inputs" else Wanted}[len(steps)]
        return Refusal(path, f"is not a part of it, which holds {', '.join(kind.model_fields)}", got)
    if len(steps) == 2 and steps[0] in {"inputs", "outputs"}:
        return Refusal(path, "should be a mapping with a name", got)
    return Refusal(path, RULES[next(step for step in reversed(steps) if step in RULES)], got)
