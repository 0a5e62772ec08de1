"""Connections that are too many, or that keep a server waiting, on a real one with narrow limits."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests import handmade
from tests.running import ROOT, Server, environment, serving

SECONDS, CONNECTIONS = 1.0, 8
BODY = json.dumps({"rows": handmade.rows(1)}).encode()
HEAD = f"POST /screen HTTP/1.1\r\nHost: here\r\nContent-Length: {len(BODY)}\r\n".encode()


@pytest.fixture(scope="module")
def narrow(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("narrow")
    variables = environment(
        folder,
        FULCRUM_BUNDLES=str(bundles),
        FULCRUM_MAX_SECONDS=str(SECONDS),
        FULCRUM_MAX_CONNECTIONS=str(CONNECTIONS),
    )
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as running:
        yield running


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        yield connection


def to_its_end(connection: socket.socket) -> bytes:
    heard = b""
    while part := connection.recv(65536):
        heard += part
    return heard


def answered(server: Server) -> bool:
    return server.post("screen", content=BODY, headers={"content-type": "application/json"}).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /scr",
        HEAD + b"\r\n" + BODY[:-1],
        b"GET /livez HTTP/1.1\r\nHo",
        # The common way: a browser that sends half of a body.
        HEAD + b"Origin: x\r\n\r\n" + BODY[:-1],
    ],
)
def test_who_keeps_the_server_waiting_is_sent_away(narrow: Server, sent: bytes) -> None:
    with connected(narrow) as connection:
        begun = time.monotonic()
        connection.sendall(sent)
        heard = to_its_end(connection)
        took = time.monotonic() - begun
    assert took >= SECONDS - 0.1
    if b"Origin" not in sent:
        assert heard.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"request: should be there within 1 seconds, got nothing, or a part of it." in heard
    assert answered(narrow)


@pytest.mark.parametrize(
    "begun", [b"POST /screen?", b"POST /screen HTTP/1.1\r\nHost: ", HEAD + b"A: ", HEAD + b"A: b\r\n" * 9_000]
)
def test_a_head_without_end_is_ended(narrow: Server, begun: bytes) -> None:
    with connected(narrow) as connection:
        connection.sendall(begun)
        time.sleep(0.1)  # What comes with its beginning is not counted.
        connection.sendall(b"a" * 70_000)
        heard = to_its_end(connection)
    assert heard.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"request: should have a line and headers of at most 65536 bytes, got more." in heard
    assert answered(narrow)


def test_headers_that_are_long_and_end_are_read(narrow: Server) -> None:
    with connected(narrow) as connection:
        for _ in range(3):
            connection.sendall(HEAD + b"A: " + b"a" * 60_000)
            time.sleep(0.05)
            connection.sendall(b"\r\n\r\n" + BODY)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_drop_now_and_then_does_not_buy_more_time(narrow: Server) -> None:
    def drop(connection: socket.socket) -> None:
        for place in range(200):
            connection.sendall((HEAD + b"\r\n")[place : place + 1] or b"x")
            time.sleep(0.05)

    with connected(narrow) as connection:
        begun = time.monotonic()
        with pytest.raises(OSError, match=r"reset|pipe"):
            drop(connection)
        assert time.monotonic() - begun < 6


def test_a_connection_that_asked_in_time_goes_on_however_long_it_rests(narrow: Server) -> None:
    with connected(narrow) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"\r\n" + BODY)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            time.sleep(2.5 * SECONDS)


def test_its_second_request_has_to_arrive_in_time_too(narrow: Server) -> None:
    with connected(narrow) as connection:
        connection.sendall(HEAD + b"\r\n" + BODY)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(HEAD)
        assert to_its_end(connection).startswith(b"HTTP/1.1 408")


def test_more_connections_than_may_be_are_sent_away_and_the_others_are_served(narrow: Server) -> None:
    with ExitStack() as stack:
        there = [stack.enter_context(connected(narrow)) for _ in range(CONNECTIONS)]
        for connection in there:
            connection.sendall(HEAD + b"\r\n" + BODY)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        with connected(narrow) as one_more:
            heard = to_its_end(one_more)
        assert heard.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"Retry-After: 1\r\n" in heard
        assert b"connections: should be at most 8 at once, got more." in heard
        there[0].sendall(HEAD + b"\r\n" + BODY)
        assert there[0].recv(65536).startswith(b"HTTP/1.1 200")
    # Whom one leaves is known a moment later.
    time.sleep(0.5)
    assert answered(narrow)
