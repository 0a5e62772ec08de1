"""Which service is asked, by whom, and how long: what both clients have in common."""

from __future__ import annotations

import math
import re
import ssl
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from fulcrum.client.asks import Ask
from fulcrum.client.attempts import Attempts

AnyAnswer = TypeVar("AnyAnswer")

# The service closes what nobody uses after five seconds; what was just closed should not be asked.
IDLE_SECONDS = 2.5
# RFC 6750, section 2.1; wider where other issuers are.
TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Service:
    """Where a service is, and how patient its caller is. The token is kept by httpx alone, which never shows it."""

    url: str
    seconds: float
    retries: int

    @classmethod
    def at(cls, url: str, *, timeout: float, retries: int) -> Service:
        """A service.

        Raises ValueError naming what can not be used.
        """
        # None of these says what was got: a password may stand there.
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            raise ValueError("url: should be an address such as http://127.0.0.1:3000, got no such.") from None
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError("url: should be an address such as http://127.0.0.1:3000, got another.")
        if parsed.userinfo or parsed.query or parsed.fragment:
            raise ValueError("url: should hold host and path alone, got more; a token is passed by its name.")
        if not (math.isfinite(timeout) and timeout > 0):
            raise ValueError(f"timeout: should be seconds, more than 0, got {timeout!r}.")
        if retries < 0:
            raise ValueError(f"retries: should be 0 or more, got {retries!r}.")
        return cls(str(parsed).rstrip("/"), timeout, retries)

    def attempts(self, ask: Ask[AnyAnswer]) -> Attempts[AnyAnswer]:
        """All attempts at one request, from now on."""
        return Attempts(ask, self.url, seconds=self.seconds, retries=self.retries)

    def options(self, token: str | None, verify: ssl.SSLContext | bool) -> dict[str, Any]:  # noqa: FBT001  # as httpx has it
        """How httpx is set.

        Raises ValueError if the token can not be sent; it is not shown.
        """
        if token is not None and not TOKEN.fullmatch(token):
            raise ValueError("token: should be printable ASCII without blanks, got something else.")
        return {
            "base_url": self.url,
            "headers": {} if token is None else {"authorization": f"Bearer {token}"},
            "verify": verify,
            # The token belongs to this address.
            "follow_redirects": False,
            "limits": httpx.Limits(keepalive_expiry=IDLE_SECONDS),
        }
