"""Documents of an issuer: small, in time, from where they were asked for, and over TLS."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from models.errors import FulcrumError
from serving.oidc.addresses import described_at, is_safe

SECONDS = 5.0
MOST_BYTES = 256_000


class CannotFetch(FulcrumError):
    """See to the issuer: what it should say of itself could not be had."""


def fetch(url: str) -> bytes:
    """The document at an address, of at most MOST_BYTES and within SECONDS; redirects are not followed.

    Not for the thread of an event loop. Raises CannotFetch naming the address.
    """
    try:
        return asyncio.run(_fetch(url))
    except TimeoutError:
        raise CannotFetch(f"{url}: should answer within {SECONDS:g} seconds, got nothing.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise CannotFetch(f"{url}: should answer, got {type(error).__name__}: {error}.") from None


async def _fetch(url: str) -> bytes:
    # As it is sent: a small document that unpacks to a large one is not unpacked.
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    # A proxy of the environment would take what is not encrypted off this machine.
    encrypted = url.startswith("https:")
    async with (
        asyncio.timeout(SECONDS),
        httpx.AsyncClient(timeout=SECONDS, trust_env=encrypted) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise CannotFetch(f"{url}: should answer itself, with status 200, got {response.status_code}.")
        document = bytearray()
        async for part in response.aiter_raw():
            document += part
            if len(document) > MOST_BYTES:
                raise CannotFetch(f"{url}: should be of at most {MOST_BYTES} bytes, got more.")
    return bytes(document)


def read(file: Path) -> bytes:
    """The document in a file. Raises CannotFetch naming the file."""
    try:
        with file.open("rb") as opened:
            document = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise CannotFetch(f"{file}: should be a readable file, got: {error.strerror}.") from None
    if len(document) > MOST_BYTES:
        raise CannotFetch(f"{file}: should be of at most {MOST_BYTES} bytes, got more.")
    return document


def discovered(issuer: str) -> bytes:
    """The keys of an issuer, from where its own description says that they are.

    Source: OpenID Connect Discovery 1.0, sections 4.2 and 4.3. Raises CannotFetch.
    """
    url = described_at(issuer)
    described = an_object(url, fetch(url))
    if described.get("issuer") != issuer:
        raise CannotFetch(f"{url}: issuer: should be {issuer}, exactly as it was set, got another one.")
    keys = described.get("jwks_uri")
    if not isinstance(keys, str) or not is_safe(keys):
        raise CannotFetch(f"{url}: jwks_uri: should be an address that begins with https://, got something else.")
    return fetch(keys)


def an_object(name: str, document: bytes) -> dict[str, Any]:
    """A document as a JSON object. Raises CannotFetch."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CannotFetch(f"{name}: should be a JSON object, got something else.")
    return found
