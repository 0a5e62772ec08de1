from __future__ import annotations

import sys
from pathlib import Path

import pytest

from serving.oidc.issuer import trusted
from serving.oidc.trusted import Trusted
from serving.settings import BadSetting
from tests.running import ROOT

ISSUER = "https://clinic.example/realm"
SET = {"FULCRUM_OIDC_ISSUER": ISSUER, "FULCRUM_OIDC_AUDIENCE": "fulcrum"}
NAMED = "should be the issuer as it names itself in iss: https://..., or http://... on this machine"
KEYS = "should be a file, or https://... (http://... on this machine), that holds the issuer's keys"


def test_without_a_setting_nobody_is_trusted() -> None:
    assert trusted({"HOME": "/"}) is None


def test_an_issuer_is_asked_where_it_describes_itself_unless_its_keys_are_named(tmp_path: Path) -> None:
    (tmp_path / "keys.json").touch()
    found = trusted(SET)

    assert found is not None
    assert found.discovery == f"{ISSUER}/.well-known/openid-configuration"
    for keys in ("https://clinic.example/keys", "http://127.0.0.1/keys", str(tmp_path / "keys.json")):
        named = trusted({**SET, "FULCRUM_OIDC_JWKS": keys})
        assert named is not None
        assert named.discovery is None


@pytest.mark.parametrize(
    ("name", "got", "text"),
    [
        ("FULCRUM_OIDC_ISSUER", "http://clinic.example", f"{NAMED}, got 'http://clinic.example'"),
        ("FULCRUM_OIDC_ISSUER", "https://clinic.example?a=b", f"{NAMED}, got 'https://clinic.example?a=b'"),
        ("FULCRUM_OIDC_ISSUER", "", f"{NAMED}, got ''"),
        ("FULCRUM_OIDC_ISSUER", None, f"{NAMED}, got nothing"),
        (
            "FULCRUM_OIDC_AUDIENCE",
            None,
            "should be the name that the issuer has for this service, the aud of its tokens, got nothing",
        ),
        ("FULCRUM_OIDC_JWKS", "http://10.0.0.1/keys", f"{KEYS}, got 'http://10.0.0.1/keys'"),
        ("FULCRUM_OIDC_JWKS", "/nowhere/keys.json", f"{KEYS}, got '/nowhere/keys.json'"),
        (
            "FULCRUM_OIDC_ROLES_CLAIM",
            "",
            "should be the name of the claim that holds the roles, with dots into it, 1 character or more, got ''",
        ),
        (
            "FULCRUM_OIDC_NAME_CLAIM",
            "",
            "should be the name of the claim that names a person, 1 character or more, got ''",
        ),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(name: str, got: str | None, text: str) -> None:
    with pytest.raises(BadSetting) as refused:
        trusted({key: value for key, value in {**SET, name: got}.items() if value is not None})

    assert str(refused.value) == f"{name}: {text}."


@pytest.mark.parametrize("missing", ["jwt", "cryptography"])
def test_what_has_to_be_installed_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("serving.oidc.keyring", "serving.oidc.keys", "serving.oidc.tokens", "serving.oidc.fetching"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    for module in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(BadSetting, match=r"FULCRUM_OIDC_ISSUER: .*fulcrum-screening\[oidc\]"):
        trusted(SET)
    assert trusted({}) is None


def test_every_setting_stands_in_the_documentation() -> None:
    page = (ROOT / "docs" / "access.md").read_text()
    assert [name for field in Trusted.model_fields.values() if (name := f"`{field.alias}` |") not in page] == []
