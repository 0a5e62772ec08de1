"""The screen first, then the pre-surgical model for those it does not clear: one of three answers a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.errors import BadBundle, BadInput, Refusal
from models.image import Image
from models.inputs import Inputs
from models.joint import Joint, check_joint
from models.pathway_figures import PathwayFigures
from models.rows import encode_rows
from models.schema import Column, Schema
from models.scorer import Scorer, Scores
from models.turn import Turned

Answer = Literal["clear", "refer", "operate"]
ANSWERS: tuple[Answer, ...] = ("clear", "refer", "operate")
CLEAR, REFER, OPERATE = range(3)

AnyAsked = TypeVar("AnyAsked", Column, Image)
Points = tuple[Turned, Turned]
Rows = Inputs | NDArray[np.float32]


@dataclass(frozen=True)
class Pathways:
    """What becomes of some rows: `answers` int8 [rows] are places in ANSWERS; beside them what each model says."""

    answers: NDArray[np.int8]
    screen: Scores
    presurgical: Scores

    def __len__(self) -> int:
        return len(self.answers)


@dataclass(frozen=True)
class Pathway:
    """Two models of one disease, one after the other.

    `clear` where the screen says negative; `operate` where it does not and the pre-surgical model says positive;
    `refer` everybody else: whoever is flagged but not surely sick, and whatever is not decided.

    Both models are asked about everybody. The second could be spared those the first clears, but then a row it can
    not take would be refused or not as the screen is turned, and nobody would see whom the screen cleared
    against it; what is spared is a millisecond per thousand rows.

    Raises BadBundle if the models are not of one target, if a column of both is not the same in both, or if `joint`
    is of other bundles.
    """

    screen: Scorer
    presurgical: Scorer
    joint: Joint | None = None

    def __post_init__(self) -> None:
        ours, theirs = self.screen.manifest.target.name, self.presurgical.manifest.target.name
        if ours != theirs:
            raise BadBundle(
                f"{self.presurgical.bundle.name}: target: should be that of {self.screen.bundle.name}, {ours},"
                f" got {theirs}."
            )
        self._check_image()
        for column in self.presurgical.columns.columns:
            same = self.screen.columns.by_name.get(column.name)
            if same and _bare(same) != _bare(column):
                raise BadBundle(
                    f"{self.presurgical.bundle.name}: columns.{column.name}: should be that of"
                    f" {self.screen.bundle.name}, {same!r}, got {column!r}."
                )
        if self.joint:
            check_joint(self.joint, self.screen.bundle, self.presurgical.bundle)

    def _check_image(self) -> None:
        """One photograph serves both, or the one that looks at it."""
        ours, theirs = self.screen.columns, self.presurgical.columns
        images = [schema.image for schema in (ours, theirs) if schema.image]
        if len(images) == 2 and _bare(images[0]) != _bare(images[1]):
            raise BadBundle(
                f"{self.presurgical.bundle.name}: image: should be that of {self.screen.bundle.name}, {images[0]!r},"
                f" got {images[1]!r}."
            )
        for image in images:
            if image.name in {*ours.names, *theirs.names}:
                raise BadBundle(
                    f"{self.presurgical.bundle.name}: columns.{image.name}: should be an image or a column in both"
                    f" models, as in {self.screen.bundle.name}, got one of each."
                )

    @cached_property
    def columns(self) -> Schema:
        """What a row holds: the screen's columns, then those that only the pre-surgical model asks for."""
        ours, theirs = self.screen.columns, self.presurgical.columns
        more = tuple(column for column in theirs.columns if column.name not in ours.by_name)
        image = ours.image or theirs.image
        return Schema(columns=(*ours.columns, *more), image=image) if more or image != ours.image else ours

    def turn(self) -> Points:
        """Both points as released."""
        return self.screen.turn(), self.presurgical.turn()

    def score_rows(self, rows: Sequence[Mapping[str, Any]], *, at: Points | None = None) -> Pathways:
        """Answer rows, one mapping of the names of `columns` to values a person.

        Raises BadInput naming every bad value as `rows.3.age`: a row that breaks a schema is never cleared.
        """
        screen, presurgical = self.parted(encode_rows(self.columns, rows))
        return self.score(screen, presurgical, at=at)

    def parted(self, rows: Inputs) -> tuple[Inputs, Inputs]:
        """Rows encoded as `columns` has them -> as each of the two models takes them."""
        names = self.columns.names
        screen, presurgical = (
            Inputs(
                rows.columns[:, [names.index(name) for name in scorer.columns.names]],
                rows.image if scorer.columns.image else None,
                rows.proven,
            )
            for scorer in (self.screen, self.presurgical)
        )
        return screen, presurgical

    def score(self, screen: Rows, presurgical: Rows, *, at: Points | None = None) -> Pathways:
        """Answer the same rows as each model takes them, with an image or columns alone, at two turned points.

        Without `at` both work as released.

        Raises BadInput if a row breaks the schema of either model, or if there are not as many rows for both.
        """
        if len(screen) != len(presurgical):
            raise BadInput(
                [Refusal("rows", f"should be as many for both models, {len(screen)}", str(len(presurgical)))]
            )
        first, second = at or self.turn()
        screened = self.screen.score(screen, at=first)
        judged = self.presurgical.score(presurgical, at=second)
        answers = np.full(len(screened), REFER, dtype=np.int8)
        answers[judged.positive] = OPERATE
        answers[screened.negative] = CLEAR
        return Pathways(answers, screened, judged)

    def measure(self, prevalence: float, *, at: Points | None = None) -> PathwayFigures | None:
        """What the pathway does at two turned points on the certification cases; None without joint evidence.

        Raises ValueError unless `prevalence` lies strictly between 0 and 1.
        """
        return None if self.joint is None else self.joint.measure(*(at or self.turn()), prevalence)


def _bare(asked: AnyAsked) -> AnyAsked:
    """A column or an image without what is only there to be read."""
    return asked.model_copy(update={"meaning": ""})
