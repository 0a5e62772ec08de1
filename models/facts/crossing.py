"""How a model was cross-fitted: what its copies saw, what its cases are certified by, and what that rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from models.manifest import Manifest
from models.value import Value

NO_TEST = "Nothing was set aside to test on. To have some cases set aside, write test=0.15 into the study's split."
# Of what is counted on such cases.
WORSE = (
    "Each certification case counts at the worse of two scores, the sick at the lower and the healthy at the higher: at"
    " any threshold, recall, specificity and net benefit are no better than with either score alone."
)
# Of what is drawn of their probabilities.
NEITHER = (
    "The certification cases are drawn at the worse of two scores each, which is neither always that of the copies that"
    " never saw them nor always the one that the model answers."
)


class Crossing(Value):
    """Folds, copies and cases of a cross-fitted model.

    >>> made = Crossing(folds=5, repeats=2, networks=1, rows=300, certified=True)
    >>> made.dealt
    'Every one of the 300 training cases taught: they were dealt into 5 folds, twice over.'
    """

    folds: int
    repeats: int
    networks: int = Field(description="that answer together, each in as many copies")
    rows: int = Field(description="cases that taught")
    column: str | None = Field(None, description="rows of one value of which are in one fold")
    one_each: bool = Field(False, description="whether one row of each value of `column` is certified on")
    certified: bool = Field(
        description="whether the certification cases taught too; not once it is certified anew on a site's cases"
    )

    @property
    def copies(self) -> int:
        """Copies of each network."""
        return self.folds * self.repeats

    @property
    def dealt(self) -> str:
        """What was done with the cases."""
        over = {1: "once", 2: "twice over"}.get(self.repeats, f"{self.repeats} times over")
        together = f", all rows of one {self.column} into the same" if self.column else ""
        return (
            f"Every one of the {self.rows:,} training cases taught: they were dealt into {self.folds} folds,"
            f" {over}{together}."
        )

    @property
    def delivered(self) -> str:
        """What the copies learnt from, and what of them is delivered."""
        what = "the network" if self.networks == 1 else f"each of {self.networks} networks"
        return (
            f"For each fold a copy of {what} learnt from the cases of all other folds."
            f" The delivered model is the mean of the logits of all {self.copies} copies"
            f"{'' if self.networks == 1 else ' of each'}."
        )

    @property
    def scored(self) -> str:
        """By what certification cases are certified on; nothing once they are a site's."""
        if not self.certified:
            return ""
        never = "the copy" if self.repeats == 1 else f"the {self.repeats} copies"
        never += "" if self.networks == 1 else " of each network"
        saw = "that never saw it"
        one = f" Of each {self.column} one row, drawn by chance, is certified on." if self.one_each else ""
        return (
            "The certification cases are not a part set aside: they taught too. Each counts at the worse of two scores,"
            f" the sick at the lower and the healthy at the higher: that of {never} {saw}, and that of the delivered"
            f" model.{one}"
        )

    @property
    def rests(self) -> str:
        """What the guarantee rests on; nothing once cases apart carry it."""
        if not self.certified:
            return ""
        return (
            "What the guarantee rests on: to one copy, cases that it never saw are as good as a part set aside, and the"
            " bounds are exact for it. That they hold for the mean of the copies is shown by simulation, not proved"
            " (docs/cross-fitting.md)."
        )

    @property
    def told(self) -> tuple[str, ...]:
        """All of it, a paragraph each."""
        return tuple(filter(None, (f"{self.dealt} {self.delivered}", self.scored, self.rests)))

    @classmethod
    def of(cls, manifest: Manifest) -> Crossing | None:
        """Read from a manifest and the study in its provenance; None if the model is not cross-fitted."""
        study = manifest.provenance.study
        split, how = crossed_split(study.get("split")), manifest.cross_fitted
        if how is None and split is None:
            return None
        asked = split or {}
        taught = [part.rows for part in manifest.provenance.parts if part.name == "training"]
        model: Mapping[str, Any] = next(iter(study.get("models", [])), {})
        return cls(
            folds=how.folds if how else asked["folds"],
            repeats=how.repeats if how else asked["repeats"],
            networks=1 + len(model.get("beside", ())),
            rows=taught[0] if taught else manifest.curve.positive_count + manifest.curve.negative_count,
            column=asked.get("column"),
            one_each=asked.get("certify_one_each", False),
            certified=how is not None,
        )


def crossed_split(split: Any) -> Mapping[str, Any] | None:
    """The CrossFit of a study's split as it was written, itself or what comes before its dates; None if there is none.

    >>> crossed_split({"kind": "ByDate", "before": {"kind": "CrossFit", "folds": 5}})["folds"]
    5
    """
    if not isinstance(split, Mapping):
        return None
    return split if split.get("kind") == "CrossFit" else crossed_split(split.get("before"))
