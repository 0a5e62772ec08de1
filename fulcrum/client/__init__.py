"""Ask a service from a program, and be answered with typed values: `Client`, and `AsyncClient` for asyncio.

Every error is a ServiceError, of one class for each thing that a caller can do about it.
"""

from fulcrum.client.answers import About, Answer, AnswerColumns, ColumnsReply, Reply
from fulcrum.client.asynchronous import AsyncClient
from fulcrum.client.cells import Cell, Columns, Point, Row
from fulcrum.client.drawings import Drawing, GroupTable
from fulcrum.client.errors import (
    Busy,
    Later,
    Moved,
    NotAllowed,
    RefusedInput,
    ServiceError,
    TooMany,
    Unavailable,
    Unexpected,
    Unsure,
)
from fulcrum.client.figures import Estimate, Figures
from fulcrum.client.pathway import PathwayAnswer, PathwayFigures, PathwayReply
from fulcrum.client.points import AnsweredAt, History, LivePoint, Preview, Promised, WorkingPoint
from fulcrum.client.synchronous import Client
from fulcrum.client.tables import TableReply
from fulcrum.client.told import Refusal

__all__ = [
    "About",
    "Answer",
    "AnswerColumns",
    "AnsweredAt",
    "AsyncClient",
    "Busy",
    "Cell",
    "Client",
    "Columns",
    "ColumnsReply",
    "Drawing",
    "Estimate",
    "Figures",
    "GroupTable",
    "History",
    "Later",
    "LivePoint",
    "Moved",
    "NotAllowed",
    "PathwayAnswer",
    "PathwayFigures",
    "PathwayReply",
    "Point",
    "Preview",
    "Promised",
    "Refusal",
    "RefusedInput",
    "Reply",
    "Row",
    "ServiceError",
    "TableReply",
    "TooMany",
    "Unavailable",
    "Unexpected",
    "Unsure",
    "WorkingPoint",
]
