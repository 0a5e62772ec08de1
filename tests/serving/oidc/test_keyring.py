"""The thread that asks for keys: never more often than allowed, and at once when a key is missing."""

from __future__ import annotations

import threading

import pytest

from serving.access import IssuerLost
from serving.oidc import keyring as module
from serving.oidc.fetching import CannotFetch
from serving.oidc.keyring import Keyring
from tests.issuer import Signer, key_set

FIRST, SECOND = Signer.new("first"), Signer.new("second")


class Ended(BaseException):
    """The thread is not to go on."""


class Story:
    """What a keyring does when its sleep and its clock are those of a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: list[bytes | Exception]) -> None:
        self.told: list[tuple[str, float]] = []
        self.answers = answers
        self.ring = Keyring("https://i", self.ask, lambda: 0.0)
        monkeypatch.setattr(module.time, "sleep", lambda seconds: self.told.append(("slept", seconds)))
        monkeypatch.setattr(self.ring, "_start", lambda: None)
        monkeypatch.setattr(self.ring, "_wanted", self)

    def ask(self) -> bytes:
        if not self.answers:
            raise Ended
        self.told.append(("asked", 0))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, seconds: float) -> None:
        self.told.append(("waited to be woken", seconds))

    def clear(self) -> None:
        pass


def test_between_two_questions_is_a_pause_whoever_wants_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch, [key_set(FIRST), CannotFetch("away."), OSError("odd"), key_set(FIRST, SECOND)])
    with pytest.raises(Ended):
        story.ring._keep()

    calm = [("asked", 0), ("slept", 3), ("waited to be woken", 297)]
    away = [("asked", 0), ("slept", 3)]
    assert story.told == [*calm, *away, *away, *calm]
    assert [key.kid for key in story.ring.known()] == ["first", "second"]


def test_a_document_that_is_the_same_gives_the_same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch, [key_set(FIRST)] * 2 + [b"{}", key_set(SECOND)])
    found = []
    for _ in range(4):
        story.ring.refresh()
        found.append(story.ring.known())

    assert found[0] is found[1] is found[2]
    assert [key.kid for key in found[3]] == ["second"]


def test_the_first_keys_are_there_when_it_has_begun_and_the_thread_is_one() -> None:
    asked: list[str] = []

    def ask() -> bytes:
        asked.append(threading.current_thread().name)
        return key_set(FIRST)

    ring = Keyring("https://i", ask)
    ring.begin()
    ring.begin()
    assert [key.kid for key in ring.known()] == ["first"]
    assert asked == ["keys of the issuer"]


def test_whoever_comes_before_it_has_begun_begins_it_and_is_told_to_come_again() -> None:
    ring, allowed = Keyring("https://i", lambda: (allowed.wait(), key_set(FIRST))[1]), threading.Event()
    with pytest.raises(IssuerLost, match="https://i: should tell its keys, got: nothing yet"):
        ring.known()
    allowed.set()
    ring.begin()
    assert len(ring.known()) == 1
