"""Sending again, or not: what follows from whatever was heard. It waits for nothing and sends nothing itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import httpx
from pydantic import ValidationError

from fulcrum.client.asks import Ask
from fulcrum.client.errors import (
    Busy,
    Later,
    Moved,
    NotAllowed,
    RefusedInput,
    ServiceError,
    TooMany,
    Unavailable,
    Unexpected,
    Unsure,
)
from fulcrum.client.told import Refused

AnyAnswer = TypeVar("AnyAnswer")
OK = 200
# What each status of the service asks of a caller, in its own words, ...
REFUSED: Mapping[int, type[ServiceError]] = {
    **dict.fromkeys((400, 404, 405, 413, 415, 422, 431), RefusedInput),
    409: Moved,
    408: Unavailable,
}
# ... and in those of whatever stands before it, too.
ANYBODY: Mapping[int, type[ServiceError]] = {
    401: NotAllowed,
    403: NotAllowed,
    429: TooMany,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
# No byte of the request has left.
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# After a connection that failed, doubled each time.
FIRST_PAUSE = 0.1


class Heard(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Got(NamedTuple, Generic[AnyAnswer]):
    """An answer."""

    answer: AnyAnswer


class Attempts(Generic[AnyAnswer]):
    """All attempts at one request, which end with `seconds` from now, and after `retries` further ones."""

    def __init__(
        self,
        ask: Ask[AnyAnswer],
        url: str,
        *,
        seconds: float,
        retries: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._where = f"{ask.method} {url}{ask.path}"
        self._clock = clock
        self._until = clock() + seconds
        self._retries = retries
        self._pause = FIRST_PAUSE

    @property
    def left(self) -> float:
        """Seconds that are left, always more than none: to a socket 0 is something else."""
        return max(self._until - self._clock(), 0.001)

    @property
    def http(self) -> dict[str, Any]:
        """The request as httpx takes it, with the time that there is."""
        return {**self._ask.http, "extensions": {"timeout": Left(self)}}

    def check_time(self) -> None:
        """Raises httpx.ReadTimeout where an answer drips beyond the time there is."""
        if self._clock() > self._until:
            raise httpx.ReadTimeout("the answer took too long")

    def after(self, heard: Heard | httpx.RequestError) -> Got[AnyAnswer] | float:
        """The answer, or the seconds to wait before the next attempt.

        Raises ServiceError if there should be none.
        """
        if isinstance(heard, Heard) and heard.status == OK:
            return Got(self._read(heard.body))
        error, wait = self._failure(heard)
        if isinstance(error, Unavailable | Busy) and self._ask.otherwise is not None:
            return Got(self._ask.otherwise)
        if wait is None or not self._retries or self._clock() + wait >= self._until:
            raise error from (None if isinstance(heard, Heard) else heard)
        self._retries -= 1
        return wait

    def _read(self, body: bytes) -> AnyAnswer:
        try:
            return self._ask.read(body)
        except ValidationError as error:
            # What was got is a patient's, and is left out.
            detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
            path = ".".join(map(str, detail["loc"])) or "body"
            text = f"{path}: {detail['msg'].removeprefix('Value error, ')}"
        except ValueError as error:
            text = str(error)
        raise Unexpected(f"{self._where}: {text}.", status=OK)

    def _failure(self, heard: Heard | httpx.RequestError) -> tuple[ServiceError, float | None]:
        """What a caller is told, and after how many seconds it may be tried again; None if it may not."""
        if not isinstance(heard, Heard):
            text = f"{self._where}: should be answered, got {type(heard).__name__}: {heard}"
            if self._ask.changes and not isinstance(heard, UNSENT):
                return Unsure(text), None
            wait, self._pause = self._pause, 2 * self._pause
            return Unavailable(text), wait
        said, status = _refused(heard.body), heard.status
        kind = ANYBODY.get(status) or (REFUSED.get(status) if said else None) or Unexpected
        text = said.error if said else f"{self._where}: should be answered, got HTTP {status}"
        refusals = said.refusals if said else ()
        after = _seconds(heard.headers.get("retry-after"))
        if kind is TooMany or (kind is Unavailable and status == 503 and after is not None):
            later: type[Later] = TooMany if kind is TooMany else Busy
            # A proxy may say so of a change that it has already passed on; the service itself has not begun.
            again = said is not None or not self._ask.changes
            return later(text, status=status, refusals=refusals, retry_after=after), after if again else None
        if self._ask.changes and status >= 500:
            kind = Unsure
        return kind(text, status=status, refusals=refusals), None


class Left(Mapping[str, float]):
    """What httpx looks its limits up in, of which each step of a connection (connect, write, read) has what is left.

    Were they numbers, each step could take as long as all together may.
    """

    def __init__(self, attempts: Attempts[Any]) -> None:
        self._attempts = attempts

    def __getitem__(self, step: str) -> float:
        return self._attempts.left

    def __iter__(self) -> Iterator[str]:
        return iter(("connect", "read", "write", "pool"))

    def __len__(self) -> int:
        return 4


def _refused(body: bytes) -> Refused | None:
    """A refusal in the words of the service; None in those of something before it."""
    try:
        return Refused.model_validate_json(body)
    except ValidationError:
        return None


def _seconds(text: str | None) -> float | None:
    """What `Retry-After` says; None for a date, which needs two clocks that agree."""
    return float(text) if text and text.isascii() and text.isdecimal() else None
