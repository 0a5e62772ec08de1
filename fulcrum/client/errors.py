"""What a service did not answer: one class for each thing that a caller can do about it."""

from __future__ import annotations

from collections.abc import Sequence

from fulcrum.client.told import Refusal

# As many refusals as a person reads in a message; all of them are in `refusals`.
SHOWN = 5


class ServiceError(Exception):
    """Whatever was not answered. No token is in it.

    `status` is that of HTTP, None where nothing was sent or heard; `refusals` names each refused value.
    """

    def __init__(self, text: str, *, status: int | None = None, refusals: Sequence[Refusal] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.refusals = tuple(refusals)


class RefusedInput(ServiceError):
    """Correct what is asked: each of `refusals` names a value by its path, the rule and what was got."""

    @classmethod
    def here(cls, refusals: Sequence[Refusal]) -> RefusedInput:
        """What can not even be sent."""
        more = len(refusals) - SHOWN
        lines = [str(refusal) for refusal in refusals[:SHOWN]]
        return cls("\n".join(lines + ([f"... and {more} more."] if more > 0 else [])), refusals=refusals)


class NotAllowed(ServiceError):
    """Bring a token whose owner has the role."""


class Moved(ServiceError):
    """Look at the live point again: somebody turned it first."""


class Later(ServiceError):
    """Ask again after `retry_after` seconds; None where the service does not say. Nothing was done."""

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        refusals: Sequence[Refusal] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text, status=status, refusals=refusals)
        self.retry_after = retry_after


class TooMany(Later):
    """Ask less often: it is more than the rate of this token allows."""


class Busy(Later):
    """Ask less at once: more waits than can be answered in time."""


class Unavailable(ServiceError):
    """See to the service, or to the way to it: it can not be reached, or can not answer now."""


class Unsure(ServiceError):
    """Look at the live point or its history: a change was sent, and may have been made."""


class Unexpected(ServiceError):
    """Report it: this is no answer of such a service, or one that can not be relied on."""
