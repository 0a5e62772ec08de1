"""Who asks, as they are told."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from models.value import Value
from serving.access import Person, Role


class Who(Value):
    """Whom a token names. Where nobody is known, this machine may ask and look without one."""

    name: str | None = Field(description="as it stands in the history; null where nobody is known")
    roles: tuple[Role, ...] = Field(description="predict: ask a model; tune: turn a point; audit: read the history")
    known: bool = Field(description="false where the service knows nobody: it has neither an access file nor an issuer")

    @classmethod
    def of(cls, person: Person | None) -> Self:
        """A person as they are told; None where nobody is known."""
        if person is None:
            return cls(name=None, roles=(), known=False)
        return cls(name=person.name, roles=person.roles, known=True)
