from __future__ import annotations

import gc
import json
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bentoml
import httpx
import numpy as np
import pytest
from onnx import numpy_helper

from fulcrum.client import Client, Reply
from models.bundle import write_bundle
from models.errors import BadBundle
from models.scorer import RELEASED
from serving.endpoint import Endpoint
from serving.now import Now
from serving.settings import read
from tests import handmade
from tests.running import ROOT, Server, environment

MAX_ROWS, MAX_BYTES = 4000, 1_000_000  # as the fixture sets them
ENDPOINTS = ("screen", "presurgical")
JSON = {"content-type": "application/json"}
AGE = "should be a number from 0 to 120 years"
FLUID = "should be a number from 0 to 900 um, or empty"
VESSELS = "should be 0, 1, false or true, or empty"
EYE = "should be one of left, right"


def refusal(*refused: tuple[str, str, str]) -> dict[str, Any]:
    """The whole body of a refusal."""
    return {
        "error": "\n".join(f"{path}: {rule}, got {got}." for path, rule, got in refused),
        "refusals": [{"path": path, "rule": rule, "got": got} for path, rule, got in refused],
    }


def ask(server: Server, model: str, rows: Any) -> Reply:
    """The answers of a model, as a program gets them."""
    with Client(server.url, verify=False, timeout=60) as service:
        reply: Reply = getattr(service, model)(rows)
        return reply


def with_cell(name: str, cell: str) -> str:
    """Five good rows as JSON, but for one cell of the row 3, which is put in as it is."""
    rows = [{**row, name: "HERE"} if place == 3 else row for place, row in enumerate(handmade.rows(5))]
    return json.dumps({"rows": rows}).replace('"HERE"', cell)


@pytest.mark.parametrize("model", ENDPOINTS)
@pytest.mark.parametrize(
    ("name", "cell", "rule", "got"),
    [
        ("age", "NaN", AGE, "nan"),
        ("age", "Infinity", AGE, "inf"),
        ("age", "-Infinity", AGE, "-inf"),
        ("age", "1e999", AGE, "inf"),
        ("age", "-1e999", AGE, "-inf"),
        ("age", "6e9", AGE, "6000000000.0"),
        ("age", "1" + "0" * 400, AGE, f"1{'0' * 36}..."),
        ("age", "-1", AGE, "-1"),
        ("age", "120.00001", AGE, "120.00001"),
        ("age", '"60"', AGE, "'60'"),
        ("age", "true", AGE, "True"),
        ("age", "null", AGE, "None"),
        ("age", "[60]", AGE, "[60]"),
        ("age", '{"years": 60}', AGE, "{'years': 60}"),
        ("fluid", "NaN", FLUID, "nan"),
        ("fluid", "900.1", FLUID, "900.1"),
        ("fluid", '""', FLUID, "''"),
        ("new_vessels", "2", VESSELS, "2"),
        ("new_vessels", "0.5", VESSELS, "0.5"),
        ("new_vessels", "NaN", VESSELS, "nan"),
        ("new_vessels", '"1"', VESSELS, "'1'"),
        ("eye", '"LEFT"', EYE, "'LEFT'"),
        ("eye", "null", EYE, "None"),
        ("eye", "0", EYE, "0"),
        ("heart", "1", "is not a column of this model (age, fluid, new_vessels, eye)", "1"),
    ],
)
def test_a_bad_value_is_named_by_its_path_and_its_rule(
    server: Server, *, model: str, name: str, cell: str, rule: str, got: str
) -> None:
    response = server.post(model, content=with_cell(name, cell), headers=JSON)

    assert response.status_code == 422
    assert response.json() == refusal((f"rows.3.{name}", rule, got))


def test_a_missing_value_is_named(server: Server) -> None:
    rows = handmade.rows(5)
    del rows[3]["age"]

    response = server.post("screen", json={"rows": rows})

    assert response.status_code == 422
    assert response.json() == refusal(("rows.3.age", f"{AGE}, and always given", "nothing"))


def test_every_bad_value_is_named_not_the_first_alone(server: Server) -> None:
    rows = [{**row, "age": -1, "eye": "both"} for row in handmade.rows(2)]

    assert server.post("screen", json={"rows": rows}).json() == refusal(
        ("rows.0.age", AGE, "-1"),
        ("rows.0.eye", EYE, "'both'"),
        ("rows.1.age", AGE, "-1"),
        ("rows.1.eye", EYE, "'both'"),
    )


@pytest.mark.parametrize("model", ENDPOINTS)
@pytest.mark.parametrize(
    ("content", "status", "refused"),
    [
        (b"", 400, ("body", "should be JSON", "nothing")),
        (b"age,fluid", 400, ("body", "should be JSON", "expected value at line 1 column 1")),
        (b'{"rows": [', 400, ("body", "should be JSON", "EOF while parsing a list at line 1 column 10")),
        (b"[" * 100_000, 400, ("body", "should be JSON", "recursion limit exceeded at line 1 column 202")),
        (b'{"a":' * 100_000, 400, ("body", "should be JSON", "recursion limit exceeded at line 1 column 1006")),
        (b'{"rows": "\xff"}', 400, ("body", "should be JSON", "invalid unicode code point at line 1 column 11")),
        (b"[]", 422, ("body", 'should be {"rows": [...]}', "[]")),
        (b"null", 422, ("body", 'should be {"rows": [...]}', "None")),
        (b"NaN", 422, ("body", 'should be {"rows": [...]}', "nan")),
        (b"{}", 422, ("rows", "should be a list of rows", "nothing")),
        (b'{"rows": null}', 422, ("rows", "should be a list of rows", "None")),
        (b'{"rows": {"age": 61}}', 422, ("rows", "should be a list of rows", "{'age': 61}")),
        (b'{"rows": []}', 422, ("rows", "should hold at least one row", "an empty list")),
        (b'{"rows": [[]]}', 422, ("rows.0", "should be a mapping of column names to values", "[]")),
        (b'{"rows": ["x"]}', 422, ("rows.0", "should be a mapping of column names to values", "'x'")),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    server: Server, model: str, content: bytes, status: int, refused: tuple[str, str, str]
) -> None:
    response = server.post(model, content=content, headers=JSON)

    assert response.status_code == status
    assert response.json() == refusal(refused)


def test_too_many_rows_are_refused(server: Server) -> None:
    rows = handmade.rows(1) * (MAX_ROWS + 1)

    response = server.post("screen", json={"rows": rows})

    assert response.status_code == 413
    assert response.json() == refusal(("rows", f"should hold at most {MAX_ROWS} rows", f"{MAX_ROWS + 1} rows"))
    assert server.post("screen", json={"rows": rows[1:]}).status_code == 200


@pytest.mark.parametrize("in_chunks", [False, True])
def test_too_many_bytes_are_refused_however_they_come(server: Server, *, in_chunks: bool) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(MAX_BYTES // 1000 + 1):
            yield b" " * 1000

    content = chunks() if in_chunks else b" " * (MAX_BYTES + 1)
    response = server.post("screen", content=content, headers=JSON)

    assert response.status_code == 413
    assert response.json() == refusal(("body", f"should hold at most {MAX_BYTES} bytes", "more"))


@pytest.mark.parametrize(
    "content_type",
    [
        "text/csv",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/vnd.bentoml+pickle",
    ],
)
def test_another_content_type_is_refused(server: Server, content_type: str) -> None:
    response = server.post("screen", content=with_cell("age", "60"), headers={"content-type": content_type})

    assert response.status_code == 415
    assert response.json() == refusal(("content-type", "should be application/json", content_type))


def test_another_method_is_refused(server: Server) -> None:
    response = httpx.get(f"{server.url}/screen")

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json() == refusal(("method", "should be POST", "GET"))


@pytest.mark.parametrize("model", ENDPOINTS)
def test_answers_equal_the_scorer_bit_for_bit_ties_included(server: Server, model: str) -> None:
    rows = handmade.rows(3000, seed=5) + handmade.rows(1)
    scorer = server.scorer(model)
    wanted = scorer.score_rows(rows)

    reply = ask(server, model, rows)

    assert [row.probability for row in reply.rows] == wanted.probability.tolist()
    assert [row.positive for row in reply.rows] == wanted.positive.tolist()
    threshold = reply.operating_point.threshold
    assert threshold == scorer.manifest.point.threshold
    assert [row.probability >= threshold for row in reply.rows] == wanted.positive.tolist()
    assert 0 < wanted.positive.sum() < len(rows)


def test_a_person_exactly_on_the_threshold_is_positive(server: Server) -> None:
    # The first hand-made row was given the threshold of `screen`, see the fixture of the bundles.
    reply = ask(server, "screen", handmade.rows(1))

    assert reply.rows[0].probability == reply.operating_point.threshold
    assert reply.rows[0].decision == "positive"


def test_a_reply_says_who_answered_and_what_is_promised(server: Server) -> None:
    manifest, digest = server.scorer("presurgical").manifest, server.scorer("presurgical").bundle.digest
    reply = server.post("presurgical", json={"rows": handmade.rows(1)}).json()
    (certificate,) = manifest.point.certificates

    assert list(reply) == ["id", "model", "bundle", "version", "prevalence", "operating_point", "rows"]
    assert (reply["model"], reply["bundle"], reply["version"]) == ("handmade/presurgical", digest, 0)
    assert reply["prevalence"] == 0.2
    figures = [reply["operating_point"].pop(name) for name in ("precision", "npv")]
    assert reply["operating_point"] == {
        "threshold": manifest.point.threshold,
        "clear_below": manifest.point.threshold,
        "contract": "precision >= 0.6 at prevalence 0.2 with confidence 0.95",
        "certificates": [
            {
                "in_words": "precision >= 0.6 at prevalence 0.2 with confidence 0.95",
                "figure": "precision",
                "at_least": 0.6,
                "at_most": None,
                "confidence": 0.95,
                "prevalence": 0.2,
                "group": None,
                "certified": certificate.certified,
                "positives": certificate.positives,
                "negatives": certificate.negatives,
            }
        ],
    }
    measured = manifest.curve.at(manifest.point.threshold)
    recall, false_alarms = measured.hits / measured.positives, measured.alarms / measured.negatives
    assert [figure["value"] for figure in figures] == [
        pytest.approx(0.2 * recall / (0.2 * recall + 0.8 * false_alarms)),
        pytest.approx(0.8 * (1 - false_alarms) / (0.8 * (1 - false_alarms) + 0.2 * (1 - recall))),
    ]
    assert all(figure["low"] < figure["value"] < figure["high"] for figure in figures)


def test_a_row_answers_the_same_alone_and_among_others(server: Server) -> None:
    rows = handmade.rows(40, seed=9)
    together = ask(server, "screen", rows).rows

    assert tuple(ask(server, "screen", [row]).rows[0] for row in rows) == together


def test_requests_at_once_get_their_own_answers(server: Server) -> None:
    asked = [
        (ENDPOINTS[turn % 2], handmade.rows(size, seed=turn)) for turn, size in enumerate((1, 700, 3, 64, 1500) * 8)
    ]
    scorers = {model: server.scorer(model) for model in ENDPOINTS}

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda question: ask(server, *question), asked))

    for (model, rows), reply in zip(asked, replies, strict=True):
        wanted = scorers[model].score_rows(rows)
        assert reply.model == f"handmade/{model}"
        assert [row.probability for row in reply.rows] == wanted.probability.tolist()
        assert [row.positive for row in reply.rows] == wanted.positive.tolist()


def test_the_client_of_bentoml_is_answered_and_refused(server: Server) -> None:
    with warnings.catch_warnings():
        # The client leaves a folder behind, and says so when it is collected.
        warnings.simplefilter("ignore", ResourceWarning)
        with bentoml.SyncHTTPClient(server.url) as client:
            reply = client.screen({"rows": handmade.rows(2)})
            with pytest.raises(bentoml.exceptions.BentoMLException, match=r"rows\.0\.age"):
                client.screen({"rows": [{**handmade.rows(1)[0], "age": -1}]})
        del client
        gc.collect()

    assert len(reply["rows"]) == 2


def logged(server: Server, text: str, times: int) -> str:
    """The log, once it holds `text` so many times: a line is written after its answer is sent."""
    for _ in range(600):
        if (log := server.log.read_text()).count(text) >= times:
            return log
        time.sleep(0.05)
    pytest.fail(f"{text} is not in the log {times} times:\n{log}")


def test_no_value_of_a_patient_and_no_traceback_gets_into_the_log(server: Server) -> None:
    marked = {"age": 61.4711, "fluid": 471.147, "new_vessels": None, "eye": "left"}
    before = server.log.read_text().count("path=/screen")
    requests: tuple[dict[str, Any], ...] = (
        {"json": {"rows": [marked]}},
        {"json": {"rows": [{**marked, "age": 4711e9}]}},
        {"json": {"rows": [{**marked, "eye": "Smith-4711"}]}},
        {"json": {"rows": [{**marked, "Smith-4711": 1}]}},
        {"json": {"rows": [marked], "name": "Smith-4711"}},
        {"json": {"rows": [marked] * (MAX_ROWS + 1)}},
        {"content": b'{"rows": [{"age": 61.4711', "headers": JSON},
        {"content": b"Smith-4711", "headers": {"content-type": "application/vnd.bentoml+pickle"}},
        {"content": b"61.4711" * MAX_BYTES, "headers": JSON},
    )
    statuses = [server.post("screen", **request).status_code for request in requests]
    assert statuses == [200, 422, 422, 422, 422, 413, 400, 415, 413]

    # Through BentoML too, which logs a line a request: it knows the way of a browser.
    for request in requests:
        server.post("screen", **{**request, "headers": {**request.get("headers", {}), "origin": "https://elsewhere"}})
    log = logged(server, "path=/screen", before + len(requests) + 1)
    # Long enough not to be met by chance: a line carries random hexadecimal numbers.
    assert [marker for marker in ("61.4711", "471.147", "4711000000", "Smith-4711", "Traceback") if marker in log] == []


def test_a_caller_who_hangs_up_is_no_fault_of_the_service(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(b"POST /screen HTTP/1.1\r\nHost: x\r\nOrigin: y\r\nContent-Type: application/json\r\n")
        caller.sendall(b'Content-Length: 987\r\n\r\n{"rows": [{"age": 81.4711')

    log = logged(server, "length=987", 1)
    assert "length=987) (status=400," in log
    assert "81.4711" not in log
    assert "Traceback" not in log


def test_the_service_says_that_it_is_ready(server: Server) -> None:
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_the_documentation_shows_every_column(server: Server) -> None:
    document = httpx.get(f"{server.url}/docs.json").json()
    schemas = document["components"]["schemas"]

    assert document["openapi"] == "3.1.0"
    for name in ("Screen", "Presurgical"):
        row = schemas[f"{name}Row"]
        assert row["additionalProperties"] is False
        assert row["required"] == ["age", "fluid", "new_vessels", "eye"]
        assert {key: _shown(column) for key, column in row["properties"].items()} == {
            "age": {
                "description": f"age at the visit; {AGE}.",
                "unit": "years",
                "type": "number",
                "minimum": 0,
                "maximum": 120,
            },
            "fluid": {
                "description": f"fluid in the retina; {FLUID}.",
                "unit": "um",
                "anyOf": [{"type": "number", "minimum": 0, "maximum": 900}, {"type": "null"}],
            },
            "new_vessels": {
                "description": f"new vessels seen; {VESSELS}.",
                "anyOf": [{"type": "boolean"}, {"type": "integer", "enum": [0, 1]}, {"type": "null"}],
            },
            "eye": {"description": f"which eye; {EYE}.", "type": "string", "enum": ["left", "right"]},
        }
        assert _shown(schemas[f"{name}Symptoms"]["properties"]["fluid_volume"]) == {
            "description": "volume of the fluid",
            "unit": "ml",
            "type": "number",
        }
        rows = schemas[f"{name}Request"]["properties"]["rows"]
        assert (rows["minItems"], rows["maxItems"]) == (1, MAX_ROWS)


def _shown(property_: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in property_.items() if key != "title"}


def test_the_documentation_shows_every_refusal_with_its_body(server: Server) -> None:
    document = httpx.get(f"{server.url}/docs.json").json()
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}}

    for model in ENDPOINTS:
        responses = document["paths"][f"/{model}"]["post"]["responses"]
        statuses = "200 400 405 413 431 408 415 401 403 429 404 409 422 503 500"
        assert list(responses) == statuses.split()
        refused = {status: responses[status] for status in responses if status not in {"200", "500"}}
        assert all(response["content"] == body for response in refused.values())
        assert len({response["description"] for response in refused.values()}) == len(refused)
    assert set(document["components"]["schemas"]["Refused"]["properties"]) == {"error", "refusals"}
    assert set(document["components"]["schemas"]["Refusal"]["properties"]) == {"path", "rule", "got"}


def test_every_reference_of_the_documentation_is_there(server: Server) -> None:
    text = httpx.get(f"{server.url}/docs.json").text
    wanted = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}

    assert wanted <= set(json.loads(text)["components"]["schemas"])


@pytest.mark.parametrize(
    ("harm", "text"),
    [
        (lambda folder: (folder / "screen" / "CARD.md").write_text("# Other\n"), "screen/CARD.md: should have SHA-256"),
        (
            lambda folder: (folder / "presurgical" / "manifest.json").unlink(),
            "presurgical/manifest.json: should be a readable file, got: No such file or directory.",
        ),
    ],
)
def test_a_bad_bundle_ends_the_server_and_is_named(tmp_path: Path, harm: Any, text: str) -> None:
    for model in ENDPOINTS:
        handmade.bundle(tmp_path, model)
    harm(tmp_path / "handmade")
    variables = environment(tmp_path, FULCRUM_BUNDLES=str(tmp_path / "handmade"))

    ended = subprocess.run(
        [sys.executable, "-m", "bentoml", "serve", "--host", "127.0.0.1", "--port", "0"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 1
    assert f"{tmp_path / 'handmade'}/{text}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_bundle_in_the_folder_of_another_is_refused(tmp_path: Path) -> None:
    folder = handmade.bundle(tmp_path, "presurgical").folder
    folder.rename(folder.with_name("screen"))
    settings = read({"FULCRUM_BUNDLES": str(folder.parent)})

    with pytest.raises(BadBundle) as refused:
        Endpoint.open("screen", settings)

    file = folder.with_name("screen") / "manifest.json"
    assert str(refused.value) == f"{file}: model: should be screen, as its folder, got presurgical."


def test_a_model_that_answers_with_what_is_no_number_is_not_believed(tmp_path: Path) -> None:
    made, manifest = handmade.finished("screen")
    (volume,) = [tensor for tensor in made.graph.initializer if tensor.name == "volume"]
    volume.CopyFrom(numpy_helper.from_array(np.array([[0], [1e38], [0], [0]], dtype=np.float32), "volume"))
    write_bundle(tmp_path / "screen", model=made, manifest=manifest, card="# Overflowing\n")
    endpoint = Endpoint.open("screen", read({"FULCRUM_BUNDLES": str(tmp_path)}))
    row = {"age": 60, "fluid": 900, "new_vessels": False, "eye": "left"}

    now = Now(0, None, RELEASED, endpoint.scorer.turn())

    with pytest.raises(BadBundle) as refused:
        endpoint.answer(endpoint.messages.request.read(json.dumps({"rows": [row]}).encode()), now)

    assert str(refused.value) == "handmade/screen: rows.0.symptoms.fluid_volume: should be a number, got inf."


def test_what_is_loaded_is_kept_out_of_garbage_collection(bundles: Path, tmp_path: Path) -> None:
    program = "import gc, serving.service as s; s.Screening.inner(); print(gc.get_freeze_count())"
    variables = environment(tmp_path, FULCRUM_BUNDLES=str(bundles))

    frozen = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=variables, capture_output=True, check=True)

    assert int(frozen.stdout) > 100_000


def test_the_service_imports_neither_torch_nor_training_nor_what_it_may_not_need(bundles: Path, tmp_path: Path) -> None:
    program = "import sys, serving.service; print(*{name.partition('.')[0] for name in sys.modules})"
    variables = environment(tmp_path, FULCRUM_BUNDLES=str(bundles))

    imported = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=variables, capture_output=True, text=True, check=True
    ).stdout.split()

    assert {"serving", "models", "onnxruntime"} <= set(imported)
    assert not {"torch", "training", "lightning_fabric", "sklearn", "scipy", "pandas", "jwt"} & set(imported)
