from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from pydantic import ValidationError

from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.errors import BadBundle
from models.manifest import CrossFitted, Files, Manifest, Symptom, read
from models.schema import Numeric
from tests import handmade

CONTRACTS = "Capacity, Cost, NPV, Precision, Recall, RecallInEveryGroup, RuleInOut, Several, Specificity"
NUMBERLESS = "unable to parse string as"
FILES = {"model.onnx": "0" * 64, "CARD.md": "f" * 64}


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return handmade.finished("presurgical")[1]


@pytest.fixture
def document(manifest: Manifest) -> dict[str, Any]:
    return copy.deepcopy(json.loads(Files(manifest=manifest, files=FILES).model_dump_json()))


def error(document: object) -> str:
    with pytest.raises(BadBundle) as caught:
        read(json.dumps(document), file="manifest.json")
    return str(caught.value)


def put(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The document with another value at a path such as `points.0.threshold`."""
    *steps, last = path.split(".")
    place: Any = document["manifest"]
    for step in steps:
        place = place[int(step) if step.isdigit() else step]
    place[int(last) if last.isdigit() else last] = value
    return document


def test_a_manifest_is_read_as_it_was_written(manifest: Manifest, document: dict[str, Any]) -> None:
    found = read(json.dumps(document), file="manifest.json")
    assert found.manifest == manifest
    assert found.files == FILES
    assert type(found.manifest.contract) is Precision
    assert type(found.manifest.columns.columns[0]) is Numeric
    assert found.manifest.point is found.manifest.points[0]


def test_the_written_document_names_the_kind_of_every_member(document: dict[str, Any]) -> None:
    assert document["manifest"]["contract"]["kind"] == "Precision"
    kinds = [column["kind"] for column in document["manifest"]["columns"]["columns"]]
    assert kinds == ["Numeric", "Numeric", "Binary", "Categorical"]


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("points.0.threshold", 1.5, "Input should be less than or equal to 1, got 1.5."),
        ("points.0.threshold", "high", f"Input should be a valid number, {NUMBERLESS} a number, got 'high'."),
        ("points.0.threshold", None, "Input should be a valid number, got None."),
        ("points", [], "Tuple should have at least 1 item after validation, not 0, got []."),
        ("points.0.measured.counts.hits", -1, "Input should be greater than or equal to 0, got -1."),
        ("curve.thresholds.3", -0.5, "Input should be greater than or equal to 0, got -0.5."),
        ("format", 4, "Input should be 3, got 4."),
        ("version", 0, "Input should be greater than or equal to 1, got 0."),
        ("color", "red", "Extra inputs are not permitted, got 'red'."),
        ("calibration.color", 1, "Extra inputs are not permitted, got 1."),
        ("calibration.slope", -1, "Input should be greater than 0, got -1."),
        ("prevalence", 0, "Input should be greater than 0, got 0."),
        ("contract", {"kind": "Wish"}, f"kind should be one of {CONTRACTS}, got 'Wish'."),
        ("contract", {"at_least": 0.9}, f"kind should be one of {CONTRACTS}, got None."),
        ("contract.at_least", 2, "Input should be less than 1, got 2."),
        ("columns.columns.0", {"kind": "Text"}, "kind should be one of Binary, Categorical, Numeric, got 'Text'."),
        ("columns.columns.1.missing", "drop", "Input should be 'refuse' or 'impute', got 'drop'."),
        ("parity.decision_differences", 1, "Input should be 0, got 1."),
        ("parity.row_alone_differences", 3, "Input should be 0, got 3."),
        ("provenance.seed", "x" * 50, f"Input should be a valid integer, {NUMBERLESS} an integer, got '{'x' * 36}...."),
        ("provenance.parts.0.rows", -1, "Input should be greater than or equal to 0, got -1."),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_by_file_field_rule_and_value(
    document: dict[str, Any], path: str, value: object, text: str
) -> None:
    assert error(put(document, path, value)) == f"manifest.json: {path}: {text}"


def test_a_rule_about_several_fields_names_the_value_that_holds_them(document: dict[str, Any]) -> None:
    text = "manifest.json: columns.columns.0: low should be below high, got 500.0 and 120.0."
    assert error(put(document, "columns.columns.0.low", 500)) == text


def test_a_promise_that_was_certified_for_less_is_refused(document: dict[str, Any]) -> None:
    text = error(put(document, "points.0.certificates.0.certified", 0.1))
    assert text == "manifest.json: points.0.certificates.0: certified should be at least 0.6, got 0.1."


def test_a_point_that_promises_something_else_than_the_contract_is_refused(document: dict[str, Any]) -> None:
    asked = "recall >= 0.5 with confidence 0.95"
    start = f"manifest.json: document: points.0.certificates should be of the contract ({asked}), got {{"
    assert error(put(document, "contract", Recall(at_least=0.5).model_dump())).startswith(start)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(document: dict[str, Any], number: str) -> None:
    text = json.dumps(put(document, "prevalence", "NUMBER")).replace('"NUMBER"', number)
    with pytest.raises(BadBundle, match=r"^manifest\.json: prevalence: Input should be a finite number, got "):
        read(text, file="manifest.json")


@pytest.mark.parametrize("name", ["columns", "contract", "curve", "points", "prevalence", "study"])
def test_a_missing_field_is_named(document: dict[str, Any], name: str) -> None:
    del document["manifest"][name]
    assert error(document).startswith(f"manifest.json: {name}: Field required, got {{'format': 3,")


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"text"', "\x00", "{}"])
def test_what_is_no_manifest_at_all_is_refused(text: str) -> None:
    with pytest.raises(BadBundle, match=r"^manifest\.json: "):
        read(text, file="manifest.json")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadBundle, match=r"^manifest\.json: document: Invalid JSON"):
        read(b"\xff\xfe\x00", file="manifest.json")


def test_a_digest_is_64_hexadecimal_digits(document: dict[str, Any]) -> None:
    document["files"]["CARD.md"] = "F" * 64
    rule = "String should match pattern '^[0-9a-f]{64}$'"
    assert error(document) == f"manifest.json: files.CARD.md: {rule}, got '{'F' * 36}...."


def test_probes_and_evidence_are_kept_whole(document: dict[str, Any]) -> None:
    probe = {"columns": [1.5, None, 0, 1], "probability": 0.25, "positive": True}
    found = read(json.dumps(put(document, "probes", [probe])), file="manifest.json").manifest
    assert found.probes[0].columns == (1.5, None, 0.0, 1.0)
    assert json.loads(found.model_dump_json())["probes"] == [probe]


@pytest.mark.parametrize("name", ["probability", "positive", "logit", "columns", "threshold", "prevalence"])
def test_a_symptom_may_not_be_called_like_something_of_the_graph_s_own(name: str) -> None:
    with pytest.raises(ValidationError, match=f"should be none of .*, got {name}"):
        Symptom(name=name)


def test_a_symptom_may_not_be_called_like_a_column() -> None:
    _, manifest = handmade.finished()
    fields = {**manifest.model_dump(), "symptoms": [{"name": "age"}]}
    with pytest.raises(ValidationError, match="symptoms should not be called like a column, got age"):
        Manifest.model_validate(fields)


def test_two_points_of_one_name_are_refused(document: dict[str, Any]) -> None:
    points = document["manifest"]["points"]
    put(document, "points", [points[0], points[0]])
    name = points[0]["name"]
    assert error(document).startswith(f"manifest.json: document: points should have a name each, got {name}, {name}")


@pytest.mark.parametrize("curve", ["curve", "guide"])
def test_a_curve_at_another_prevalence_than_the_bundle_s_is_refused(document: dict[str, Any], curve: str) -> None:
    document["manifest"]["guide"] = copy.deepcopy(document["manifest"]["curve"])
    put(document, f"{curve}.prevalence", 0.3)
    assert error(document).startswith(
        f"manifest.json: document: {curve}.prevalence should be the bundle's 0.2, got 0.3"
    )


# Cases that taught too


def test_how_certified_cases_taught_too_is_read_as_it_was_written(document: dict[str, Any]) -> None:
    # Of other models nothing is said, so that their documents stay as they were.
    assert "cross_fitted" not in document["manifest"]
    put(document, "guide", None)
    found = read(json.dumps(put(document, "cross_fitted", {"folds": 5, "repeats": 4})), file="manifest.json").manifest
    assert found.cross_fitted == CrossFitted(folds=5, repeats=4)
    assert found.cross_fitted.copies == 20
    assert json.loads(found.model_dump_json())["cross_fitted"] == {"folds": 5, "repeats": 4}


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("folds", 1, "Input should be greater than or equal to 2, got 1."),
        ("repeats", 0, "Input should be greater than or equal to 1, got 0."),
        ("copies", 20, "Extra inputs are not permitted, got 20."),
    ],
)
def test_folds_that_can_not_be_are_named_by_their_path(
    document: dict[str, Any], field: str, value: int, text: str
) -> None:
    put(document, "cross_fitted", {"folds": 5, "repeats": 4, field: value})
    assert error(document) == f"manifest.json: cross_fitted.{field}: {text}"
