"""The same request and reply by column: one list a column, which a table has at hand and which costs less to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from models import columns as tables
from models.columns import columns_type, encode_columns
from models.errors import BadInput
from models.inputs import Inputs
from models.manifest import Manifest
from models.scorer import Scores
from serving.messages import Messages, Reply, Request, answer_fields, decided, symptom_fields, typed_request
from serving.refusals import cause


class ColumnsRequest(Request):
    """People to be screened, by column: the same place of every list is the same person."""

    @classmethod
    def refused(cls, error: ValidationError) -> BadInput:
        """Why a body was not read, each cell as `columns.age.3`."""
        return cause("columns", error, lambda: tables.refusals(cls.columns, error))

    def encoded(self) -> Inputs:
        """The people as the graph takes them.

        Raises BadInput if one column is longer than another.
        """
        return encode_columns(self.columns, vars(self)["by_column"])


@dataclass(frozen=True)
class Columnar:
    """The types in which a model of a table is asked, and answers, by column."""

    messages: Messages
    request: type[ColumnsRequest]
    reply: type[Reply]

    @classmethod
    def of(cls, messages: Messages, *, name: str, max_rows: int, max_bytes: int) -> Self:
        """Make the types; their names begin with `name`."""
        schema = messages.bundle.manifest.columns
        kind = columns_type(schema, max_rows)
        columns = create_model(f"{name}Columns", __base__=kind, __doc__=kind.__doc__)
        people = (columns, Field(alias="columns", description="one list of cells a column, all of one length"))
        request = typed_request(
            ColumnsRequest,
            schema,
            {"by_column": people},
            name=f"{name}ColumnsRequest",
            max_bytes=max_bytes,
            own_point=True,
        )
        return cls(messages, request, _reply(messages.bundle.manifest, name=name))

    def answer(self, scores: Scores, version: int | None) -> Reply:
        """Scores as they are sent, one list of answers a column, in the order of the request."""
        people: dict[str, Any] = {"probability": scores.probability.tolist()}
        pairs = zip(scores.positive.tolist(), scores.negative.tolist(), strict=True)
        found = [decided(positive=positive, negative=negative) for positive, negative in pairs]
        people |= {name: [each[name] for each in found] for name in ("positive", "decision")}
        if scores.symptoms:
            people["symptoms"] = {name: values.tolist() for name, values in scores.symptoms.items()}
        return self.messages.reply_with({"columns": people}, self.reply, scores.at, version)


def _reply(manifest: Manifest, *, name: str) -> type[Reply]:
    fields: dict[str, Any] = {
        field: (list[kind], about)  # type: ignore[valid-type]  # a type made at run time
        for field, (kind, about) in answer_fields(manifest).items()
    }
    if manifest.symptoms:
        fields["symptoms"] = (_symptoms(manifest, name=name), ...)
    config = ConfigDict(**Reply.model_config)
    answers = create_model(f"{name}AnswerColumns", __config__=config, __doc__="The answers, by column.", **fields)
    columns = (answers, Field(description="one list of answers a column, in the order of the request"))
    return create_model(f"{name}ColumnsReply", __base__=Reply, __doc__=Reply.__doc__, columns=columns)


def _symptoms(manifest: Manifest, *, name: str) -> type[BaseModel]:
    config = ConfigDict(**Reply.model_config, serialize_by_alias=True)
    fields = symptom_fields(manifest.symptoms, list[float])
    about = "Each symptom in its own unit, one number a person."
    return create_model(f"{name}SymptomColumns", __config__=config, __doc__=about, **fields)
