"""Clients of a service under load: one turns its live points, others ask it, and one may not turn it.

Each runs in a process of its own, over connections that are kept. What was sent and came back is only kept here,
with its times (seconds of the clock that all processes of a machine share); `benchmarks.replies` judges it.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

TURNED = ("screen", "presurgical")
ASKED = ("screen", "presurgical", "pathway")
# One change in so many is a roll-back, to one of the last so many versions.
ROLL_BACK, BACK = 40, 30
CONNECTIONS = 4
REFUSED_PER_SECOND = 10
IN_VAIN = "must not be kept"
# What is asked for is a little more than what has to be reached, so that a late start can be made up for.
AHEAD = 1.02


@dataclass(frozen=True)
class Reply:
    """What came back of one request, and when both went over the wire."""

    sent: float
    back: float
    status: int
    body: bytes

    @property
    def seconds(self) -> float:
        return self.back - self.sent


@dataclass(frozen=True)
class Answer:
    """The reply of an endpoint to the rows of one number."""

    endpoint: str
    rows: int
    reply: Reply


@dataclass(frozen=True)
class Turn:
    """A change that was asked for as the version after `seen`: a setting, or the version `to` which to roll back."""

    endpoint: str
    seen: int
    asked: dict[str, Any]
    to: int | None
    reply: Reply

    @property
    def kept(self) -> bool:
        """Whether it was acknowledged."""
        return self.reply.status == http.client.OK


@dataclass
class Asked:
    """All answers of some time, and how often each change that must be refused was answered how."""

    answers: list[Answer] = field(default_factory=list)
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)


class Line:
    """One connection that is kept."""

    def __init__(self, url: str, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = {"content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        sent = time.monotonic()
        self._connection.request(method, path, body, {**self._headers, **(headers or {})})
        response = self._connection.getresponse()
        read = response.read()
        return Reply(sent, time.monotonic(), response.status, read)


@dataclass(frozen=True)
class Slice:
    """Some seconds of a service at these addresses, from a moment on."""

    urls: Sequence[str]
    begin: float
    seconds: float

    @property
    def end(self) -> float:
        return self.begin + self.seconds


class Turner:
    """Somebody who turns the live points, now over one connection and now over another."""

    def __init__(
        self, urls: Sequence[str], token: str, settings: dict[str, list[dict[str, Any]]], versions: dict[str, int]
    ) -> None:
        self._lines = cycle([Line(url, token) for _ in range(CONNECTIONS // len(urls)) for url in urls])
        self._settings = settings
        self._versions = dict(versions)
        self._chance = random.Random(sum(versions.values()))

    def run(self, endpoint: str, during: Slice, rate: float) -> list[Turn]:
        """Turn one point `rate` times a second."""
        turns, tick = [], 0
        pace = rate * AHEAD
        while (now := time.monotonic()) < during.end:
            if now < (due := during.begin + tick / pace):
                time.sleep(due - now)
            tick += 1
            turns.append(self.turn(endpoint, back=tick % ROLL_BACK == 0))
        return turns

    def turn(self, endpoint: str, *, back: bool = False) -> Turn:
        seen = self._versions[endpoint]
        asked = self._chance.choice(self._settings[endpoint])
        to = self._chance.randint(max(0, seen - BACK), seen) if back else None
        said = {"reason": f"change {seen + 1}", "version": seen}
        path = f"/operating-points/{endpoint}"
        reply = (
            next(self._lines).send("PUT", path, json.dumps({**asked, **said}).encode())
            if to is None
            else next(self._lines).send("POST", f"{path}/roll-back", json.dumps({"to": to, **said}).encode())
        )
        done = Turn(endpoint, seen, asked, to, reply)
        self._versions[endpoint] += done.kept
        return done


def ask(
    during: Slice,
    bodies: Sequence[bytes],
    refused: Sequence[Refused],
    token: str,
    *,
    clients: int,
    per_second: float | None,
) -> Asked:
    """Ask all endpoints in turn over so many connections, so often together, and turn in vain beside."""
    found, urls = Asked(), during.urls

    def client(number: int) -> None:
        line, chance = Line(urls[number % len(urls)], token), random.Random(number)
        # Without a pace each is asked again as soon as it is answered.
        between = clients / per_second if per_second else 0
        for tick, endpoint in enumerate(cycle(ASKED)):
            time.sleep(max(0, during.begin + (tick + number / clients) * between - time.monotonic()))
            if time.monotonic() > during.end:
                return
            rows = chance.randrange(len(bodies))
            found.answers.append(Answer(endpoint, rows, line.send("POST", f"/{endpoint}", bodies[rows])))

    def in_vain() -> None:
        lines = [Line(urls[place % len(urls)], each.token) for place, each in enumerate(refused)]
        for tick, (each, line) in enumerate(cycle(zip(refused, lines, strict=True))):
            time.sleep(max(0, during.begin + tick / REFUSED_PER_SECOND - time.monotonic()))
            if time.monotonic() > during.end:
                return
            reply = line.send("PUT", f"/operating-points/{each.endpoint}", each.body)
            found.refused[each.why, reply.status] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    if refused:
        threads.append(threading.Thread(target=in_vain))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@dataclass(frozen=True)
class Refused:
    """A change that must be refused, why, and with which status."""

    why: str
    status: int
    endpoint: str
    token: str
    asked: dict[str, Any]

    @property
    def body(self) -> bytes:
        return json.dumps({"version": 0, "reason": IN_VAIN, **self.asked}).encode()


def turn(  # noqa: PLR0917  # which point of which service, by whom, to what and how often
    endpoint: str,
    during: Slice,
    token: str,
    settings: dict[str, list[dict[str, Any]]],
    versions: dict[str, int],
    rate: float,
) -> list[Turn]:
    """Turn one point of a service, so many times a second."""
    return Turner(during.urls, token, settings, versions).run(endpoint, during, rate)
