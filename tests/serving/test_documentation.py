from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request as HttpRequest

from models.value import Value
from serving.access import Access
from serving.documentation import REFERENCE, describe
from serving.endpoint import Endpoint
from serving.gate import Gate
from serving.live import Live
from serving.operations import Operation
from serving.refusals import STATUSES
from serving.settings import read
from serving.together import Together
from serving.tuning import Store
from serving.turning import Turning
from tests.running import Server

METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
OURS = {
    ("post", "/screen"),
    ("post", "/presurgical"),
    ("post", "/pathway"),
    ("get", "/operating-points"),
    ("get", "/operating-points/{endpoint}"),
    ("put", "/operating-points/{endpoint}"),
    ("post", "/operating-points/{endpoint}/preview"),
    ("post", "/operating-points/{endpoint}/roll-back"),
    ("get", "/operating-points/{endpoint}/history"),
    ("get", "/models/{endpoint}"),
    ("get", "/models/{endpoint}/groups"),
    ("get", "/who"),
}


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    return server.get("docs.json").json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS and operation is not None:
                yield method, path, operation


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from parts(part)


def test_every_address_is_described(document: dict[str, Any]) -> None:
    assert {(method, path) for method, path, _ in operations(document)} >= OURS


def test_every_address_that_is_described_answers(document: dict[str, Any], server: Server) -> None:
    for method, path, _ in operations(document):
        address = path.replace("{endpoint}", "screen").removeprefix("/")
        if method == "get":
            query = "?threshold=0.5&clear_below=0.5" if address.endswith("groups") else ""
            assert server.get(f"{address}{query}").status_code == 200, path
        else:
            assert server.post(address, content=b"").status_code != 404, path


def test_the_document_keeps_the_rules_of_openapi(document: dict[str, Any]) -> None:
    """Those of 3.1 that a reader stumbles over: https://spec.openapis.org/oas/v3.1.0."""
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(document["info"])
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["responses"], where
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d|default", status), where
            assert response["description"], where
        given = operation.get("parameters") or []
        for parameter in given:
            assert {"name", "in", "schema"} <= set(parameter), where
            assert parameter["in"] in {"path", "query", "header", "cookie"}, where
        in_path = [parameter for parameter in given if parameter["in"] == "path"]
        assert [parameter["name"] for parameter in in_path] == re.findall(r"{(\w+)}", path), where
        assert all(parameter["required"] for parameter in in_path), where
        assert len({(parameter["name"], parameter["in"]) for parameter in given}) == len(given), where
        if "requestBody" in operation:
            assert operation["requestBody"]["content"], where
    names = [operation["operationId"] for _, _, operation in operations(document) if operation.get("operationId")]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in document["components"]["schemas"])


def test_every_reference_leads_to_a_schema(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    named = {part["$ref"] for part in parts(document) if isinstance(part.get("$ref"), str)}

    assert len(named) > 20
    assert named <= {REFERENCE.format(model=name) for name in schemas}


def test_bounds_are_numbers_as_json_schema_of_2020_has_them(document: dict[str, Any]) -> None:
    bounds = [
        part[name]
        for part in parts(document["components"]["schemas"])
        for name in ("exclusiveMinimum", "exclusiveMaximum", "minimum", "maximum")
        if name in part and not isinstance(part[name], dict)
    ]

    assert len(bounds) > 10
    assert all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds)


def test_every_operation_names_every_refusal_with_all_that_it_may_mean(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if (method, path) not in OURS:
            continue
        for kind, status in STATUSES.items():
            response = operation["responses"][str(int(status))]
            assert (kind.__doc__ or "").partition("\n")[0] in response["description"], (path, kind)
            assert response["content"]["application/json"]["schema"] == {"$ref": REFERENCE.format(model="Refused")}


def test_a_request_may_name_a_point_and_a_prevalence_and_a_reply_says_where_it_was_made(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]

    for name in ("Screen", "Presurgical"):
        assert schemas[f"{name}Request"]["required"] == ["rows"]
        assert set(schemas[f"{name}Request"]["properties"]) == {"rows", "operating_point", "prevalence"}
        assert {"version", "operating_point", "prevalence", "rows"} <= set(schemas[f"{name}Reply"]["required"])
    turning = document["paths"]["/operating-points/{endpoint}"]
    assert turning["put"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Proposal")
    assert "role `tune`" in turning["put"]["description"]
    assert "description" not in turning["get"] or not turning["get"]["description"]
    query = document["paths"]["/models/{endpoint}/groups"]["get"]["parameters"]
    assert [(each["name"], each["required"]) for each in query if each["in"] == "query"] == [
        ("threshold", True),
        ("clear_below", True),
        ("prevalence", False),
    ]


def test_the_body_of_an_answer_is_the_described_type_whose_values_may_be_null(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, name in (("/screen", "Screen"), ("/presurgical/columns", "PresurgicalColumns"), ("/pathway", "Pathway")):
        post = document["paths"][path]["post"]
        assert post["responses"]["200"]["content"] == {
            "application/json": {"schema": {"$ref": REFERENCE.format(model=f"{name}Reply")}}
        }
        asked = post["requestBody"]["content"]["application/json"]["schema"]
        assert asked == {"$ref": REFERENCE.format(model=f"{name}Request")}
    assert {"type": "null"} in schemas["ScreenReply"]["properties"]["version"]["anyOf"]
    assert {"type": "null"} in schemas["ScreenAnswer"]["properties"]["positive"]["anyOf"]
    assert {"type": "null"} in schemas["ScreenRequest"]["properties"]["prevalence"]["anyOf"]


def test_every_operation_says_who_may_ask_it(document: dict[str, Any]) -> None:
    """Of a service that knows nobody: to ask and to look takes no name, to change something does."""
    assert document["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    paths = document["paths"]
    for path in ("/screen", "/pathway", "/screen/columns", "/screen/table"):
        assert paths[path]["post"]["security"] == [{}, {"bearer": ["predict"]}], path
    point = paths["/operating-points/{endpoint}"]
    assert point["put"]["security"] == [{"bearer": ["tune"]}]
    assert point["get"]["security"] == [{}, *({"bearer": [role]} for role in ("predict", "audit", "tune"))]
    history = paths["/operating-points/{endpoint}/history"]["get"]
    assert history["security"] == [{}, {"bearer": ["audit"]}, {"bearer": ["tune"]}]
    assert history["description"].endswith("with the role `audit` or `tune`.")
    assert paths["/who"]["get"]["security"] == [{}, {"bearer": []}]


def test_what_has_one_name_in_two_places_is_one_thing(bundles: Path, tmp_path: Path) -> None:
    """Types of requests and of operations are described apart, and put into one document."""
    settings = read({"FULCRUM_BUNDLES": str(bundles)})
    screen, presurgical = (Endpoint.open(name, settings) for name in ("screen", "presurgical"))
    messages = screen.messages
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        turning = Turning(Live(store, {"screen": screen.scorer}), Gate(Access(None)), max_bytes=1000)
        _, bodies = describe(turning.operations)
    pathway = Together.open(screen, presurgical, settings).reply
    for kind, mode in ((pathway, "serialization"), (messages.request, "validation"), (messages.reply, "serialization")):
        schema = kind.model_json_schema(mode=mode, ref_template=REFERENCE)
        shared = set(schema["$defs"]) & set(bodies)
        assert {name: schema["$defs"][name] for name in shared} == {name: bodies[name] for name in shared}
    assert {"Promised", "Estimate"} <= shared


def test_operations_on_one_path_stand_side_by_side() -> None:
    class Asked(Value):
        size: int = 1

    class Told(Value):
        size: int

    async def answer(request: HttpRequest) -> Value:
        raise NotImplementedError

    paths, bodies = describe(
        (
            Operation("GET", "/cups/{cup}", "Look.", answer, Told, query=(("unit", False),)),
            Operation("PUT", "/cups/{cup}", "Fill.", answer, Told, Asked, role="audit"),
        )
    )

    assert set(paths) == {"/cups/{cup}"}
    assert set(paths["/cups/{cup}"]) == {"get", "put"}
    assert paths["/cups/{cup}"]["get"]["parameters"] == [
        {"name": "cup", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "unit", "in": "query", "required": False, "schema": {"type": "number"}},
    ]
    assert "requestBody" not in paths["/cups/{cup}"]["get"]
    assert paths["/cups/{cup}"]["put"]["description"].endswith("the role `audit`.")
    assert set(bodies) == {"Asked", "Told"}
