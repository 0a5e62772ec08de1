from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from serving import access
from serving.access import Access, BadAccess, NotAllowed, NoToken, add_person, new_token

SECRET = "a-token-that-nobody-may-see"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def person(**fields: Any) -> dict[str, Any]:
    return {"name": "ada", "roles": ["tune"], "token_sha256": hashlib.sha256(SECRET.encode()).hexdigest(), **fields}


def written(file: Path, document: object) -> Path:
    file.write_text(json.dumps(document))
    return file


def test_a_token_names_its_person(file: Path) -> None:
    tokens = {name: add_person(file, name, roles) for name, roles in (("ada", ["tune"]), ("bo", ["audit", "predict"]))}
    known = Access.read(file)

    for name, token in tokens.items():
        assert known.who(f"Bearer {token}").name == name
        assert known.who(f"bearer  {token} ").name == name
    assert known.who(f"Bearer {tokens['bo']}").roles == ("audit", "predict")


@pytest.mark.parametrize(
    ("header", "got"),
    [
        (None, "should be Bearer and a token, got nothing"),
        ("", "should be Bearer and a token, got something else"),
        ("Bearer", "should be Bearer and a token, got something else"),
        ("Bearer ", "should be Bearer and a token, got something else"),
        (SECRET, "should be Bearer and a token, got something else"),
        (f"Basic {SECRET}", "should be Bearer and a token, got something else"),
        (f"Bearer {SECRET}x", "should hold a token of the access file, got an unknown one"),
        (f"Bearer {SECRET} x", "should hold a token of the access file, got an unknown one"),
        (f"Bearer {person()['token_sha256']}", "should hold a token of the access file, got an unknown one"),
        ("Bearer \ud800é", "should hold a token of the access file, got an unknown one"),
    ],
)
def test_a_header_that_names_nobody_is_refused_and_not_shown(file: Path, header: str | None, got: str) -> None:
    known = Access.read(written(file, {"people": [person()]}))

    with pytest.raises(NoToken) as refused:
        known.who(header)

    assert str(refused.value) == f"Authorization: {got}."
    assert known.who(f"Bearer {SECRET}").name == "ada"


def test_a_header_that_is_too_long_is_not_looked_at(file: Path) -> None:
    known = Access.read(written(file, {"people": [person()]}))

    with pytest.raises(NoToken, match="Authorization: should hold at most 16384 characters, got more"):
        known.who(f"Bearer {SECRET}{' ' * 16_384}")


def test_a_token_is_compared_with_all_people_in_constant_time(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [add_person(file, name, []) for name in ("ada", "bo", "cy")]
    known = Access.read(file)
    compared: list[str] = []

    def compare(ours: str, theirs: str) -> bool:
        compared.append(ours)
        return ours == theirs

    monkeypatch.setattr(access.hmac, "compare_digest", compare)
    for token in tokens:
        compared.clear()
        known.who(f"Bearer {token}")
        assert compared == [somebody.token_sha256 for somebody in known.people or ()]


def test_a_person_may_do_what_their_roles_say(file: Path) -> None:
    ada = Access.read(written(file, {"people": [person(roles=["tune", "predict"])]})).who(f"Bearer {SECRET}")
    nobody = ada.model_copy(update={"roles": ()})

    ada.must("tune")
    ada.must("predict")
    with pytest.raises(NotAllowed) as refused:
        ada.must("audit")
    assert str(refused.value) == "ada: should have the role audit to do this, got tune, predict."
    with pytest.raises(NotAllowed, match="ada: should have the role tune to do this, got none"):
        nobody.must("tune")
    ada.must("audit", "tune")
    with pytest.raises(NotAllowed, match="ada: should have the role audit or tune to do this, got none"):
        nobody.must("audit", "tune")


@pytest.mark.parametrize("header", [None, f"Bearer {SECRET}"])
def test_without_an_access_file_everybody_is_refused_with_the_setting_to_mend(header: str | None) -> None:
    with pytest.raises(NotAllowed) as refused:
        Access.read(None).who(header)

    assert (
        str(refused.value) == "FULCRUM_ACCESS: should name the access file, got nothing: without it nobody has a role."
    )


def test_a_file_without_people_knows_no_token(file: Path) -> None:
    with pytest.raises(NoToken):
        Access.read(written(file, {"people": []})).who(f"Bearer {SECRET}")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], 'document: should be {"people": [...]}, got list, not shown'),
        ({}, "people: should be a list of people, each with name, roles and token_sha256, got nothing"),
        (
            {"people": [SECRET]},
            "people.0: should be a list of people, each with name, roles and token_sha256, got str, not shown",
        ),
        ({"people": [], "token": SECRET}, "token: should not be there, got one"),
        ({"people": [person(token=SECRET)]}, "people.0.token: should not be there, got one"),
        (
            {"people": [person(), person(name="bo", roles=["tune", "root"], token_sha256="0" * 64)]},
            "people.1.roles.1: should be a list of predict, tune, audit, got 'root'",
        ),
        ({"people": [person(roles="tune")]}, "people.0.roles: should be a list of predict, tune, audit, got 'tune'"),
        (
            {"people": [person(name=" ada")]},
            "people.0.name: should be 1 to 200 characters of text, no blank at either end, got ' ada'",
        ),
        (
            {"people": [person(name="a\0b")]},
            "people.0.name: should be 1 to 200 characters of text, no blank at either end, got 'a\\x00b'",
        ),
        (
            {"people": [person(token_sha256=SECRET)]},
            (
                "people.0.token_sha256: should be the SHA-256 of a token, 64 hexadecimal digits in lower case, "
                "got str, not shown"
            ),
        ),
        (
            {"people": [person(), person(token_sha256="0" * 64)]},
            "people.1.name: should be another than that of all others, got the same",
        ),
        (
            {"people": [person(), person(name="bo")]},
            "people.1.token_sha256: should be another than that of all others, got the same",
        ),
    ],
)
def test_a_bad_access_file_is_named_with_place_and_rule_and_shows_no_token(
    file: Path, document: object, text: str
) -> None:
    with pytest.raises(BadAccess) as refused:
        Access.read(written(file, document))

    assert str(refused.value) == f"{file}: {text}."
    assert SECRET not in str(refused.value)


def test_a_file_that_is_no_json_is_named_with_its_line(file: Path) -> None:
    file.write_text(f'{{"people":\n {SECRET}')

    with pytest.raises(BadAccess) as refused:
        Access.read(file)

    assert str(refused.value) == f"{file}: document: should be JSON, got expected value at line 2 column 2."


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadAccess) as refused:
        Access.read(tmp_path / "none.json")
    assert str(refused.value) == f"{tmp_path}/none.json: should be a readable file, got: No such file or directory."

    (tmp_path / "file").touch()
    with pytest.raises(BadAccess) as refused:
        add_person(tmp_path / "file" / "access.json", "ada", ["tune"])
    assert str(refused.value).startswith(f"{tmp_path}/file/access.json: should be a file that can be written, got: ")


def test_a_person_shows_neither_token_nor_its_hash(file: Path) -> None:
    ada = Access.read(written(file, {"people": [person()]})).who(f"Bearer {SECRET}")

    assert repr(ada) == "Person(name='ada', roles=('tune',), rate=None)"


def test_a_new_token_is_random_and_long_and_only_its_hash_is_kept(file: Path) -> None:
    tokens = {new_token() for _ in range(100)}
    assert len({token for token, _ in tokens}) == 100
    for token, digest in tokens:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
        assert digest == hashlib.sha256(token.encode()).hexdigest()

    token = add_person(file, "ada", ["tune"])
    assert token not in file.read_text()
    assert hashlib.sha256(token.encode()).hexdigest() in file.read_text()


def test_somebody_is_added_to_those_who_are_there_and_only_the_owner_can_read_them(file: Path) -> None:
    nested = file.parent / "made" / "access.json"
    link = file.parent / "link.json"
    ada = add_person(nested, "ada", ["tune"])
    link.symlink_to(nested)
    nested.chmod(0o644)
    before = nested.stat().st_ino
    bo = add_person(link, "bo", ["audit"])

    known = Access.read(nested)
    assert [(known.who(f"Bearer {token}").name) for token in (ada, bo)] == ["ada", "bo"]
    assert nested.stat().st_mode & 0o777 == 0o600
    assert nested.stat().st_ino != before  # replaced whole: whoever reads it meanwhile reads the old one
    assert link.is_symlink()
    assert [found.name for found in nested.parent.iterdir()] == ["access.json"]


@pytest.mark.parametrize(
    ("name", "roles", "text"),
    [
        ("ada", ["tune"], "people.1.name: should be another than that of all others, got the same"),
        ("", ["tune"], "people.1.name: should be 1 to 200 characters of text, no blank at either end, got ''"),
        ("bo", ["turn"], "people.1.roles.0: should be a list of predict, tune, audit, got 'turn'"),
    ],
)
def test_somebody_who_cannot_be_added_leaves_the_file_as_it_was(
    file: Path, name: str, roles: list[str], text: str
) -> None:
    add_person(file, "ada", ["tune"])
    before = file.read_bytes()

    with pytest.raises(BadAccess) as refused:
        add_person(file, name, roles)

    assert str(refused.value) == f"{file}: {text}."
    assert file.read_bytes() == before
    assert [found.name for found in file.parent.iterdir()] == ["access.json"]


def test_a_bad_file_is_not_extended(file: Path) -> None:
    file.write_text("{}")

    with pytest.raises(BadAccess, match="people: should be a list of people"):
        add_person(file, "ada", ["tune"])
    assert file.read_text() == "{}"


def test_two_who_add_somebody_at_once_do_not_lose_each_other(file: Path) -> None:
    beside = file.parent / ".access.json.new"
    beside.touch()

    with pytest.raises(BadAccess) as refused:
        add_person(file, "ada", ["tune"])

    assert str(refused.value).startswith(f"{beside}: should not be there, got one: ")
    assert beside.exists()
    assert not file.exists()
