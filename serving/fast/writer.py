"""Scores -> JSON, without a typed object a row."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.errors import BadBundle
from models.scorer import Scores
from models.turn import Turned
from serving.messages import Messages

# Points whose words are kept: the live one, and those that requests ask for themselves.
REMEMBERED = 64
NEGATIVE, POSITIVE, UNDECIDED = range(3)
DECIDED = (
    b'"positive":false,"decision":"negative"',
    b'"positive":true,"decision":"positive"',
    b'"positive":null,"decision":"indeterminate"',
)
FLAGS, WORDS = (b"false", b"true", b"null"), (b'"negative"', b'"positive"', b'"indeterminate"')


@dataclass(frozen=True)
class Texts:
    """Scores as they are written, one text a row: the decision by its number, the probability, and each symptom."""

    decided: list[int]
    probability: list[bytes]
    symptoms: list[list[bytes]]

    @classmethod
    def of(cls, scores: Scores, model: str) -> Self:
        """The texts of what a model says.

        Raises BadBundle if a head answers with what is no number.
        """
        heads = list(scores.symptoms.values())
        for name, values in scores.symptoms.items():
            finite = np.isfinite(values)
            if not np.logical_and.reduce(finite):
                lost = int(np.flatnonzero(~finite)[0])
                got = float(values[lost])
                raise BadBundle(f"{model}: rows.{lost}.symptoms.{name}: should be a number, got {got}.")
        pairs = zip(scores.positive.tolist(), scores.negative.tolist(), strict=True)
        decided = [POSITIVE if positive else NEGATIVE if negative else UNDECIDED for positive, negative in pairs]
        return cls(decided, _numbers(scores.probability), [_numbers(values) for values in heads])

    @cached_property
    def cells(self) -> list[tuple[bytes, ...]]:
        """The texts of each row: its decision in words, its probability, and each symptom."""
        return list(zip(map(DECIDED.__getitem__, self.decided), self.probability, *self.symptoms, strict=True))


class Writer(ABC):
    """Writes the reply that its typed form would, to the same value of every number."""

    def __init__(self) -> None:
        self._frames: dict[tuple[int, int | None], tuple[Turned, bytes]] = {}

    def reply(
        self,
        texts: Texts,
        rows: slice,
        at: Turned,
        version: int | None,
        messages: Messages,
        *,
        name: str | None = None,
    ) -> bytes:
        """The whole reply to some of the rows, of the bundle of `messages`; its id is a new one if none is given."""
        name = name or messages.names.new()
        return b'{"id":"%b",%b%b}' % (name.encode(), self._frame(at, version, messages), self.people(texts, rows))

    @abstractmethod
    def people(self, texts: Texts, rows: slice) -> bytes:
        """The last field of the reply: what is said of each person."""

    def _frame(self, at: Turned, version: int | None, messages: Messages) -> bytes:
        """All that the replies at one point have in common, between their id and their people.

        A point was turned by one scorer, so that it stands for its bundle too.
        """
        known = self._frames.get((id(at), version))
        if known is None:
            if len(self._frames) >= REMEMBERED:
                self._frames.clear()
            # The point is kept with its words, so that no other one takes its address meanwhile.
            known = self._frames[id(at), version] = at, messages.frame(at, version)
        return known[1]


class RowsWriter(Writer):
    """Writes one answer a person: `"rows": [{"positive": true, ...}, ...]`."""

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        names = [json.dumps(symptom.name).replace("%", "%%") for symptom in messages.bundle.manifest.symptoms]
        symptoms = ",".join(f"{name}:%b" for name in names)
        row = '%b,"probability":%b'
        self._row = f'{{{row},"symptoms":{{{symptoms}}}}}'.encode() if names else f"{{{row}}}".encode()

    def people(self, texts: Texts, rows: slice) -> bytes:
        """One answer after another."""
        return b'"rows":[%b]' % b",".join([self._row % cells for cells in texts.cells[rows]])


class ColumnsWriter(Writer):
    """Writes one list of answers a column: `"columns": {"positive": [true, ...], ...}`."""

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self._symptoms = [json.dumps(symptom.name).encode() for symptom in messages.bundle.manifest.symptoms]

    def people(self, texts: Texts, rows: slice) -> bytes:
        """One list after another."""
        decided = texts.decided[rows]
        lists = [
            b'"positive":[%b]' % b",".join([FLAGS[decision] for decision in decided]),
            b'"decision":[%b]' % b",".join([WORDS[decision] for decision in decided]),
            b'"probability":[%b]' % b",".join(texts.probability[rows]),
        ]
        if self._symptoms:
            pairs = zip(self._symptoms, texts.symptoms, strict=True)
            named = [b"%b:[%b]" % (name, b",".join(values[rows])) for name, values in pairs]
            lists.append(b'"symptoms":{%b}' % b",".join(named))
        return b'"columns":{%b}' % b",".join(lists)


def _numbers(values: NDArray[Any]) -> list[bytes]:
    """Numbers as JSON, each to the last digit of the double of the same value."""
    return msgspec.json.encode(values.tolist())[1:-1].split(b",")
