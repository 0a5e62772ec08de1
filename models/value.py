"""Frozen values: whatever is written, read or sent."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

AnyMember = TypeVar("AnyMember", bound="Member")


class Value(BaseModel):
    """A frozen value that refuses unknown fields, NaN and infinity.

    Equality, hashing, `repr` and provenance come from its fields.

    >>> class Dose(Value):
    ...     milligrams: float
    >>> Dose(milligrams=5.0) == Dose(milligrams=5.0)
    True
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        # A field typed as a base class would otherwise be written as `{}` without a word.
        polymorphic_serialization=True,
        # Most are made as a part of another; each would be built on its own at every start.
        defer_build=True,
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other fields, in which whatever was worked out of the old ones is worked out anew.

        pydantic copies the values of cached properties along with the fields.
        """
        copied = super().model_copy(update=update, deep=deep)
        for name in set(copied.__dict__) - set(type(self).model_fields):
            del copied.__dict__[name]
        return copied


class Member(Value):
    """A value of an open family (contracts, losses, networks, sources ...).

    It is written with its class name under `kind` and read back by it, also through a field that is typed as
    the family: adding a member is adding a class, nowhere a list to edit.

    >>> class Drink(Member):
    ...     pass
    >>> class Tea(Drink):
    ...     minutes: int = 3
    >>> class Order(Value):
    ...     drink: Drink
    >>> Order(drink=Tea()).model_dump()
    {'drink': {'kind': 'Tea', 'minutes': 3}}
    >>> Order.model_validate({"drink": {"kind": "Tea", "minutes": 4}}).drink
    Tea(minutes=4)
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **settings: Any) -> None:
        """A member is read back by its name, so none may be called like one that comes with the project."""
        super().__pydantic_init_subclass__(**settings)
        for other in descendants(_family(cls)):
            if other.__name__ == cls.__name__ and other.__module__ != cls.__module__ and _comes_along(other):
                raise TypeError(f"{cls.__name__} should have a name of its own, got that of one in {other.__module__}")

    @model_serializer(mode="wrap")
    def _write(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"kind": type(self).__name__, **fields(self)}

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, data: Any, build: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return build(data)
        fields = dict(data)
        kind = fields.pop("kind", None if inspect.isabstract(cls) else cls.__name__)
        if kind == cls.__name__ and not inspect.isabstract(cls):
            return build(fields)
        # Of a file that is read twice the last class counts, but never before one that comes with the project.
        named = sorted(members(cls), key=_comes_along)
        # A list is no name either, and can not be looked up.
        member = {found.__name__: found for found in named}.get(kind) if isinstance(kind, str) else None
        if member is None:
            raise ValueError(f"kind should be one of {members_in_words(cls)}, got {kind!r}")
        return member.model_validate(fields)


def _family(member: type[Member]) -> type[Member]:
    """The family a class belongs to: the one of its bases that comes directly below Member."""
    return next(base for base in member.__mro__ if Member in base.__bases__)


def _comes_along(member: type[Member]) -> bool:
    return member.__module__.partition(".")[0] in {"models", "training"}


def descendants(family: type[AnyMember]) -> list[type[AnyMember]]:
    """All loaded classes below `family`, in order of definition."""
    found: list[type[AnyMember]] = []
    for child in family.__subclasses__():
        found += [child, *descendants(child)]
    return found


def members(family: type[AnyMember]) -> list[type[AnyMember]]:
    """The loaded members of a family: those of its classes that can be made."""
    return [found for found in descendants(family) if not inspect.isabstract(found)]


def members_in_words(family: type[Member]) -> str:
    """The names of a family's members, for an error message."""
    return ", ".join(sorted(member.__name__ for member in members(family)))


def load_members(package: ModuleType) -> None:
    """Import every module of `package`, so that its members are known by their names."""
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
