"""A real service of two workers whose decisions are recorded: at every door, by name, and whatever happens to it."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import psutil
import pyarrow as pa
import pyarrow.ipc
import pytest

from serving.decisions.replay import replay
from serving.decisions.verify import verify
from serving.tables import ARROW
from tests import handmade
from tests.running import ROOT, Server, environment, serving, workers
from tests.serving.decisions.logs import decided, files, problems, small_disk

ROWS = handmade.rows(7, 11)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 2 MB if one may be mounted here, else a folder like any other."""
    made = tmp_path_factory.mktemp("recorded") / "decisions"
    made.mkdir()
    with small_disk(made, size="2m"):
        yield made


@pytest.fixture(scope="module")
def recording(
    bundles: Path, folder: Path, access: Path, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    variables = environment(
        home,
        FULCRUM_BUNDLES=str(bundles),
        FULCRUM_ACCESS=str(access),
        FULCRUM_DECISIONS=str(folder),
        FULCRUM_LOG_INPUTS="1",
        FULCRUM_LOG_BYTES="30000",
        **workers(2),
    )
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=home / "log") as running:
        yield running
    # Who is asked to end says where their log ends; the one that was killed could not.
    found = verify(folder)
    assert (found.problems, len(found.notes)) == ([], 1)


@pytest.fixture
def asks(tokens: dict[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['bo']}", "traceparent": TRACEPARENT}


def writers(folder: Path) -> set[psutil.Process]:
    """The processes that write: the workers that were asked so far."""
    headers = [json.loads(file.read_bytes().partition(b"\n")[0]) for file in files(folder)]
    found = {int(header["process_id"]) for header in headers}
    return {psutil.Process(each) for each in found if psutil.pid_exists(each)}


def by_id(folder: Path) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in decided(folder)}


def id_of(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    if response.headers["content-type"] != ARROW:
        return str(response.json()["id"])
    about = pa.ipc.open_stream(io.BytesIO(response.content)).schema.metadata[b"fulcrum"]
    return str(json.loads(about)["id"])


def table() -> bytes:
    sink, rows = io.BytesIO(), pl.DataFrame(ROWS).to_arrow()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    return sink.getvalue()


DOORS: dict[str, tuple[str, dict[str, Any]]] = {
    "the short way": ("screen", {"json": {"rows": ROWS}}),
    "by column": ("screen/columns", {"json": {"columns": {name: [row[name] for row in ROWS] for name in ROWS[0]}}}),
    "the common way": ("screen", {"json": {"rows": ROWS}, "headers": {"origin": "http://127.0.0.1"}}),
    "by column, the common way": (
        "screen/columns",
        {
            "json": {"columns": {name: [row[name] for row in ROWS] for name in ROWS[0]}},
            "headers": {"origin": "http://127.0.0.1"},
        },
    ),
    "a table": ("screen/table", {"content": table(), "headers": {"content-type": ARROW}}),
    "the other model": ("presurgical", {"json": {"rows": ROWS, "operating_point": 0.3}}),
    "both models": ("pathway", {"json": {"rows": ROWS}}),
}


@pytest.mark.parametrize("door", DOORS)
def test_what_is_answered_at_any_door_was_recorded_and_comes_out_the_same(
    recording: Server, folder: Path, bundles: Path, asks: dict[str, str], door: str
) -> None:
    address, request = DOORS[door]
    response = recording.post(address, **{**request, "headers": {**request.get("headers", {}), **asks}})
    name = id_of(response)
    line = by_id(folder)[name]
    assert (line["by"], line["trace"], line["endpoint"]) == ("bo", TRACE, address.partition("/")[0])
    assert [len(model["probability"]) for model in line["models"]] == [len(ROWS)] * len(line["models"])
    # The same people, so the same inputs, whichever way they came.
    other = id_of(recording.post("screen", json={"rows": ROWS}, headers=asks))
    short = by_id(folder)[other]
    assert line["models"][0]["inputs"] == short["models"][0]["inputs"]
    if address.startswith("screen"):
        assert line["models"] == short["models"]
    assert replay(folder, name, bundles).equal


def test_what_is_refused_is_not_recorded(recording: Server, folder: Path, asks: dict[str, str]) -> None:
    before = len(decided(folder))
    assert recording.post("screen", json={"rows": ROWS}).status_code == 401
    bad = {"rows": [{**ROWS[0], "age": 900}]}
    assert recording.post("screen", json=bad, headers=asks).status_code == 422
    assert len(decided(folder)) == before


def ask_until_both(recording: Server, folder: Path, asks: dict[str, str]) -> set[psutil.Process]:
    """Ask on new connections until both workers have answered."""
    for _ in range(200):
        if len(found := writers(folder)) == 2:
            return found
        recording.post("screen", json={"rows": ROWS[:1]}, headers=asks)
    pytest.fail("One worker answered everything.")


def test_on_a_full_disk_nobody_is_answered_until_there_is_room(
    recording: Server, folder: Path, asks: dict[str, str]
) -> None:
    if not folder.is_mount():
        pytest.skip("A small disk can not be mounted here.")
    ask_until_both(recording, folder, asks)
    requests = [
        (address, {**request, "headers": {**request.get("headers", {}), **asks}}) for address, request in DOORS.values()
    ]
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    # Some lines still fit on the last pages; then none does, at any door.
    told, refused = [], []
    while len(refused) < 8 * len(requests):
        for address, request in requests:
            response = recording.post(address, **request)
            if response.status_code == 200:
                told.append(id_of(response))
                refused = []
            else:
                refused.append(response)
    assert {each.status_code for each in refused} == {503}
    assert refused[0].json() == {
        "error": "FULCRUM_DECISIONS: should take every decision before it is answered, got: No space left on device;"
        " nothing was answered.",
        "refusals": [],
    }
    assert not set(told) - set(by_id(folder))
    assert problems(folder) == []

    filler.unlink()
    told = [id_of(recording.post(address, **request)) for address, request in requests for _ in range(3)]
    assert not set(told) - set(by_id(folder))
    assert problems(folder) == []
    assert "can not be written: No space left on device; nothing is answered." in recording.log.read_text()


def test_a_killed_worker_loses_nothing_that_was_answered(recording: Server, folder: Path, asks: dict[str, str]) -> None:
    one, _ = ask_until_both(recording, folder, asks)
    answered: list[str] = []
    enough = threading.Event()

    def ask(client: int) -> None:
        while not enough.is_set():
            with contextlib.suppress(httpx.TransportError), httpx.Client(base_url=recording.url) as asking:
                for _ in range(20):
                    found = asking.post("/screen", json={"rows": handmade.rows(3, client)}, headers=asks)
                    answered.append(id_of(found))

    def wait(count: int) -> None:
        for _ in range(600):
            if len(answered) >= count:
                return
            time.sleep(0.05)
        pytest.fail(f"{len(answered)} answers, and no more.")

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask, client) for client in range(4)]
        try:
            wait(100)
            one.kill()
            wait(len(answered) + 100)
        finally:
            enough.set()
        for client in clients:
            client.result()

    assert not set(answered) - set(by_id(folder))
    found = verify(folder)
    assert found.problems == []
    assert found.decisions >= len(answered)


def test_no_value_of_a_patient_and_no_token_is_in_the_output(recording: Server, tokens: dict[str, str]) -> None:
    said = recording.log.read_text()
    assert f"Bearer {tokens['bo']}"[:20] not in said
    assert tokens["bo"] not in said
