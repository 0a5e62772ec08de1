"""Who asks, and as part of what: what is known of a request beside its body."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import NamedTuple, Self

# Source: W3C Trace Context, 2.2 and 3.2: version, trace id, parent id, flags; all zeros is no id, and ff no version.
TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


class Asker(NamedTuple):
    """The name of a person of the access file, None where there is none, and the W3C trace id of the request."""

    name: str | None = None
    trace: str | None = None

    @classmethod
    def of(cls, name: str | None, traceparent: str | None) -> Self:
        """Who asks; a `traceparent` that is not a valid one is as good as none.

        >>> Asker.of("ada", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").trace
        '4bf92f3577b34da6a3ce929d0e0e4736'
        """
        return cls(name, None if traceparent is None else _trace(traceparent))


NOBODY = Asker()
# Of the request that is being answered; on the short way several are at once, and it is handed along with each.
ASKER: ContextVar[Asker] = ContextVar("asker", default=NOBODY)


def _trace(traceparent: str) -> str | None:
    found = TRACEPARENT.fullmatch(traceparent.strip())
    # Only later versions may say more than the first one does.
    if found is None or (found[1] == "00" and found[3] is not None):
        return None
    return found[2]
