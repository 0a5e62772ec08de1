from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.responses import PlainTextResponse

from models.errors import BadBundle, BadInput, FulcrumError, Refusal, Unreachable
from serving import refusals
from serving.access import Access, NotAllowed, NoToken
from serving.change import Change
from serving.doorway import JSON, Doorway
from serving.form import FORM
from serving.gate import Gate
from serving.messages import Request, request_of
from serving.refusals import (
    SHOWN,
    STATUSES,
    HeadTooLarge,
    NoEndpoint,
    NotATable,
    NotForeseen,
    NotJson,
    TooBusy,
    TooLarge,
    TooSlow,
    WrongMethod,
    WrongType,
    refuse,
)
from serving.tuning import Moved, StoreLost, StoreSpoiled
from tests import handmade

AGE = Refusal("rows.3.age", "should be a number from 0 to 120 years", "-1")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotJson([AGE]), 400),
        (WrongMethod([AGE]), 405),
        (TooLarge([AGE]), 413),
        (WrongType([AGE]), 415),
        (NotATable([AGE]), 400),
        (HeadTooLarge([AGE]), 431),
        (TooSlow([AGE]), 408),
        (NoEndpoint([AGE]), 404),
        (NotForeseen([AGE]), 422),
        (BadInput([AGE]), 422),
    ],
)
def test_every_refusal_has_its_status_and_the_same_body(error: FulcrumError, status: int) -> None:
    response = refuse(error)

    assert response.status_code == status
    assert response.media_type == "application/json"
    assert json.loads(response.body) == {
        "error": "rows.3.age: should be a number from 0 to 120 years, got -1.",
        "refusals": [{"path": "rows.3.age", "rule": "should be a number from 0 to 120 years", "got": "-1"}],
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoToken("Authorization: should be Bearer and a token, got nothing."), 401),
        (NotAllowed("bo: should have the role tune to do this, got predict."), 403),
        (StoreLost("sqlite:///changes.db: should answer as a store of changes, got: database is locked."), 503),
        (TooBusy("screen: should be asked less at once, got 30 rows that wait."), 503),
        (StoreSpoiled("operating_point_changes.screen.2.hash: should be aa, got 'bb'."), 503),
    ],
)
def test_what_is_no_value_of_the_request_is_said_in_words_alone(error: FulcrumError, status: int) -> None:
    response = refuse(error)

    assert response.status_code == status
    assert json.loads(response.body) == {"error": str(error), "refusals": []}
    assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert response.headers.get("retry-after") == ("1" if isinstance(error, TooBusy) else None)


def test_a_contract_that_can_not_be_certified_says_what_would_do() -> None:
    error = Unreachable("recall >= 0.99", reason="Too few.", nearest=0.97, missing_positives=120, missing_negatives=0)
    response = refuse(error)

    assert response.status_code == 422
    assert json.loads(response.body) == {
        "error": "recall >= 0.99: cannot be certified. Too few. Would do: 120 more positives.",
        "refusals": [
            {
                "path": "operating_point",
                "rule": "should be one that the cases carry. Would do: 120 more positives.",
                "got": "recall >= 0.99",
            }
        ],
    }


CHANGE = Change.make("screen", "b" * 64, after=None, setting={}, outcome={}, by="ada", reason="x")


@pytest.mark.parametrize(("newest", "told"), [(None, "0, as released"), (CHANGE, "1, by ada")])
def test_who_came_too_late_is_told_the_newest_version(newest: Change | None, told: str) -> None:
    response = refuse(Moved(4, newest))

    assert response.status_code == 409
    assert json.loads(response.body)["refusals"] == [
        {"path": "version", "rule": f"should be the newest ({told})", "got": "4"}
    ]


def test_every_error_of_the_table_has_one_line_to_describe_it() -> None:
    for kind in STATUSES:
        assert (kind.__doc__ or "").partition("\n")[0].endswith(".")


def test_a_broken_bundle_is_not_the_fault_of_the_caller() -> None:
    response = refuse(BadBundle("handmade/screen: rows.0.age: should be a number, got inf."))

    assert response.status_code == 503
    assert json.loads(response.body) == {
        "error": "handmade/screen: rows.0.age: should be a number, got inf.",
        "refusals": [],
    }


def test_only_so_many_refusals_are_listed_as_a_person_reads() -> None:
    body = json.loads(refuse(BadInput([AGE] * 2500)).body)

    assert len(body["refusals"]) == SHOWN
    assert body["error"].endswith("... and 2495 more.")


def test_more_bad_values_than_can_be_named_in_time_are_counted(
    request_type: type[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "NAMED", 100)
    # The four columns are missing too.
    named = "{" + ",".join(f'"{place}":0' for place in range(96)) + "}"
    counted = named.replace("{", '{"one more":0,')

    with pytest.raises(BadInput) as few:
        request_type.read(f'{{"rows":[{named}]}}'.encode())
    with pytest.raises(BadInput) as many:
        request_type.read(f'{{"rows":[{counted}]}}'.encode())

    assert len(few.value.refusals) == 100
    assert str(many.value) == "body: should hold at most 100 bad values to have them named, got 101."


@pytest.fixture(scope="module")
def request_type() -> type[Request]:
    return request_of(handmade.SCHEMA, name="Screen", max_rows=3, max_bytes=1000)


def sent(method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """What an application that answers everything answers with the doorway before `/screen`."""
    inside = Doorway(PlainTextResponse("inside"), Gate(Access(None)), {"/screen": (JSON,)})

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(inside), base_url="http://127.0.0.1") as client:
            return await client.request(method, path, content=b"{}", headers=headers)

    return asyncio.run(send())


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", None],
)
def test_json_goes_through_the_doorway(content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}

    assert sent("POST", "/screen", headers=headers).text == "inside"


@pytest.mark.parametrize("content_type", ["text/csv", "application/vnd.bentoml+pickle", "application/jsonl"])
def test_other_content_types_are_refused_at_the_doorway(content_type: str) -> None:
    response = sent("POST", "/screen", headers={"content-type": content_type})

    assert response.status_code == 415
    assert response.json()["error"] == f"content-type: should be application/json, got {content_type}."


def test_an_empty_content_type_is_refused() -> None:
    response = sent("POST", "/screen", headers={"content-type": ""})

    assert response.json()["error"] == "content-type: should be application/json, got an empty one."


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_at_the_doorway(method: str) -> None:
    response = sent(method, "/screen")

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["error"] == f"method: should be POST, got {method}."


def test_other_paths_and_questions_about_the_endpoint_are_none_of_the_doorway() -> None:
    assert sent("GET", "/readyz").text == "inside"
    assert sent("OPTIONS", "/screen").text == "inside"


@pytest.mark.parametrize(("path", "status"), [("/seeing", 200), ("/screen", 415)])
def test_a_form_goes_through_only_where_there_are_photographs(path: str, status: int) -> None:
    inside = Doorway(PlainTextResponse("inside"), Gate(Access(None)), {"/screen": (JSON,), "/seeing": (JSON, FORM)})

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(inside), base_url="http://127.0.0.1") as client:
            return await client.post(path, files={"photograph": b""})

    assert asyncio.run(send()).status_code == status
