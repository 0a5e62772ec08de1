from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests import handmade
from tests.asking import DONE, ROOT, UNSOUND, asked


def test_bundles_that_are_not_sound_are_not_served(here: Path) -> None:
    handmade.bundle(here, "screen")
    answer = asked("serve", "--bundles", "handmade")
    assert (answer.code, answer.out, answer.err) == (
        UNSOUND,
        "",
        "handmade/presurgical/manifest.json: should be a readable file, got: No such file or directory.\n",
    )


@pytest.mark.parametrize("told", [True, False])
def test_serving_becomes_the_server_of_bentoml_with_these_bundles(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: bool,  # noqa: FBT001  # a case
) -> None:
    for model in ("screen", "presurgical"):
        handmade.bundle(here, model)
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, arguments: became.append([program, *arguments]))
    for name in ("FULCRUM_BUNDLES", "FULCRUM_ACCESS", "FULCRUM_STORE", "PYTHONPATH"):
        monkeypatch.setenv(name, "elsewhere")
    options = ("--access", "access.json", "--store", "sqlite:///changes.sqlite") if told else ()
    assert asked("serve", "--bundles", "handmade", "--port", "3111", *options).code == DONE
    service = ["serve", "serving.service:Screening", "--host", "127.0.0.1", "--port", "3111"]
    assert became == [[sys.executable, sys.executable, "-m", "bentoml", *service]]
    assert os.environ["FULCRUM_BUNDLES"] == str(here / "handmade")
    assert os.environ["PYTHONPATH"] == f"{ROOT}{os.pathsep}elsewhere"
    # What is not told stays as the environment has it.
    assert os.environ["FULCRUM_ACCESS"] == (str(here / "access.json") if told else "elsewhere")
    assert os.environ["FULCRUM_STORE"] == ("sqlite:///changes.sqlite" if told else "elsewhere")
