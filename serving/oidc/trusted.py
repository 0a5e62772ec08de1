"""Whose tokens are believed, and what of them: the variables that say so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from models.value import Value
from serving.oidc.addresses import described_at, is_safe


def _address(url: str) -> str:
    if not is_safe(url) or "?" in url or "#" in url:
        raise ValueError("is no safe address")
    return url


def _address_or_file(text: str) -> str:
    if "://" not in text and Path(text).is_file():
        return text
    return _address(text)


class Trusted(Value):
    """Who is believed, and what of it, each under the name of its environment variable."""

    issuer: Annotated[str, AfterValidator(_address)] | None = Field(
        None,
        alias="FULCRUM_OIDC_ISSUER",
        description="should be the issuer as it names itself in iss: https://..., or http://... on this machine",
    )
    audience: str | None = Field(
        None,
        min_length=1,
        alias="FULCRUM_OIDC_AUDIENCE",
        description="should be the name that the issuer has for this service, the aud of its tokens",
    )
    keys: Annotated[str, AfterValidator(_address_or_file)] | None = Field(
        None,
        alias="FULCRUM_OIDC_JWKS",
        description="should be a file, or https://... (http://... on this machine), that holds the issuer's keys",
    )
    roles_claim: str = Field(
        "roles",
        min_length=1,
        alias="FULCRUM_OIDC_ROLES_CLAIM",
        description="should be the name of the claim that holds the roles, with dots into it, 1 character or more",
    )
    roles_prefix: str = Field(
        "", alias="FULCRUM_OIDC_ROLES_PREFIX", description="should be what stands before each role of this service"
    )
    name_claim: str = Field(
        "sub",
        min_length=1,
        alias="FULCRUM_OIDC_NAME_CLAIM",
        description="should be the name of the claim that names a person, 1 character or more",
    )

    @property
    def discovery(self) -> str | None:
        """Where the issuer describes itself, if it is asked there."""
        return None if self.issuer is None or self.keys else described_at(self.issuer)
