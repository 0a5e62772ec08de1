"""A running service, asked by an unmodified client of the Open Inference Protocol."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tritonclient import http
from tritonclient.http import aio
from tritonclient.utils import InferenceServerException

from serving.inference.metadata import EXTENSIONS
from serving.settings import SHIPPED
from tests import handmade
from tests.running import ROOT, Server, environment, serving
from tests.serving.conftest import MAX_BYTES, MAX_ROWS
from tests.tensors import NAN, address, arrays, inputs

PAGE = Path(__file__).parents[3] / "docs" / "inference-protocol.md"
ROWS = handmade.rows(40, 3)
COLUMNS = arrays(ROWS)
OUTPUTS = ["probability", "positive", "negative", "decision", "fluid_volume"]


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[http.InferenceServerClient]:
    with http.InferenceServerClient(address(server)) as asking:
        yield asking


def refused(ask: Callable[[], object]) -> tuple[str, str]:
    """The status and the words with which the client is refused."""
    with pytest.raises(InferenceServerException) as error:
        ask()
    return error.value.status(), error.value.message()


def said(found: Any) -> list[dict[str, Any]]:
    """What a result says of each row, as a reply in JSON says it."""
    values = {name: found.as_numpy(name).tolist() for name in OUTPUTS}
    return [
        {
            "positive": None if not positive and not negative else positive,
            "decision": decision.decode() if isinstance(decision, bytes) else decision,
            "probability": probability,
            "symptoms": {"fluid_volume": volume},
        }
        for probability, positive, negative, decision, volume in zip(*values.values(), strict=True)
    ]


def test_the_service_is_there_and_ready_and_says_what_it_can(client: http.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    about = client.get_server_metadata()
    assert about["name"] == "fulcrum"
    assert about["extensions"] == list(EXTENSIONS) == ["binary_tensor_data", "parameters"]


@pytest.mark.parametrize("model", ["screen", "presurgical"])
def test_a_model_is_described_and_its_version_is_its_bundle(
    server: Server, client: http.InferenceServerClient, model: str
) -> None:
    about = client.get_model_metadata(model)
    digest = server.scorer(model).bundle.digest
    assert (about["name"], about["versions"], about["platform"]) == (model, [digest], "onnxruntime_onnx")
    kinds = [(each["name"], each["datatype"], each["shape"]) for each in about["inputs"]]
    numbers = [(name, "FP32", [-1]) for name in ("age", "fluid", "new_vessels")]
    assert kinds == [*numbers, ("eye", "BYTES", [-1])]
    assert about["inputs"][0]["parameters"]["rule"] == "should be a number from 0 to 120 years"
    assert [each["name"] for each in about["outputs"]] == OUTPUTS
    assert client.is_model_ready(model)
    assert client.is_model_ready(model, digest)
    assert client.get_model_metadata(model, digest) == about
    assert client.infer(model, inputs(COLUMNS), model_version=digest).get_response()["model_version"] == digest


def test_what_is_not_there_is_not_ready_and_is_refused_by_name(client: http.InferenceServerClient) -> None:
    assert not client.is_model_ready("nobody")
    assert not client.is_model_ready("screen", "1")
    for ask in (
        lambda: client.get_model_metadata("nobody"),
        lambda: client.get_model_config("screen"),
        client.get_model_repository_index,
        lambda: client.load_model("screen"),
    ):
        status, words = refused(ask)
        assert status == "404"
        assert words.startswith("address: should be one of /v2, /v2/health/live, /v2/health/ready, /v2/models/screen")


def test_another_version_than_the_live_one_is_not_there(server: Server, client: http.InferenceServerClient) -> None:
    digest = server.scorer("screen").bundle.digest
    for ask in (
        lambda: client.infer("screen", inputs(COLUMNS), model_version="1"),
        lambda: client.get_model_metadata("screen", "1"),
    ):
        assert refused(ask) == ("404", f"version: should be {digest}, the digest of the live bundle, got 1.")


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("back", [True, False, None])
@pytest.mark.parametrize("point", [None, "three-way", 0.25, "recall >= 0.95"])
def test_it_is_answered_bit_for_bit_as_rows_are(
    server: Server, client: http.InferenceServerClient, *, binary: bool, back: bool | None, point: Any
) -> None:
    asked = {} if point is None else {"operating_point": point, "prevalence": 0.1}
    wanted = server.post("screen", json={"rows": ROWS, **asked}).json()
    outputs = None if back is None else [http.InferRequestedOutput(name, binary_data=back) for name in OUTPUTS]
    found = client.infer("screen", inputs(COLUMNS, binary=binary), outputs=outputs, parameters=asked)
    assert said(found) == wanted["rows"]
    if point == "three-way":
        assert "indeterminate" in {row["decision"] for row in wanted["rows"]}

    parameters = found.get_response()["parameters"]
    at = wanted["operating_point"]
    assert parameters.pop("id") == found.get_response()["id"]
    assert json.loads(parameters.pop("operating_point")) == at
    flat = {name: wanted[name] for name in ("model", "bundle", "version", "prevalence")}
    flat |= {name: at[name] for name in ("threshold", "clear_below", "contract")}
    # The protocol knows no null: what is not there is left out.
    assert parameters == {name: value for name, value in flat.items() if value is not None}
    undecided = ~(found.as_numpy("positive") | found.as_numpy("negative"))
    assert undecided.tolist() == [row["positive"] is None for row in wanted["rows"]]
    above = found.as_numpy("probability").astype(float) >= parameters["threshold"]
    assert above.tolist() == found.as_numpy("positive").tolist()


def test_a_client_of_asyncio_is_answered_alike(server: Server, client: http.InferenceServerClient) -> None:
    async def ask() -> Any:
        async with aio.InferenceServerClient(address(server)) as asking:
            assert await asking.is_server_ready()
            with pytest.raises(InferenceServerException, match=r"inputs\.age\.0: should be a number from 0 to 120"):
                await asking.infer("screen", inputs({**COLUMNS, "age": COLUMNS["age"] + 200}))
            return await asking.infer("screen", inputs(COLUMNS))

    assert said(asyncio.run(ask())) == said(client.infer("screen", inputs(COLUMNS)))


def test_requests_at_once_get_their_own_answers(client: http.InferenceServerClient) -> None:
    parts = [inputs(arrays(ROWS[start : start + 10])) for start in range(0, 40, 10)]
    waiting = [client.async_infer("screen", part) for part in parts]
    found = [row for each in waiting for row in said(each.get_result())]
    assert found == said(client.infer("screen", inputs(COLUMNS)))


@pytest.mark.parametrize(
    "change",
    [
        {"age": COLUMNS["age"].astype(np.float64)},
        {"age": COLUMNS["age"].astype(np.int64)},
        {"age": COLUMNS["age"].astype(np.uint8)[:, None]},
        {"eye": COLUMNS["eye"][:, None]},
        {"eye": COLUMNS["eye"].astype("S5")},
    ],
)
@pytest.mark.parametrize("binary", [True, False])
def test_a_column_may_come_in_several_datatypes_and_shapes(
    client: http.InferenceServerClient, change: dict[str, Any], *, binary: bool
) -> None:
    found = client.infer("screen", inputs({**COLUMNS, **change}, binary=binary))
    assert said(found) == said(client.infer("screen", inputs(COLUMNS)))


def test_a_yes_or_no_may_come_as_such_where_all_are_known(server: Server, client: http.InferenceServerClient) -> None:
    known = handmade.rows(20, 5, empty=False)
    given = {**arrays(known), "new_vessels": np.array([row["new_vessels"] for row in known])}
    wanted = server.post("screen", json={"rows": known}).json()["rows"]
    for binary in (True, False):
        assert said(client.infer("screen", inputs(given, binary=binary))) == wanted


def test_null_is_an_empty_cell_in_json(server: Server) -> None:
    data = {name: [row[name] for row in ROWS] for name in COLUMNS}
    kinds = dict(zip(COLUMNS, ("FP64", "FP64", "BOOL", "BYTES"), strict=True))
    tensors = [
        {"name": name, "shape": [len(ROWS)], "datatype": kinds[name], "data": cells} for name, cells in data.items()
    ]
    outputs = [{"name": "probability"}]
    found = server.post("v2/models/screen/infer", json={"id": "mine", "inputs": tensors, "outputs": outputs})
    wanted = server.post("screen", json={"rows": ROWS}).json()["rows"]
    assert found.headers["content-type"] == "application/json"
    assert found.json()["id"] == "mine"
    assert found.json()["parameters"]["id"] != "mine"
    assert found.json()["outputs"] == [
        {"name": "probability", "shape": [40], "datatype": "FP32", "data": [row["probability"] for row in wanted]}
    ]


def test_what_is_asked_for_alone_is_answered_in_that_order(client: http.InferenceServerClient) -> None:
    outputs = [
        http.InferRequestedOutput("decision", binary_data=False),
        http.InferRequestedOutput("probability", binary_data=True),
    ]
    found = client.infer("screen", inputs(COLUMNS), outputs=outputs, request_id="mine").get_response()
    assert found["id"] == "mine"
    assert [each["name"] for each in found["outputs"]] == ["decision", "probability"]
    assert set(found["outputs"][0]["data"]) <= {"positive", "negative", "indeterminate"}
    assert found["outputs"][1]["parameters"] == {"binary_data_size": 160}


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_a_packed_body_is_read(client: http.InferenceServerClient, packing: str) -> None:
    for binary in (True, False):
        given = inputs(COLUMNS, binary=binary)
        options = {"request_compression_algorithm": packing, "response_compression_algorithm": packing}
        assert said(client.infer("screen", given, **options)) == said(client.infer("screen", given))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"age": COLUMNS["age"] * np.float32(1e9)}, "inputs.age.0: should be a number from 0 to 120 years, got "),
        ({"age": np.float64([61] * 39 + [-1])}, "inputs.age.39: should be a number from 0 to 120 years, got -1.0."),
        ({"age": np.float32([NAN] + [1] * 39)}, "inputs.age.0: should be a number from 0 to 120 years, got nan."),
        ({"new_vessels": np.float32([0.5] * 40)}, "inputs.new_vessels.0: should be 0, 1, false or true, or empty, got"),
        ({"eye": np.array(["up"] * 40, object)}, "inputs.eye.0: should be one of left, right, got 'up'."),
        ({"eye": np.array([b"\xff"] * 40, object)}, "inputs.eye.0: should be one of left, right, got '\ufffd'."),
        ({"eye": np.array([""] * 40, object)}, "inputs.eye.0: should be one of left, right, got an empty cell."),
        ({"eye": np.float32([0] * 40)}, "inputs.eye.datatype: should be BYTES, got 'FP32'."),
        ({"age": np.array(["61"] * 40, object)}, "inputs.age.datatype: should be FP32 or FP64 or INT8 or INT16"),
        ({"age": COLUMNS["age"].astype(np.float16)}, "inputs.age.datatype: should be FP32 or FP64 or INT8 or INT16"),
        ({"age": np.array([True] * 40)}, "inputs.age.datatype: should be FP32 or FP64 or INT8 or INT16"),
        ({"age": COLUMNS["age"][:39]}, "inputs.fluid.shape: should hold 39 rows, as age does, got 40."),
        ({"age": COLUMNS["age"].reshape(20, 2)}, "inputs.age.shape: should be [rows] or [rows, 1], got [20, 2]."),
        ({"weight": COLUMNS["age"]}, "inputs.weight: is not an input of this model (age, fluid, new_vessels, eye), "),
    ],
)
def test_what_breaks_the_contract_is_named(
    client: http.InferenceServerClient, change: dict[str, Any], words: str
) -> None:
    status, found = refused(lambda: client.infer("screen", inputs({**COLUMNS, **change})))
    assert status == "400"
    assert found.startswith(words)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"inputs": inputs(COLUMNS)[:3]}, "inputs.eye: should always be given, got nothing."),
        ({"inputs": inputs(COLUMNS) * 2}, "inputs.age: should be given once, got several of that name."),
        ({"outputs": [http.InferRequestedOutput("logit")]}, "outputs.logit: is not an output of this model (probab"),
        (
            {"outputs": [http.InferRequestedOutput("decision", class_count=2)]},
            "outputs.decision.parameters.classification: is not supported here, where there is binary_data alone, got",
        ),
        ({"sequence_id": 7}, "parameters.sequence_id: is not kept by this service, and should be left out, got 7."),
        ({"timeout": 100}, "parameters.timeout: is not kept by this service, and should be left out, got 100."),
        ({"priority": 1}, "parameters.priority: is not kept by this service, and should be left out, got 1."),
        (
            {"parameters": {"threshold": 0.5}},
            "parameters.threshold: is not a parameter of this model (operating_point, prevalence, binary_data_outp",
        ),
        ({"parameters": {"prevalence": 2}}, "parameters.prevalence: should be a share between 0 and 1, got 2."),
        ({"parameters": {"operating_point": "nowhere"}}, "parameters.operating_point: should be "),
        ({"parameters": {"operating_point": {"kind": []}}}, "parameters.operating_point: should be a name, a thresh"),
    ],
)
def test_what_is_asked_for_in_vain_is_named(
    client: http.InferenceServerClient, asked: dict[str, Any], words: str
) -> None:
    status, found = refused(lambda: client.infer("screen", **{"inputs": inputs(COLUMNS), **asked}))
    assert status == "400"
    assert found.startswith(words)


def test_shared_memory_is_refused_by_name(client: http.InferenceServerClient) -> None:
    shared = inputs(COLUMNS)
    shared[0].set_shared_memory("region", 160)
    words = "inputs.age.parameters.shared_memory_region: is not supported here, where there is binary_data_size alone"
    assert refused(lambda: client.infer("screen", shared))[1].startswith(words)


def test_a_contract_that_the_cases_do_not_carry_is_refused(client: http.InferenceServerClient) -> None:
    asked = {"operating_point": "recall >= 0.9999"}
    status, words = refused(lambda: client.infer("screen", inputs(COLUMNS), parameters=asked))
    assert status == "422"
    assert words.startswith("recall >= 0.9999 with confidence 0.95: cannot be certified.")


def test_more_rows_or_bytes_than_allowed_are_refused(server: Server, client: http.InferenceServerClient) -> None:
    many = {name: np.repeat(values, 101) for name, values in COLUMNS.items()}
    words = ("413", f"inputs.age.shape: should hold at most {MAX_ROWS} rows, got 4040.")
    assert refused(lambda: client.infer("screen", inputs(many))) == words
    large = {**COLUMNS, "eye": np.array(["x" * MAX_BYTES, *["left"] * 39], dtype=object)}
    words = ("413", f"body: should hold at most {MAX_BYTES} bytes, got more.")
    assert refused(lambda: client.infer("screen", inputs(large))) == words
    words = ("413", f"body: should unpack to at most {MAX_BYTES} bytes, got more.")
    assert refused(lambda: client.infer("screen", inputs(large), request_compression_algorithm="gzip")) == words
    response = server.post(
        "v2/models/screen/infer", content=b"{}", headers={"content-encoding": "br", "content-type": "application/json"}
    )
    assert (response.status_code, response.json()["error"]) == (
        415,
        "content-encoding: should be gzip, deflate or none, got 'br'.",
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "v2/models/screen/infer", 405, "method: should be POST, got GET."),
        ("POST", "v2/models/screen", 405, "method: should be GET, got POST."),
        ("DELETE", "v2", 405, "method: should be GET, HEAD, got DELETE."),
        ("POST", "v2/nowhere", 404, "address: should be one of /v2, "),
    ],
)
def test_another_method_or_address_is_refused(server: Server, method: str, path: str, status: int, error: str) -> None:
    response = httpx.request(method, f"{server.url}/{path}")
    assert response.status_code == status
    assert response.json()["error"].startswith(error)


def test_another_content_type_is_refused(server: Server) -> None:
    response = server.post("v2/models/screen/infer", content=b"{}", headers={"content-type": "text/plain"})
    words = "content-type: should be application/json or application/octet-stream, got text/plain."
    assert (response.status_code, response.json()["error"]) == (415, words)


def test_it_is_described(server: Server) -> None:
    paths = server.get("docs.json").json()["paths"]
    post = paths["/v2/models/screen/infer"]["post"]
    assert set(post["requestBody"]["content"]) == {"application/json", "application/octet-stream"}
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["inputs"]["items"]["properties"]["name"]["enum"] == list(COLUMNS)
    assert schema["properties"]["outputs"]["items"]["properties"]["name"]["enum"] == OUTPUTS
    assert {"400", "401", "403", "413", "415", "422", "429", "503"} <= set(post["responses"])
    assert {"/v2", "/v2/health/live", "/v2/models/presurgical", "/v2/models/presurgical/ready"} <= set(paths)


def test_no_value_of_a_patient_gets_into_the_log(server: Server, client: http.InferenceServerClient) -> None:
    for change in (
        {"age": np.float64([4711.471147] * 40)},
        {"eye": np.array(["Smith-4711"] * 40, object)},
        {"Smith-4711": COLUMNS["age"]},
    ):
        refused(lambda change=change: client.infer("screen", inputs({**COLUMNS, **change})))
    client.infer("screen", inputs({**COLUMNS, "fluid": np.float64([471.147] * 40)}))
    log = server.log.read_text()
    assert [marker for marker in ("4711.47", "471.147", "Smith-4711", "Traceback") if marker in log] == []


def test_the_example_of_the_page_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "localhost:3000" in code
    with serving(variables=environment(tmp_path), folder=ROOT, bundles=SHIPPED, log=tmp_path / "log") as running:
        exec(code.replace("localhost:3000", address(running)), {})
    assert "positive" in capsys.readouterr().out
