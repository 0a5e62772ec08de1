from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from models.bundle import Bundle
from models.errors import BadInput
from models.scorer import Scorer
from models.turn import Setting
from serving.columnar import Columnar
from serving.messages import Messages
from serving.refusals import NotJson, TooLarge
from tests import handmade
from tests.running import Server, said

MAX_ROWS = 20


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return handmade.bundle(tmp_path_factory.mktemp("columnar"))


@pytest.fixture(scope="module")
def columnar(bundle: Bundle) -> Columnar:
    messages = Messages.of(bundle, name="Screen", max_rows=MAX_ROWS, max_bytes=10**6)
    return Columnar.of(messages, name="Screen", max_rows=MAX_ROWS, max_bytes=10**6)


def turned(rows: list[dict[str, object]]) -> dict[str, Any]:
    return {"columns": {name: [row[name] for row in rows] for name in rows[0]}}


def body(**columns: Any) -> bytes:
    return json.dumps({"columns": {**turned(handmade.rows(2))["columns"], **columns}}).encode()


def test_columns_mean_what_rows_mean(columnar: Columnar) -> None:
    rows = handmade.rows(MAX_ROWS, seed=2)
    by_column = columnar.request.read(json.dumps({**turned(rows), "prevalence": 0.1}).encode())
    by_row = columnar.messages.request.read(json.dumps({"rows": rows, "prevalence": 0.1}).encode())

    np.testing.assert_array_equal(by_column.encoded().columns, by_row.encoded().columns)
    assert by_column.asked == by_row.asked == Setting(prevalence=0.1)


@pytest.mark.parametrize(
    ("sent", "kind", "text"),
    [
        (b"{", NotJson, "body: should be JSON, got EOF while parsing an object at line 1 column 1."),
        (b"[]", BadInput, 'body: should be {"columns": {...}}, got [].'),
        (b"{}", BadInput, "columns: should be a mapping of column names to lists of cells, got nothing."),
        (b'{"columns": 7}', BadInput, "columns: should be a mapping of column names to lists of cells, got 7."),
        (body(age=[61, 6e9]), BadInput, "columns.age.1: should be a number from 0 to 120 years, got 6000000000.0."),
        (body(age=7), BadInput, "columns.age: should be a list of at least one cell, got 7."),
        (body(age=[]), BadInput, "columns.age: should be a list of at least one cell, got []."),
        (
            body(weight=[1, 2]),
            BadInput,
            "columns.weight: is not a column of this model (age, fluid, new_vessels, eye), got [1, 2].",
        ),
        (body(age=[1] * 21), TooLarge, "columns.age: should hold at most 20 rows, got 21 rows."),
        (body(age=[1]), BadInput, None),
        (
            b'{"columns": {}, "rows": []}',
            BadInput,
            None,
        ),
        (body()[:-1] + b', "columns": {}}', BadInput, None),
    ],
)
def test_what_is_wrong_is_said_by_column(
    columnar: Columnar, sent: bytes, kind: type[BadInput], text: str | None
) -> None:
    with pytest.raises(BadInput) as refused:
        columnar.request.read(sent).encoded()
    assert type(refused.value) is kind
    if text is not None:
        assert str(refused.value) == text


def test_what_is_missing_or_too_much_is_named(columnar: Columnar) -> None:
    with pytest.raises(BadInput) as refused:
        columnar.request.read(b'{"columns": {"age": [1]}, "rows": []}')
    assert [str(each) for each in refused.value.refusals] == [
        "rows: is not a part of a request, which holds columns, operating_point and prevalence, got [].",
        *(
            f"columns.{name}: should be a list of cells, and always given, got nothing."
            for name in ("fluid", "new_vessels", "eye")
        ),
    ]


def test_every_column_of_another_length_is_named(columnar: Columnar) -> None:
    with pytest.raises(BadInput) as refused:
        columnar.request.read(body(fluid=[1.0], eye=["left"] * 3)).encoded()
    assert [str(each) for each in refused.value.refusals] == [
        "columns.fluid: should hold 2 cells, as age does, got 1.",
        "columns.eye: should hold 2 cells, as age does, got 3.",
    ]


def test_the_answer_by_column_says_what_the_answer_by_row_says(bundle: Bundle, columnar: Columnar) -> None:
    scorer = Scorer(bundle)
    at = scorer.turn(Setting.told("rule in with specificity >= 0.9, rule out with recall >= 0.95"))
    scores = scorer.score_rows(handmade.rows(200), at=at)
    by_column = json.loads(columnar.answer(scores, 3).model_dump_json())
    by_row = json.loads(columnar.messages.answer(scores, 3).model_dump_json())
    columns, rows = by_column.pop("columns"), by_row.pop("rows")

    assert {**by_column, "id": ""} == {**by_row, "id": ""}
    for name in ("positive", "decision", "probability"):
        assert columns[name] == [row[name] for row in rows]
    assert columns["symptoms"] == {"fluid_volume": [row["symptoms"]["fluid_volume"] for row in rows]}
    assert {True, False, None} == set(columns["positive"])


def test_both_forms_are_answered_over_http_and_described(server: Server) -> None:
    rows = handmade.rows(30, seed=6)
    for model in ("screen", "presurgical"):
        by_row = said(server.post(model, json={"rows": rows, "prevalence": 0.1}))
        by_column = said(server.post(f"{model}/columns", json={**turned(rows), "prevalence": 0.1}))
        found = by_column.pop("columns")
        assert found["probability"] == [row["probability"] for row in by_row.pop("rows")]
        assert by_column == by_row

    document = server.get("docs.json").json()
    post = document["paths"]["/screen/columns"]["post"]
    schemas = document["components"]["schemas"]
    columns = schemas["ScreenColumns"]["properties"]
    assert set(columns) == set(handmade.SCHEMA.names)
    assert columns["age"]["items"] == {"type": "number", "minimum": 0.0, "maximum": 120.0}
    assert columns["age"]["unit"] == "years"
    assert {"400", "413", "415", "422"} <= set(post["responses"])
    assert schemas["ScreenAnswerColumns"]["properties"]["probability"]["items"]["maximum"] == 1
