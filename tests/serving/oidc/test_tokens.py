from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as some

from serving.access import Access, IssuerLost, NotAllowed, NoToken, Person
from serving.oidc import tokens as module
from serving.oidc.fetching import CannotFetch
from serving.oidc.keyring import GRACE_SECONDS, PAUSE_SECONDS, Keyring
from serving.oidc.tokens import LEEWAY_SECONDS, Tokens
from serving.oidc.trusted import Trusted
from tests.issuer import AUDIENCE, MAKERS, Signer, key_set
from tests.wrong_tokens import WRONG

ISSUER = "https://clinic.example/realm"
SIGNERS = {algorithm: Signer.new(f"key of {algorithm}", algorithm) for algorithm in MAKERS}
SIGNER = SIGNERS["ES256"]
NOW = int(time.time())


@pytest.fixture(autouse=True)
def _no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keyring, "_start", lambda self: None)


def access(document: bytes = key_set(*SIGNERS.values()), **named: str) -> Access:
    """Those who are known where one issuer is trusted, and nobody else."""
    keyring = Keyring(ISSUER, lambda: document)
    keyring.refresh()
    settings = {"FULCRUM_OIDC_ISSUER": ISSUER, "FULCRUM_OIDC_AUDIENCE": AUDIENCE, **named}
    return Access(None, Tokens(Trusted.model_validate(settings), keyring))


def who(token: str, **named: str) -> Person:
    return access(**named).who(f"Bearer {token}")


@pytest.mark.parametrize("algorithm", MAKERS)
def test_a_token_of_the_issuer_names_a_person(algorithm: str) -> None:
    signer = SIGNERS[algorithm]

    found = who(signer.token(ISSUER, roles=["audit", "tune", "of another service"]))

    assert (found.name, found.roles, found.rate) == ("ada", ("tune", "audit"), None)
    assert (
        who(signer.token(ISSUER, aud=["another", AUDIENCE], exp=int(time.time()) - LEEWAY_SECONDS + 15)).name == "ada"
    )


def test_a_key_that_names_no_algorithm_verifies_those_of_its_kind() -> None:
    listed = {name: value for name, value in SIGNERS["PS256"].listed.items() if name != "alg"}
    document = json.dumps({"keys": [listed]}).encode()

    assert access(document).who(f"Bearer {SIGNERS['PS256'].token(ISSUER)}").name == "ada"


@pytest.mark.parametrize("name", WRONG)
def test_a_token_that_is_wrong_is_refused_in_words_that_never_show_it(name: str) -> None:
    make, words, reason = WRONG[name]
    token = make(ISSUER, SIGNER)

    with pytest.raises(NoToken) as refused:
        who(token)

    assert str(refused.value) == f"Authorization: {words}."
    assert refused.value.reason == reason
    assert not any(len(piece) > 8 and piece in str(refused.value) for piece in token.split("."))


@given(some.binary(max_size=40), some.binary(max_size=60), some.integers(0, 3))
def test_whatever_is_sent_is_refused_and_breaks_nothing(head: bytes, tail: bytes, place: int) -> None:
    parts = SIGNER.token(ISSUER).split(".")
    parts[place % 3] = (head + tail).decode("latin-1") if place == 3 else base64.urlsafe_b64encode(head).decode()

    with pytest.raises(NoToken):
        KNOWN.who(f"Bearer {'.'.join(parts)}")


HEADERS = ["[]", "1", '{"alg": ["ES256"]}', '{"alg": "ES256", "kid": 7}', '{"alg": "ES256", "kid": ["a"]}', "[" * 5000]


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_is_none_is_refused(header: str) -> None:
    head = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()

    with pytest.raises(NoToken):
        who(f"{head}.{SIGNER.token(ISSUER).partition('.')[2]}")


@pytest.mark.parametrize("exp", ["soon", True, [], {}, -1, 1e400])
def test_an_end_that_is_none_is_refused(exp: Any) -> None:
    with pytest.raises(NoToken):
        who(SIGNER.token(ISSUER, exp=exp))


def test_a_token_that_names_no_key_means_the_only_one() -> None:
    token = SIGNER.token(ISSUER, header={"kid": None})

    assert access(key_set(SIGNER)).who(f"Bearer {token}").name == "ada"
    with pytest.raises(NoToken, match="kid: should name one of several keys, got none"):
        access(key_set(SIGNER, Signer.new("second"))).who(f"Bearer {token}")


def test_a_key_that_is_not_known_is_asked_for_and_the_token_is_to_be_sent_again() -> None:
    second = Signer.new("second")
    documents = [key_set(SIGNER), key_set(SIGNER, second)]
    keyring = Keyring(ISSUER, lambda: documents.pop(0))
    keyring.refresh()
    trusted = Trusted(FULCRUM_OIDC_ISSUER=ISSUER, FULCRUM_OIDC_AUDIENCE=AUDIENCE)
    known, header = Access(None, Tokens(trusted, keyring)), f"Bearer {second.token(ISSUER)}"

    with pytest.raises(NoToken) as refused:
        known.who(header)
    assert keyring._wanted.is_set()
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= PAUSE_SECONDS + 1
    assert str(refused.value) == (
        "Authorization: kid: should be that of a key of the issuer, got an unknown one;"
        f" try again in {refused.value.retry_after} s."
    )
    keyring.refresh()
    assert known.who(header).name == "ada"


def test_a_token_is_verified_once_and_forgotten_when_its_key_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [key_set(SIGNER)] * 2 + [key_set(Signer.new(SIGNER.kid))]
    keyring = Keyring(ISSUER, lambda: documents.pop(0))
    keyring.refresh()
    began = int(time.time())  # PyJWT looks at the clock itself, and the file may have been read long before.
    now = [float(began)]
    trusted = Trusted(FULCRUM_OIDC_ISSUER=ISSUER, FULCRUM_OIDC_AUDIENCE=AUDIENCE)
    known = Access(None, Tokens(trusted, keyring, lambda: now[0]))
    verified: list[str] = []
    decode = jwt.decode

    def counted(token: str, *given: Any, **named: Any) -> Any:
        verified.append(token)
        return decode(token, *given, **named)

    monkeypatch.setattr(module.jwt, "decode", counted)
    header = f"Bearer {SIGNER.token(ISSUER, exp=began + 600)}"
    for _ in range(3):
        assert known.who(header).name == "ada"
    keyring.refresh()
    assert known.who(header).name == "ada"
    assert len(verified) == 1
    now[0] += 600 + LEEWAY_SECONDS
    known.who(header)  # By the clock of PyJWT it still holds.
    assert len(verified) == 2
    now[0] -= 600
    keyring.refresh()
    with pytest.raises(NoToken, match="signature"):
        known.who(header)


def test_no_more_tokens_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    known = access()
    for person in "abcdefg":
        assert known.who(f"Bearer {SIGNER.token(ISSUER, sub=person)}").name == person
    assert isinstance(known.issuer, Tokens)
    assert [each.person.name for each in known.issuer._known.values()] == ["e", "f", "g"]


def test_the_keys_are_used_for_a_while_when_the_issuer_is_away_and_then_no_more() -> None:
    now, answers = [0.0], [True]

    def ask() -> bytes:
        if not answers[0]:
            raise CannotFetch(f"{ISSUER}/keys: should answer, got nothing.")
        return key_set(SIGNER)

    keyring = Keyring(ISSUER, ask, lambda: now[0])
    known = Access(None, Tokens(Trusted(FULCRUM_OIDC_ISSUER=ISSUER, FULCRUM_OIDC_AUDIENCE=AUDIENCE), keyring))
    header = f"Bearer {SIGNER.token(ISSUER)}"
    with pytest.raises(IssuerLost, match="should tell its keys, got: nothing yet"):
        known.who(header)
    keyring.refresh()
    answers[0], now[0] = False, GRACE_SECONDS - 1
    keyring.refresh()
    assert known.who(header).name == "ada"
    now[0] = GRACE_SECONDS + 1
    with pytest.raises(IssuerLost) as lost:
        known.who(header)
    assert str(lost.value) == f"{ISSUER}: should tell its keys, got: {ISSUER}/keys: should answer, got nothing."
    with pytest.raises(NoToken):
        known.who("Bearer opaque")
    answers[0] = True
    keyring.refresh()
    assert known.who(header).name == "ada"


@pytest.mark.parametrize(
    ("claims", "named", "roles"),
    [
        ({"roles": ["predict"]}, {}, ("predict",)),
        ({"roles": "openid audit predict"}, {}, ("predict", "audit")),
        ({"roles": ["fulcrum:tune", "predict"]}, {"PREFIX": "fulcrum:"}, ("tune",)),
        ({"realm_access": {"roles": ["tune"]}}, {"CLAIM": "realm_access.roles"}, ("tune",)),
        ({"https://clinic.example/roles": ["audit"]}, {"CLAIM": "https://clinic.example/roles"}, ("audit",)),
        ({"roles": ["Predict", "", 7, None, ["tune"]]}, {}, ()),
        ({"roles": {"tune": True}}, {}, ()),
        ({"roles": None}, {}, ()),
        ({"roles": None, "realm_access": "tune"}, {"CLAIM": "realm_access.roles.more"}, ()),
    ],
)
def test_roles_are_those_of_this_service(claims: dict[str, Any], named: dict[str, str], roles: tuple[str, ...]) -> None:
    settings = {f"FULCRUM_OIDC_ROLES_{name}": value for name, value in named.items()}
    found = who(SIGNER.token(ISSUER, **claims), **settings)

    assert found.roles == roles
    if not roles:
        with pytest.raises(NotAllowed, match="ada: should have the role predict to do this, got none"):
            found.must("predict")


def test_a_person_is_called_by_the_claim_that_is_set() -> None:
    token = SIGNER.token(ISSUER, sub="4711", preferred_username="ada.meyer")

    assert who(token).name == "4711"
    assert who(token, FULCRUM_OIDC_NAME_CLAIM="preferred_username").name == "ada.meyer"


def test_nobody_takes_the_name_of_a_person_of_the_access_file() -> None:
    issuer = access().issuer
    known = Access((Person(name="ada", roles=(), token_sha256=hashlib.sha256(b"own").hexdigest()),), issuer)

    assert known.who("Bearer own").roles == ()
    assert known.who(f"Bearer {SIGNER.token(ISSUER, sub='bo')}").roles == ("predict",)
    with pytest.raises(NotAllowed, match="ada: should be one person, got one of the access file and one of the issuer"):
        known.who(f"Bearer {SIGNER.token(ISSUER)}")


KNOWN = access()
