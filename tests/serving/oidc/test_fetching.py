from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.oidc import fetching
from serving.oidc.addresses import is_safe
from serving.oidc.fetching import MOST_BYTES, CannotFetch, discovered, fetch, read
from tests.issuer import Issuer, Signer, issuing, key_set

SIGNER = Signer.new("first")
DESCRIBED = "/.well-known/openid-configuration"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing(SIGNER) as running:
        yield running


@pytest.mark.parametrize(
    "url",
    [
        "https://clinic.example/realm",
        "https://clinic.example:8443",
        "http://localhost:8080/realm",
        "http://127.0.0.1/",
        "http://[::1]:80/",
        "https://127.0.0.1",
    ],
)
def test_an_address_over_tls_or_on_this_machine_is_safe(url: str) -> None:
    assert is_safe(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://clinic.example/realm",
        "http://10.0.0.1/",
        "http://localhost.clinic.example",
        "http://127.0.0.1.clinic.example/",
        "https://ada:secret@clinic.example/",
        "https://:secret@clinic.example/",
        "https:///realm",
        "https://clinic.example:port/",
        "http://[::1",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "clinic.example",
        "",
    ],
)
def test_any_other_is_not(url: str) -> None:
    assert not is_safe(url)


def test_the_keys_are_found_by_what_the_issuer_says_of_itself(issuer: Issuer) -> None:
    assert discovered(issuer.url) == key_set(SIGNER)
    assert issuer.asked == [DESCRIBED, "/keys"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((302, {"Location": "/keys"}, b""), "/keys: should answer itself, with status 200, got 302."),
        ((500, {}, b"{}"), "/keys: should answer itself, with status 200, got 500."),
        ((200, {}, b" " * (MOST_BYTES + 1)), f"/keys: should be of at most {MOST_BYTES} bytes, got more."),
    ],
)
def test_what_is_elsewhere_or_too_much_is_not_taken(
    issuer: Issuer, answer: tuple[int, dict[str, str], bytes], text: str
) -> None:
    issuer.instead["/keys"] = answer

    with pytest.raises(CannotFetch) as refused:
        fetch(f"{issuer.url}/keys")
    assert str(refused.value) == issuer.url + text
    assert issuer.asked == ["/keys"]


@pytest.mark.parametrize(
    ("described", "text"),
    [
        ({"issuer": "https://elsewhere"}, "issuer: should be {0}, exactly as it was set, got another one."),
        ({"issuer": "{0}/"}, "issuer: should be {0}, exactly as it was set, got another one."),
        ({"issuer": "{0}"}, "jwks_uri: should be an address that begins with https://, got something else."),
        (
            {"issuer": "{0}", "jwks_uri": "http://clinic.example/keys"},
            "jwks_uri: should be an address that begins with https://, got something else.",
        ),
        (
            {"issuer": "{0}", "jwks_uri": "file:///etc/passwd"},
            "jwks_uri: should be an address that begins with https://, got something else.",
        ),
    ],
)
def test_an_issuer_that_says_something_else_of_itself_is_not_believed(
    issuer: Issuer, described: dict[str, str], text: str
) -> None:
    body = {name: value.replace("{0}", issuer.url) for name, value in described.items()}
    issuer.instead[DESCRIBED] = (200, {}, json.dumps(body).encode())

    with pytest.raises(CannotFetch) as refused:
        discovered(issuer.url)
    assert str(refused.value) == f"{issuer.url}{DESCRIBED}: {text.replace('{0}', issuer.url)}"
    assert issuer.asked == [DESCRIBED]


def test_who_is_not_there_or_keeps_silent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.5)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        with pytest.raises(CannotFetch, match=f"{url}: should answer, got ConnectError: "):
            fetch(url)
        listening.listen()
        with pytest.raises(CannotFetch, match=rf"{url}: should answer(, got ReadTimeout| within 0\.5 seconds)"):
            fetch(url)


def test_what_is_not_encrypted_goes_through_no_proxy(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    assert fetch(f"{issuer.url}/keys") == key_set(SIGNER)


def test_a_file_is_read_as_far_as_it_may_be(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    with pytest.raises(CannotFetch) as refused:
        read(file)
    assert str(refused.value) == f"{file}: should be a readable file, got: No such file or directory."
    file.write_bytes(b"x" * MOST_BYTES)
    assert read(file) == b"x" * MOST_BYTES
    file.write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(CannotFetch, match=f"{file}: should be of at most {MOST_BYTES} bytes, got more"):
        read(file)
