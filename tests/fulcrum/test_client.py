"""The clients against a running service: what they answer, what they refuse, and that their types are the service's."""

from __future__ import annotations

import asyncio
import inspect
import io
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fulcrum.client import (
    AsyncClient,
    Client,
    Later,
    Moved,
    NotAllowed,
    RefusedInput,
    Reply,
    ServiceError,
    TooMany,
    Unavailable,
    Unexpected,
    answers,
    drawings,
    figures,
    pathway,
    points,
    told,
)
from fulcrum.client.told import Refusal, Refused, Told
from tests import handmade
from tests.running import ROOT, Server, environment, said, serving
from tests.serving.conftest import MAX_ROWS

ROWS: Any = handmade.rows(200, 3)
AGE = "should be a number from 0 to 120 years"
NUMBER = "should be a number that JSON can say, or None for what is not known"


class Awaited:
    """An AsyncClient of which every answer is awaited at once: the same tests ask both clients."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        def asked(*arguments: Any, **options: Any) -> Any:
            return self._runner.run(getattr(self._client, name)(*arguments, **options))

        return asked

    def __repr__(self) -> str:
        return repr(self._client)

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


Make = Callable[..., Any]


@pytest.fixture(params=[Client, Awaited], ids=["waiting", "asyncio"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes a client of either kind, closed at the end."""
    made = []

    def one(*arguments: Any, **options: Any) -> Any:
        # No certificates are read, which costs more than a request.
        made.append(request.param(*arguments, **{"verify": False, **options}))
        return made[-1]

    yield one
    for each in made:
        each.close()


@pytest.fixture
def bo(make: Make, server: Server, tokens: dict[str, str]) -> Any:
    """Who may ask."""
    return make(server.url, tokens["bo"])


@pytest.fixture
def ada(make: Make, server: Server, tokens: dict[str, str]) -> Any:
    """Who may turn the point, too."""
    return make(server.url, tokens["ada"])


def plainly(server: Server, tokens: dict[str, str], path: str, **body: Any) -> dict[str, Any]:
    """What the service says, without a client."""
    response = server.post(path, json=body, headers={"authorization": f"Bearer {tokens['bo']}"})
    assert response.status_code == 200, response.text
    return said(response)


def without_id(reply: Told) -> dict[str, Any]:
    return {name: value for name, value in reply.model_dump(mode="json").items() if name != "id"}


# Answers


@pytest.mark.parametrize("model", ["screen", "presurgical"])
def test_a_model_answers_as_it_does_without_a_client(
    bo: Any, server: Server, tokens: dict[str, str], model: str
) -> None:
    asked = {"operating_point": "recall >= 0.95", "prevalence": 0.1}
    assert without_id(getattr(bo, model)(ROWS)) == plainly(server, tokens, model, rows=ROWS)
    assert without_id(getattr(bo, model)(ROWS, **asked)) == plainly(server, tokens, model, rows=ROWS, **asked)


def test_the_pathway_answers_as_it_does_without_a_client(bo: Any, server: Server, tokens: dict[str, str]) -> None:
    reply = bo.pathway(ROWS, prevalence=0.1)
    assert without_id(reply) == plainly(server, tokens, "pathway", rows=ROWS, prevalence=0.1)
    assert {row.answer for row in reply.rows} == {"clear", "refer", "operate"}
    with pytest.raises(TypeError, match="PathwayAnswer is neither true nor false"):
        bool(reply.rows[0])


def test_a_contract_may_be_asked_by_its_fields(bo: Any) -> None:
    contract = {"kind": "Specificity", "at_least": 0.9, "confidence": 0.9}
    reply = bo.screen(ROWS[:1], operating_point=contract)
    assert reply.operating_point.contract == "specificity >= 0.9 with confidence 0.9"
    assert reply.version is None


def test_columns_and_tables_of_every_kind_answer_as_rows_do(bo: Any) -> None:
    asked = {"operating_point": "three-way", "prevalence": 0.2}
    rows = bo.screen(ROWS, **asked)
    by_column = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    columns = bo.columns("screen", by_column, **asked)
    assert columns.operating_point == rows.operating_point
    assert list(columns.columns.decision) == [row.decision for row in rows.rows]
    assert list(columns.columns.positive) == [row.positive for row in rows.rows]
    assert list(columns.columns.probability) == [row.probability for row in rows.rows]
    assert list(columns.columns.symptoms["fluid_volume"]) == [row.symptoms["fluid_volume"] for row in rows.rows]

    frame = pl.DataFrame(ROWS)
    arrow, parquet = io.BytesIO(), io.BytesIO()
    frame.write_ipc_stream(arrow, compat_level=pl.CompatLevel.oldest())
    frame.write_parquet(parquet)
    for table, read in (
        (frame, lambda found: found),
        (frame.to_arrow(), pl.from_arrow),
        (arrow.getvalue(), pl.read_ipc_stream),
        (parquet.getvalue(), pl.read_parquet),
    ):
        reply = bo.table("screen", table, **asked)
        assert type(reply.table) is type(table)
        found = read(reply.table)
        assert found["decision"].to_list() == list(columns.columns.decision)
        assert found["positive"].to_list() == list(columns.columns.positive)
        assert found["probability"].to_list() == list(columns.columns.probability)
        assert reply.about.operating_point == rows.operating_point
        assert reply.about.prevalence == 0.2


def test_numbers_and_arrays_of_numpy_are_cells(bo: Any) -> None:
    plain = {"age": 61.0, "fluid": 471.5, "new_vessels": True, "eye": "left"}
    theirs = {"age": np.float32(61), "fluid": np.float64(471.5), "new_vessels": np.True_, "eye": np.str_("left")}
    arrays = {"age": np.float32([61]), "fluid": np.array([471.5]), "new_vessels": np.array([True]), "eye": ["left"]}
    (wanted,) = bo.screen([plain]).rows
    assert bo.screen([theirs]).rows == (wanted,)
    assert bo.columns("screen", arrays).columns.probability == (wanted.probability,)


def test_who_is_undecided_is_neither_true_nor_false(bo: Any) -> None:
    rows = bo.screen(ROWS, operating_point="three-way").rows
    undecided = [row for row in rows if row.decision == "indeterminate"]
    assert {row.decision: row.positive for row in rows} == {"positive": True, "negative": False, "indeterminate": None}
    for answer in (undecided[0], rows[0]):
        with pytest.raises(TypeError, match="a model may leave a person undecided"):
            bool(answer)


def test_a_service_says_that_it_is_there_and_ready(bo: Any) -> None:
    assert bo.live() is True
    assert bo.ready() is True


def test_a_model_is_drawn(bo: Any) -> None:
    drawing = bo.drawing("screen", prevalence=0.1)
    assert (drawing.model, drawing.prevalence) == ("handmade/screen", 0.1)
    assert [column["name"] for column in drawing.columns] == ["age", "fluid", "new_vessels", "eye"]
    table = bo.groups("screen", threshold=0.5, clear_below=0.5)
    assert [(row.column, row.value) for row in table.groups] == [("eye", "left"), ("eye", "right")]


def test_many_tasks_may_ask_at_once(server: Server, tokens: dict[str, str]) -> None:
    async def all_of_them() -> list[Reply]:
        async with AsyncClient(server.url, tokens["bo"]) as service:
            return await asyncio.gather(*(service.screen([row]) for row in ROWS[:40]))

    with Client(server.url, tokens["bo"]) as service:
        assert tuple(reply.rows[0] for reply in asyncio.run(all_of_them())) == service.screen(ROWS[:40]).rows


# Refusals


def test_every_bad_value_is_named_as_the_service_names_it(bo: Any) -> None:
    with pytest.raises(RefusedInput) as refused:
        bo.screen([ROWS[0], {**ROWS[1], "age": -1, "heart": 1}])
    assert refused.value.status == 422
    assert refused.value.refusals == (
        Refusal(path="rows.1.age", rule=AGE, got="-1"),
        Refusal(path="rows.1.heart", rule="is not a column of this model (age, fluid, new_vessels, eye)", got="1"),
    )
    assert str(refused.value) == "\n".join(map(str, refused.value.refusals))


@pytest.mark.parametrize(
    ("ask", "status", "text"),
    [
        (lambda bo: bo.screen([]), 422, "rows: should hold at least one row, got an empty list."),
        (lambda bo: bo.screen(ROWS[:1] * 4001), 413, f"rows: should hold at most {MAX_ROWS} rows, got 4001 rows."),
        (
            lambda bo: bo.screen(ROWS[:1], operating_point="best"),
            422,
            "operating_point: should be a contract in words",
        ),
        (lambda bo: bo.screen(ROWS[:1], prevalence=2.0), 422, "prevalence: should be a share between 0 and 1, got 2.0"),
        (lambda bo: bo.screen(ROWS[:1], operating_point="recall >= 0.99999"), 422, "cannot be certified"),
        (lambda bo: bo.point("heart"), 404, "endpoint: should be one of screen, presurgical, got heart."),
        (
            lambda bo: bo.columns("screen", {"age": [61], "fluid": [1, 2], "new_vessels": [1], "eye": ["left"]}),
            422,
            "columns.fluid",
        ),
        (lambda bo: bo.columns("screen", {"age": 61}), 422, "columns.age: should be a list"),
        (lambda bo: bo.table("screen", pl.DataFrame({"age": [61]})), 422, "fluid"),
        (lambda bo: bo.table("screen", pl.DataFrame(ROWS), prevalence=7), 422, "prevalence: should be a share"),
    ],
)
def test_what_the_service_refuses_is_told_in_its_words(bo: Any, ask: Any, status: int, text: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        ask(bo)
    assert refused.value.status == status
    assert text in str(refused.value)
    assert refused.value.refusals


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (
            lambda bo: bo.screen([ROWS[0], {**ROWS[1], "age": float("nan"), "fluid": float("-inf")}]),
            f"rows.1.age: {NUMBER}, got nan.\nrows.1.fluid: {NUMBER}, got -inf.",
        ),
        (
            lambda bo: bo.columns("screen", {"age": np.array([61, np.nan])}),
            f"columns.age.1: {NUMBER}, got nan.",
        ),
        (
            lambda bo: bo.screen([{"age": object()}]),
            "rows.0.age: should be a number, text, true, false, bytes or None, got object.",
        ),
        (
            lambda bo: bo.screen(ROWS, prevalence=float("nan")),
            f"prevalence: {NUMBER}, got nan.",
        ),
        (lambda bo: bo.screen([{"age": 10**5000}]), "body: should be JSON, got Exceeds the limit"),
        (
            lambda bo: bo.columns("screen", ROWS),
            "columns: should be a mapping of column names to lists of cells, got list.",
        ),
        (lambda bo: bo.screen(ROWS[0]), "rows: should be a list of rows, got dict."),
        (
            lambda bo: bo.table("screen", b"age,fluid"),
            "table: should be an Arrow stream or a Parquet file, got ",
        ),
    ],
)
def test_what_can_not_be_sent_is_refused_here_by_name(bo: Any, ask: Any, text: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        ask(bo)
    assert str(refused.value).startswith(text)
    assert refused.value.status is None
    assert refused.value.refusals


def test_of_many_bad_values_a_message_names_five(bo: Any) -> None:
    with pytest.raises(RefusedInput) as refused:
        bo.screen([{"age": float("nan")}] * 300)
    assert str(refused.value).splitlines()[-1] == "... and 95 more."
    assert len(refused.value.refusals) == 100


def test_what_is_no_table_is_an_error_of_the_program(bo: Any) -> None:
    with pytest.raises(TypeError) as wrong:
        bo.table("screen", [1])
    assert str(wrong.value) == "table: should be bytes, a pyarrow.Table or a polars.DataFrame, got builtins.list."


def test_nobody_without_the_role_is_answered(make: Make, server: Server, tokens: dict[str, str]) -> None:
    for token, status, text in (
        (None, 401, "Authorization: should be Bearer and a token, got nothing."),
        ("x" * 43, 401, "Authorization: should hold a token of the access file, got an unknown one."),
        (tokens["dee"], 403, "dee: should have the role predict to do this, got audit."),
    ):
        with pytest.raises(NotAllowed) as refused:
            make(server.url, token).screen(ROWS[:1])
        assert (refused.value.status, str(refused.value)) == (status, text)
    with pytest.raises(NotAllowed) as refused:
        make(server.url, tokens["bo"]).turn("screen", 0.5, reason="why not", version=0)
    assert str(refused.value) == "bo: should have the role tune to do this, got predict."


def test_who_asks_too_often_is_told_when_to_come_again_or_waits(server: Server, tokens: dict[str, str]) -> None:
    with Client(server.url, tokens["cy"], retries=0) as hasty, Client(server.url, tokens["cy"]) as patient:
        patient.screen(ROWS[:1])
        with pytest.raises(TooMany) as refused:
            hasty.screen(ROWS[:1])
        assert isinstance(refused.value, Later)
        assert (refused.value.status, refused.value.retry_after) == (429, 1.0)
        assert str(refused.value).startswith("cy: should ask at most 1 times a second, got more")
        assert len(patient.screen(ROWS[:1]).rows) == 1


# The live point


def test_the_live_point_is_turned_and_turned_back(ada: Any) -> None:
    before = ada.point("screen")
    preview = ada.preview("screen", "recall >= 0.8")
    assert preview.allowed
    turned = ada.turn("screen", "recall >= 0.8", reason="a test", version=before.version)
    assert (turned.version, turned.turned) == (before.version + 1, preview.turned)
    assert turned.setting.operating_point == "recall >= 0.8"
    assert turned.changed is not None
    assert (turned.changed.by, turned.changed.reason) == ("ada", "a test")
    assert ada.screen(ROWS[:1]).version == turned.version
    assert [each.version for each in ada.points()] == [turned.version, 0]

    with pytest.raises(Moved) as moved:
        ada.turn("screen", "recall >= 0.85", 0.3, reason="too late", version=before.version)
    assert moved.value.status == 409
    assert f"{turned.version}, by ada" in str(moved.value)
    with pytest.raises(RefusedInput) as refused:
        ada.turn("screen", 0.999, reason="too far", version=turned.version)
    assert refused.value.refusals[0].path == "change_control"

    back = ada.roll_back("screen", 0, reason="as released", version=turned.version)
    assert back.setting.operating_point is None
    history = ada.history("screen")
    assert history.verified
    assert [change.reason for change in history.changes][-2:] == ["a test", "as released"]


# The way to the service


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A port at which somebody answers in their own way."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def attend() -> None:
            caller, _ = door.accept()
            with caller:
                caller.recv(65536)
                answer(caller)

        helper = threading.Thread(target=attend)
        helper.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        helper.join(10)
    assert not helper.is_alive()


def drip(caller: socket.socket) -> None:
    caller.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    try:
        for _ in range(1000):
            caller.sendall(b" ")
            time.sleep(0.02)
    except OSError:
        pass  # the caller has gone


@pytest.mark.parametrize("answer", [lambda caller: caller.recv(1), drip], ids=["silent", "dripping"])
def test_nobody_waits_beyond_the_time_there_is(make: Make, answer: Callable[[socket.socket], None]) -> None:
    with listening(answer) as url:
        service = make(url, timeout=0.4)
        with pytest.raises(Unavailable, match=f"^GET {url}/operating-points: should be answered, got ReadTimeout"):
            service.points()


def test_a_service_that_is_not_there_is_named(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    service = make(url, timeout=5, retries=1)
    with pytest.raises(Unavailable, match=f"^POST {url}/screen: should be answered, got ConnectError"):
        service.screen(ROWS[:1])
    assert service.live() is False
    assert service.ready() is False


def test_a_service_at_another_path_is_asked_there(make: Make, server: Server) -> None:
    with pytest.raises(Unexpected, match=f"^GET {server.url}/elsewhere/operating-points: should be answered, got HTTP"):
        make(f"{server.url}/elsewhere/").points()


# The token


def test_the_token_is_in_no_text(
    make: Make, server: Server, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for url in (server.url, "http://127.0.0.1:9"):
        service = make(url, tokens["dee"], timeout=5, retries=0)
        with pytest.raises(ServiceError) as refused:
            service.screen(ROWS[:1])
        texts = [repr(service), repr(refused.value), repr(vars(refused.value)), repr(refused.value.__cause__)]
        texts += [repr(vars(service)), repr(getattr(getattr(service, "_http", None), "headers", None))]
        assert not [text for text in [*texts, caplog.text] if tokens["dee"] in text]
    assert "HTTP Request: POST" in caplog.text


@pytest.mark.parametrize("token", ["", "two words", "a\nb", "schlüssel"])
def test_a_token_that_can_not_be_sent_is_refused_and_not_shown(make: Make, token: str) -> None:
    with pytest.raises(ValueError, match=r"^token: should be printable ASCII without blanks, got something else\.$"):
        make("http://127.0.0.1:3000", token)


@pytest.mark.parametrize(
    ("url", "options", "text"),
    [
        ("127.0.0.1:3000", {}, "url: should be an address such as http://127.0.0.1:3000, got another."),
        ("http://host:port", {}, "url: should be an address such as http://127.0.0.1:3000, got no such."),
        ("ada:secret@host", {}, "url: should be an address such as http://127.0.0.1:3000, got another."),
        ("ftp://host", {}, "url: should be an address such as http://127.0.0.1:3000, got another."),
        (
            "http://ada:secret@host",
            {},
            "url: should hold host and path alone, got more; a token is passed by its name.",
        ),
        ("http://host?a=1", {}, "url: should hold host and path alone, got more"),
        ("http://host", {"timeout": 0}, "timeout: should be seconds, more than 0, got 0."),
        ("http://host", {"timeout": float("inf")}, "timeout: should be seconds, more than 0, got inf."),
        ("http://host", {"retries": -1}, "retries: should be 0 or more, got -1."),
    ],
)
def test_what_a_client_can_not_be_made_of_is_named(make: Make, url: str, options: Any, text: str) -> None:
    with pytest.raises(ValueError) as wrong:
        make(url, **options)
    assert str(wrong.value).startswith(text)


# Types


def test_both_clients_are_asked_alike() -> None:
    def signatures(kind: type) -> dict[str, str]:
        public = {name: method for name, method in vars(kind).items() if not name.startswith("_") and callable(method)}
        return {name: str(inspect.signature(method)) for name, method in public.items()}

    assert len(signatures(Client)) == 16
    assert signatures(Client) == signatures(AsyncClient)


MADE_BY_MODEL = {
    answers.Reply: ("ScreenReply", "PresurgicalReply"),
    answers.Answer: ("ScreenAnswer", "PresurgicalAnswer"),
    answers.ColumnsReply: ("ScreenColumnsReply", "PresurgicalColumnsReply"),
    answers.AnswerColumns: ("ScreenAnswerColumns", "PresurgicalAnswerColumns"),
    points.Setting: ("Setting-Output",),
}
# Not sent alone: what several kinds have in common.
BASES = {answers.About, answers.Undecidable, Told}
KINDS = [
    kind
    for module in (told, answers, figures, points, pathway, drawings)
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, Told) and kind not in BASES and kind.__module__ == module.__name__
]
# What one of the client's kinds is called that the service makes for each model.
COMMON = {name: kind.__name__ for kind, names in MADE_BY_MODEL.items() for name in names}
# What the client has no kind of its own for: a contract by its fields, any JSON, symptoms by their names.
LOOSE = {"Contract-Output": {"type": "object"}, "JsonValue": {}} | {
    f"{model}Symptom{kind}": {"type": "object"} for model in ("Screen", "Presurgical") for kind in ("s", "Columns")
}


def shape(schema: Any) -> Any:
    """A JSON schema without what is said for people and which values may be."""
    if isinstance(schema, list):
        return sorted(map(shape, schema), key=str)
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return LOOSE.get(name, {"$ref": COMMON.get(name, name)})
    kept = {"type", "anyOf", "items", "prefixItems", "enum", "minItems", "maxItems"}
    found = {key: shape(value) for key, value in schema.items() if key in kept}
    return {"type": "object"} if found == {"type": "object"} else found


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.get("docs.json").json()
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_type_of_the_client_is_the_one_that_the_service_describes(
    document: dict[str, Any], kind: type[Told]
) -> None:
    ours = kind.model_json_schema()
    for name in MADE_BY_MODEL.get(kind, (kind.__name__,)):
        theirs = document["components"]["schemas"][name]
        assert {field: shape(each) for field, each in ours["properties"].items()} == {
            field: shape(each) for field, each in theirs["properties"].items()
        }
        # Only a model that has symptoms answers with them.
        assert {*ours.get("required", []), "symptoms"} == {*theirs.get("required", []), "symptoms"}


@pytest.mark.parametrize(
    ("method", "address", "kind"),
    [
        ("post", "/screen", answers.Reply),
        ("post", "/presurgical", answers.Reply),
        ("post", "/screen/columns", answers.ColumnsReply),
        ("post", "/presurgical/columns", answers.ColumnsReply),
        ("post", "/pathway", pathway.PathwayReply),
        ("get", "/operating-points", points.LivePoints),
        ("get", "/operating-points/{endpoint}", points.LivePoint),
        ("put", "/operating-points/{endpoint}", points.LivePoint),
        ("post", "/operating-points/{endpoint}/preview", points.Preview),
        ("post", "/operating-points/{endpoint}/roll-back", points.LivePoint),
        ("get", "/operating-points/{endpoint}/history", points.History),
        ("get", "/models/{endpoint}", drawings.Drawing),
        ("get", "/models/{endpoint}/groups", drawings.GroupTable),
    ],
)
def test_every_address_answers_with_the_type_that_the_client_reads(
    document: dict[str, Any], method: str, address: str, kind: type[Told]
) -> None:
    responses = document["paths"][address][method]["responses"]
    for status, wanted in (("200", kind), ("422", Refused)):
        schema = responses[status]["content"]["application/json"]["schema"]
        # BentoML writes the schema of its own replies where they are named.
        name = schema["$ref"].rsplit("/", 1)[-1] if "$ref" in schema else schema["title"]
        assert COMMON.get(name, name) == wanted.__name__


# The page


PAGE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")


def run(code: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment(folder, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_examples_of_the_page_run(server: Server, tokens: dict[str, str], tmp_path: Path) -> None:
    assert all("assert " in block for block in blocks())
    shipped = ROOT / "models" / "covid"
    *asking, turning = blocks()
    with serving(variables=environment(tmp_path), folder=ROOT, bundles=shipped, log=tmp_path / "log") as covid:
        run("\n".join(asking).replace("http://localhost:3000", covid.url), tmp_path)
    run(turning.replace("http://localhost:3000", server.url).replace("TOKEN", repr(tokens["ada"])), tmp_path)
