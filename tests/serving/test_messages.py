from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle import Bundle
from models.contracts.recall import Recall
from models.errors import BadInput, Refusal
from models.manifest import Symptom
from models.rows import encode_rows
from models.scorer import Scorer
from models.turn import Setting
from serving.messages import Messages, Unread
from serving.points import AnsweredAt
from serving.refusals import NotJson, TooLarge
from tests import handmade


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return handmade.bundle(tmp_path_factory.mktemp("bundle"), "presurgical")


@pytest.fixture(scope="module")
def messages(bundle: Bundle) -> Messages:
    return Messages.of(bundle, name="Presurgical", max_rows=20, max_bytes=100_000)


CELLS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-2, 130)
    | st.floats()
    | st.floats(0, 120)
    | st.sampled_from(["left", "right", "", "60", "1", 1e999, -0.0, 0.5, [], {}, 2**70, 10**400])
    | st.text(max_size=3)
)
NAMES = st.sampled_from(handmade.SCHEMA.names) | st.text(max_size=5)
ROWS = st.fixed_dictionaries(dict.fromkeys(handmade.SCHEMA.names, CELLS))
GOOD = st.sampled_from(handmade.rows(20))
CHANGED = st.builds(lambda row, name, cell: {**row, name: cell}, GOOD, NAMES, CELLS)
JSON = st.recursive(CELLS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=8)
BODIES = st.lists(GOOD | CHANGED | ROWS | JSON, max_size=20)


@settings(deadline=None, max_examples=300)
@given(BODIES)
def test_a_request_is_read_exactly_if_its_rows_keep_the_schema(messages: Messages, rows: list[Any]) -> None:
    body = json.dumps({"rows": rows}).encode()
    arrived = json.loads(body)["rows"]
    try:
        wanted = encode_rows(handmade.SCHEMA, arrived).columns
    except BadInput:
        with pytest.raises(BadInput):
            messages.request.read(body)
        return

    np.testing.assert_array_equal(messages.request.read(body).encoded().columns, wanted)


@settings(deadline=None, max_examples=300)
@given(JSON | st.dictionaries(st.sampled_from(["rows", "row", "data"]), JSON | BODIES))
def test_no_other_body_is_ever_read(messages: Messages, body: Any) -> None:
    try:
        messages.request.read(json.dumps(body).encode())
    except BadInput:
        return

    assert "rows" in set(body) <= {"rows", "operating_point", "prevalence"}
    assert len(encode_rows(handmade.SCHEMA, body["rows"])) == len(body["rows"])


@settings(deadline=None, max_examples=300)
@given(st.binary())
def test_bytes_that_are_no_json_are_refused(messages: Messages, body: bytes) -> None:
    with pytest.raises(BadInput):
        messages.request.read(body)


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"", NotJson, "body: should be JSON, got nothing."),
        (b"{", NotJson, "body: should be JSON, got EOF while parsing an object at line 1 column 1."),
        (b"\xff", NotJson, "body: should be JSON, got expected value at line 1 column 1."),
        (b"[" * 5000, NotJson, "body: should be JSON, got recursion limit exceeded at line 1 column 202."),
        (b"[]", BadInput, 'body: should be {"rows": [...]}, got [].'),
        (b"null", BadInput, 'body: should be {"rows": [...]}, got None.'),
        (b"{}", BadInput, "rows: should be a list of rows, got nothing."),
        (b'{"rows": 3}', BadInput, "rows: should be a list of rows, got 3."),
        (b'{"rows": {}}', BadInput, "rows: should be a list of rows, got {}."),
        (b'{"rows": null}', BadInput, "rows: should be a list of rows, got None."),
        (b'{"rows": []}', BadInput, "rows: should hold at least one row, got an empty list."),
        (
            json.dumps({"rows": handmade.rows(21)}).encode(),
            TooLarge,
            "rows: should hold at most 20 rows, got 21 rows.",
        ),
        (
            json.dumps({"rows": handmade.rows(1), "site": "A"}).encode(),
            BadInput,
            "site: is not a part of a request, which holds rows, operating_point and prevalence, got 'A'.",
        ),
        (b'{"rows": [7]}', BadInput, "rows.0: should be a mapping of column names to values, got 7."),
        (
            b'{"rows": [7], "site": "A"}',
            BadInput,
            (
                "site: is not a part of a request, which holds rows, operating_point and prevalence, got 'A'.\n"
                "rows.0: should be a mapping of column names to values, got 7."
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_body_is_said(messages: Messages, body: bytes, kind: type[BadInput], text: str) -> None:
    with pytest.raises(BadInput) as refused:
        messages.request.read(body)

    assert type(refused.value) is kind
    assert str(refused.value) == text


def test_a_reply_says_what_the_scorer_says_and_what_stands_behind_it(messages: Messages, bundle: Bundle) -> None:
    scores = Scorer(bundle).score_rows(handmade.rows(50))
    reply = json.loads(messages.answer(scores, 7).model_dump_json())
    rows, point = reply.pop("rows"), bundle.manifest.point

    assert reply == {
        "id": reply["id"],
        "model": "handmade/presurgical",
        "bundle": bundle.digest,
        "version": 7,
        "prevalence": 0.2,
        "operating_point": json.loads(AnsweredAt.of(scores.at).model_dump_json()),
    }
    assert [row["positive"] for row in rows] == scores.positive.tolist()
    assert [row["decision"] for row in rows] == ["positive" if flag else "negative" for flag in scores.positive]
    assert [np.float32(row["probability"]) for row in rows] == list(scores.probability)
    assert [row["probability"] >= point.threshold for row in rows] == scores.positive.tolist()
    assert [np.float32(row["symptoms"]["fluid_volume"]) for row in rows] == list(scores.symptoms["fluid_volume"])
    assert {tuple(row) for row in rows} == {("positive", "decision", "probability", "symptoms")}


def test_whom_the_model_does_not_decide_is_neither_positive_nor_negative(messages: Messages, bundle: Bundle) -> None:
    scorer = Scorer(bundle)
    at = scorer.turn(Setting.told("rule in with specificity >= 0.9, rule out with recall >= 0.95"))
    reply = json.loads(messages.answer(scorer.score_rows(handmade.rows(300), at=at), None).model_dump_json())

    point = reply["operating_point"]
    assert reply["version"] is None
    assert point["clear_below"] < point["threshold"]
    seen = {(row["decision"], row["positive"], _side(row["probability"], point)) for row in reply["rows"]}
    assert seen == {("positive", True, "above"), ("indeterminate", None, "between"), ("negative", False, "below")}


def _side(probability: float, point: dict[str, float]) -> str:
    if probability >= point["threshold"]:
        return "above"
    return "below" if probability < point["clear_below"] else "between"


@pytest.mark.parametrize(
    ("asked", "setting"),
    [
        ({}, Setting()),
        ({"operating_point": None, "prevalence": None}, Setting()),
        ({"operating_point": "default"}, Setting(operating_point="default")),
        ({"operating_point": 0.25}, Setting(operating_point=0.25)),
        ({"operating_point": 1}, Setting(operating_point=1.0)),
        ({"operating_point": "0.25"}, Setting(operating_point=0.25)),
        (
            {"operating_point": "recall 0.98", "prevalence": 0.01},
            Setting(operating_point="recall 0.98", prevalence=0.01),
        ),
        ({"operating_point": {"kind": "Recall", "at_least": 0.98}}, Setting(operating_point=Recall(at_least=0.98))),
    ],
)
def test_a_request_may_ask_for_its_own_point(messages: Messages, asked: dict[str, Any], setting: Setting) -> None:
    request = messages.request.read(json.dumps({"rows": handmade.rows(1), **asked}).encode())

    assert request.asked == setting


POINT = "operating_point: should be a name, a threshold from 0 to 1 or a contract"
SHARE = "prevalence: should be a share between 0 and 1"


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ('"operating_point": 1.5', f"{POINT}, got 1.5."),
        ('"operating_point": true', f"{POINT}, got True."),
        ('"operating_point": NaN', f"{POINT}, got nan."),
        ('"operating_point": [0.5]', f"{POINT}, got [0.5]."),
        ('"operating_point": {"kind": "Luck"}', f"{POINT}, got {{'kind': 'Luck'}}."),
        ('"operating_point": {"kind": "Recall", "at_least": 7}', f"{POINT}, got 7."),
        ('"prevalence": 0', f"{SHARE}, got 0."),
        ('"prevalence": 1', f"{SHARE}, got 1."),
        ('"prevalence": "0.1"', f"{SHARE}, got '0.1'."),
        ('"prevalence": Infinity', f"{SHARE}, got inf."),
        ('"operating_point": -1, "prevalence": 2', f"{POINT}, got -1.\n{SHARE}, got 2."),
    ],
)
def test_what_is_wrong_with_the_point_that_is_asked_for_is_said_once(messages: Messages, asked: str, text: str) -> None:
    with pytest.raises(BadInput) as refused:
        messages.request.read(f'{{"rows": {json.dumps(handmade.rows(1))}, {asked}}}'.encode())

    assert str(refused.value) == text


def test_a_point_is_named_as_wrong_together_with_rows(messages: Messages) -> None:
    body = {"rows": [{**handmade.rows(1)[0], "age": -1}], "operating_point": 7}
    with pytest.raises(BadInput) as refused:
        messages.request.read(json.dumps(body).encode())

    assert [refusal.path for refusal in refused.value.refusals] == ["operating_point", "rows.0.age"]


def test_a_number_in_words_that_is_no_threshold_is_refused_when_it_is_asked_for(messages: Messages) -> None:
    request = messages.request.read(json.dumps({"rows": handmade.rows(1), "operating_point": "1.5"}).encode())

    with pytest.raises(BadInput) as refused:
        _ = request.asked
    assert str(refused.value) == f"{POINT}, got 1.5."


def test_a_reply_states_the_threshold_and_the_prevalence_that_decided(messages: Messages, bundle: Bundle) -> None:
    scores = Scorer(bundle).score_rows(handmade.rows(3), threshold=0.25, prevalence=0.01)
    reply = messages.answer(scores, None)

    assert reply.prevalence == 0.01
    assert reply.operating_point.threshold == 0.25


def test_a_model_without_symptoms_answers_without_them(bundle: Bundle) -> None:
    plain = dataclasses.replace(bundle, manifest=bundle.manifest.model_copy(update={"symptoms": ()}))
    scores = dataclasses.replace(Scorer(bundle).score_rows(handmade.rows(2)), symptoms={})
    reply = Messages.of(plain, name="Screen", max_rows=2, max_bytes=1000).answer(scores, 0)

    assert [set(row) for row in json.loads(reply.model_dump_json())["rows"]] == [
        {"positive", "decision", "probability"}
    ] * 2


def test_any_name_will_do_for_a_symptom(bundle: Bundle) -> None:
    odd = ("class", "model_dump", "Sehschärfe (logMAR)")
    symptoms = tuple(Symptom(name=name) for name in odd)
    named = dataclasses.replace(bundle, manifest=bundle.manifest.model_copy(update={"symptoms": symptoms}))
    values = np.array([0.5, 0.25], dtype=np.float32)
    scores = dataclasses.replace(Scorer(bundle).score_rows(handmade.rows(2)), symptoms=dict.fromkeys(odd, values))
    reply = Messages.of(named, name="Screen", max_rows=2, max_bytes=1000).answer(scores, 0)

    rows = json.loads(reply.model_dump_json())["rows"]
    assert [row["symptoms"] for row in rows] == [dict.fromkeys(odd, 0.5), dict.fromkeys(odd, 0.25)]


def test_types_of_different_endpoints_have_different_names(tmp_path: Path) -> None:
    names = []
    for name in ("Screen", "Presurgical"):
        made = Messages.of(handmade.bundle(tmp_path, name.lower()), name=name, max_rows=1, max_bytes=1000)
        for kind, mode in ((made.request, "validation"), (made.reply, "serialization")):
            schema = kind.model_json_schema(mode=mode)
            names += [schema["title"], *schema["$defs"]]

    # Three are the same for both: the working point, its promises and its estimates.
    shared = {name for name in names if names.count(name) > 1}
    assert {"AnsweredAt", "Promised", "Estimate"} <= shared
    assert not any(name.startswith(("Screen", "Presurgical")) for name in shared)


def test_a_request_that_could_not_be_read_tells_why_whatever_it_is_asked() -> None:
    why = BadInput([Refusal("body", "should be JSON", "nothing")])
    unread = Unread(why)
    with pytest.raises(BadInput) as rows:
        unread.encoded()
    with pytest.raises(BadInput) as asked:
        _ = unread.asked
    assert rows.value is asked.value is why
