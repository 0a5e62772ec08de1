from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from serving.databases import CannotOpen, open_place, place_of

KINDS = "store of changes: should be sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE, got"


@pytest.mark.parametrize(
    ("url", "got"),
    [
        ("", "'...'"),
        ("changes.db", "'changes.db...'"),
        ("postgresql+psycopg:/ada:secret@host/x", "'postgresql+psycopg...'"),
        ("postgresql+psycopg://ada:secret@host:port/x", "'postgresql+psycopg...'"),
        ("sqlite://", "'sqlite://'"),
        ("sqlite:///:memory:", "'sqlite:///%3Amemory%3A'"),
        ("sqlite:///file:changes.db", "'sqlite:///file%3Achanges.db'"),
        ("sqlite:///changes.db?mode=ro", "'sqlite:///changes.db?mode=ro'"),
        ("sqlite+aiosqlite:///changes.db", "'sqlite+aiosqlite:///changes.db'"),
        ("mysql://ada:secret@host/x", "'mysql://ada:***@host/x'"),
    ],
)
def test_a_place_of_another_kind_is_refused_without_its_password(url: str, got: str) -> None:
    with pytest.raises(CannotOpen) as refused:
        place_of(url)

    assert str(refused.value) == f"{KINDS} {got}."


def test_a_place_that_cannot_be_opened_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, and longer than the head of one: " + "x" * 100)
    (tmp_path / "folder.db").mkdir()
    for name, got in (
        ("text.db", "file is not a database"),
        ("folder.db", "unable to open database file"),
        ("text.db/below.db", "[Errno 17] File exists: "),
    ):
        with pytest.raises(CannotOpen) as refused:
            open_place(place_of(f"sqlite:///{tmp_path}/{name}"))
        assert str(refused.value).startswith(f"sqlite:///{tmp_path}/{name}: should be a store of changes, got: {got}")


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ada:secret@/x?host={tmp_path}"
    with pytest.raises(CannotOpen, match=r"ada:\*\*\*@.*No such file or directory") as refused:
        open_place(place_of(url))
    assert "secret" not in str(refused.value)


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(CannotOpen, match="got: import of psycopg halted"):
        open_place(place_of("postgresql+psycopg://ada@/x"))


def test_a_new_file_that_another_one_locks_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.databases.PATIENCE_SECONDS", 0.05)
    place = place_of(f"sqlite:///{tmp_path}/changes.db")
    with closing(sqlite3.connect(tmp_path / "changes.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CannotOpen, match="got: database is locked"):
            open_place(place)

        time_stands_still = SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: other.execute("ROLLBACK"))
        monkeypatch.setattr("serving.databases.time", time_stands_still)
        engine, watch = open_place(place)

        assert not other.in_transaction
    assert watch is not None
    watch.close()
    engine.dispose()


def test_a_file_system_without_shared_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Delete:
        def scalar_one(self) -> str:
            return "delete"

    monkeypatch.setattr(sa.Connection, "exec_driver_sql", lambda *_: Delete())
    with pytest.raises(CannotOpen, match="got: journal mode delete, for there is no shared memory on that file system"):
        open_place(place_of(f"sqlite:///{tmp_path}/changes.db"))
