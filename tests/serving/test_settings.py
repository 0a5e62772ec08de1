from __future__ import annotations

from pathlib import Path

import pytest

import models
from serving.settings import SHIPPED, STATE, BadSetting, Settings, read
from tests.running import ROOT


def test_settings_are_read_from_the_environment(tmp_path: Path) -> None:
    store = "postgresql+psycopg://fulcrum@db/changes"
    given = {"FULCRUM_BUNDLES": str(tmp_path), "FULCRUM_MAX_ROWS": "5", "FULCRUM_MAX_BYTES": "700", "HOME": "/"}

    read_back = read({**given, "FULCRUM_STORE": store, "FULCRUM_ACCESS": "access.json"})

    assert (read_back.bundles, read_back.max_rows, read_back.max_bytes) == (tmp_path, 5, 700)
    assert (read_back.store, read_back.access) == (store, Path("access.json"))


def test_the_log_of_decisions_is_set_by_its_folder(tmp_path: Path) -> None:
    unset = read({"FULCRUM_BUNDLES": str(tmp_path)})
    assert (unset.decisions, unset.log_inputs, unset.log_sync) == (None, False, False)
    set_ = read({"FULCRUM_DECISIONS": str(tmp_path), "FULCRUM_LOG_INPUTS": "1", "FULCRUM_LOG_SYNC": "1"})
    assert (set_.decisions, set_.log_inputs, set_.log_sync) == (tmp_path, True, True)


def test_what_is_not_set_has_a_default(tmp_path: Path) -> None:
    read_back = read({"FULCRUM_BUNDLES": str(tmp_path)})

    assert (read_back.max_rows, read_back.max_bytes) == (10_000, 8_000_000)
    assert read_back.access is None
    assert read_back.store == f"sqlite:///{STATE}/changes.sqlite"
    assert Settings.model_fields["bundles"].default == SHIPPED
    assert Path(models.__file__).parent / "covid" == SHIPPED


def test_a_default_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = tmp_path / "covid"
    monkeypatch.setattr(Settings.model_fields["bundles"], "default", missing)

    with pytest.raises(BadSetting) as refused:
        read({})

    folder = "should be the folder that holds the models screen and presurgical"
    assert str(refused.value) == f"FULCRUM_BUNDLES: {folder}, got {missing}."


@pytest.mark.parametrize(
    ("name", "got", "text"),
    [
        ("FULCRUM_MAX_ROWS", "0", "should be the most rows of one request, at least 1, got '0'."),
        ("FULCRUM_MAX_ROWS", "", "should be the most rows of one request, at least 1, got ''."),
        (
            "FULCRUM_DECISIONS",
            "/nowhere",
            "should be a folder that is there and can be written to, for the log of decisions, got '/nowhere'.",
        ),
        (
            "FULCRUM_LOG_BYTES",
            "0",
            "should be the bytes at which a file of the log of decisions is followed by another, at least 1, got '0'.",
        ),
        (
            "FULCRUM_LOG_SYNC",
            "often",
            "should be 1 if a decision is answered only when it is on the disk, else 0, got 'often'.",
        ),
        ("FULCRUM_MAX_BYTES", "8MB", "should be the most bytes of one request, at least 1, got '8MB'."),
        (
            "FULCRUM_BUNDLES",
            "/nowhere",
            "should be the folder that holds the models screen and presurgical, got '/nowhere'.",
        ),
        (
            "FULCRUM_RELEASES",
            "/nowhere",
            "should be the folder with further bundles, one sub-folder each, that may be swapped in, got '/nowhere'.",
        ),
        (
            "FULCRUM_SIGNERS",
            "/nowhere",
            (
                "should be the public key or the certificate of who may sign a bundle, or a folder of them,"
                " got '/nowhere'."
            ),
        ),
    ],
)
def test_a_bad_setting_is_named_with_its_rule(name: str, got: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as refused:
        read({"FULCRUM_BUNDLES": str(tmp_path), name: got})

    assert str(refused.value) == f"{name}: {text}"


def test_all_bad_settings_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as refused:
        read({"FULCRUM_BUNDLES": str(tmp_path), "FULCRUM_MAX_ROWS": "x", "FULCRUM_MAX_BYTES": "y"})

    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == ["FULCRUM_MAX_ROWS", "FULCRUM_MAX_BYTES"]


def test_every_setting_stands_in_the_documentation() -> None:
    page = (ROOT / "docs" / "serving.md").read_text()
    assert [name for field in Settings.model_fields.values() if (name := f"`{field.alias}` |") not in page] == []
