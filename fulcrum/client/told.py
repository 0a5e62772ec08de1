"""What every value has in common that a service tells."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Told(BaseModel):
    """A frozen value read from a reply: whatever is named here has to be there, and as it is typed.

    What a later service says besides is left out, so that it can be asked too.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        # Most programs meet few of these; each is made when it is first needed, so that an import is quick.
        defer_build=True,
    )


class Refusal(Told):
    """Why one value was refused: its path, the rule, and what was got.

    >>> print(Refusal(path="rows.3.age", rule="should be a number from 0 to 120 years", got="-1"))
    rows.3.age: should be a number from 0 to 120 years, got -1.
    """

    path: str
    rule: str
    got: str

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}, got {self.got}."


class Refused(Told):
    """The body of every refusal: what to correct in words, and each value that was refused, the first 100 of them."""

    error: str
    refusals: tuple[Refusal, ...]
