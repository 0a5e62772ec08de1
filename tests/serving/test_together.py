"""Both models behind one address, in this process and over HTTP."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from models.bundle import open_bundle, write_bundle
from models.errors import BadBundle
from models.joint import write_joint
from models.scorer import Scorer
from models.turn import Setting
from serving.endpoint import Endpoint, Scorers
from serving.live import Live
from serving.now import Now
from serving.settings import read
from serving.swaps import Swaps
from serving.together import PathwayReply, Together
from serving.tuning import Store
from tests import handmade, two_models
from tests.running import Server

PEOPLE = [{"a": a, "b": b} for a in (-6.0, -1.0, 0.0, 1.5, 6.0) for b in (-6.0, 0.0, 1.5, 6.0)]


def wanted(screen: Scorer, presurgical: Scorer, rows: list[dict[str, float]]) -> list[str]:
    """One answer a row by a slow loop over both models."""
    found = []
    for row in rows:
        first, second = screen.score_rows([row]), presurgical.score_rows([row])
        found.append("clear" if first.negative[0] else "operate" if second.positive[0] else "refer")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of one disease and what they do to the same people."""
    made = tmp_path_factory.mktemp("two")
    screen, presurgical = (two_models.bundle(made, model) for model in Together.PARTS)
    write_joint(two_models.joint(screen, presurgical), made / "two")
    return made / "two"


def opened(folder: Path) -> tuple[Together, dict[str, Endpoint]]:
    settings = read({"FULCRUM_BUNDLES": str(folder)})
    endpoints = {name: Endpoint.open(name, settings) for name in Together.PARTS}
    return Together.open(*endpoints.values(), settings), endpoints


@pytest.fixture
def asking(folder: Path, tmp_path: Path) -> Iterator[tuple[Together, Live]]:
    together, endpoints = opened(folder)
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        yield together, Live(store, {name: endpoint.scorer for name, endpoint in endpoints.items()})


def answered(asking: tuple[Together, Live], **asked: float) -> PathwayReply:
    together, live = asking
    return asyncio.run(together.answer(together.request.model_validate({"rows": PEOPLE, **asked}), live))


def test_everybody_is_cleared_referred_or_operated_as_both_models_say(asking: tuple[Together, Live]) -> None:
    together, _ = asking
    reply = answered(asking).model_dump()
    screen, presurgical = together.pathway.screen, together.pathway.presurgical
    assert [row["answer"] for row in reply["rows"]] == wanted(screen, presurgical, PEOPLE)
    assert {row["answer"] for row in reply["rows"]} == {"clear", "refer", "operate"}
    for name, scorer in {"screen": screen, "presurgical": presurgical}.items():
        probability = scorer.score_rows(PEOPLE).probability.astype(float).tolist()
        assert [row[name]["probability"] for row in reply["rows"]] == probability
        assert (reply[name]["bundle"], reply[name]["version"]) == (scorer.bundle.digest, 0)
    point = together.pathway.turn()
    assert reply["measured"] == together.pathway.joint.measure(*point, 0.3).model_dump()


def test_at_another_prevalence_both_are_restated_and_measured_there(asking: tuple[Together, Live]) -> None:
    together, _ = asking
    reply = answered(asking, prevalence=0.05).model_dump()
    asked = Setting(prevalence=0.05)
    for name, scorer in (("screen", together.pathway.screen), ("presurgical", together.pathway.presurgical)):
        turned = scorer.turn(asked)
        assert reply[name]["prevalence"] == 0.05
        assert reply[name]["operating_point"]["threshold"] == turned.threshold
        probability = scorer.score_rows(PEOPLE, prevalence=0.05).probability
        assert [row[name]["probability"] for row in reply["rows"]] == pytest.approx(probability, rel=1e-6)
    assert reply["measured"] != answered(asking).model_dump()["measured"]


def test_a_live_point_that_was_turned_turns_the_pathway(
    asking: tuple[Together, Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    together, live = asking
    before = answered(asking).model_dump()
    everybody = Setting(operating_point=0.0)
    turned = Now(3, None, everybody, together.pathway.screen.turn(everybody))

    async def soon(name: str) -> Now:
        return turned if name == "screen" else live.now(name)

    monkeypatch.setattr(live, "soon", soon)
    for prevalence in ({}, {"prevalence": 0.05}):
        after = answered(asking, **prevalence).model_dump()
        assert "clear" not in {row["answer"] for row in after["rows"]}
        assert (after["screen"]["version"], after["presurgical"]["version"]) == (3, 0)
    assert "clear" in {row["answer"] for row in before["rows"]}


def test_evidence_of_other_bundles_is_not_served(folder: Path, tmp_path: Path) -> None:
    for model in Together.PARTS:
        handmade.bundle(tmp_path, model)
    (tmp_path / "handmade" / "pathway.json").write_bytes((folder / "pathway.json").read_bytes())
    with pytest.raises(BadBundle, match=r"pathway\.json"):
        opened(tmp_path / "handmade")


def test_over_http_without_joint_evidence_nothing_is_measured(server: Server) -> None:
    rows = handmade.rows(40)
    response = server.post("pathway", json={"rows": rows})
    assert response.status_code == 200
    reply = response.json()
    screen, presurgical = server.scorer("screen"), server.scorer("presurgical")
    assert [row["answer"] for row in reply["rows"]] == wanted(screen, presurgical, rows)
    assert reply["measured"] is None
    assert reply["screen"]["bundle"] == open_bundle(server.bundles / "screen").digest


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"rows": [{**handmade.rows(1)[0], "age": 121}]},
            "rows.0.age: should be a number from 0 to 120 years, got 121.",
        ),
        ({"prevalence": 1.5}, "prevalence: should be"),
        ({"operating_point": "recall >= 0.95"}, "operating_point: should"),
    ],
)
def test_over_http_what_breaks_the_contract_is_refused_by_name(
    server: Server, change: dict[str, object], text: str
) -> None:
    response = server.post("pathway", json={"rows": handmade.rows(2), **change})
    assert response.status_code == 422
    assert response.json()["error"].startswith(text)


def test_over_http_a_body_that_is_no_json_is_refused(server: Server) -> None:
    response = server.post("pathway", content=b"{", headers={"content-type": "application/json"})
    assert 400 <= response.status_code < 500
    assert response.json()["error"].startswith("body: should be JSON")


def test_what_was_measured_of_two_bundles_is_not_told_of_another_pair(folder: Path, tmp_path: Path) -> None:
    """Of a pair whose own evidence lies in the folder of releases, that is told."""
    home, releases = shutil.copytree(folder, tmp_path / "home"), tmp_path / "releases"
    old = open_bundle(home / "screen")
    manifest = old.manifest.model_copy(update={"purpose": "another"})
    model = onnx.load_model_from_string(old.graph)
    news = [
        write_bundle(releases / name, model=model, manifest=manifest.model_copy(update={"version": version}), card="")
        for version, name in enumerate(("alone", "measured"), start=2)
    ]
    own = two_models.joint(news[1], open_bundle(home / "presurgical"))
    write_joint(own, releases)
    (releases / "pathway.json").rename(releases / "pathway-measured.json")
    (releases / "pathway-broken.json").write_text("{")
    settings = read({"FULCRUM_BUNDLES": str(home), "FULCRUM_RELEASES": str(releases)})
    endpoints = {name: Endpoint.open(name, settings) for name in Together.PARTS}
    together = Together.open(*endpoints.values(), settings)
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        swaps = Swaps.begin(endpoints, store, together.shelf)
        asking = together, Live(store, Scorers(endpoints), swaps)
        begun = answered(asking).model_dump()
        told = []
        for version, new in enumerate(news):
            swaps.swap("screen", new.digest, version_seen=version, by="ada", reason="a test")
            told.append(answered(asking).model_dump())
        for version in (2, 3):
            swaps.roll_back("screen", version_seen=version, by="ada", reason="a test")
        back = answered(asking).model_dump()
    assert [reply["screen"]["bundle"] for reply in told] == [new.digest for new in news]
    assert told[0]["measured"] is None
    points = endpoints["screen"].scorer.turn(), endpoints["presurgical"].scorer.turn()
    assert told[1]["measured"] == own.measure(*points, told[1]["presurgical"]["prevalence"]).model_dump()
    assert begun["measured"] is not None
    assert {**begun, "id": back["id"]} == back
