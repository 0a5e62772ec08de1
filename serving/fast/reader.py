"""JSON -> people as the graph takes them, without a typed object a value."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType
from numpy.typing import NDArray

from models.columns import check_lengths
from models.errors import BadInput
from models.schema import Binary, Categorical, Column, Numeric, Schema
from models.scorer import RELEASED
from models.turn import Setting

COLON = ord(":")
# Below it Python's own count is the faster one.
LONG = 4096
ODD = re.compile(r'[:"\\\x00-\x1f]')
KINDS: Mapping[type[Column], Callable[[Any], Any]] = {
    Numeric: lambda column: Annotated[float, Meta(ge=column.low, le=column.high)],
    Binary: lambda _: bool | Literal[0, 1],
    Categorical: lambda column: Literal[column.categories],
}


class Reader(ABC):
    """Reads a request that plainly keeps the contract, and leaves every other one to the typed request.

    What it takes, the typed request takes too, and means the same by it: so every refusal is worded by the typed
    request, and what is plain costs a fifth.
    """

    part: str

    def __init__(self, schema: Schema, *, max_rows: int) -> None:
        self.schema = schema
        self.categories = [
            (place, {category: column.number(category) for category in column.categories} | {None: np.nan})
            for place, column in enumerate(schema.columns)
            if isinstance(column, Categorical)
        ]
        self._decode = self._decoder(max_rows) if all(map(_is_plain, schema.columns)) else None

    def _decoder(self, max_rows: int) -> Callable[[bytes], Any]:
        kind = msgspec.defstruct(
            "Request",
            [
                (self.part, self.people(Meta(min_length=1, max_length=max_rows))),
                ("operating_point", str | float | None | UnsetType, UNSET),
                ("prevalence", Annotated[float, Meta(gt=0, lt=1)] | None | UnsetType, UNSET),
            ],
            forbid_unknown_fields=True,
            # No cycles can be made of numbers: the collector need not look at them.
            gc=False,
        )
        decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode
        return decode

    def read(self, body: bytes) -> tuple[NDArray[np.float32], Setting] | None:
        """The people, float32 [rows, columns], and what is asked; None where it is not plain to see.

        A name that comes twice is seen by counting: there is a colon behind every name, and elsewhere only in texts.
        """
        if self._decode is None:
            return None
        try:
            request = self._decode(body)
            people = getattr(request, self.part)
            asked = (request.operating_point is not UNSET) + (request.prevalence is not UNSET)
            if _colons(body) != 1 + asked + self.names(people):
                return None
            return self.encode(people), _setting(request) if asked else RELEASED
        except (msgspec.MsgspecError, BadInput, RecursionError, UnicodeDecodeError):
            return None

    @abstractmethod
    def people(self, length: Meta) -> Any:
        """The type of the people; `length` is how many there may be."""

    @abstractmethod
    def names(self, people: Any) -> int:
        """How many names of columns there are in it."""

    @abstractmethod
    def encode(self, people: Any) -> NDArray[np.float32]:
        """The people as the graph takes them; raises BadInput if they are not all there."""

    def struct(self, kinds: list[Any]) -> Any:
        """A value of a kind for each column; fields carry neutral names, so any column name will do."""
        names = {f"column_{place}": name for place, name in enumerate(self.schema.names)}
        fields = list(zip(names, kinds, strict=True))
        return msgspec.defstruct("Columns", fields, rename=names, forbid_unknown_fields=True, gc=False)


class RowsReader(Reader):
    """Reads people one by one: `{"rows": [{"age": 61, ...}, ...]}`."""

    part = "rows"

    def people(self, length: Meta) -> Any:
        """A list of rows."""
        row: Any = self.struct([_cell(column) for column in self.schema.columns])
        return Annotated[list[row], length]

    def names(self, people: list[msgspec.Struct]) -> int:
        """Every row names every column."""
        return len(people) * len(self.schema.columns)

    def encode(self, people: list[msgspec.Struct]) -> NDArray[np.float32]:
        """One cell after another."""
        if len(people) == 1:
            row: list[Any] = list(msgspec.structs.astuple(people[0]))
            for place, numbers in self.categories:
                row[place] = numbers[row[place]]
            return np.array([row], dtype=np.float32)
        cells: list[Any] = list(chain.from_iterable(map(msgspec.structs.astuple, people)))
        step = len(self.schema.columns)
        for place, numbers in self.categories:
            cells[place::step] = map(numbers.__getitem__, cells[place::step])
        # numpy reads None as NaN, which is what an empty cell is to the graph.
        return np.array(cells, dtype=np.float32).reshape(-1, step)


class ColumnsReader(Reader):
    """Reads people by column: `{"columns": {"age": [61, ...], ...}}`."""

    part = "columns"

    def people(self, length: Meta) -> Any:
        """A list of cells a column."""
        return self.struct([Annotated[list[_cell(column)], length] for column in self.schema.columns])  # type: ignore[misc]  # a type made at run time

    def names(self, people: msgspec.Struct) -> int:
        """Every column is named once."""
        del people
        return len(self.schema.columns)

    def encode(self, people: msgspec.Struct) -> NDArray[np.float32]:
        """One column after another."""
        lists: list[list[Any]] = list(msgspec.structs.astuple(people))
        check_lengths(self.schema, [len(cells) for cells in lists])
        for place, numbers in self.categories:
            lists[place] = list(map(numbers.__getitem__, lists[place]))
        # Read in the order in which it lies, and turned: a third of the time of writing each column across.
        return np.ascontiguousarray(np.array(lists, dtype=np.float32).T)


def _colons(body: bytes) -> int:
    if len(body) < LONG:
        return body.count(b":")
    return int(np.count_nonzero(np.frombuffer(body, dtype=np.uint8) == COLON))


def _setting(request: Any) -> Setting:
    point, prevalence = (None if value is UNSET else value for value in (request.operating_point, request.prevalence))
    return Setting.told(point, prevalence)


def _is_plain(column: Column) -> bool:
    """Whether a column is of a kind that is known here, and its name written as it is and without a colon."""
    return type(column) in KINDS and not ODD.search(column.name)


def _cell(column: Column) -> Any:
    kind = KINDS[type(column)](column)
    return kind | None if column.missing == "impute" else kind
