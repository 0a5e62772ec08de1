from __future__ import annotations

from pathlib import Path

import pytest

from serving.access import Access
from tests.asking import DONE, REFUSED, USAGE, asked


def test_whoever_is_let_in_is_known_by_the_token_that_is_printed_once(here: Path) -> None:
    for name, roles in {"ada": ("predict", "tune"), "bo": ("audit",)}.items():
        answer = asked("access", "access.json", name, *(word for role in roles for word in ("--role", role)))
        assert (answer.code, answer.err) == (DONE, "")
        token = answer.out.removesuffix("\n")
        person = Access.read(Path("access.json")).who(f"Bearer {token}")
        assert (person.name, person.roles) == (name, roles)
        assert token not in Path("access.json").read_text()


@pytest.mark.parametrize(
    ("name", "role", "text"),
    [
        ("ada", "audit", "people.1.name: should be another than that of all others, got the same.\n"),
        ("bo", "boss", "people.1.roles.0: should be a list of predict, tune, audit, got 'boss'.\n"),
    ],
)
def test_who_is_not_let_in_leaves_the_file_as_it_is(here: Path, name: str, role: str, text: str) -> None:
    asked("access", "access.json", "ada", "--role", "tune")
    before = Path("access.json").read_bytes()
    answer = asked("access", "access.json", name, "--role", role)
    assert (answer.code, answer.out, answer.err) == (REFUSED, "", f"{here / 'access.json'}: {text}")
    assert Path("access.json").read_bytes() == before


def test_a_rate_is_kept_and_has_to_be_one(here: Path) -> None:
    token = asked("access", "access.json", "ada", "--role", "predict", "--rate", "2.5").out.strip()
    assert Access.read(Path("access.json")).who(f"Bearer {token}").rate == 2.5
    before = Path("access.json").read_bytes()
    answer = asked("access", "access.json", "bo", "--role", "predict", "--rate", "0")
    rule = "people.1.rate: should be the most requests a second to each worker, above 0, got 0.0.\n"
    assert (answer.code, answer.err) == (REFUSED, f"{here / 'access.json'}: {rule}")
    assert Path("access.json").read_bytes() == before
    asked("access", "access.json", "bo", "--role", "predict")
    assert Path("access.json").read_text().count("rate") == 1


def test_nobody_is_let_in_without_a_role(here: Path) -> None:
    answer = asked("access", "access.json", "ada")
    assert (answer.code, answer.usage) == (USAGE, "Missing option '--role'.")
    assert not Path("access.json").exists()
