from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from models.errors import BadInput
from serving.audit import verify
from serving.change import NOTHING, Change
from serving.databases import CannotOpen
from serving.tuning import Moved, Store, StoreLost, StoreSpoiled
from tests.postgres import NoPostgres, Postgres, postgres
from tests.running import ROOT

BUNDLE = "b" * 64
SETTING = {"operating_point": {"kind": "Recall", "at_least": 0.9}, "prevalence": None}
OUTCOME = {"threshold": 0.1, "clear_below": 1e-05, "prevalence": -0.0, "in_words": "recall ≥ 0.9"}

# Appends what each line of its input says, and answers with what became of it.
WRITER = """
import json, sys
from serving.tuning import Moved, Store
with Store(sys.argv[1]) as store:
    print("open", flush=True)
    for line in sys.stdin:
        try:
            change = store.append("screen", "b" * 64, setting={}, outcome={}, by="a process", **json.loads(line))
            print(change.version, change.hash, flush=True)
        except Moved as moved:
            print("moved", moved.newest.version, flush=True)
"""
# Appends ten changes, each on what is then the newest, however often it comes too late.
CROWD = """
import sys
from serving.tuning import Moved, Store
with Store(sys.argv[1]) as store:
    for number in range(10):
        seen = 0
        while True:
            try:
                print(store.append("screen", "b" * 64, version_seen=seen, setting={"number": number}, outcome={},
                                   by=sys.argv[2], reason="crowd").version, number)
                break
            except Moved as moved:
                assert moved.newest.version > seen
                seen = moved.newest.version
                print("moved", moved.newest.version)
"""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    try:
        with postgres() as server:
            yield server
    except NoPostgres as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where no store was opened yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/made/when missing/changes.db"
    server: Postgres = request.getfixturevalue("postgresql")
    return server.url(server.new_database())


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "changes.db"


def turn(store: Store, version_seen: int, **fields: Any) -> Change:
    given = {"setting": SETTING, "outcome": OUTCOME, "by": "ada", "reason": "more misses than expected"}
    return store.append("screen", BUNDLE, version_seen=version_seen, **{**given, **fields})


def current(store: Store) -> Change | None:
    return store.current("screen", BUNDLE)


def before_insert(store: Store, act: Callable[[], object]) -> None:
    """Do something between the moment when the store looks for the newest version and the moment when it writes."""

    def listener(_: sa.Connection, clause: object, *_more: object) -> None:
        if isinstance(clause, sa.Insert):
            act()

    sa.event.listen(store._engine, "before_execute", listener)


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen[str], **request: object) -> list[str]:
    assert process.stdin is not None
    assert process.stdout is not None
    if request:
        process.stdin.write(f"{json.dumps(request)}\n")
        process.stdin.flush()
    return process.stdout.readline().split()


def spoil(url: str, statement: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_before_any_change_a_bundle_is_as_released(store: Store) -> None:
    assert current(store) is None
    assert store.history("screen", BUNDLE) == ()


def test_a_change_is_read_back_as_it_was_returned(store: Store) -> None:
    before = datetime.now(UTC)

    change = turn(store, 0)

    assert (change.version, change.previous, change.by) == (1, NOTHING, "ada")
    assert json.dumps(change.outcome) == json.dumps(OUTCOME)
    assert len(change.at) == len("2026-11-25T04:00:00.000000Z")
    assert before <= datetime.fromisoformat(change.at) <= datetime.now(UTC)
    assert current(store) == change
    assert store.history("screen", BUNDLE) == (change,)


def test_each_change_follows_the_one_before(store: Store) -> None:
    changes = tuple(turn(store, version, reason=f"because {version}") for version in range(5))

    assert store.history("screen", BUNDLE) == changes
    assert current(store) == changes[-1]
    assert [change.previous for change in changes] == [NOTHING, *(change.hash for change in changes[:-1])]
    assert verify(changes) == []


def test_endpoints_and_bundles_have_histories_of_their_own(store: Store) -> None:
    screen = turn(store, 0)

    assert store.current("presurgical", BUNDLE) is None
    assert store.current("screen", "c" * 64) is None
    other = store.append("presurgical", BUNDLE, version_seen=0, setting={}, outcome={}, by="bo", reason="x")
    assert (other.version, other.previous) == (1, NOTHING)
    assert current(store) == screen


def test_several_keys_are_looked_at_together(store: Store) -> None:
    other = "bundle:screen", BUNDLE
    assert store.currents(other, ("screen", BUNDLE)) == (None, None)
    first = turn(store, 0)
    assert store.currents(other, ("screen", BUNDLE)) == (None, first)
    swap = store.append(*other, version_seen=0, setting={}, outcome={}, by="ada", reason="a test")
    newest = turn(store, 1)
    assert store.currents(other, ("screen", BUNDLE)) == (swap, newest)
    assert store.currents(("screen", BUNDLE), other) == (newest, swap)


def test_a_decision_on_an_older_version_is_refused_with_the_newest(store: Store) -> None:
    turn(store, 0)
    newest = turn(store, 1, by="bo")

    for seen in (0, 1, 3, -1, 10**30):
        with pytest.raises(Moved) as moved:
            turn(store, seen)
        assert moved.value.newest == newest
        assert str(moved.value) == f"version: should be the newest (2, by bo at {newest.at}), got {seen}."
    assert current(store) == newest


def test_a_decision_on_a_version_that_never_was_is_refused(store: Store) -> None:
    with pytest.raises(Moved) as moved:
        turn(store, 4)

    assert moved.value.newest is None
    assert str(moved.value) == "version: should be the newest (0, as released), got 4."


def test_a_change_that_comes_between_the_look_and_the_insert_wins(store: Store, url: str) -> None:
    with Store(url) as other:
        first: list[Change] = []

        before_insert(store, lambda: first.append(turn(other, 0, by="the other")))
        with pytest.raises(Moved) as moved:
            turn(store, 0)

    assert moved.value.newest == first[0]
    assert store.history("screen", BUNDLE) == tuple(first)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("reason", "", "reason: should be 1 to 2000 characters of text, got ''."),
        ("reason", " \n", "reason: should be 1 to 2000 characters of text, got ' \\n'."),
        ("reason", "a\0b", "reason: should be 1 to 2000 characters of text, got 'a\\x00b'."),
        ("reason", "\ud800", "reason: should be 1 to 2000 characters of text, got '\\ud800'."),
        ("by", "a" * 201, f"by: should be 1 to 200 characters of text, got '{'a' * 36}...."),
        ("outcome", {"threshold": float("nan")}, "outcome.threshold.float: Input should be a finite number, got nan."),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_name(store: Store, field: str, value: object, text: str) -> None:
    with pytest.raises(BadInput) as refused:
        turn(store, 0, **{field: value})

    assert str(refused.value) == text
    assert current(store) is None


@pytest.mark.parametrize(
    "reason", ["r" * 2000, "naïve 😀\nsecond 'line' \\ \"%s\" :x", "; DROP TABLE operating_point_changes"]
)
def test_any_other_text_is_kept_to_the_letter(store: Store, reason: str) -> None:
    assert turn(store, 0, reason=reason).reason == reason
    assert store.history("screen", BUNDLE)[0].reason == reason


def test_what_the_caller_does_to_its_setting_later_changes_nothing(store: Store) -> None:
    setting: dict[str, Any] = {"operating_point": {"at_least": 0.9}, "over": [1, 2]}
    change = turn(store, 0, setting=setting)
    setting["operating_point"]["at_least"] = 0.1
    setting["over"].append(3)

    assert change.setting == {"operating_point": {"at_least": 0.9}, "over": [1, 2]}
    assert current(store) == change


def test_a_store_that_is_opened_again_holds_what_it_held(url: str) -> None:
    with Store(url) as store:
        changes = (turn(store, 0), turn(store, 1))
    with Store(url) as again:
        assert again.history("screen", BUNDLE) == changes
        assert turn(again, 2).previous == changes[1].hash


def test_a_change_of_another_process_is_seen_by_the_very_next_read(store: Store, url: str) -> None:
    with start(WRITER, url) as process:
        assert told(process) == ["open"]
        for seen in range(0, 40, 2):
            version, digest = told(process, version_seen=seen, reason="other process")
            newest = current(store)
            assert newest is not None
            assert (newest.version, newest.hash) == (int(version), digest) == (seen + 1, digest)
            ours = turn(store, seen + 1)
            assert current(store) == ours
            assert told(process, version_seen=seen + 1, reason="too late") == ["moved", str(seen + 2)]
        process.communicate()


def test_several_processes_that_open_and_write_at_once_take_each_version_once(url: str) -> None:
    names = ("ada", "bo", "cy", "di")
    processes = {name: start(CROWD, url, name) for name in names}
    said = {name: process.communicate()[0].split("\n") for name, process in processes.items()}

    assert [process.returncode for process in processes.values()] == [0] * len(names)
    kept = {
        int(line.split()[0]): (name, int(line.split()[1]))
        for name, lines in said.items()
        for line in lines
        if line and not line.startswith("moved")
    }
    late = sum(line.startswith("moved") for lines in said.values() for line in lines)
    with Store(url) as store:
        history = store.history("screen", BUNDLE)
    assert sorted(kept) == [change.version for change in history] == list(range(1, 41))
    assert {change.version: (change.by, change.setting["number"]) for change in history} == kept
    # Whoever did not take version 1 was told so, at least.
    assert late >= len(names) - 1
    assert verify(history) == []


def test_threads_share_a_store_and_never_see_an_older_version_again(store: Store) -> None:
    def write(name: str) -> list[int]:
        taken = []
        while len(taken) < 10:
            try:
                newest = current(store)
                taken.append(turn(store, newest.version if newest else 0, by=name).version)
            except Moved:
                continue
        return taken

    def read(_: int) -> list[int]:
        return [newest.version if (newest := current(store)) else 0 for _ in range(200)]

    with ThreadPoolExecutor(8) as threads:
        written = [threads.submit(write, name) for name in ("ada", "bo")]
        seen = [threads.submit(read, number) for number in range(6)]

    assert sorted(version for done in written for version in done.result()) == list(range(1, 21))
    assert all(versions.result() == sorted(versions.result()) for versions in seen)
    assert verify(store.history("screen", BUNDLE)) == []


def test_a_file_is_read_again_only_after_it_was_written(file: Path) -> None:
    queries: list[str] = []
    with Store(f"sqlite:///{file}") as store, Store(f"sqlite:///{file}") as other:
        turn(store, 0)
        sa.event.listen(store._engine, "before_cursor_execute", lambda *about: queries.append(about[2]))

        assert [current(store) for _ in range(100)] == [current(other)] * 100
        assert len(queries) == 1
        changed = turn(other, 1)
        assert [current(store) for _ in range(100)] == [changed] * 100
        assert len(queries) == 2
        assert store.current("presurgical", BUNDLE) is store.current("presurgical", BUNDLE) is None
        assert len(queries) == 3


def test_a_file_is_kept_with_a_write_ahead_log_that_is_synced_at_every_commit(file: Path) -> None:
    with Store(f"sqlite:///{file}") as store, store._engine.connect() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        waits = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert pragmas == ["wal", 2]  # 2 is FULL
    assert waits == 5000


@pytest.mark.parametrize("fate", ["taken away", "replaced"])
def test_a_file_that_is_no_longer_there_is_never_answered_from(file: Path, fate: str) -> None:
    with Store(f"sqlite:///{file}") as store:
        turn(store, 0)
        current(store)
        file.rename(file.with_name("old.db"))
        text = f"[Errno 2] No such file or directory: '{file}'"
        if fate == "replaced":
            file.touch()
            text = f"another file than the one that was opened at {file}"
        for ask in (lambda: current(store), lambda: store.history("screen", BUNDLE), lambda: turn(store, 1)):
            with pytest.raises(StoreLost) as lost:
                ask()
            assert str(lost.value) == f"sqlite:///{file}: should answer as a store of changes, got: {text}."


def test_a_writer_that_waits_too_long_for_another_is_told_that_the_store_is_locked(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.databases.PATIENCE_SECONDS", 0.05)
    with Store(f"sqlite:///{file}") as store, closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLost, match="got: database is locked"):
            turn(store, 0)
        assert current(store) is None
        other.execute("ROLLBACK")
        assert current(store) is None
        assert turn(store, 0) == current(store)


def test_a_store_that_cannot_be_asked_is_lost(store: Store, url: str) -> None:
    turn(store, 0)
    spoil(url, "DROP TABLE operating_point_changes")

    for ask in (lambda: current(store), lambda: store.history("screen", BUNDLE), lambda: turn(store, 1)):
        with pytest.raises(StoreLost, match="operating_point_changes"):
            ask()


def test_a_file_whose_connection_is_gone_is_lost(file: Path) -> None:
    store = Store(f"sqlite:///{file}")
    store.close()

    with pytest.raises(StoreLost, match="got: Cannot operate on a closed database"):
        current(store)


def test_a_forked_process_is_told_to_open_its_own(store: Store) -> None:
    turn(store, 0)
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover  # the child ends without a word to anybody
        said = b"answered"
        try:
            current(store)
        except StoreLost as lost:
            said = str(lost).encode()
        os.write(writable, said)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writable)
    with os.fdopen(readable) as told_by_child:
        said = told_by_child.read()

    assert said.endswith("should be opened in the process that uses it, got one opened before a fork.")
    assert current(store) == store.history("screen", BUNDLE)[0]


def test_another_process_is_told_by_its_number(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("serving.tuning.os.getpid", lambda: -1)
        for ask in (lambda: current(store), lambda: store.history("screen", BUNDLE), lambda: turn(store, 0)):
            with pytest.raises(StoreLost, match="got one opened before a fork"):
                ask()
    assert store.history("screen", BUNDLE) == ()


@pytest.mark.parametrize(
    ("assignment", "text"),
    [
        ("reason = 'another'", "hash: should be "),
        ("outcome = '{\"threshold\":0.9}'", "hash: should be "),
        ("outcome = 'not JSON'", "outcome: should be JSON, got 'not JSON'"),
        ("setting = '[]'", "setting: Input should be a valid dictionary, got []."),
    ],
)
def test_a_newest_change_that_was_tampered_with_decides_nothing(
    store: Store, url: str, assignment: str, text: str
) -> None:
    turn(store, 0)
    turn(store, 1)
    spoil(url, f"UPDATE operating_point_changes SET {assignment} WHERE version = 2")

    for ask in (lambda: current(store), lambda: turn(store, 2)):
        with pytest.raises(StoreSpoiled) as spoiled:
            ask()
        assert str(spoiled.value).startswith(f"operating_point_changes.screen.2.{text}")


def test_a_history_that_was_tampered_with_is_still_shown_and_found_out(store: Store, url: str) -> None:
    changes = [turn(store, version) for version in range(4)]
    spoil(url, "UPDATE operating_point_changes SET reason = 'another' WHERE version = 2")
    spoil(url, "DELETE FROM operating_point_changes WHERE version = 3")

    problems = verify(store.history("screen", BUNDLE))

    assert current(store) == changes[3]
    assert [problem.path for problem in problems] == ["changes.1.hash", "changes.2.version", "changes.2.previous"]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_was_restarted_costs_no_call(postgresql: Postgres, mode: str) -> None:
    with Store(postgresql.url(postgresql.new_database())) as store:
        change = turn(store, 0)
        postgresql.stop(mode)
        postgresql.start()
        assert current(store) == change
        postgresql.stop(mode)
        postgresql.start()
        assert turn(store, 1) == current(store)


def test_a_server_that_is_down_is_lost_until_it_is_back(postgresql: Postgres) -> None:
    with Store(postgresql.url(postgresql.new_database())) as store:
        change = turn(store, 0)
        postgresql.stop()
        try:
            for ask in (lambda: current(store), lambda: turn(store, 1)):
                with pytest.raises(StoreLost, match="No such file or directory"):
                    ask()
            with pytest.raises(CannotOpen, match="No such file or directory"):
                Store(postgresql.url("postgres"))
        finally:
            postgresql.start()
        assert current(store) == change


def test_a_server_that_dies_before_the_insert_loses_the_store_and_no_history(postgresql: Postgres) -> None:
    with Store(postgresql.url(postgresql.new_database())) as store:
        turn(store, 0)
        before_insert(store, lambda: postgresql.stop("immediate"))
        with pytest.raises(StoreLost):
            turn(store, 1)
        postgresql.start()
        assert [change.version for change in store.history("screen", BUNDLE)] == [1]


def test_the_rights_to_read_and_to_add_are_enough_for_a_table_that_is_there(postgresql: Postgres) -> None:
    name = postgresql.new_database()
    Store(postgresql.url(name)).close()
    with postgresql.connect(name) as connection:
        connection.execute("CREATE ROLE service LOGIN")
        connection.execute("GRANT SELECT, INSERT ON operating_point_changes TO service")

    with Store(postgresql.url(name, user="service")) as store:
        assert turn(store, 0) == current(store)
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), store._engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM operating_point_changes")
