"""How a server of two workers lives on when one is killed, and ends when it is told to, both for real."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import psutil
import pytest

from serving.leaving import Leaving
from tests import handmade
from tests.running import ROOT, Server, environment, serving, workers
from tests.serving.fast.test_protocol import BODY, TYPED, connected, post

DRAIN_SECONDS = 3
MANY = {"rows": handmade.rows(4000, seed=2)}


@pytest.fixture(scope="module")
def leaving(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two workers, which the last test of this file ends."""
    folder = tmp_path_factory.mktemp("leaving")
    variables = environment(folder, FULCRUM_BUNDLES=str(bundles), FULCRUM_DRAIN_SECONDS=str(DRAIN_SECONDS))
    with serving(variables=variables | workers(2), folder=ROOT, bundles=bundles, log=folder / "log") as running:
        yield running


def those_who_answer(server: Server) -> set[int]:
    """The processes of its workers that live."""
    living = [
        child for child in psutil.Process(server.pid).children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE
    ]
    return {child.pid for child in living if "_bentoml_impl.worker.service" in child.cmdline()}


def started(server: Server) -> int:
    """How many workers were ready to answer so far."""
    return server.log.read_text().count("Completed async startup hook: watch")


def test_of_two_workers_one_answers_while_the_other_is_killed_and_replaced(leaving: Server) -> None:
    for _ in range(600):
        if started(leaving) == 2:
            break
        time.sleep(0.1)
    before = those_who_answer(leaving)
    assert len(before) == 2
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    for _ in range(600):
        assert leaving.post("screen", json=json.loads(BODY)).status_code == 200
        if started(leaving) == 3:
            break
        time.sleep(0.1)
    after = those_who_answer(leaving)
    assert len(after) == 2
    assert after & before == before - {killed}


def ask_until_the_last(server: Server, begun: Barrier) -> int:
    """How many requests of one connection were answered, until an answer said that it was the last.

    `begun` is reached after the first answer.
    """
    with connected(server) as speaker:
        for asked in range(10_000):
            speaker.say(post(BODY, TYPED))
            status, headers, _ = speaker.hear()
            assert status == 200
            if headers.get("connection") == "close":
                assert speaker.is_ended()
                return asked
            if not asked:
                begun.wait(20)
            time.sleep(0.01)
    pytest.fail("no answer was the last")


def test_told_to_end_it_says_so_answers_all_that_it_took_and_is_gone(leaving: Server) -> None:
    short, common, line = post(BODY, TYPED), post(BODY, TYPED, "Origin: https://elsewhere"), post(BODY, TYPED)
    with (
        connected(leaving) as first,
        connected(leaving) as second,
        connected(leaving) as third,
        connected(leaving) as silent,
        ThreadPoolExecutor(4) as pool,
    ):
        # Three requests of which a part was taken: of a body on either way, and of a line.
        first.say(short[:-5])
        second.say(common[:-5])
        third.say(line[:9])
        begun = Barrier(4)
        streams = [pool.submit(ask_until_the_last, leaving, begun) for _ in range(3)]
        begun.wait(20)
        assert leaving.get("readyz").status_code == 200
        large = pool.submit(leaving.post, "screen", json=MANY)
        process = psutil.Process(leaving.pid)
        process.send_signal(signal.SIGTERM)
        # A second one, as when every process of a group is told, changes nothing.
        for each in those_who_answer(leaving):
            os.kill(each, signal.SIGTERM)

        assert [stream.result() > 0 for stream in streams] == [True] * 3
        assert leaving.get("readyz").status_code == 503
        # Whoever comes before it is over is answered still.
        assert leaving.post("screen", json=json.loads(BODY)).headers["connection"] == "close"
        with connected(leaving) as many:
            many.say(short + b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n" + short)
            heard = [many.hear() for _ in range(3)]
            assert [(status, headers.get("connection")) for status, headers, _ in heard] == [
                (200, None),
                (200, None),
                (200, "close"),
            ]
            assert many.is_ended()
        assert large.result().status_code == 200
        assert len(large.result().json()["rows"]) == 4000

        # Nobody is let in any more: whoever kept silent is let go, and of the others the rest is waited for.
        assert silent.is_ended()
        first.say(short[-5:])
        second.say(common[-5:])
        third.say(line[9:])
        for speaker in (first, second, third):
            status, headers, body = speaker.hear()
            assert (status, headers["connection"]) == (200, "close")
            assert len(json.loads(body)["rows"]) == 3
            assert speaker.is_ended()
    assert process.wait() == 0
    with pytest.raises(httpx.ConnectError):
        leaving.get("livez")
    assert "Traceback" not in leaving.log.read_text()


def test_a_signal_is_handed_on_once_after_a_while() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    leaving = Leaving(0.2)

    async def run() -> None:
        leaving.watch()
        assert not leaving.begun
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.01)
        assert leaving.begun
        for _ in range(100):
            await asyncio.sleep(0.01)

    try:
        asyncio.run(run())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_where_no_server_listens_for_the_signal_it_stays_as_it_is() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        asyncio.run(_watched())
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


async def _watched() -> None:
    Leaving(0).watch()
