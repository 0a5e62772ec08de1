"""Whom the tokens of an issuer name: JSON Web Tokens, verified, and known again until they expire.

Source: RFC 7519, and what RFC 8725 (best current practices) asks of who verifies.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args

import jwt
from jwt.utils import base64url_decode
from pydantic import ValidationError

from serving.access import NoToken, Person, Role
from serving.oidc.keyring import Keyring
from serving.oidc.keys import ALGORITHMS, Key
from serving.oidc.trusted import Trusted

# Two clocks are never quite the same.
LEEWAY_SECONDS = 30
REMEMBERED = 10_000
ROLES: tuple[Role, ...] = get_args(Role)

# What is wrong with a token, by the error of PyJWT: in words, and the word under which it is counted.
WRONG: Mapping[type[jwt.PyJWTError], tuple[str, str]] = {
    jwt.ExpiredSignatureError: ("exp: should be later than now, got a token that has expired", "expired"),
    jwt.ImmatureSignatureError: ("nbf, iat: should not be later than now, got a token of the future", "not_yet"),
    jwt.InvalidIssuerError: ("iss: should be the issuer of this service, got another one", "issuer"),
    jwt.InvalidAudienceError: ("aud: should name this service, got a token for another one", "audience"),
    jwt.InvalidSignatureError: ("signature: should be that of the issuer, got another one", "signature"),
    jwt.MissingRequiredClaimError: ("should hold iss, aud and exp, got a token without one of them", "claims"),
}
UNREADABLE = "should hold a token of the issuer, got one that can not be read", "unreadable"


class Known(NamedTuple):
    """Somebody whose token was verified with these keys, and until when (seconds since 1970) it holds."""

    person: Person
    keys: tuple[Key, ...]
    until: float


class Tokens:
    """People for whom a trusted issuer vouches.

    A verified token is known again by its SHA-256, for as long as it holds and the keys of the issuer are the same.
    """

    def __init__(self, trusted: Trusted, keyring: Keyring, clock: Callable[[], float] = time.time) -> None:
        self._trusted = trusted
        self._keyring = keyring
        self._clock = clock
        self._known: dict[str, Known] = {}
        self.discovery = trusted.discovery

    def begin(self) -> None:
        """Ask the issuer for its keys before the first request."""
        self._keyring.begin()

    def who(self, token: str, digest: str) -> Person:
        """The person whom a token names, by the token and its SHA-256.

        Raises NoToken naming what is wrong with it, and never what stands in it; IssuerLost if no key is known.
        """
        if token.count(".") != 2:
            raise NoToken("Authorization: should hold a token that is known here, got an unknown one.")
        keys = self._keyring.known()
        known = self._known.get(digest)
        if known is not None and known.keys is keys and self._clock() < known.until:
            return known.person
        claims = self._verified(token, keys)
        person = self._person(claims, digest)
        self._known.pop(digest, None)
        if len(self._known) >= REMEMBERED:
            # The oldest: of two that hold as long, the one seen first is the first to be verified anew.
            self._known.pop(next(iter(self._known)), None)
        self._known[digest] = Known(person, keys, int(claims["exp"]) + LEEWAY_SECONDS)
        return person

    def _verified(self, token: str, keys: tuple[Key, ...]) -> Mapping[str, Any]:
        """What a token says, if the issuer signed it and says it now to this service."""
        try:
            key = self._key(_header(token), keys)
            found: Mapping[str, Any] = jwt.decode(
                token,
                key.public,
                algorithms=key.algorithms,
                audience=self._trusted.audience,
                issuer=self._trusted.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "exp"]},
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            words, reason = next((WRONG[kind] for kind in type(error).__mro__ if kind in WRONG), UNREADABLE)
            raise NoToken(f"Authorization: {words}.", reason) from None
        return found

    def _key(self, header: Mapping[str, Any], keys: tuple[Key, ...]) -> Key:
        """The key by which a token says it was signed; one that names none means the only key there is."""
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise NoToken(
                f"Authorization: alg: should be one of {', '.join(ALGORITHMS)}, got another one.", "algorithm"
            )
        named = [key for key in keys if kid in {None, key.kid}]
        if not named:
            wait = self._keyring.want()
            rule = "should be that of a key of the issuer, got an unknown one"
            raise NoToken(f"Authorization: kid: {rule}; try again in {wait} s.", "unknown_key", retry_after=wait)
        fitting = [key for key in named if algorithm in key.algorithms]
        if not fitting:
            raise NoToken("Authorization: alg: should be one of the key that is named, got another one.", "algorithm")
        if len(fitting) > 1:
            raise NoToken("Authorization: kid: should name one of several keys, got none.", "unknown_key")
        return fitting[0]

    def _person(self, claims: Mapping[str, Any], digest: str) -> Person:
        claim = self._trusted.name_claim
        try:
            return Person.model_validate(
                {"name": _at(claims, claim), "roles": self._roles(claims), "token_sha256": digest}, strict=True
            )
        except ValidationError:
            rule = "should be 1 to 200 characters of text, no blank at either end"
            raise NoToken(f"Authorization: {claim}: {rule}, got something else.", "claims") from None

    def _roles(self, claims: Mapping[str, Any]) -> tuple[Role, ...]:
        """The roles of this service among those that the issuer gives, of which others are for other services."""
        given = _at(claims, self._trusted.roles_claim)
        listed = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
        return tuple(role for role in ROLES if f"{self._trusted.roles_prefix}{role}" in listed)


def _header(token: str) -> Mapping[str, Any]:
    """What a token says of its signature, before it is believed. PyJWT would decode all of the token for it."""
    header = json.loads(base64url_decode(token.partition(".")[0]))
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str | None):
        raise jwt.DecodeError
    return header


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """What stands under a name, or where its dots lead: some issuers have names of claims that are addresses."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
