"""`fulcrum audit`: what it prints, and what it exits with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.bundle import open_bundle
from models.turn import Setting
from serving.decisions.index import INDEX
from serving.decisions.log import Log
from serving.decisions.recorder import Recorder
from serving.endpoint import Endpoint
from serving.live import Live
from serving.settings import Settings
from serving.tuning import Store
from tests import handmade
from tests.asking import DONE, REFUSED, USAGE, asked, cells

WRONG = 1
ROWS = handmade.rows(2, 5)


@pytest.fixture
def answered(made: tuple[Path, str], tmp_path: Path) -> tuple[Path, Path, str]:
    """A folder of logs, a folder of bundles, and the id of an answer at version 1 of the live point."""
    folder, name = made
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / "logs", tmp_path / "bundles" / "handmade", name


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    tmp_path = tmp_path_factory.mktemp("answered")
    for model in ("screen", "presurgical"):
        handmade.bundle(tmp_path / "bundles", model)
    bundles, folder = tmp_path / "bundles" / "handmade", tmp_path / "logs"
    folder.mkdir()
    log = Log(folder, most_bytes=10**6, sync=False)
    endpoint = Endpoint.open(
        "screen", Settings.model_validate({"FULCRUM_BUNDLES": bundles}), Recorder(log, inputs=True)
    )
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        released = endpoint.scorer.turn()
        store.append(
            "screen",
            endpoint.scorer.bundle.digest,
            version_seen=0,
            setting={},
            outcome={name: getattr(released, name) for name in ("threshold", "clear_below", "prevalence")},
            by="ada",
            reason="a test",
        )
        now = Live(store, {"screen": endpoint.scorer}).now("screen")
    assert (now.version, now.setting) == (1, Setting())
    request = endpoint.messages.request.read(json.dumps({"rows": ROWS}).encode())
    name = endpoint.answer(request, now).id
    log.close()
    return tmp_path, name


def log_of(folder: Path) -> Path:
    (file,) = (file for file in folder.glob("*.jsonl") if file.name != INDEX)
    return file


def test_what_was_written_is_verified_with_the_changes_it_names(answered: tuple[Path, Path, str]) -> None:
    folder, _, _ = answered
    answer = asked("audit", "verify", folder, "--store", f"sqlite:///{folder.parent}/changes.sqlite")
    assert (answer.code, answer.err) == (DONE, "")
    assert answer.out.splitlines() == [
        "1 changes of the operating point",
        "1 answers in 1 files",
        "All is as it was written.",
    ]


def test_a_problem_is_a_line_with_file_line_rule_and_what_was_got(answered: tuple[Path, Path, str]) -> None:
    folder, _, _ = answered
    file = log_of(folder)
    file.write_bytes(file.read_bytes().replace(b'"by":null', b'"by":"bo"'))
    answer = asked("audit", "verify", folder)
    assert answer.code == WRONG
    first, count = answer.err.splitlines()
    assert first.startswith(f"{file.name}:2: hash: should be ")
    assert count == "1 problems"


def test_a_change_that_was_cut_off_is_found_by_the_decision_that_names_it(
    answered: tuple[Path, Path, str], tmp_path: Path
) -> None:
    folder, bundles, _ = answered
    with Store(f"sqlite:///{tmp_path}/other.sqlite"):
        pass
    answer = asked("audit", "verify", folder, "--store", f"sqlite:///{tmp_path}/other.sqlite")
    assert answer.code == WRONG
    digest = open_bundle(bundles / "screen").digest
    assert answer.err.splitlines()[0] == (
        f"{log_of(folder).name}:2: should be decided at a version of screen of bundle {digest} that the store knows,"
        " got version 1."
    )


def test_a_store_that_is_not_there_is_not_made(answered: tuple[Path, Path, str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none.sqlite"
    answer = asked("audit", "verify", answered[0], "--store", url)
    assert (answer.code, answer.err) == (REFUSED, f"store: should be a store of changes that is there, got {url}.\n")
    assert not (tmp_path / "none.sqlite").exists()


def test_an_anchor_is_a_line_that_verifies(answered: tuple[Path, Path, str], tmp_path: Path) -> None:
    folder, _, _ = answered
    anchored = asked("audit", "anchor", folder)
    (tmp_path / "anchors").write_text(anchored.out)
    assert (anchored.code, len(anchored.out.splitlines())) == (DONE, 1)
    assert asked("audit", "verify", folder, "--anchor", tmp_path / "anchors").code == DONE
    (tmp_path / "anchors").write_text(anchored.out.replace('"number":1}', '"number":2}'))
    answer = asked("audit", "verify", folder, "--anchor", tmp_path / "anchors")
    assert answer.code == WRONG
    assert f"{log_of(folder).name}: should go on to line number 2, as anchors:1 says" in answer.err
    (tmp_path / "anchors").write_text("yesterday\n")
    answer = asked("audit", "verify", folder, "--anchor", tmp_path / "anchors")
    assert answer.err == (
        f"{tmp_path / 'anchors'}:1: should be a line that `fulcrum audit anchor` printed, got something else.\n"
    )


def test_a_decision_is_replayed(answered: tuple[Path, Path, str]) -> None:
    folder, bundles, name = answered
    answer = asked("audit", "replay", folder, name, "--bundles", bundles)
    assert (answer.code, answer.err) == (DONE, "")
    assert [line[-1] for line in cells(answer.out)[1:]] == ["same", "same"]
    assert "Every probability and every decision is the same, to the last bit." in answer.out
    one = asked("audit", "replay", folder, f"{name}.1", "--bundles", bundles)
    assert [line[0] for line in cells(one.out)[1:]] == ["1"]


def test_one_that_comes_out_otherwise_is_named(
    answered: tuple[Path, Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.scorer import Graph  # noqa: PLC0415  # to be another one for this test

    folder, bundles, name = answered
    run = Graph.run

    def other(self: Graph, *given: object, **settings: float) -> dict[str, object]:
        found = run(self, *given, **settings)  # type: ignore[arg-type]
        return {**found, "probability": found["probability"] * 0.5}

    monkeypatch.setattr(Graph, "run", other)
    answer = asked("audit", "replay", folder, f"{name}.0", "--bundles", bundles)
    assert answer.code == WRONG
    assert answer.err.startswith(f"{name}.0: screen.probability: should be ")
    assert cells(answer.out)[1][-1] == "OTHER"


def test_what_can_not_be_replayed_is_refused(answered: tuple[Path, Path, str], tmp_path: Path) -> None:
    folder, bundles, _ = answered
    answer = asked("audit", "replay", folder, "f-9", "--bundles", bundles)
    assert (answer.code, answer.err) == (REFUSED, f"id: should be that of an answer in {folder}, got f-9.\n")
    assert asked("audit", "verify", tmp_path / "none").code == USAGE
