"""Rows as a person writes them -> what the graph takes, or a named refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from models.errors import BadInput, Refusal, shown
from models.image import BadPhotograph, Image
from models.inputs import Inputs
from models.photograph import pixels
from models.schema import Column, Numeric, Schema

# The type of pydantic's error of a photograph; its message is what was got instead.
PHOTOGRAPH = "photograph"


@lru_cache(maxsize=64)
def row_type(schema: Schema) -> type[BaseModel]:
    """The typed row of a schema: closed, strict, with unit, range and meaning of every column.

    Fields carry neutral names and the column's own name as alias, so any column name will do. A photograph comes as
    base64 text, in Python also as bytes or a path, and is decoded with the rest.
    """
    fields: dict[str, Any] = {f"column_{place}": field_of(column) for place, column in enumerate(schema.columns)}
    if schema.image:
        fields["image"] = _photograph(schema.image)
    config = ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        frozen=True,
        # A refused value is a patient's: it goes back to the caller, not into a log.
        hide_input_in_errors=True,
    )
    return create_model("Row", __config__=config, __doc__="One person, one value a column.", **fields)


def field_of(column: Column) -> tuple[Any, Any]:
    """The type of a cell of a row, empty where it may be, and what is said of it."""
    unit = column.unit if isinstance(column, Numeric) else ""
    about = column.meaning or column.name
    description = f"{about}; {column.rule}."
    extra: dict[str, JsonValue] | None = {"unit": unit} if unit else None
    # A missing cell is said, never left out: an absent field is refused, null means "not known".
    kind = column.cell | None if column.missing == "impute" else column.cell
    return kind, Field(..., alias=column.name, description=description, json_schema_extra=extra)


def _photograph(image: Image) -> tuple[Any, Any]:
    def read(cell: object) -> NDArray[np.uint8]:
        try:
            return pixels(image, cell)
        except BadPhotograph as error:
            raise PydanticCustomError(PHOTOGRAPH, "{got}", {"got": error.got}) from None

    about = f"{image.meaning or image.name}; {image.rule}, in base64."
    text = {"type": "string", "contentEncoding": "base64"}
    kind = Annotated[Any, PlainValidator(read), WithJsonSchema(text)]
    return kind, Field(..., alias=image.name, description=about)


@lru_cache(maxsize=64)
def _rows_type(schema: Schema) -> TypeAdapter[list[BaseModel]]:
    return TypeAdapter(list[row_type(schema)])  # type: ignore[arg-type, misc]  # a type made at run time


def encode_rows(schema: Schema, rows: Sequence[Mapping[str, Any]]) -> Inputs:
    """Rows, one mapping a person -> what the graph takes of them.

    Raises BadInput naming every bad value as `rows.3.age`; none is dropped or mended.

    >>> from models.schema import Numeric
    >>> schema = Schema(columns=(Numeric(name="age", unit="years", low=0, high=120),))
    >>> encode_rows(schema, [{"age": 61}]).columns
    array([[61.]], dtype=float32)
    >>> encode_rows(schema, [{"age": 61}, {"age": 6e9}])
    Traceback (most recent call last):
    models.errors.BadInput: rows.1.age: should be a number from 0 to 120 years, got 6000000000.0.
    """
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Sequence):
        raise BadInput([Refusal("rows", "should be a list of rows", type(rows).__name__)])
    if not rows:
        raise BadInput([Refusal("rows", "should hold at least one row", "an empty list")])
    try:
        typed = _rows_type(schema).validate_python(list(rows))
    except ValidationError as error:
        raise BadInput(refusals(schema, error, at=("rows",))) from None
    return encode_typed(schema, typed)


def encode_typed(schema: Schema, rows: Sequence[BaseModel]) -> Inputs:
    """Rows of `row_type(schema)`, already checked -> what the graph takes of them."""
    # A row's fields stand in the order of the columns, so its values are taken without looking up names.
    turn = [column.number for column in schema.columns]
    # After the columns comes the photograph, if any.
    many, known = len(turn), [list(vars(row).values()) for row in rows]
    cells = [[number(cell) for number, cell in zip(turn, row[:many], strict=True)] for row in known]
    columns = np.array(cells, dtype=np.float32).reshape(len(rows), len(schema.columns))
    if schema.image is None:
        return Inputs(columns)
    image = np.array([vars(row)["image"] for row in rows], dtype=np.uint8).reshape(len(rows), *schema.image.shape)
    return Inputs(columns, image)


def decode_rows(schema: Schema, columns: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Encoded rows, float32 [rows, columns] -> one mapping a person, as a request writes them."""
    return [
        {column.name: column.value(number) for column, number in zip(schema.columns, row, strict=True)}
        for row in columns.tolist()
    ]


def refusals(schema: Schema, error: ValidationError, *, at: tuple[str, ...] = ()) -> list[Refusal]:
    """What a typed row refused, in the words of the schema, each value once.

    `at` is the path at which the error begins; the error's own path is appended to it.
    """
    found: dict[str, Refusal] = {}
    for detail in error.errors(include_url=False, include_context=False):
        steps = (*at, *detail["loc"])
        where = next((place for place, step in enumerate(steps) if isinstance(step, int)), None)
        # Beyond `rows.3.age` the path names pydantic's alternatives, not the caller's values.
        path = ".".join(str(step) for step in (steps if where is None else steps[: where + 2]))
        found.setdefault(path, _refusal(schema, path, steps, where, detail))
    return list(found.values())


def _refusal(
    schema: Schema, path: str, steps: tuple[int | str, ...], where: int | None, detail: ErrorDetails
) -> Refusal:
    kind, got = detail["type"], shown(detail["input"])
    if where is None:
        return Refusal(path or "body", _lower(detail["msg"]), _short(kind, detail["input"]))
    if len(steps) == where + 1:
        return Refusal(path, "should be a mapping of column names to values", got)
    rule = schema.rule(str(steps[where + 1]))
    if rule is None:
        return Refusal(path, f"is not a column of this model ({', '.join(schema.asked)})", got)
    if kind == "missing":
        return Refusal(path, f"{rule}, and always given", "nothing")
    return Refusal(path, rule, detail["msg"] if kind == PHOTOGRAPH else got)


def _short(kind: str, value: Any) -> str:
    if kind == "missing":
        return "nothing"
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, (list, dict)) else shown(value)


def _lower(text: str) -> str:
    return text.removeprefix("Input ").removeprefix("List ").removeprefix("Value error, ")
