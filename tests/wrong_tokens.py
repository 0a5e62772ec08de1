"""Tokens that a service should refuse, each with the words in which it does, and how it counts them."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from serving.oidc.keys import ALGORITHMS
from serving.oidc.tokens import LEEWAY_SECONDS
from tests.issuer import Signer


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _none(issuer: str, signer: Signer) -> str:
    _, said, _ = signer.token(issuer).split(".")
    return f"{part({'alg': 'none', 'kid': signer.kid})}.{said}."


def _hmac(issuer: str, signer: Signer) -> str:
    """What a service takes that verifies by whatever algorithm a token names, with the key that everybody knows."""
    public = signer.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': signer.kid})}.{signer.token(issuer).split('.')[1]}"
    return f"{signed}.{base64.urlsafe_b64encode(hmac.digest(public, signed.encode(), 'sha256')).decode()[:43]}"


def _tampered(issuer: str, signer: Signer) -> str:
    head, said, signature = signer.token(issuer).split(".")
    claims = json.loads(base64.urlsafe_b64decode(said + "=="))
    return f"{head}.{part(claims | {'roles': ['tune']})}.{signature}"


def _another(issuer: str, signer: Signer) -> str:
    return Signer.new(signer.kid).token(issuer)


LISTED = ", ".join(ALGORITHMS)
WRONG: dict[str, tuple[Callable[[str, Signer], str], str, str]] = {
    "another issuer": (
        lambda issuer, signer: signer.token("https://elsewhere"),
        "iss: should be the issuer of this service, got another one",
        "issuer",
    ),
    "an issuer with a slash": (
        lambda issuer, signer: signer.token(f"{issuer}/"),
        "iss: should be the issuer of this service, got another one",
        "issuer",
    ),
    "no issuer": (
        lambda issuer, signer: signer.token(issuer, iss=None),
        "should hold iss, aud and exp, got a token without one of them",
        "claims",
    ),
    "for another service": (
        lambda issuer, signer: signer.token(issuer, aud="another"),
        "aud: should name this service, got a token for another one",
        "audience",
    ),
    "for nobody": (
        lambda issuer, signer: signer.token(issuer, aud=None),
        "should hold iss, aud and exp, got a token without one of them",
        "claims",
    ),
    "expired": (
        lambda issuer, signer: signer.token(issuer, exp=int(time.time()) - LEEWAY_SECONDS - 10),
        "exp: should be later than now, got a token that has expired",
        "expired",
    ),
    "for ever": (
        lambda issuer, signer: signer.token(issuer, exp=None),
        "should hold iss, aud and exp, got a token without one of them",
        "claims",
    ),
    "not yet": (
        lambda issuer, signer: signer.token(issuer, nbf=int(time.time()) + LEEWAY_SECONDS + 60),
        "nbf, iat: should not be later than now, got a token of the future",
        "not_yet",
    ),
    "issued tomorrow": (
        lambda issuer, signer: signer.token(issuer, iat=int(time.time()) + 86_400),
        "nbf, iat: should not be later than now, got a token of the future",
        "not_yet",
    ),
    "not signed": (_none, f"alg: should be one of {LISTED}, got another one", "algorithm"),
    "signed with the public key": (_hmac, f"alg: should be one of {LISTED}, got another one", "algorithm"),
    "another algorithm than that of its key": (
        lambda issuer, signer: signer.token(issuer, header={"kid": "key of RS256"}),
        "alg: should be one of the key that is named, got another one",
        "algorithm",
    ),
    "tampered": (_tampered, "signature: should be that of the issuer, got another one", "signature"),
    "another key": (_another, "signature: should be that of the issuer, got another one", "signature"),
    "nobody": (
        lambda issuer, signer: signer.token(issuer, sub=None),
        "sub: should be 1 to 200 characters of text, no blank at either end, got something else",
        "claims",
    ),
    "a name of lines": (
        lambda issuer, signer: signer.token(issuer, sub="ada\nbo"),
        "sub: should be 1 to 200 characters of text, no blank at either end, got something else",
        "claims",
    ),
    "half a signature": (
        lambda issuer, signer: signer.token(issuer)[:-22],
        "signature: should be that of the issuer, got another one",
        "signature",
    ),
    "no claims": (
        lambda issuer, signer: f"{signer.token(issuer).split('.')[0]}.{part([])}.x",
        "should hold a token of the issuer, got one that can not be read",
        "unreadable",
    ),
    "no words": (
        lambda issuer, signer: "a.b.c",
        "should hold a token of the issuer, got one that can not be read",
        "unreadable",
    ),
    "no token": (
        lambda issuer, signer: "opaque",
        "should hold a token that is known here, got an unknown one",
        "unknown_token",
    ),
    "forty kilobytes": (
        lambda issuer, signer: "eyJ." * 10_000,
        "should hold at most 16384 characters, got more",
        "too_long",
    ),
}
