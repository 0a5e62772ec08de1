from __future__ import annotations

import importlib

import pytest
import uvicorn.config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.fast import hook
from serving.leaving import Leaving


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """uvicorn's own table, as it was before and will be after."""
    own = {name: f"uvicorn.protocols.http.{name}" for name in ("auto", "h11")}
    monkeypatch.setattr(uvicorn.config, "HTTP_PROTOCOLS", own)
    return own


def installed() -> bool:
    return hook.install({}, seconds=30, connections=1000, leaving=Leaving(0))


def test_uvicorn_finds_the_protocol_under_the_name_it_looks_for(table: dict[str, str]) -> None:
    assert installed()
    module, name = table["auto"].split(":")
    protocol = getattr(importlib.import_module(module), name)

    assert issubclass(protocol, HttpToolsProtocol)
    assert table["h11"] == "uvicorn.protocols.http.h11"


def test_a_table_without_a_choice_is_left_as_it_is(table: dict[str, str]) -> None:
    del table["auto"]
    assert not installed()
    assert table == {"h11": "uvicorn.protocols.http.h11"}


@pytest.mark.parametrize("name", hook.USED)
def test_a_class_that_is_not_what_it_was_is_left_alone(
    table: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    class Other:
        pass

    for each in hook.USED:
        if each != name:
            setattr(Other, each, None)
    monkeypatch.setattr("uvicorn.protocols.http.httptools_impl.HttpToolsProtocol", Other)
    assert not installed()
    assert table["auto"] == "uvicorn.protocols.http.auto"


@pytest.mark.parametrize("missing", ["no.such.module", "json"])
def test_without_the_class_everything_goes_the_common_way(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(hook, "PARENT", missing)
    assert not installed()


def test_without_the_table_everything_goes_the_common_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(uvicorn.config, "HTTP_PROTOCOLS")
    assert not installed()
