from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from serving.oidc.fetching import CannotFetch
from serving.oidc.keys import ALGORITHMS, keys_of
from tests.issuer import MAKERS, Signer

SIGNERS = [Signer.new(algorithm, algorithm) for algorithm in MAKERS]
GOOD = SIGNERS[0].listed
WEAK = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)
PASSED_OVER: dict[str, Any] = {
    "for encryption": GOOD | {"use": "enc"},
    "shared": {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
    "shared, called public": GOOD | {"alg": "HS256"},
    "without a signature": GOOD | {"alg": "none"},
    "weak": WEAK,
    "private": json.loads(RSAAlgorithm.to_jwk(SIGNERS[0].private)),
    "of an unknown curve": {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
    "not on its curve": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
    "half": {"kty": "RSA", "n": GOOD["n"]},
    "a name that is a number": GOOD | {"kid": 7},
    "a kind that is a list": GOOD | {"kty": ["RSA"]},
    "a curve that is a list": GOOD | {"crv": ["P-256"]},
    "no key": "RSA",
}


def document(*listed: object) -> bytes:
    return json.dumps({"keys": listed}).encode()


def test_keys_verify_what_they_are_made_for() -> None:
    found = keys_of("set", document(*[signer.listed for signer in SIGNERS]))

    assert [(key.kid, key.algorithms) for key in found] == [(name, (name,)) for name in MAKERS]


def test_a_key_that_names_no_algorithm_verifies_those_of_its_kind() -> None:
    listed = [{name: value for name, value in signer.listed.items() if name != "alg"} for signer in SIGNERS]

    assert [key.algorithms for key in keys_of("set", document(*listed))] == [
        ALGORITHMS[:6],
        ALGORITHMS[:6],
        ("ES256",),
        ("EdDSA",),
    ]


@pytest.mark.parametrize("name", PASSED_OVER)
def test_a_key_that_can_not_verify_is_passed_over(name: str) -> None:
    bad = PASSED_OVER[name]

    assert [key.kid for key in keys_of("set", document(bad, GOOD))] == ["RS256"]
    with pytest.raises(CannotFetch) as refused:
        keys_of("set", document(bad))
    assert str(refused.value) == f"set: should be a key set that holds a key for {', '.join(ALGORITHMS)}, got none."


@pytest.mark.parametrize("text", [b"", b"[]", b"7", b"\xff", b"[" * 100_000, b"<html>"])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(CannotFetch, match="set: should be a JSON object, got something else"):
        keys_of("set", text)


@pytest.mark.parametrize("keys", [None, {}, [], "RSA", [[]]])
def test_a_set_without_keys_is_refused(keys: object) -> None:
    with pytest.raises(CannotFetch, match=r"set: should be a key set .*, got none"):
        keys_of("set", json.dumps({"keys": keys}).encode())
