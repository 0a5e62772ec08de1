from __future__ import annotations

from pydantic import Field

from models.value import Value
from training.loss import Loss
from training.net import WEIGHTS
from training.reference import Reference

__all__ = ["WEIGHTS", "Term"]


class Term(Value):
    """One pull on the network: what it produces, what that is compared with, how, and how hard.

    Terms on rows count as a share of what the best constant answer would cost, averaged over the rows that have
    a label; so prices do not change the speed of learning, and `weight` compares terms of different units. A
    distance between embeddings has no such scale and counts as it is. Terms on weights are summed as they are:
    they do not depend on the batch.
    """

    on: str = Field(description="a tap: any head, any embedding by name, `weights`, or `weights.` and a layer's name")
    against: str | Reference | None = Field(
        None,
        description="a head's label, another tap or a column of the table by name, what another model says, or None"
        " for nothing; another tap is taken as it is, and not pulled on",
    )
    by: Loss
    weight: float = Field(1.0, ge=0)

    @property
    def layer(self) -> str | None:
        """The layer whose weights it is on; None for all of them, or for none."""
        return self.on.removeprefix(f"{WEIGHTS}.") if self.on.startswith(f"{WEIGHTS}.") else None

    @property
    def on_weights(self) -> bool:
        """Whether it is on weights, and not on what a row comes to."""
        return self.on == WEIGHTS or self.layer is not None

    def __str__(self) -> str:
        """In words, e.g. `CostWeighted on sick against sick`."""
        other = self.against if isinstance(self.against, str) else type(self.against).__name__
        return f"{type(self.by).__name__} on {self.on}" + (f" against {other}" if self.against else "")


def said(terms: tuple[Term, ...]) -> tuple[str, ...]:
    """Each term in words, numbered where two are said alike."""
    words = [str(term) for term in terms]
    return tuple(
        word if words.count(word) == 1 else f"{word} ({words[: place + 1].count(word)})"
        for place, word in enumerate(words)
    )
