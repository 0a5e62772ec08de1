"""What is said of rows: by one model, or by two in one pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa

from models.inputs import Inputs
from models.pathway import ANSWERS, Pathway, Pathways
from models.schema import Numeric, Schema
from models.scorer import Scorer
from models.turn import Turned
from serving.chunk import answered, answers, cells, counted
from serving.counts import PathwayCounts, Tally

ROLES = ("screen", "presurgical")
POINT = "operating_point"
# One text for all rows of a job: a row holds a byte of it.
TEXT = pa.dictionary(pa.int8(), pa.string())


@dataclass(frozen=True)
class Judged:
    """What is said of some rows: columns of as many rows, and how many were decided which way."""

    columns: Mapping[str, pa.Array]
    tally: Tally


class Judge(ABC):
    """Rows as a graph takes them -> columns of answers.

    `columns` is what it asks of a row, `models` who answers, and where on its curve each works.
    """

    columns: Schema
    models: tuple[tuple[Scorer, Turned], ...]

    @property
    @abstractmethod
    def answers(self) -> Mapping[str, pa.DataType]:
        """The columns of what `judge` says, and what each holds."""

    @abstractmethod
    def judge(self, inputs: Inputs) -> Judged:
        """What is said of these rows."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns it asks for that hold names of a few things."""
        return tuple(column.name for column in self.columns.columns if not isinstance(column, Numeric))

    @property
    def said(self) -> Mapping[str, pa.DataType]:
        """The columns of an answer, and what each holds: what `judge` says, and last where on their curves it was."""
        return {**self.answers, POINT: TEXT}

    @cached_property
    def point(self) -> str:
        """Where on their curves the models worked, as every row says it; no comma and no quote is in it."""
        return " and ".join(_point(scorer, at) for scorer, at in self.models)

    @property
    def metadata(self) -> dict[str, str]:
        """What a Parquet or an Arrow file says of its scores; of two models each thing under the model's name."""
        found: dict[str, str] = {}
        for role, (scorer, at) in zip(ROLES, self.models, strict=False):
            kind = f"{role}." if len(self.models) > 1 else ""
            said = {
                "model": scorer.bundle.name,
                "bundle": scorer.bundle.digest,
                "threshold": repr(at.threshold),
                "clear_below": repr(at.clear_below),
                "prevalence": repr(at.prevalence),
                "contract": at.contract or "",
            }
            found |= {f"fulcrum.{kind}{name}": text for name, text in said.items()}
        return found

    def points(self, rows: int) -> pa.Array:
        """The last column of an answer: `point`, for so many rows."""
        text = pl.Series([self.point]).to_arrow().cast(pa.string())
        return pa.DictionaryArray.from_arrays(cells(np.zeros(rows, dtype=np.int8)), text)

    def refusing(self, rows: int) -> Tally:
        """So many rows refused."""
        return Tally.refusing(rows, models=len(self.models))


class OneModel(Judge):
    """One model at one point."""

    def __init__(self, scorer: Scorer, at: Turned) -> None:
        self.columns = scorer.columns
        self.models = ((scorer, at),)
        self._scorer, self._at = scorer, at

    @property
    def answers(self) -> Mapping[str, pa.DataType]:
        return answers(self._scorer.manifest)

    def judge(self, inputs: Inputs) -> Judged:
        scores = self._scorer.score(inputs, at=self._at)
        return Judged(answered(scores), Tally(models=(counted(scores),)))


class BothModels(Judge):
    """The screen and the pre-surgical model, and what becomes of each person by both."""

    def __init__(self, pathway: Pathway, screen: Turned, presurgical: Turned) -> None:
        self.columns = pathway.columns
        self.models = ((pathway.screen, screen), (pathway.presurgical, presurgical))
        self._pathway, self._at = pathway, (screen, presurgical)

    @property
    def answers(self) -> Mapping[str, pa.DataType]:
        found = {
            f"{role}_{name}": kind
            for role, (scorer, _) in zip(ROLES, self.models, strict=True)
            for name, kind in answers(scorer.manifest).items()
        }
        return {"answer": pa.string(), **found}

    def judge(self, inputs: Inputs) -> Judged:
        found = self._pathway.score(*self._pathway.parted(inputs), at=self._at)
        columns = {"answer": pl.Series(ANSWERS).to_arrow().cast(pa.string()).take(cells(found.answers))}
        for role, scores in zip(ROLES, (found.screen, found.presurgical), strict=True):
            columns |= {f"{role}_{name}": cells for name, cells in answered(scores).items()}
        tally = Tally(models=(counted(found.screen), counted(found.presurgical)), pathway=_counted(found))
        return Judged(columns, tally)


def _point(scorer: Scorer, at: Turned) -> str:
    zone = f" clear_below={at.clear_below!r}" if at.clear_below < at.threshold else ""
    return f"threshold={at.threshold!r}{zone} prevalence={at.prevalence!r} bundle={scorer.bundle.digest[:12]}"


def _counted(found: Pathways) -> PathwayCounts:
    clear, refer, operate = (int((found.answers == place).sum()) for place in range(len(ANSWERS)))
    return PathwayCounts(read=len(found), clear=clear, refer=refer, operate=operate)
