"""Columns as a person writes them, a list each -> what the graph takes, or a named refusal."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from models.errors import BadInput, Refusal, shown
from models.inputs import Inputs
from models.rows import field_of, row_type
from models.schema import Column, Schema


@lru_cache(maxsize=64)
def columns_type(schema: Schema, max_rows: int) -> type[BaseModel]:
    """The typed columns of a schema without a photograph: what `row_type` is for a row, a list of cells each.

    That the lists are of one length is seen when they are encoded.
    """
    fields = {f"column_{place}": _cells(column, max_rows) for place, column in enumerate(schema.columns)}
    config = ConfigDict(**row_type(schema).model_config)
    return create_model("Columns", __config__=config, __doc__="People by column, one cell a person.", **fields)


def _cells(column: Column, max_rows: int) -> Any:
    """A list of what a row has one of."""
    cell: Any
    cell, about = field_of(column)
    return list[cell], Field(
        ...,
        alias=about.alias,
        min_length=1,
        max_length=max_rows,
        description=about.description,
        json_schema_extra=about.json_schema_extra,
    )


def encode_columns(schema: Schema, columns: BaseModel) -> Inputs:
    """Columns of `columns_type(schema)`, already checked -> what the graph takes of them.

    Raises BadInput naming each column that is not as long as the first.
    """
    lists: list[list[Any]] = list(vars(columns).values())
    check_lengths(schema, [len(cells) for cells in lists])
    encoded = np.empty((len(lists[0]), len(lists)), dtype=np.float32)
    for place, (column, cells) in enumerate(zip(schema.columns, lists, strict=True)):
        encoded[:, place] = [column.number(cell) for cell in cells]
    return Inputs(encoded)


def check_lengths(schema: Schema, lengths: list[int]) -> None:
    """Raises BadInput naming each column that is not as long as the first."""
    rule = f"should hold {lengths[0]} cells, as {schema.names[0]} does"
    if refused := [
        Refusal(f"columns.{name}", rule, str(length))
        for name, length in zip(schema.names, lengths, strict=True)
        if length != lengths[0]
    ]:
        raise BadInput(refused)


def refusals(schema: Schema, error: ValidationError) -> list[Refusal]:
    """What typed columns refused, in the words of the schema, each value once; a cell as `columns.age.3`."""
    found: dict[str, Refusal] = {}
    for detail in error.errors(include_url=False):
        if detail["loc"][:1] == ("columns",) and len(detail["loc"]) > 1:
            # Beyond the place of a cell the path names pydantic's alternatives, not the caller's values.
            path = ".".join(map(str, detail["loc"][:3]))
            found.setdefault(path, _refusal(schema, path, detail))
    return list(found.values())


def _refusal(schema: Schema, path: str, detail: ErrorDetails) -> Refusal:
    kind, got = detail["type"], detail["input"]
    rule = schema.rule(str(detail["loc"][1]))
    if rule is None:
        return Refusal(path, f"is not a column of this model ({', '.join(schema.asked)})", shown(got))
    if len(detail["loc"]) > 2:
        return Refusal(path, rule, shown(got))
    if kind == "missing":
        return Refusal(path, "should be a list of cells, and always given", "nothing")
    return Refusal(path, "should be a list of at least one cell", shown(got))
