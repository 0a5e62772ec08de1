"""What is written of an answer is what was answered, at every door of this process."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.inputs import Inputs
from models.turn import Setting
from serving.access import Access
from serving.asker import ASKER, Asker
from serving.change import canonical
from serving.decisions import chain
from serving.decisions.digest import digests
from serving.decisions.log import Log
from serving.decisions.recorder import Recorder
from serving.endpoint import Endpoint
from serving.fast.routes import Route, routes
from serving.gate import Gate
from serving.live import Live
from serving.now import Now
from serving.recording import recorder_of
from serving.refusals import Answer, LogLost
from serving.settings import Settings, read
from serving.tally import TALLY
from serving.tuning import Store
from tests import handmade
from tests.serving.decisions.logs import decided, problems

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ADA = Asker("ada é", TRACE)
Make = Callable[..., Endpoint]


@pytest.fixture
def make(bundles: Path, tmp_path: Path) -> Iterator[Make]:
    """Opens `screen` with a log in this test's own folder."""
    logs = []

    def opened(*, inputs: bool = False) -> Endpoint:
        logs.append(Log(tmp_path, most_bytes=10**6, sync=False))
        settings = Settings.model_validate({"FULCRUM_BUNDLES": bundles})
        return Endpoint.open("screen", settings, Recorder(logs[-1], inputs=inputs))

    yield opened
    for log in logs:
        log.close()


@pytest.fixture
def hot(make: Make, tmp_path: Path) -> Iterator[dict[str, Route]]:
    screen = make()
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        live = Live(store, {"screen": screen.scorer})
        yield routes({"screen": screen}, live, Gate(Access(None)), max_wait=0.5)


def answer(
    screen: Endpoint, rows: list[dict[str, object]], *, now: Now | None = None, **asked: object
) -> dict[str, Any]:
    request = screen.messages.request.read(json.dumps({"rows": rows, **asked}).encode())
    found: dict[str, Any] = screen.answer(request, now or Now(0, None, Setting(), screen.scorer.turn())).model_dump(
        mode="json"
    )
    return found


def in_one_turn(hot: dict[str, Route], asked: list[tuple[str, dict[str, Any], Asker]]) -> list[Answer]:
    async def ask() -> list[Answer]:
        told: list[asyncio.Future[Answer]] = []
        for address, body, asker in asked:
            told.append(asyncio.get_running_loop().create_future())
            hot[address].ask(json.dumps(body).encode(), told[-1].set_result, asker)
        return await asyncio.wait_for(asyncio.gather(*told), 10)

    return asyncio.run(ask())


def holds(line: dict[str, Any], reply: dict[str, Any], rows: list[dict[str, object]], screen: Endpoint) -> None:
    """Whether a line says what a reply in rows says, of these rows."""
    (model,) = line["models"]
    assert line["id"] == reply["id"]
    assert model["bundle"] == reply["bundle"] == screen.scorer.bundle.digest
    assert model["version"] == reply["version"]
    assert model["prevalence"] == reply["prevalence"]
    assert model["threshold"] == reply["operating_point"]["threshold"]
    assert model["decision"] == [row["decision"] for row in reply["rows"]]
    assert model["probability"] == [row["probability"] for row in reply["rows"]]
    assert len(model["inputs"]) == len(rows)
    encoded = screen.messages.request.read(json.dumps({"rows": rows}).encode()).encoded()
    assert model["inputs"] == digests(encoded)


def test_an_answer_is_written_as_it_is_given(make: Make, tmp_path: Path) -> None:
    screen, rows = make(), handmade.rows(40)
    token = ASKER.set(ADA)
    reply = answer(screen, rows)
    ASKER.reset(token)
    (line,) = decided(tmp_path)
    holds(line, reply, rows, screen)
    assert (line["by"], line["trace"], line["endpoint"]) == ("ada é", TRACE, "screen")
    assert line["at"].endswith("Z")
    assert "columns" not in line["models"][0]


def test_one_that_asks_for_its_own_point_is_written_with_it(make: Make, tmp_path: Path) -> None:
    screen, rows = make(), handmade.rows(60)
    replies = [
        answer(screen, rows, operating_point="three-way", prevalence=0.2),
        answer(screen, rows, operating_point=0.3),
    ]
    for line, reply in zip(decided(tmp_path), replies, strict=True):
        holds(line, reply, rows, screen)
        assert (line["by"], line["trace"], line["models"][0]["version"]) == (None, None, None)
    zoned, by_hand = (line["models"][0] for line in decided(tmp_path))
    assert zoned["clear_below"] < zoned["threshold"]
    assert "indeterminate" in zoned["decision"]
    assert zoned["contract"] == str(screen.scorer.manifest.points[1].in_words)
    assert by_hand["contract"] is None


def test_the_short_way_writes_what_the_long_one_does(hot: dict[str, Route], make: Make, tmp_path: Path) -> None:
    rows, screen = handmade.rows(5, 3), make()
    by_column = {"columns": {name: [row[name] for row in rows] for name in rows[0]}}
    one, other = in_one_turn(hot, [("/screen", {"rows": rows}, ADA), ("/screen/columns", by_column, Asker())])
    slow = answer(screen, rows)
    lines = {line["id"]: line for line in decided(tmp_path)}
    first, second = (lines[json.loads(each.body)["id"]] for each in (one, other))
    holds(first, json.loads(one.body), rows, screen)
    assert (first["by"], first["trace"]) == ("ada é", TRACE)
    assert (second["by"], second["trace"]) == (None, None)
    assert first["models"] == second["models"] == lines[slow["id"]]["models"]


def test_a_turn_is_one_write_and_each_finds_its_own_rows(
    hot: dict[str, Route], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_turn(hot, [("/screen", {"rows": handmade.rows(1)}, ADA)])
    writes: list[bytes] = []
    write = chain._write
    monkeypatch.setattr(chain, "_write", lambda file, data: (writes.append(data), write(file, data)))
    bodies = [{"rows": handmade.rows(1 + seed % 3, seed)} for seed in range(20)]
    bodies[7]["operating_point"] = 0.3  # type: ignore[assignment]
    found = in_one_turn(hot, [("/screen", body, Asker(f"p{seed}")) for seed, body in enumerate(bodies)])

    assert len(writes) == 1
    lines = {line["id"]: line for line in decided(tmp_path)}
    for seed, each in enumerate(found):
        reply = json.loads(each.body)
        line = lines[reply["id"]]
        assert line["by"] == f"p{seed}"
        assert line["models"][0]["probability"] == [row["probability"] for row in reply["rows"]]
    assert problems(tmp_path) == []


def test_where_nothing_can_be_recorded_nobody_is_told_and_nothing_is_counted(
    hot: dict[str, Route], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    TALLY.pour()
    asked = [("/screen", {"rows": handmade.rows(2, seed)}, ADA) for seed in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(chain, "_write", full)
        refused = in_one_turn(hot, [*asked, ("/screen", {"rows": handmade.rows(1), "operating_point": 0.3}, ADA)])
    assert {each.status for each in refused} == {503}
    assert json.loads(refused[0].body)["error"] == (
        "FULCRUM_DECISIONS: should take every decision before it is answered, got: No space left on device;"
        " nothing was answered."
    )
    assert TALLY._rows == {}
    assert {each.status for each in in_one_turn(hot, asked)} == {200}
    assert sum(TALLY._rows.values()) == 6
    assert len(decided(tmp_path)) == 3


def test_the_long_way_does_not_answer_either(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    screen = make()
    monkeypatch.setattr(chain, "_write", full)
    with pytest.raises(LogLost):
        answer(screen, handmade.rows(1))


def test_the_columns_are_kept_where_that_is_asked_for(make: Make, tmp_path: Path) -> None:
    screen = make(inputs=True)
    rows = handmade.rows(30, 5)
    answer(screen, rows)
    (line,) = decided(tmp_path)
    kept = np.frombuffer(b"".join(map(b64decode, line["models"][0]["columns"])), dtype="<f4").reshape(30, 4)
    assert kept.tobytes() == handmade.encoded(30, 5).tobytes()
    assert line["models"][0]["inputs"] == digests(Inputs(kept))


def test_every_line_is_canonical(make: Make, tmp_path: Path) -> None:
    screen = make(inputs=True)
    answer(screen, handmade.rows(3), operating_point="recall >= 0.9", prevalence=0.001)
    for file in tmp_path.glob("*.jsonl"):
        for line in file.read_text().splitlines():
            fields = json.loads(line)
            seal = fields.pop("hash")
            assert line == f'{canonical(fields)[:-1]},"hash":"{seal}"}}'


def test_a_digest_is_that_of_text_and_bytes_and_of_a_photograph_too() -> None:
    columns = np.array([[1.5, np.nan], [0, 2]], dtype=np.float32)
    wanted = [hashlib.sha256(b"columns float32 [2]\n" + row.tobytes()).hexdigest() for row in columns]
    assert digests(Inputs(columns)) == wanted
    image = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    seen = digests(Inputs(columns, image))
    text = b"columns float32 [2]\n" + columns[1].tobytes() + b"image uint8 [4, 5, 3]\n" + image[1].tobytes()
    assert seen[1] == hashlib.sha256(text).hexdigest()
    none = np.empty((2, 0), dtype=np.float32)
    assert len(set(digests(Inputs(none, image)))) == 2


def test_without_the_setting_there_is_no_log(bundles: Path, tmp_path: Path) -> None:
    assert recorder_of(read({"FULCRUM_BUNDLES": str(bundles)})) is None
    kept = recorder_of(read({"FULCRUM_BUNDLES": str(bundles), "FULCRUM_DECISIONS": str(tmp_path)}))
    assert isinstance(kept, Recorder)
