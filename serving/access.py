"""Who may do what: people, their roles, and the SHA-256 of the token that each of them keeps."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, Self, get_args

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from models.errors import FulcrumError, shown
from models.value import Value

SETTING = "FULCRUM_ACCESS"

Role = Literal["predict", "tune", "audit"]
# Longer than any token that is sent with every request; what is longer is not looked at.
LONGEST = 16_384

RULES = {
    "": 'should be {"people": [...]}',
    "people": "should be a list of people, each with name, roles and token_sha256",
    "name": "should be 1 to 200 characters of text, no blank at either end",
    "roles": f"should be a list of {', '.join(get_args(Role))}",
    "rate": "should be the most requests a second to each worker, above 0",
    "token_sha256": "should be the SHA-256 of a token, 64 hexadecimal digits in lower case",
}


class BadAccess(FulcrumError):
    """Correct the access file: nobody is let in on a guess."""


class NoToken(FulcrumError):
    """Send `Authorization: Bearer TOKEN` with a token of the access file or of the issuer: the request names nobody.

    `reason` is the word under which it is counted, `retry_after` after how many seconds the same token may do.
    """

    def __init__(self, text: str, reason: str = "unknown_token", *, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.reason = reason
        self.retry_after = retry_after


class NotAllowed(FulcrumError):
    """Ask for the role, or somebody who has it: this person may not do that."""

    def __init__(self, text: str, reason: str = "role") -> None:
        super().__init__(text)
        self.reason = reason


class IssuerLost(FulcrumError):
    """Try again when the issuer of tokens answers: its keys are not known, so no token of it can be checked."""

    reason = "issuer_lost"

    def __init__(self, text: str, retry_after: int) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Person(Value):
    """Somebody with a token, of which only the SHA-256 is known here."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?$")
    roles: tuple[Role, ...]
    token_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    # Left out where there is none: a file that was written before there were rates stays as it was.
    rate: float | None = Field(None, gt=0, exclude_if=lambda rate: rate is None)

    def has(self, *roles: Role) -> bool:
        """Whether the person has one of the roles."""
        return any(role in self.roles for role in roles)

    def must(self, *roles: Role) -> None:
        """Raises NotAllowed unless the person has one of the roles."""
        if not self.has(*roles):
            got = ", ".join(self.roles) or "none"
            raise NotAllowed(f"{self.name}: should have the role {' or '.join(roles)} to do this, got {got}.")


class People(Value):
    """What stands in an access file."""

    people: tuple[Person, ...]


class Issuer(Protocol):
    """Who vouches for people by tokens of its own, beside the access file."""

    discovery: str | None  # where it describes itself, if it is asked there

    def begin(self) -> None:
        """Get ready before the first request."""

    def who(self, token: str, digest: str) -> Person:
        """The person whom a token names, by the token and its SHA-256.

        Raises NoToken if it names nobody, IssuerLost if that can not be found out now.
        """


@dataclass(frozen=True)
class Access:
    """Who is known; with neither an access file nor an issuer nobody, and nobody has any role."""

    people: tuple[Person, ...] | None
    issuer: Issuer | None = None

    @classmethod
    def read(cls, path: Path | None, issuer: Issuer | None = None) -> Self:
        """The people of an access file, None where no file is set, and who vouches for others.

        Raises BadAccess naming the file, the place in it, the rule and what was got, but never what might be a token.
        """
        return cls(None if path is None else _read(path).people, issuer)

    @property
    def open(self) -> bool:
        """Whether nobody is known: then this machine may ask and look, and nobody may change anything."""
        return self.people is None and self.issuer is None

    def begin(self) -> None:
        """Get ready before the first request."""
        if self.issuer is not None:
            self.issuer.begin()

    def who(self, authorization: str | None) -> Person:
        """The person whose token an `Authorization` header holds.

        Raises NoToken if it holds none or an unknown one, NotAllowed if nobody is known, where no token would do, and
        IssuerLost if a token of the issuer can not be checked now.
        """
        if self.open:
            raise NotAllowed(
                f"{SETTING}: should name the access file, got nothing: without it nobody has a role.", "nobody_known"
            )
        if authorization is None:
            raise NoToken("Authorization: should be Bearer and a token, got nothing.", "no_token")
        # Measured first: what is too long is not even copied.
        if len(authorization) > LONGEST:
            raise NoToken(f"Authorization: should hold at most {LONGEST} characters, got more.", "too_long")
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NoToken("Authorization: should be Bearer and a token, got something else.", "not_bearer")
        token = token.strip()
        digest, people = _sha256(token), self.people or ()
        # All are compared, each in constant time: how long it takes tells nothing about any of them.
        matches = [hmac.compare_digest(person.token_sha256, digest) for person in people]
        if any(matches):
            return people[matches.index(True)]
        if self.issuer is None:
            raise NoToken("Authorization: should hold a token of the access file, got an unknown one.")
        person = self.issuer.who(token, digest)
        if any(person.name == each.name for each in people):
            raise NotAllowed(
                f"{person.name}: should be one person, got one of the access file and one of the issuer.", "two_people"
            )
        return person


def new_token() -> tuple[str, str]:
    """A token of 256 random bits for a person to keep, and its SHA-256 for the access file."""
    token = secrets.token_urlsafe(32)
    return token, _sha256(token)


def add_person(path: Path, name: str, roles: Sequence[str], rate: float | None = None) -> str:
    """Add somebody to an access file, made if it is missing, and return the token, which is kept nowhere else.

    The file is replaced whole, and only its owner can read it (0600). Raises BadAccess if the file, the name or a role
    is not what it should be, if the name is taken, or if the file cannot be written.
    """
    path = path.resolve()
    beside = path.with_name(f".{path.name}.new")
    token, digest = new_token()
    descriptor = _create(beside, path)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            known = [person.model_dump() for person in _read(path).people] if path.exists() else []
            limit = {} if rate is None else {"rate": rate}
            people = [*known, {"name": name, "roles": list(roles), "token_sha256": digest, **limit}]
            file.write(f"{_parse(path, json.dumps({'people': people})).model_dump_json(indent=1)}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):  # It has become the file.
            beside.unlink()
    return token


def _create(beside: Path, path: Path) -> int:
    """Make the file that will be `path`, by one at a time: of two who add somebody at once, neither is lost."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        if beside.exists():
            rule = "should not be there, got one: somebody is being added, or was not to the end; then remove it"
            raise BadAccess(f"{beside}: {rule}.") from None
        raise BadAccess(f"{path}: should be a file that can be written, got: {error.strerror}.") from None


def _read(path: Path) -> People:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BadAccess(f"{path}: should be a readable file, got: {error.strerror}.") from None
    return _parse(path, text)


def _parse(path: Path, text: bytes | str) -> People:
    try:
        found = People.model_validate_json(text)
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, detail['loc'])) or 'document'}: {_refused(detail)}."
            for detail in error.errors(include_url=False)
        ]
        raise BadAccess("\n".join(lines)) from None
    for field in ("name", "token_sha256"):
        values = [getattr(person, field) for person in found.people]
        for place, value in enumerate(values):
            if value in values[:place]:
                raise BadAccess(
                    f"{path}: people.{place}.{field}: should be another than that of all others, got the same."
                )
    return found


def _refused(detail: ErrorDetails) -> str:
    """The rule and what was got, which is shown only where nobody puts a token by mistake."""
    field = next((part for part in reversed(detail["loc"]) if isinstance(part, str)), "")
    match detail["type"]:
        case "json_invalid":
            return f"should be JSON, got {detail['ctx']['error']}"
        case "missing":
            return f"{RULES[field]}, got nothing"
        case "extra_forbidden":
            return "should not be there, got one"
    got = (
        shown(detail["input"]) if field in {"name", "roles", "rate"} else f"{type(detail['input']).__name__}, not shown"
    )
    return f"{RULES[field]}, got {got}"


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
