"""Sending again or not, and replies that a sound service does not give."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import httpx
import pyarrow as pa
import pytest

from fulcrum.client import (
    AsyncClient,
    Busy,
    Client,
    Moved,
    NotAllowed,
    RefusedInput,
    ServiceError,
    TooMany,
    Unavailable,
    Unexpected,
    Unsure,
    asks,
)
from fulcrum.client.attempts import ANYBODY, REFUSED, Attempts, Got, Heard
from fulcrum.client.tables import ARROW, _written
from serving.refusals import STATUSES

URL = "http://127.0.0.1:3000"
WORDS = json.dumps({"error": "screen: should be asked less at once.", "refusals": []}).encode()
ESTIMATE = {"value": 0.9, "low": 0.8, "high": 1.0}
POINT = {
    "threshold": 0.5,
    "clear_below": 0.5,
    "contract": None,
    "certificates": [],
    "precision": ESTIMATE,
    "npv": ESTIMATE,
}
ABOUT = {"id": "a-1", "model": "a/b", "bundle": "ab", "version": 0, "prevalence": 0.1, "operating_point": POINT}
SICK = {"positive": True, "decision": "positive", "probability": 0.75}
WELL = {"positive": False, "decision": "negative", "probability": 0.25}
STEP = {name: ABOUT[name] for name in ("model", "bundle", "version", "prevalence", "operating_point")}
SCREEN = asks.scored("screen", [{"age": 1}], None, None)
TURN = asks.turn("screen", 0.5, None, "why", 0)


def answered(ask: Callable[[Client], Any], body: Any, status: int = 200) -> Any:
    """What a client makes of a body."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=content))
    with Client(URL, retries=0, transport=transport, verify=False) as service:
        return ask(service)


# What is made of one thing that was heard


def failed(heard: Heard | httpx.RequestError, ask: asks.Ask[Any] = SCREEN) -> ServiceError:
    with pytest.raises(ServiceError) as error:
        Attempts(ask, URL, seconds=10, retries=0).after(heard)
    return error.value


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "text"),
    [
        (503, WORDS, {"retry-after": "1"}, Busy, "screen: should be asked less at once."),
        (503, WORDS, {}, Unavailable, "screen: should be asked less at once."),
        (503, b"<html>", {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, Unavailable, "got HTTP 503"),
        (429, b"", {}, TooMany, "got HTTP 429"),
        (502, b"<html>", {}, Unavailable, "got HTTP 502"),
        (504, b"", {}, Unavailable, "got HTTP 504"),
        (408, WORDS, {}, Unavailable, "screen: should be asked less at once."),
        (401, b"", {}, NotAllowed, "got HTTP 401"),
        (403, WORDS, {}, NotAllowed, "screen: should be asked less at once."),
        (409, WORDS, {}, Moved, "screen: should be asked less at once."),
        (409, b"", {}, Unexpected, "got HTTP 409"),
        (404, b"Not Found", {}, Unexpected, "got HTTP 404"),
        (431, WORDS, {}, RefusedInput, "screen: should be asked less at once."),
        (413, b"<html>", {}, Unexpected, "got HTTP 413"),
        (500, WORDS, {}, Unexpected, "screen: should be asked less at once."),
        (204, b"", {}, Unexpected, "got HTTP 204"),
        (307, b"", {"location": "http://elsewhere"}, Unexpected, "got HTTP 307"),
    ],
)
def test_each_status_is_one_thing_that_a_caller_can_do(
    status: int, body: bytes, headers: dict[str, str], kind: type[ServiceError], text: str
) -> None:
    error = failed(Heard(status, headers, body))
    assert (type(error), error.status) == (kind, status)
    assert str(error) == (text if body == WORDS else f"POST {URL}/screen: should be answered, {text}")
    assert getattr(error, "retry_after", None) == (1.0 if kind is Busy else None)


def test_every_status_of_the_service_is_known() -> None:
    known = {*REFUSED, *ANYBODY}
    assert {int(status) for status in STATUSES.values()} <= known
    wanted = {name: kind for name, kind in {**REFUSED, **ANYBODY}.items() if kind is not RefusedInput}
    assert wanted == {
        HTTPStatus.CONFLICT: Moved,
        HTTPStatus.REQUEST_TIMEOUT: Unavailable,
        HTTPStatus.UNAUTHORIZED: NotAllowed,
        HTTPStatus.FORBIDDEN: NotAllowed,
        HTTPStatus.TOO_MANY_REQUESTS: TooMany,
        HTTPStatus.BAD_GATEWAY: Unavailable,
        HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
        HTTPStatus.GATEWAY_TIMEOUT: Unavailable,
    }


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        (httpx.ReadError("reset"), Unsure),
        (httpx.ReadTimeout("late"), Unsure),
        (Heard(504, {}, b""), Unsure),
        (Heard(503, {}, WORDS), Unsure),
        (Heard(500, {}, WORDS), Unsure),
        (Heard(503, {"retry-after": "1"}, WORDS), Busy),
        (Heard(422, {}, WORDS), RefusedInput),
        (httpx.ConnectError("refused"), Unavailable),
    ],
)
def test_a_change_that_may_have_been_made_is_told_so(
    heard: Heard | httpx.RequestError, kind: type[ServiceError]
) -> None:
    assert type(failed(heard, TURN)) is kind


# Sending again


class Clock:
    """A clock that stands still but for what is waited."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def waits(
    ask: asks.Ask[Any], all_heard: Iterable[Heard | httpx.RequestError], **options: Any
) -> tuple[list[float], Any]:
    """How long is waited after each thing that is heard, and how it ends."""
    clock = Clock()
    attempts = Attempts(ask, URL, clock=clock, **{"seconds": 10.0, "retries": 2, **options})
    waited: list[float] = []
    for heard in all_heard:
        try:
            step = attempts.after(heard)
        except ServiceError as error:
            return waited, type(error)
        if isinstance(step, Got):
            return waited, step.answer
        waited.append(step)
        clock.now += step
    pytest.fail("It would have gone on.")


LATER, LOST = Heard(503, {"retry-after": "1"}, WORDS), httpx.ReadError("reset")
FOREIGN, UNSENT = Heard(503, {"retry-after": "1"}, b"<html>"), httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("ask", "heard", "waited", "end"),
    [
        (SCREEN, LATER, [1.0, 1.0], Busy),
        (SCREEN, FOREIGN, [1.0, 1.0], Busy),
        (SCREEN, Heard(429, {"retry-after": "3"}, WORDS), [3.0, 3.0], TooMany),
        (SCREEN, LOST, [0.1, 0.2], Unavailable),
        (SCREEN, Heard(503, {}, WORDS), [], Unavailable),
        (SCREEN, Heard(500, {}, WORDS), [], Unexpected),
        (SCREEN, Heard(422, {}, WORDS), [], RefusedInput),
        (TURN, LATER, [1.0, 1.0], Busy),
        (TURN, UNSENT, [0.1, 0.2], Unavailable),
        (TURN, FOREIGN, [], Busy),
        (TURN, LOST, [], Unsure),
        (TURN, Heard(503, {}, WORDS), [], Unsure),
        (asks.probe("readyz"), LATER, [], False),
        (asks.probe("readyz"), UNSENT, [], False),
    ],
)
def test_what_is_sent_again(ask: asks.Ask[Any], heard: Any, waited: list[float], end: Any) -> None:
    assert waits(ask, [heard] * 4) == (waited, end)


def test_it_is_sent_again_until_it_is_answered() -> None:
    reply = Heard(200, {}, json.dumps({**ABOUT, "rows": [SICK]}).encode())
    waited, answer = waits(SCREEN, [LOST, LATER, reply])
    assert (waited, answer.rows[0].decision) == ([0.1, 1.0], "positive")


def test_nothing_is_sent_again_when_there_is_no_time_for_it() -> None:
    assert waits(SCREEN, [LATER] * 4, seconds=1.5) == ([1.0], Busy)
    assert waits(SCREEN, [LATER] * 4, retries=0) == ([], Busy)


def test_there_is_never_no_time_left_which_to_httpx_would_be_something_else() -> None:
    clock = Clock()
    attempts = Attempts(SCREEN, URL, seconds=1.0, retries=0, clock=clock)
    attempts.check_time()
    clock.now += 5
    assert attempts.left == 0.001
    with pytest.raises(httpx.ReadTimeout):
        attempts.check_time()


def test_each_step_of_a_connection_has_what_is_left() -> None:
    clock, seen = Clock(), []

    def service(request: httpx.Request) -> httpx.Response:
        steps = request.extensions["timeout"]
        for step in steps:
            seen.append(steps.get(step))
            clock.now += 1
        return httpx.Response(200)

    attempts = Attempts(asks.probe("livez"), URL, seconds=10, retries=0, clock=clock)
    with httpx.Client(base_url=URL, transport=httpx.MockTransport(service)) as client:
        client.request(**attempts.http)
    assert seen == [10.0, 9.0, 8.0, 7.0]


def test_both_clients_send_again() -> None:
    seen: list[bytes] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        if len(seen) % 2:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={**ABOUT, "rows": [SICK]})

    async def awaited() -> Any:
        async with AsyncClient(URL, transport=httpx.MockTransport(service)) as client:
            return await client.screen([{"age": 61}])

    with Client(URL, transport=httpx.MockTransport(service)) as client:
        assert client.screen([{"age": 61}]) == asyncio.run(awaited())
    assert seen == [b'{"rows":[{"age":61}]}'] * 4


def test_a_redirect_is_not_followed_with_the_token() -> None:
    seen: list[httpx.URL] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(307, headers={"location": "http://elsewhere/"})

    with Client(URL, "secret", transport=httpx.MockTransport(service)) as client, pytest.raises(Unexpected):
        client.screen([{"age": 61}])
    assert seen == [f"{URL}/screen"]


# Replies that can not be relied on


def screened(rows: Any, asked: int = 1) -> Any:
    return answered(lambda service: service.screen([{"age": 61}] * asked), {**ABOUT, "rows": rows})


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([{"positive": False, "probability": 0.25}], "rows.0.decision: Field required"),
        ([{"decision": "negative", "probability": 0.25}], "rows.0.positive: Field required"),
        ([{**WELL, "positive": None}], "rows.0: should say the same twice, got negative with positive None"),
        ([{**WELL, "positive": True}], "rows.0: should say the same twice, got negative with positive True"),
        ([{**WELL, "positive": 0}], "rows.0.positive: Input should be a valid boolean"),
        ([{**WELL, "decision": "fine"}], "rows.0.decision: Input should be 'positive', 'negative' or 'indeterminate'"),
        ([{**WELL, "probability": float("nan")}], "rows.0.probability: Input should be a finite number"),
        ([{**WELL, "probability": 1.5}], "rows.0.probability: Input should be less than or equal to 1"),
        ([], "should hold 1 answers, got 0"),
        ([WELL, WELL], "should hold 1 answers, got 2"),
        (None, "rows: Input should be a valid array"),
    ],
)
def test_a_reply_that_can_not_be_relied_on_is_never_negative(rows: Any, text: str) -> None:
    with pytest.raises(Unexpected) as error:
        screened(rows)
    assert str(error.value).startswith(f"POST {URL}/screen: {text}")
    assert error.value.status == 200


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null"])
def test_what_is_no_reply_is_unexpected(body: bytes) -> None:
    with pytest.raises(Unexpected, match=f"^POST {URL}/screen: body: "):
        answered(lambda service: service.screen([{"age": 61}]), body)


def test_what_a_later_service_says_besides_is_left_out() -> None:
    reply = answered(
        lambda service: service.screen([{"age": 61}]),
        {**ABOUT, "rows": [{**SICK, "why": "age"}], "signed": True, "operating_point": {**POINT, "new": 1}},
    )
    assert reply == screened([SICK])


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"decision": ["negative"]}, "columns: should hold 1 answers, got 2"),
        ({"probability": [0.5]}, "columns: should hold 2 answers, got 1"),
        ({"positive": [True, True]}, "columns: should say the same twice, got negative with positive True"),
        ({"probability": [0.5, 1.5]}, "columns: should be a probability, got 1.5"),
        ({"symptoms": {"volume": [1.0]}}, "columns: should hold 2 answers, got 1"),
    ],
)
def test_columns_that_do_not_agree_are_unexpected(columns: dict[str, Any], text: str) -> None:
    sound = {"positive": [True, False], "decision": ["positive", "negative"], "probability": [0.75, 0.25]}

    def ask(service: Client) -> Any:
        return service.columns("screen", {"age": [61, 62]})

    assert len(answered(ask, {**ABOUT, "columns": sound}).columns.decision) == 2
    with pytest.raises(Unexpected) as error:
        answered(ask, {**ABOUT, "columns": {**sound, **columns}})
    assert str(error.value) == f"POST {URL}/screen/columns: {text}."
    with pytest.raises(Unexpected, match="should hold 3 answers, got 2"):
        answered(lambda service: service.columns("screen", {"age": [1, 2, 3]}), {**ABOUT, "columns": sound})


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([{"answer": "clear", "screen": SICK, "presurgical": WELL}], "rows.0: answer: should be clear for a negative"),
        ([{"answer": "refer", "screen": WELL, "presurgical": WELL}], "rows.0: answer: should be clear for a negative"),
        ([{"answer": "wait", "screen": SICK, "presurgical": WELL}], "rows.0.answer: Input should be 'clear', 'refer'"),
        ([], "should hold 1 answers, got 0"),
    ],
)
def test_a_pathway_clears_nobody_whom_the_screen_does_not(rows: Any, text: str) -> None:
    body = {"id": "a-1", "screen": STEP, "presurgical": STEP, "measured": None}
    with pytest.raises(Unexpected) as error:
        answered(lambda service: service.pathway([{"age": 61}]), {**body, "rows": rows})
    assert str(error.value).startswith(f"POST {URL}/pathway: {text}")


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"decision": ["positive"], "positive": [True]}, "should have the columns probability, positive, decision"),
        ({**{name: [value] for name, value in SICK.items()}, "positive": [None]}, "should say the same twice"),
        ({name: [value, value] for name, value in SICK.items()}, "should hold 1 answers, got 2"),
        ({**{name: [value] for name, value in SICK.items()}, "probability": [None]}, "should be a probability"),
        ({**{name: [value] for name, value in SICK.items()}, "probability": ["x"]}, "should be a probability, got x"),
        ({**{name: [value] for name, value in SICK.items()}, "decision": [["x"]]}, "should say the same twice"),
        ({name: [value] for name, value in SICK.items()}, "id: Field required"),
    ],
)
def test_a_table_that_can_not_be_relied_on_is_unexpected(columns: dict[str, Any], text: str) -> None:
    about = {"fulcrum": json.dumps({**ABOUT, "id": "a-1"} if text != "id: Field required" else {"model": "a"})}
    body = _written(pa.table(columns).replace_schema_metadata(about))
    asked = pa.table({"age": [61]})
    with pytest.raises(Unexpected) as error:
        answered(lambda service: service.table("screen", asked), body)
    assert str(error.value).startswith(f"POST {URL}/screen/table: {text}")
    with pytest.raises(Unexpected, match="should be a table, got ArrowInvalid"):
        answered(lambda service: service.table("screen", asked), b"<html>")


def test_a_table_is_sent_as_it_is_called() -> None:
    seen: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(500)

    with Client(URL, transport=httpx.MockTransport(service)) as client, pytest.raises(Unexpected):
        client.table("screen", pa.table({"age": [61]}), operating_point="recall >= 0.9", prevalence=0.04)
    assert seen[0].headers["content-type"] == ARROW
    assert dict(seen[0].url.params) == {"operating_point": "recall >= 0.9", "prevalence": "0.04"}
