"""Answers in FHIR R4 say what rows of JSON say, to the last digit; no log and no error shows whom they are about."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.riskassessment import RiskAssessment

from models.errors import FulcrumError
from serving.assessment import BUNDLE, DECISION, DECISION_ID, ESTIMATE, POINT, percent
from serving.outcome import CODES, FHIR
from serving.refusals import STATUSES
from serving.subjects import HIDDEN, SUBJECT
from tests import handmade
from tests.running import Server
from tests.serving.conftest import MAX_ROWS

PATIENT = "Patient/Quintus-4711"
# Of R4, http://hl7.org/fhir/R4/datatypes.html#decimal.
DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
PARTS = "rows, subjects, operating_point and prevalence"


def subjects(count: int) -> list[dict[str, str]]:
    return [{"reference": f"{PATIENT}.{place}"} for place in range(count)]


def ask(server: Server, path: str = "screen", kind: str = "application/json", **body: Any) -> httpx.Response:
    return server.post(f"{path}/fhir", content=json.dumps(body), headers={"content-type": kind})


def read(response: httpx.Response) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A Bundle, valid as FHIR, each decimal as it was written; and its assessments."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == FHIR
    made = Bundle.model_validate_json(response.content)
    assert all(isinstance(entry.resource, RiskAssessment) for entry in made.entry)
    written: list[str] = []
    found = json.loads(response.content, parse_float=lambda text: written.append(text) or Decimal(text))
    assert all(DECIMAL.fullmatch(text) for text in written)
    return found, [entry["resource"] for entry in found["entry"]]


def part(point: dict[str, Any], name: str) -> Any:
    (found,) = [each for each in point["extension"] if each["url"] == name]
    (value,) = [found[key] for key in found if key != "url"]
    return value


def decided(assessment: dict[str, Any]) -> str:
    """The decision, as a reader may make it again of the numbers of an assessment."""
    (point,) = [each for each in assessment["extension"] if each["url"] == POINT]
    probability = assessment["prediction"][0]["probabilityDecimal"]
    if not probability < part(point, "threshold"):
        return "positive"
    return "negative" if probability < part(point, "clearBelow") else "indeterminate"


@pytest.mark.parametrize("kind", ["application/json", FHIR, f"{FHIR}; fhirVersion=4.0"])
@pytest.mark.parametrize("model", ["screen", "presurgical"])
def test_each_row_gets_the_assessment_that_rows_of_json_get(server: Server, model: str, kind: str) -> None:
    rows = handmade.rows(300, 3)
    plain = server.post(model, json={"rows": rows, "prevalence": 0.1}).json()
    bundle, assessments = read(ask(server, model, kind, rows=rows, subjects=subjects(300), prevalence=0.1))
    assert bundle["type"] == "collection"
    assert [each["subject"] for each in assessments] == subjects(300)
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == 300
    names = [each["identifier"][0] for each in assessments]
    assert {name["system"] for name in names} == {DECISION_ID}
    reply = names[0]["value"].removesuffix(".0")
    assert [name["value"] for name in names] == [f"{reply}.{place}" for place in range(300)]
    for row, assessment in zip(plain["rows"], assessments, strict=True):
        prediction = assessment["prediction"][0]
        # The share, digit by digit, and so the float32 that was compared.
        exact = prediction["probabilityDecimal"].scaleb(-2)
        assert exact == Decimal(repr(row["probability"]))
        assert np.float32(exact) == np.float32(row["probability"])
        assert prediction["qualitativeRisk"]["coding"] == [{"system": DECISION, "code": row["decision"]}]
        assert decided(assessment) == row["decision"]
        assert assessment["status"] == "final"
        assert assessment["occurrenceDateTime"].endswith("+00:00")
        assert assessment["method"]["coding"] == [{"system": BUNDLE, "code": plain["bundle"]}]
        assert assessment["method"]["text"] == plain["model"]
    assert len({row["decision"] for row in plain["rows"]}) == 2
    (point,) = assessments[0]["extension"]
    assert part(point, "threshold") == Decimal(repr(plain["operating_point"]["threshold"])).scaleb(2)
    assert part(point, "prevalence") == 10
    assert part(point, "version") == plain["version"]


def test_a_reader_of_binary_numbers_decides_the_same(server: Server) -> None:
    rows = handmade.rows(2000, 8)
    plain = server.post("screen", json={"rows": rows}).json()["rows"]
    body = ask(server, rows=rows, subjects=subjects(2000)).json()
    assert [decided(entry["resource"]) for entry in body["entry"]] == [row["decision"] for row in plain]


def test_what_is_promised_is_said(server: Server) -> None:
    _, (assessment,) = read(ask(server, rows=handmade.rows(1), subjects=subjects(1), operating_point="recall >= 0.95"))
    plain = server.post("screen", json={"rows": handmade.rows(1), "operating_point": "recall >= 0.95"}).json()
    (promised,) = plain["operating_point"]["certificates"]
    (note,) = assessment["note"]
    assert note["text"].startswith(
        f"Operating point: {plain['operating_point']['contract']}. Promised: {promised['in_words']}, certified on"
        f" {promised['positives']} positive and {promised['negatives']} negative cases. Probabilities are stated where"
    )
    assert not [each for each in assessment["extension"][0]["extension"] if each["url"] == "version"]
    _, (by_hand,) = read(ask(server, rows=handmade.rows(1), subjects=subjects(1), operating_point=0.5))
    assert by_hand["note"][0]["text"].startswith("Operating point: a threshold by hand. Nothing is promised there.")
    assert part(by_hand["extension"][0], "threshold") == 50


def test_who_is_undecided_is_never_told_to_be_negative(server: Server) -> None:
    rows = handmade.rows(400, 5)
    plain = server.post("screen", json={"rows": rows, "operating_point": "three-way"}).json()["rows"]
    _, assessments = read(ask(server, rows=rows, subjects=subjects(400), operating_point="three-way"))
    undecided = [each for each, row in zip(assessments, plain, strict=True) if row["decision"] == "indeterminate"]
    assert [decided(each) for each in assessments] == [row["decision"] for row in plain]
    assert len(undecided) > 10
    for assessment in undecided:
        (prediction, *_) = assessment["prediction"]
        assert prediction["qualitativeRisk"]["coding"][0]["code"] == "indeterminate"
        assert prediction["qualitativeRisk"]["text"] == "indeterminate"
        assert prediction["rationale"].endswith("where the model does not decide.")
        assert "negative" not in json.dumps(prediction, default=str)


def test_a_symptom_that_is_no_probability_is_an_estimate_in_its_unit(server: Server) -> None:
    plain = server.post("screen", json={"rows": handmade.rows(3)}).json()["rows"]
    _, assessments = read(ask(server, rows=handmade.rows(3), subjects=subjects(3)))
    for row, assessment in zip(plain, assessments, strict=True):
        _, further = assessment["prediction"]
        assert "probabilityDecimal" not in further
        ((estimate,), unit) = further["extension"], handmade.finished()[1].symptoms[0].unit
        assert estimate["url"] == ESTIMATE
        assert estimate["valueQuantity"].pop("value") == Decimal(repr(row["symptoms"]["fluid_volume"]))
        assert estimate["valueQuantity"] == ({"unit": unit} if unit else {})


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.5, "50"), (1.0, "100"), (0.0, "0"), (0.30000001192092896, "30.000001192092896"), (1e-05, "0.001")],
)
def test_a_share_is_moved_by_two_places(share: float, text: str) -> None:
    assert str(percent(share)) == text


def test_no_digit_is_lost_of_any_share() -> None:
    random = np.random.default_rng(0)
    for share in (random.random(2000, np.float32) ** random.integers(1, 12, 2000)).astype(np.float32).tolist():
        moved = percent(share)
        assert float(moved.scaleb(-2)) == share
        assert DECIMAL.fullmatch(str(moved))
        assert moved <= 100


ROW = handmade.rows(1)[0]
REFERENCED = {"reference": PATIENT}


@pytest.mark.parametrize(
    ("body", "status", "code", "refusals"),
    [
        (
            {"rows": [ROW, ROW | {"age": 6e9}], "subjects": [REFERENCED] * 2},
            422,
            "value",
            {"rows.1.age": "should be a number from 0 to 120 years, got 6000000000.0"},
        ),
        ({"rows": [ROW]}, 422, "value", {"subjects": "should be a list of subjects, got nothing"}),
        ({"subjects": [REFERENCED]}, 422, "value", {"rows": "should be a list of rows, got nothing"}),
        (
            {"rows": [], "subjects": []},
            422,
            "value",
            {"rows": "should hold at least one row, got an empty list"},
        ),
        (
            {"rows": [ROW, ROW], "subjects": [REFERENCED]},
            422,
            "value",
            {"subjects": "should hold as many as there are rows, 2, got 1"},
        ),
        (
            {"rows": [ROW], "subjects": [{"reference": PATIENT, "display": "Quintus"}]},
            422,
            "value",
            {"subjects.0": f"{SUBJECT}, got {HIDDEN}"},
        ),
        (
            {"rows": [ROW] * 2, "subjects": [REFERENCED, {"reference": "Quintus 4711"}]},
            422,
            "value",
            {"subjects.1": f"{SUBJECT}, got {HIDDEN}"},
        ),
        (
            {"rows": [ROW], "subjects": PATIENT},
            422,
            "value",
            {"subjects": f"should be a list of subjects, got {HIDDEN}"},
        ),
        (
            {"rows": [ROW], "subjects": [PATIENT]},
            422,
            "value",
            {"subjects.0": f"{SUBJECT}, got {HIDDEN}"},
        ),
        (
            {"rows": [ROW], "subject": PATIENT, "subjects": [REFERENCED]},
            422,
            "value",
            {"subject": f"is not a part of a request, which holds {PARTS}, got {HIDDEN}"},
        ),
        (
            {"rows": [ROW | {"patient": PATIENT}], "subjects": [REFERENCED]},
            422,
            "value",
            {"rows.0.patient": f"is not a column of this model (age, fluid, new_vessels, eye), got {HIDDEN}"},
        ),
        (
            {"rows": [PATIENT], "subjects": [REFERENCED]},
            422,
            "value",
            {"rows.0": f"should be a mapping of column names to values, got {HIDDEN}"},
        ),
        (
            [REFERENCED],
            422,
            "value",
            {"body": f'should be {{"rows": [...], "subjects": [...]}}, got {HIDDEN}'},
        ),
        (
            {"rows": [ROW], "subjects": [REFERENCED], "prevalence": 2},
            422,
            "value",
            {"prevalence": "should be a share between 0 and 1, got 2"},
        ),
        (
            {"rows": [ROW] * (MAX_ROWS + 1), "subjects": []},
            413,
            "too-long",
            {"rows": f"should hold at most {MAX_ROWS} rows, got {MAX_ROWS + 1} rows"},
        ),
        (
            {"rows": [ROW], "subjects": [REFERENCED], "operating_point": "recall >= 0.99999"},
            422,
            "business-rule",
            None,
        ),
        (f'{{"rows": [], "subjects": [{PATIENT}', 400, "structure", None),
        ("", 400, "structure", {"body": "should be JSON, got nothing"}),
        (
            '{"rows": [], "rows": [], "subjects": []}',
            422,
            "value",
            {"rows": "should hold at least one row, got an empty list"},
        ),
        (" " * 1_000_001, 413, "too-long", {"body": "should hold at most 1000000 bytes, got more"}),
    ],
)
def test_a_refusal_is_an_outcome_in_the_words_of_rows_and_shows_nobody(
    server: Server, body: Any, status: int, code: str, refusals: dict[str, str] | None
) -> None:
    sent = body if isinstance(body, str) else json.dumps(body)
    response = server.post("screen/fhir", content=sent, headers={"content-type": FHIR})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == FHIR
    outcome = OperationOutcome.model_validate_json(response.content)
    assert {(issue.severity, issue.code) for issue in outcome.issue} == {("error", code)}
    for issue in outcome.issue:
        assert issue.diagnostics.startswith(f"{issue.expression[0]}: ")
    if refusals is not None:
        assert {issue.expression[0]: issue.diagnostics for issue in outcome.issue} == {
            path: f"{path}: {text}." for path, text in refusals.items()
        }
    assert "Quintus" not in response.text
    assert "Quintus" not in server.log.read_text()


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        ("Patient/1", 200),
        ("Patient/a.b-C/_history/2", 200),
        ("https://clinic.example/fhir/Patient/4711", 200),
        ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", 200),
        ("", 422),
        ("Patient/", 422),
        ("Patient/1\n", 422),
        ("Patient/" + "x" * 65, 422),
        ("Practitioner/1", 422),
        ("#p", 422),
        ("https://clinic.example/a b/Patient/1", 422),
        (None, 422),
    ],
)
def test_a_subject_is_a_reference_of_a_patient(server: Server, reference: str | None, status: int) -> None:
    assert ask(server, rows=[ROW], subjects=[{"reference": reference}]).status_code == status


def test_a_name_that_comes_twice_is_refused(server: Server) -> None:
    row, subject = json.dumps(ROW), json.dumps(REFERENCED)
    twice = f'{{"rows": [{row}], "subjects": [{subject[:-1]}, "reference": "Patient/2"}}]}}'
    outcome = OperationOutcome.model_validate_json(server.post("screen/fhir", content=twice).content)
    assert outcome.issue[0].diagnostics == "subjects.0.reference: should be given once, got several of that name."


def test_what_never_comes_to_the_model_is_refused_in_json(server: Server) -> None:
    assert server.get("screen/fhir").status_code == 405
    response = ask(server, kind="text/plain", rows=[ROW], subjects=[REFERENCED])
    assert response.status_code == 415
    assert response.json()["error"] == f"content-type: should be application/json or {FHIR}, got text/plain."


def test_rows_are_counted(server: Server) -> None:
    def counted() -> float:
        text = server.get("metrics").text
        return sum(
            float(each)
            for each in re.findall(r'^fulcrum_rows_total\{.*endpoint="screen".*\} (\S+)', text, re.MULTILINE)
        )

    before = counted()
    assert ask(server, rows=handmade.rows(7), subjects=subjects(7)).status_code == 200
    for _ in range(50):
        if counted() >= before + 7:
            break
        server.get("readyz")
    assert counted() >= before + 7


def test_it_is_described(server: Server) -> None:
    document = server.get("docs.json").json()
    post = document["paths"]["/screen/fhir"]["post"]
    assert set(post["requestBody"]["content"]) == {"application/json", FHIR}
    assert FHIR in post["responses"]["200"]["content"]
    assert {"400", "401", "413", "415", "422", "503"} <= set(post["responses"])
    assert set(post["responses"]["422"]["content"]) == {"application/json", FHIR}
    wanted, seen = [post["requestBody"]["content"][FHIR]["schema"]["$ref"]], set()
    while wanted:
        name = wanted.pop().removeprefix("#/components/schemas/")
        if name not in seen:
            seen.add(name)
            wanted += re.findall(r'"\$ref": "([^"]+)"', json.dumps(document["components"]["schemas"][name]))
    assert {"ScreenFhirRequest", "ScreenSubject", "ScreenRow"} <= seen


def test_every_error_that_has_a_status_has_a_code() -> None:
    for kind in STATUSES:
        assert issubclass(kind, FulcrumError)
    assert set(CODES) <= set(STATUSES)
