"""ASGI by hand under uvicorn, with msgspec: `app` asks the model for each request, `shared` once a turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from benchmarks.serving.peers.graph import answers, encode, session
from benchmarks.serving.peers.typed import FastPredictions, FastRecord, FastRecords, fast

Receive, Send = Callable[[], Awaitable[dict[str, Any]]], Callable[[dict[str, Any]], Awaitable[None]]
SESSION = session()
ONE, MANY = msgspec.json.Decoder(FastRecord).decode, msgspec.json.Decoder(FastRecords).decode
encode_json = msgspec.json.Encoder().encode
WAITING: list[tuple[tuple[Any, ...], asyncio.Future[Any]]] = []


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One inference a request."""
    await _serve(scope, receive, send, _alone)


async def shared(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One inference for all that came in the same turn of the loop."""
    await _serve(scope, receive, send, _together)


async def _serve(scope: dict[str, Any], receive: Receive, send: Send, one: Callable[[Any], Awaitable[Any]]) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        return
    body = await _body(receive)
    status = 200
    try:
        if scope["path"] == "/one":
            said = encode_json(fast(await one(msgspec.structs.astuple(ONE(body)))))
        elif scope["path"] == "/many":
            cells = encode([msgspec.structs.astuple(record) for record in MANY(body).rows])
            said = encode_json(FastPredictions([fast(answer) for answer in answers(SESSION, cells)]))
        else:
            said = b"true"
    except msgspec.MsgspecError as error:
        status, said = 422, encode_json({"error": str(error)})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": said})


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _alone(cells: tuple[Any, ...]) -> Any:
    return answers(SESSION, encode([cells]))[0]


async def _together(cells: tuple[Any, ...]) -> Any:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    if not WAITING:
        loop.call_soon(_flush)
    WAITING.append((cells, future))
    return await future


def _flush() -> None:
    waiting = WAITING.copy()
    WAITING.clear()
    for (_, future), answer in zip(waiting, answers(SESSION, encode([cells for cells, _ in waiting])), strict=True):
        future.set_result(answer)
