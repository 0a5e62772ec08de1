"""The public keys of an issuer, each with the algorithms that it may have signed by."""

from __future__ import annotations

from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError
from jwt.algorithms import AllowedPublicKeys

from serving.oidc.fetching import CannotFetch, an_object

# By the type of a key and its curve. None is shared between both sides (HS256), none is "none".
SIGNED_BY: dict[tuple[str, str | None], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
ALGORITHMS = tuple(algorithm for algorithms in SIGNED_BY.values() for algorithm in algorithms)
# Bits of an RSA key: fewer can be broken, more take the time of others.
BITS = range(2048, 8193)


class Key(NamedTuple):
    """A key, by the name that tokens give it."""

    kid: str | None
    algorithms: tuple[str, ...]
    public: AllowedPublicKeys


def keys_of(name: str, document: bytes) -> tuple[Key, ...]:
    """The keys of a JSON Web Key Set with which a signature can be verified; others are passed over.

    Source: RFC 7517, section 5. Raises CannotFetch if there is none.
    """
    listed = an_object(name, document).get("keys")
    found = [key for each in listed if (key := _key(each))] if isinstance(listed, list) else []
    if not found:
        raise CannotFetch(f"{name}: should be a key set that holds a key for {', '.join(ALGORITHMS)}, got none.")
    return tuple(found)


def _key(listed: Any) -> Key | None:
    """One key; None if it is for something else, if nobody should have it, or if it is too weak."""
    if not isinstance(listed, dict) or "d" in listed or listed.get("use", "sig") != "sig":
        return None
    kind, curve, kid = listed.get("kty"), listed.get("crv"), listed.get("kid")
    if not isinstance(kind, str) or not isinstance(curve, str | None) or not isinstance(kid, str | None):
        return None
    algorithms = tuple(each for each in SIGNED_BY.get((kind, curve), ()) if listed.get("alg", each) == each)
    if not algorithms:
        return None
    try:
        public = PyJWK(listed, algorithms[0]).key
    except (PyJWTError, ValueError, TypeError):
        return None
    if isinstance(public, RSAPublicKey) and public.key_size not in BITS:
        return None
    return Key(kid, algorithms, public)
