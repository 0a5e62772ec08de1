"""Who may look and ask, and how often: seen before a body is read."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from functools import lru_cache

from models.errors import FulcrumError
from serving.access import SETTING, Access, IssuerLost, NotAllowed, NoToken, Person, Role
from serving.tally import TALLY

# People whose last requests are remembered; who has asked no more than allowed for a second is forgotten first.
REMEMBERED = 10_000


class TooMany(FulcrumError):
    """Wait as long as `Retry-After` says: this person asks more often than their rate allows."""

    reason = "rate"

    def __init__(self, person: Person, rate: float, wait: float) -> None:
        self.retry_after = math.ceil(wait)
        super().__init__(
            f"{person.name}: should ask at most {rate:g} times a second, got more; try again in {wait:.2g} s."
        )


class Gate:
    """Lets those in who may.

    Where nobody is known everybody on this machine is let in, and nobody else: what comes in at an address that
    others can reach is refused. `rate` is that of people who have none of their own.
    """

    def __init__(
        self, access: Access, clock: Callable[[], float] = time.monotonic, *, rate: float | None = None
    ) -> None:
        self._access = access
        self._clock = clock
        self._rate = rate
        self._full_at: dict[str, float] = {}

    def let_in(self, authorization: str | None, host: str | None) -> Person | None:
        """Let a request to a model in that came to the address `host` of this machine; None where that is not known.

        Answers with who asks; None where nobody is known. Raises NoToken, NotAllowed, TooMany or IssuerLost, counted.
        """
        person = self.look_in(authorization, host, "predict")
        rate = None if person is None else person.rate or self._rate
        if person is not None and rate is not None:
            try:
                self._take(person, rate)
            except TooMany as error:
                TALLY.refused(error.reason)
                raise
        return person

    def look_in(self, authorization: str | None, host: str | None, *roles: Role) -> Person | None:
        """The same for what has no rate, and needs one of these roles, or none of them but a name."""
        if not self._access.open:
            return self.named(authorization, *roles)
        if host is None or not is_loopback(host):
            TALLY.refused("nobody_known")
            raise NotAllowed(
                f"{SETTING}: should name the access file, got nothing: without it a model answers on this machine"
                " alone, at an address such as 127.0.0.1.",
                "nobody_known",
            )
        return None

    def named(self, authorization: str | None, *roles: Role) -> Person:
        """The same for what nobody may do without a name, on this machine neither."""
        try:
            person = self._access.who(authorization)
            if roles:
                person.must(*roles)
        except (NoToken, NotAllowed, IssuerLost) as error:
            TALLY.refused(error.reason)
            raise
        return person

    def _take(self, person: Person, rate: float) -> None:
        """Take one of the requests of a person: as many as one second allows may come at once.

        Source: the generic cell rate algorithm, ITU-T I.371, annex A.
        """
        now = self._clock()
        full_at = max(self._full_at.get(person.name, now), now) + 1 / rate
        if full_at - now > max(1.0, 1 / rate) + 1e-9:
            raise TooMany(person, rate, full_at - now - max(1.0, 1 / rate))
        if len(self._full_at) >= REMEMBERED and person.name not in self._full_at:
            self._forget(now)
        self._full_at[person.name] = full_at

    def _forget(self, now: float) -> None:
        """Forget who may ask as if they never had; were all too many still, those who asked least."""
        owing = sorted((full_at, name) for name, full_at in self._full_at.items() if full_at > now)
        self._full_at = {name: full_at for full_at, name in owing[-REMEMBERED // 2 :]}


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether an address in numbers is one of this machine alone."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
