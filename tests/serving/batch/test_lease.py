from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest

from models.errors import BadInput
from serving.batch import lease
from serving.batch.lease import Lease

PATH = "/leases/lock"
TAKEN = "memory://out: should be written by one job at a time, got another job writing it."


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(lease, "RENEWED_SECONDS", 0.05)
    monkeypatch.setattr(lease, "DEAD_SECONDS", 0.8)
    found = fsspec.filesystem("memory")
    found.makedirs("/leases", exist_ok=True)
    yield found
    found.rm("/leases", recursive=True)


def of(system: Any) -> Lease:
    return Lease(system, PATH, "memory://out")


def eventually(check: Any) -> None:
    """Waits for what another thread does; it fails only if that never happens."""
    for _ in range(600):
        if check():
            return
        time.sleep(0.02)
    raise AssertionError(check)


def test_it_is_there_while_it_is_held_and_gone_afterwards(system: Any) -> None:
    with of(system) as held:
        first = system.cat_file(PATH)
        held.check()
        eventually(lambda: system.cat_file(PATH) != first)
    assert not system.exists(PATH)


def test_a_second_owner_is_refused_while_the_first_renews(system: Any) -> None:
    with of(system) as held:
        with pytest.raises(BadInput) as caught, of(system):
            pass
        assert str(caught.value) == TAKEN
        held.check()
        assert system.exists(PATH)
    with of(system):
        pass


def test_what_a_dead_owner_left_is_taken_over(system: Any) -> None:
    system.pipe_file(PATH, b"dead 7")
    with of(system) as held:
        held.check()
        assert not system.cat_file(PATH).startswith(b"dead")
    assert not system.exists(PATH)


def test_an_owner_that_ends_while_one_waits_makes_room(system: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEWED_SECONDS", 60)  # not seen to live
    with of(system):
        waits = of(system)
        monkeypatch.setattr(time, "sleep", lambda _: system.rm_file(PATH) if system.exists(PATH) else None)
        with waits as held:
            held.check()


@pytest.mark.parametrize("what", [b"another 3", None])
def test_one_that_was_lost_is_seen_and_left_alone(system: Any, what: bytes | None) -> None:
    with of(system) as held:
        if what is None:
            system.rm_file(PATH)
        else:
            system.pipe_file(PATH, what)
        eventually(lambda: held.lost)
        with pytest.raises(BadInput) as caught:
            held.check()
        assert str(caught.value) == TAKEN
    # What is another's stays.
    assert system.exists(PATH) is (what is not None)


def test_a_store_that_is_away_for_a_moment_loses_nothing(system: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, away = system.cat_file, [3]

    def sometimes(path: str) -> bytes:
        if away[0]:
            away[0] -= 1
            raise OSError("away")
        found: bytes = real(path)
        return found

    with of(system) as held:
        monkeypatch.setattr(type(system), "cat_file", lambda self, path: sometimes(path))
        eventually(lambda: not away[0])
        before = real(PATH)
        eventually(lambda: real(PATH) != before)
        held.check()
