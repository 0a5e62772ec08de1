"""What is written says what the typed reply says."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from models.bundle import Bundle
from models.errors import BadBundle
from models.manifest import Symptom
from models.scorer import Scorer, Scores
from models.turn import Setting
from serving.columnar import Columnar
from serving.fast import writer as module
from serving.fast.writer import ColumnsWriter, RowsWriter, Texts
from serving.messages import Messages
from tests import handmade

ODD = ("class", "100 %b", 'a "quoted": name', "Sehschärfe")
ZONE = Setting.told("rule in with specificity >= 0.9, rule out with recall >= 0.95")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return handmade.bundle(tmp_path_factory.mktemp("writer"))


@pytest.fixture(scope="module")
def scores(bundle: Bundle) -> Scores:
    """With all three decisions."""
    scorer = Scorer(bundle)
    found = scorer.score_rows(handmade.rows(200, seed=8), at=scorer.turn(ZONE))
    assert 0 < found.positive.sum() < (found.positive | found.negative).sum() < len(found)
    return found


def with_symptoms(bundle: Bundle, names: tuple[str, ...]) -> Messages:
    symptoms = tuple(Symptom(name=name) for name in names)
    named = dataclasses.replace(bundle, manifest=bundle.manifest.model_copy(update={"symptoms": symptoms}))
    return Messages.of(named, name="Screen", max_rows=1000, max_bytes=1000)


def part(scores: Scores, rows: slice) -> Scores:
    taken = {name: getattr(scores, name)[rows] for name in ("probability", "positive", "negative", "logit")}
    symptoms = {name: values[rows] for name, values in scores.symptoms.items()}
    return dataclasses.replace(scores, **taken, symptoms=symptoms)


def without_id(body: bytes | str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(body)
    assert next(iter(read)) == "id"
    assert read.pop("id")
    return read


@pytest.mark.parametrize("names", [(), ("fluid_volume",), ODD])
@pytest.mark.parametrize("rows", [slice(0, 200), slice(3, 4), slice(50, 60)])
@pytest.mark.parametrize("version", [None, 7])
def test_it_is_what_the_typed_reply_says(
    bundle: Bundle, scores: Scores, names: tuple[str, ...], rows: slice, version: int | None
) -> None:
    messages = with_symptoms(bundle, names)
    random = np.random.default_rng(3)
    heads = {name: random.normal(scale=1e3, size=len(scores)).astype(np.float32) for name in names}
    all_of_it = dataclasses.replace(scores, symptoms=heads)
    texts = Texts.of(all_of_it, "model")
    columnar = Columnar.of(messages, name="Screen", max_rows=1000, max_bytes=1000)
    for writer, typed in ((RowsWriter(messages), messages), (ColumnsWriter(messages), columnar)):
        wanted = typed.answer(part(all_of_it, rows), version).model_dump_json()
        found = writer.reply(texts, rows, scores.at, version, messages)
        assert list(json.loads(found)) == list(json.loads(wanted))
        assert without_id(found) == without_id(wanted)


def test_every_reply_has_an_id_of_its_own(bundle: Bundle, scores: Scores) -> None:
    messages = with_symptoms(bundle, ("fluid_volume",))
    writer = RowsWriter(messages)
    texts = Texts.of(scores, "model")
    found = [json.loads(writer.reply(texts, slice(0, 1), scores.at, 0, messages))["id"] for _ in range(100)]
    assert len(set(found)) == 100


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(scores: Scores, number: float) -> None:
    values = scores.symptoms["fluid_volume"].copy()
    values[7] = number
    with pytest.raises(BadBundle) as refused:
        Texts.of(dataclasses.replace(scores, symptoms={"fluid_volume": values}), "handmade/screen")
    assert str(refused.value) == f"handmade/screen: rows.7.symptoms.fluid_volume: should be a number, got {number}."


def test_many_points_of_their_own_do_not_fill_the_memory(
    bundle: Bundle, scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    scorer, messages = Scorer(bundle), with_symptoms(bundle, ("fluid_volume",))
    writer = RowsWriter(messages)
    texts = Texts.of(scores, "model")
    for turn in [*range(1, 20), *range(1, 20)]:
        at = scorer.turn(Setting(operating_point=turn / 20))
        body = json.loads(writer.reply(texts, slice(0, 1), at, turn, messages))
        assert body["operating_point"]["threshold"] == at.threshold
        assert body["version"] == turn
        assert len(writer._frames) <= 3
        # A point is known by its address, so it has to stay where it is.
        assert any(kept is at for kept, _ in writer._frames.values())
