"""A decision is made again from its line, and what differs is named."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from models.bundle import open_bundle
from models.errors import BadInput
from models.turn import Setting
from serving.decisions.line import Entry
from serving.decisions.log import Log
from serving.decisions.recorder import Recorder
from serving.decisions.replay import replay
from serving.endpoint import Endpoint
from serving.live import Live
from serving.now import Now
from serving.settings import Settings
from serving.together import Together
from serving.tuning import Store
from tests import handmade
from tests.serving.decisions.logs import decided, files, opened

ROWS = handmade.rows(30, 7)


@dataclass(frozen=True)
class Kept:
    """A log, with or without what was decided on."""

    log: Log
    inputs: bool

    @property
    def folder(self) -> Path:
        return self.log.folder

    def endpoint(self, bundles: Path, name: str = "screen") -> Endpoint:
        settings = Settings.model_validate({"FULCRUM_BUNDLES": bundles})
        return Endpoint.open(name, settings, Recorder(self.log, inputs=self.inputs))

    def asked(self, bundles: Path, rows: list[dict[str, Any]], **more: object) -> str:
        """The id of an answer to these rows."""
        screen = self.endpoint(bundles)
        request = screen.messages.request.read(json.dumps({"rows": rows, **more}).encode())
        setting = Setting(operating_point=0.2)
        return screen.answer(request, Now(3, None, setting, screen.scorer.turn(setting))).id


@pytest.fixture(params=[True, False], ids=["inputs kept", "no inputs"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = opened(folder)
    yield Kept(log, request.param)
    log.close()


def given(folder: Path, kind: str, rows: list[dict[str, Any]] = ROWS) -> Path:
    file = folder / f"rows.{kind.partition(' ')[0]}"
    match kind:
        case "csv":
            pl.DataFrame(rows).write_csv(file)
        case "parquet":
            pl.DataFrame(rows).write_parquet(file)
        case "json rows":
            file.write_text(json.dumps({"rows": rows, "prevalence": 0.1}))
        case "json list":
            file.write_text(json.dumps(rows))
        case "json columns":
            file.write_text(json.dumps({"columns": {name: [row[name] for row in rows] for name in rows[0]}}))
        case "json row":
            file.write_text(json.dumps(rows[0]))
    return file


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("csv", {"operating_point": "three-way", "prevalence": 0.2}),
        ("parquet", {"prevalence": 0.01}),
        ("json rows", {}),
        ("json list", {}),
        ("json columns", {}),
    ],
)
def test_a_decision_comes_out_the_same_to_the_last_bit(
    kept: Kept, bundles: Path, tmp_path: Path, kind: str, more: dict[str, object]
) -> None:
    name = kept.asked(bundles, ROWS, **more)
    file = None if kept.inputs else given(tmp_path, kind)
    found = replay(kept.folder, name, bundles.parent, inputs=file)
    assert (found.equal, len(found.again)) == (True, 30)
    assert found.found.where == f"{files(kept.folder)[0].name}:2"
    one = replay(kept.folder, f"{name}.7", bundles.parent, inputs=file)
    assert one.again == (found.again[7],)


def test_one_row_is_enough_for_one_row(kept: Kept, bundles: Path, tmp_path: Path) -> None:
    name = kept.asked(bundles, ROWS)
    assert replay(kept.folder, f"{name}.4", bundles, inputs=given(tmp_path, "json row", ROWS[4:5])).equal


def test_another_row_is_refused_without_showing_it(kept: Kept, bundles: Path, tmp_path: Path) -> None:
    name = kept.asked(bundles, ROWS)
    with pytest.raises(BadInput) as refused:
        replay(kept.folder, f"{name}.4", bundles, inputs=given(tmp_path, "json row", ROWS[5:6]))
    (line,) = decided(kept.folder)
    wanted, got = (line["models"][0]["inputs"][row] for row in (4, 5))
    assert str(refused.value) == f"rows.4: should be what screen decided on, of SHA-256 {wanted}, got {got}."


def test_both_models_of_a_pathway_and_their_answers_are_replayed(kept: Kept, bundles: Path, tmp_path: Path) -> None:
    settings = Settings.model_validate({"FULCRUM_BUNDLES": bundles})
    pair = [kept.endpoint(bundles, name) for name in Together.PARTS]
    together = Together.open(*pair, settings)
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        live = Live(store, {each.name: each.scorer for each in pair})
        request = together.request.read(json.dumps({"rows": ROWS, "prevalence": 0.3}).encode())
        reply = asyncio.run(together.answer(request, live))
    (line,) = decided(kept.folder)
    said = reply.model_dump()
    assert line["endpoint"] == "pathway"
    assert line["answers"] == [row["answer"] for row in said["rows"]]
    for name, model in zip(Together.PARTS, line["models"], strict=True):
        assert model["model"] == name
        assert model["probability"] == [row[name]["probability"] for row in said["rows"]]
        assert (model["bundle"], model["version"]) == (said[name]["bundle"], 0)
    found = replay(kept.folder, f"{reply.id}.3", bundles, inputs=given(tmp_path, "csv"))
    assert found.equal
    assert [each.model for each in found.again] == list(Together.PARTS)


def forged(kept: Kept, **changed: Any) -> str:
    """The line of an answer with other fields, as if it had been decided so; its chain is whole."""
    line = decided(kept.folder)[-1]
    answers = {name: changed.pop(name) for name in ("answers",) if name in changed}
    models = [{**line["models"][0], **changed}]
    fields = {name: line[name] for name in ("at", "by", "endpoint", "trace")}
    kept.log.write([Entry.of({**fields, **answers, "id": "f-1", "models": models})])
    return "f-1"


def test_what_differs_is_named(kept: Kept, bundles: Path, tmp_path: Path) -> None:
    kept.asked(bundles, ROWS[:1])
    model = decided(kept.folder)[0]["models"][0]
    other = {"positive": "negative", "negative": "positive"}[model["decision"][0]]
    name = forged(kept, decision=[other], probability=[0.25])
    found = replay(kept.folder, name, bundles, inputs=given(tmp_path, "json row"))
    assert not found.equal
    assert [str(each) for each in found.differences] == [
        f"f-1.0: screen.decision: should be '{other}', as recorded, got '{model['decision'][0]}'.",
        f"f-1.0: screen.probability: should be 0.25, as recorded, got {model['probability'][0]!r}.",
    ]


def test_the_last_bit_of_a_probability_counts(kept: Kept, bundles: Path, tmp_path: Path) -> None:
    kept.asked(bundles, ROWS[:1])
    probability = decided(kept.folder)[0]["models"][0]["probability"][0]
    name = forged(kept, probability=[probability * (1 + 2**-52)])
    assert not replay(kept.folder, name, bundles, inputs=given(tmp_path, "json row")).equal


def test_what_can_not_be_found_is_named(kept: Kept, bundles: Path, tmp_path: Path) -> None:
    name = kept.asked(bundles, ROWS)
    file = given(tmp_path, "csv")
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.copytree(bundles / "presurgical", empty / "other")
    digest = open_bundle(bundles / "screen").digest
    count = f"{file}: should hold 30 rows, got 2 rows."
    for arguments, inputs, text in (
        (("f-9", bundles), None, f"id: should be that of an answer in {kept.folder}, got f-9."),
        (("x", bundles), None, "id: should be the id of an answer, or it and the place of a row, ID.3, got 'x'."),
        ((f"{name}.30", bundles), None, f"id: should name a row from 0 to 29 of {name}, got 30."),
        (
            (name, empty),
            None,
            f"bundle: should be in {empty} or a folder below, its manifest.json of SHA-256 {digest}, got 1 others.",
        ),
        ((name, bundles), ROWS[:2], count),
    ):
        with pytest.raises(BadInput) as refused:
            replay(kept.folder, *arguments, inputs=given(tmp_path, "csv", inputs) if inputs else file)
        assert str(refused.value) == text


def test_without_inputs_they_are_asked_for(bundles: Path, tmp_path: Path) -> None:
    log = opened(tmp_path)
    name = Kept(log, inputs=False).asked(bundles, ROWS)
    with pytest.raises(BadInput) as refused:
        replay(tmp_path, name, bundles)
    assert str(refused.value) == (
        "inputs: should be a file with the rows as they were asked (--inputs): the log was kept without them,"
        " got nothing."
    )
    log.close()


def test_a_line_that_was_altered_is_not_replayed(kept: Kept, bundles: Path, tmp_path: Path) -> None:
    name = kept.asked(bundles, ROWS)
    (file,) = files(kept.folder)
    file.write_bytes(file.read_bytes().replace(b'"by":null', b'"by":"bo"'))
    with pytest.raises(BadInput) as refused:
        replay(kept.folder, name, bundles, inputs=given(tmp_path, "csv"))
    assert str(refused.value).startswith(f"{file.name}:2: hash: should be ")
