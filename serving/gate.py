"""Who may ask a model, and how often: seen before a body is read."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from functools import lru_cache

from models.errors import FulcrumError
from serving.access import SETTING, Access, NotAllowed, Person


class TooMany(FulcrumError):
    """Wait as long as `Retry-After` says: this person asks more often than their rate allows."""

    def __init__(self, person: Person, wait: float) -> None:
        self.retry_after = math.ceil(wait)
        super().__init__(
            f"{person.name}: should ask at most {person.rate:g} times a second, got more; try again in {wait:.2g} s."
        )


class Gate:
    """Lets those with the role `predict` in.

    Without an access file everybody on this machine is let in, and nobody else: what comes in at an address that
    others can reach is refused.
    """

    def __init__(self, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def let_in(self, authorization: str | None, host: str | None) -> str | None:
        """Let a request in that came to the address `host` of this machine; None where that is not known.

        Returns the name of who asks, None where nobody is known.

        Raises NoToken, NotAllowed or TooMany.
        """
        if self._access.people is None:
            if host is None or not _is_loopback(host):
                raise NotAllowed(
                    f"{SETTING}: should name the access file, got nothing: without it a model answers on this machine"
                    " alone, at an address such as 127.0.0.1."
                )
            return None
        person = self._access.who(authorization)
        person.must("predict")
        if person.rate is not None:
            self._take(person, person.rate)
        return person.name

    def _take(self, person: Person, rate: float) -> None:
        """Take one of the requests of a person: as many as one second allows may come at once.

        Source: the generic cell rate algorithm, ITU-T I.371, annex A.
        """
        now = self._clock()
        full_at = max(self._full_at.get(person.name, now), now) + 1 / rate
        if full_at - now > max(1.0, 1 / rate) + 1e-9:
            raise TooMany(person, full_at - now - max(1.0, 1 / rate))
        self._full_at[person.name] = full_at


@lru_cache(maxsize=64)
def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
