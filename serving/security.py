"""How `/docs.json` says who may ask: OpenAPI's security schemes, and what each address needs of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from serving.access import Access, Role

BEARER: Mapping[str, Any] = MappingProxyType({"type": "http", "scheme": "bearer"})


@dataclass(frozen=True)
class Security:
    """The ways in which whoever asks says who they are; `open` where to ask and look takes no name.

    OpenAPI 3.1 lets a scheme name the roles that are needed, whatever its type.
    """

    schemes: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"bearer": BEARER})
    open: bool = True

    @classmethod
    def of(cls, access: Access) -> Security:
        """Those of a service."""
        schemes = {"bearer": {**BEARER, "bearerFormat": "JWT"} if access.issuer else BEARER}
        if access.issuer is not None and access.issuer.discovery is not None:
            schemes["openIdConnect"] = {"type": "openIdConnect", "openIdConnectUrl": access.issuer.discovery}
        return cls(schemes, access.open)

    def to_look(self, *roles: Role) -> list[dict[str, list[str]]]:
        """What an address needs that one of these roles opens; to be known where there are none."""
        return [*([{}] if self.open else []), *self.to_change(*roles)]

    def to_change(self, *roles: Role) -> list[dict[str, list[str]]]:
        """The same for what nobody does without a name."""
        needed: list[list[str]] = [[role] for role in roles] or [[]]
        return [{scheme: each} for scheme in self.schemes for each in needed]
