"""What may be changed after release, and what has to hold for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, PlainSerializer, model_validator

from models.contract import Contract
from models.curve import Curve, Probability
from models.value import Value

Written = PlainSerializer(lambda contract: contract.model_dump(mode="json"))


class ChangeControl(Value):
    """The changes of the operating point that were foreseen when the model was released.

    Thresholds may move within a range, stated at the prevalence of the bundle, as long as every criterion is met: the
    certification cases carry it, at the new thresholds, with its confidence. Probabilities may be restated within
    a range of prevalences. Anything else needs a new release.

    Source: FDA, "Predetermined Change Control Plan for AI-Enabled Device Software Functions", 2024.
    """

    lowest: Probability = Field(0.0, description="neither threshold may be lower")
    highest: Probability = Field(1.0, description="neither threshold may be higher")
    criteria: tuple[Annotated[Contract, Written], ...] = Field((), description="each has to be met")
    prevalences: tuple[Probability, Probability] | None = Field(
        None, description="lowest and highest at which the model may be used; None: no other than the bundle's"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest should not be above highest {self.highest}, got {self.lowest}")
        if self.prevalences and self.prevalences[0] > self.prevalences[1]:
            raise ValueError(f"prevalences should rise, got {self.prevalences[0]} and {self.prevalences[1]}")
        return self

    def against(
        self,
        curve: Curve,
        *,
        threshold: float,
        clear_below: float,
        prevalence: float,
        released_at: float,
        groups: Mapping[str, Curve],
    ) -> tuple[str, ...]:
        """Why thresholds, on the scale of `curve`, and a prevalence were not foreseen; empty if they were."""
        wrong = [
            f"{name}: should be from {self.lowest:g} to {self.highest:g}, got {value:g}."
            for name, value in (("threshold", threshold), ("clear_below", clear_below))
            if not self.lowest <= value <= self.highest
        ]
        low, high = self.prevalences or (released_at, released_at)
        if prevalence != released_at and not low <= prevalence <= high:
            wrong.append(f"prevalence: should be from {low:g} to {high:g}, got {prevalence:g}.")
        for place, contract in enumerate(self.criteria):
            unmet = contract.unmet(curve, threshold=threshold, clear_below=clear_below, groups=groups)
            wrong += [f"criteria.{place}: should be kept: {reason}." for reason in unmet]
        return tuple(dict.fromkeys(wrong))
