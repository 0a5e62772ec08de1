"""The issuer whose tokens are believed, as the environment names it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from serving.access import Issuer
from serving.oidc.trusted import Trusted
from serving.settings import BadSetting, told


def trusted(environment: Mapping[str, str]) -> Issuer | None:
    """The issuer that environment variables name; None where they name none.

    Raises BadSetting naming each variable, what it should be and what was got.
    """
    found = told(Trusted, environment)
    if found == Trusted():
        return None
    for name in ("issuer", "audience"):
        if getattr(found, name) is None:
            field = Trusted.model_fields[name]
            raise BadSetting(f"{field.alias}: {field.description}, got nothing.")
    assert found.issuer is not None
    try:
        # They need PyJWT, cryptography and httpx, which no other door does.
        from serving.oidc.fetching import discovered, fetch, read  # noqa: PLC0415
        from serving.oidc.keyring import Keyring  # noqa: PLC0415
        from serving.oidc.tokens import Tokens  # noqa: PLC0415
    except ModuleNotFoundError as error:
        rule = "should be set where the extra is installed, pip install 'fulcrum-screening[oidc]'"
        raise BadSetting(f"FULCRUM_OIDC_ISSUER: {rule}, got no {error.name}.") from None
    if found.keys is None:
        ask = partial(discovered, found.issuer)
    else:
        ask = partial(fetch, found.keys) if "://" in found.keys else partial(read, Path(found.keys))
    return Tokens(found, Keyring(found.issuer, ask))
