from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.errors import BadBundle
from models.scorer import RELEASED
from models.turn import Setting
from serving.endpoint import Endpoint
from serving.messages import Reply
from serving.now import Now
from serving.settings import Settings
from tests import handmade

ROWS = handmade.rows(300, seed=4)
LIVE = Setting(operating_point=0.2)


def settings(bundles: Path) -> Settings:
    return Settings.model_validate({"FULCRUM_BUNDLES": bundles})


@pytest.fixture
def screen(bundles: Path) -> Endpoint:
    return Endpoint.open("screen", settings(bundles))


def ask(screen: Endpoint, now: Now, **more: object) -> Reply:
    request = screen.messages.request.read(json.dumps({"rows": ROWS, **more}).encode())
    return screen.answer(request, now)


def told(reply: Reply) -> tuple[float, float, int | None]:
    """Threshold, prevalence and version of a reply."""
    found = reply.model_dump(mode="json")
    return found["operating_point"]["threshold"], found["prevalence"], found["version"]


def turned(screen: Endpoint, setting: Setting, version: int) -> Now:
    return Now(version, None, setting, screen.scorer.turn(setting))


def test_a_request_that_asks_for_nothing_is_answered_at_the_live_point(screen: Endpoint) -> None:
    now = turned(screen, LIVE, 3)
    released = screen.scorer.turn()
    assert told(ask(screen, now)) == (now.turned.threshold, now.turned.prevalence, 3)
    assert now.turned.threshold != released.threshold
    assert told(ask(screen, turned(screen, RELEASED, 0))) == (released.threshold, released.prevalence, 0)


def test_a_request_with_a_point_of_its_own_is_not_of_the_live_version(screen: Endpoint) -> None:
    assert told(ask(screen, turned(screen, LIVE, 3), operating_point=0.5))[::2] == (0.5, None)


def test_a_request_that_names_a_prevalence_alone_is_answered_at_the_live_point_restated(screen: Endpoint) -> None:
    now = turned(screen, LIVE, 3)
    wanted = screen.scorer.turn(Setting(operating_point=0.2, prevalence=0.05))
    assert told(ask(screen, now, prevalence=0.05)) == (wanted.threshold, 0.05, 3)
    assert wanted.threshold != screen.scorer.turn(Setting(prevalence=0.05)).threshold


def test_two_exchanged_folders_are_refused(tmp_path: Path) -> None:
    handmade.bundle(tmp_path, "presurgical").folder.rename(tmp_path / "screen")
    with pytest.raises(BadBundle) as error:
        Endpoint.open("screen", settings(tmp_path))
    assert str(error.value) == (
        f"{tmp_path / 'screen' / 'manifest.json'}: model: should be screen, as its folder, got presurgical."
    )
