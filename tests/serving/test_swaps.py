"""Bundles swapped in and rolled back in this process, as workers on one store see each other do it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from models.bundle import Bundle, open_bundle
from models.errors import BadBundle, BadInput
from models.scorer import Scorer
from models.signature import sign
from models.turn import Setting
from serving import swaps as module
from serving.access import Access
from serving.change import Change
from serving.endpoint import Endpoint, Scorers
from serving.fast.routes import routes
from serving.gate import Gate
from serving.live import Live
from serving.messages import Reply
from serving.now import Now
from serving.refusals import Answer, NoBundle, NoEndpoint, OtherBundle
from serving.releasing import Releasing
from serving.settings import read
from serving.shelf import Shelf
from serving.swaps import Swaps
from serving.tuning import Moved, Store, StoreSpoiled
from tests import handmade
from tests.releases import of_another_contract, released, tampered

ROWS = handmade.rows(20, seed=5)
AGE = "columns.age.high: should be 120.0, as in the bundle that runs, got 110.0."
EYE = "columns.eye.missing: should be 'refuse', as in the bundle that runs, got 'impute'."


@dataclass
class Worker:
    """One process of a service: what it opened, and the store that it shares with others."""

    endpoint: Endpoint
    swaps: Swaps
    live: Live

    def swap(self, bundle: Bundle, version: int) -> Change:
        return self.swaps.swap("screen", bundle.digest, version_seen=version, by="ada", reason="a test")

    def back(self, version: int) -> Change:
        return self.swaps.roll_back("screen", version_seen=version, by="ada", reason="a test")

    def turn(self, asked: float, version: int, **more: str) -> None:
        self.live.change("screen", Setting.told(asked), version_seen=version, by="ada", reason="a test", **more)

    def reply(self, now: Now | None = None) -> Reply:
        request = self.endpoint.messages.request.read(json.dumps({"rows": ROWS}).encode())
        return self.endpoint.answer(request, now or self.live.now("screen"))

    def answers(self) -> str:
        """The digest in whose name it answers; its answers are those of that bundle."""
        now = self.live.now("screen")
        reply = self.reply(now).model_dump()
        assert now.scorer is not None
        assert reply["bundle"] == now.scorer.bundle.digest
        probabilities = now.scorer.score_rows(ROWS).probability.tolist()
        assert [row["probability"] for row in reply["rows"]] == probabilities
        return reply["bundle"]

    def releasing(self) -> Releasing:
        return Releasing(self.swaps, Gate(Access(None)), max_bytes=1000)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that services begin with, and in `releases` those that may be swapped in."""
    folder = tmp_path_factory.mktemp("shipped")
    released(folder / "bundles" / "screen")
    released(folder / "releases" / "second", shift=0.25, purpose="the second")
    released(folder / "releases" / "third", shift=-0.5, purpose="the third")
    of_another_contract(folder / "releases" / "other")
    tampered(folder / "releases" / "tampered", shift=0.125)
    released(folder / "releases" / "presurgical", model="presurgical")
    return folder


@pytest.fixture
def folder(shipped: Path, tmp_path: Path) -> Path:
    return shutil.copytree(shipped, tmp_path / "service")


@pytest.fixture(scope="module")
def bundles(shipped: Path) -> dict[str, Bundle]:
    """Those that are sound, under the names of their folders, and `first`."""
    folders = {each.name: each for each in (shipped / "releases").iterdir() if each.name != "tampered"}
    return {name: open_bundle(each) for name, each in {**folders, "first": shipped / "bundles" / "screen"}.items()}


def settings(folder: Path, **more: str) -> Any:
    there = {"FULCRUM_BUNDLES": str(folder / "bundles"), "FULCRUM_RELEASES": str(folder / "releases")}
    return read({**there, **more})


@contextmanager
def working(folder: Path, **more: str) -> Iterator[Worker]:
    told = settings(folder, **more)
    endpoint = Endpoint.open("screen", told)
    with Store(f"sqlite:///{folder}/changes.sqlite") as store:
        swaps = Swaps.begin({"screen": endpoint}, store, Shelf(told))
        yield Worker(endpoint, swaps, Live(store, Scorers({"screen": endpoint}), swaps))


@pytest.fixture
def worker(folder: Path) -> Iterator[Worker]:
    with working(folder) as made:
        yield made


@pytest.fixture
def pair(folder: Path) -> Iterator[tuple[Worker, Worker]]:
    with ExitStack() as stack:
        yield stack.enter_context(working(folder)), stack.enter_context(working(folder))


def wait_for(worker: Worker, digest: str) -> None:
    """Ask until another bundle answers, which is opened aside meanwhile."""
    for _ in range(2000):
        if worker.answers() == digest:
            return
        threading.Event().wait(0.005)
    pytest.fail("The bundle was never opened.")


def test_a_bundle_that_is_swapped_in_answers_at_once_in_its_own_name(
    worker: Worker, bundles: dict[str, Bundle]
) -> None:
    assert worker.answers() == bundles["first"].digest
    before = worker.reply().model_dump()

    change = worker.swap(bundles["second"], 0)

    assert (change.version, change.setting) == (1, {"bundle": bundles["second"].digest})
    assert worker.answers() == bundles["second"].digest
    after = worker.reply().model_dump()
    assert [row["probability"] for row in after["rows"]] != [row["probability"] for row in before["rows"]]
    assert after["rows"][0].keys() == before["rows"][0].keys()


def test_who_was_asked_before_a_swap_answers_to_the_end_with_the_old_one(
    worker: Worker, bundles: dict[str, Bundle]
) -> None:
    request = worker.endpoint.messages.request.read(json.dumps({"rows": ROWS, "prevalence": 0.1}).encode())
    now = worker.live.now("screen")
    wanted = worker.endpoint.answer(request, now).model_dump(exclude={"id"})

    worker.swap(bundles["second"], 0)

    assert worker.endpoint.scorer.bundle.digest == bundles["second"].digest
    assert worker.endpoint.answer(request, now).model_dump(exclude={"id"}) == wanted
    assert worker.live.describe("screen", now).bundle == bundles["first"].digest


def test_the_short_way_answers_in_the_name_of_the_new_one_and_its_numbers(
    worker: Worker, bundles: dict[str, Bundle]
) -> None:
    hot = routes({"screen": worker.endpoint}, worker.live, Gate(Access(None)), max_wait=0.5)

    def ask(address: str, body: dict[str, Any]) -> dict[str, Any]:
        async def once() -> Answer:
            told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            hot[address].ask(json.dumps(body).encode(), told.set_result)
            return await told

        answer = asyncio.run(once())
        assert answer.status == 200
        return json.loads(answer.body)

    by_column = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    for version, bundle in enumerate((bundles["first"], bundles["second"], bundles["third"], bundles["second"])):
        if version:
            worker.swap(bundle, version - 1)
        wanted = Scorer(bundle).score_rows(ROWS).probability.tolist()
        rows = ask("/screen", {"rows": ROWS})
        columns = ask("/screen/columns", {"columns": by_column})
        assert rows["bundle"] == columns["bundle"] == bundle.digest
        assert [row["probability"] for row in rows["rows"]] == columns["columns"]["probability"] == wanted


def test_roll_backs_go_one_bundle_further_each_time_and_end_where_the_service_began(
    worker: Worker, bundles: dict[str, Bundle]
) -> None:
    worker.swap(bundles["second"], 0)
    worker.swap(bundles["third"], 1)

    assert worker.back(2).setting == {"bundle": bundles["second"].digest}
    assert worker.answers() == bundles["second"].digest
    worker.back(3)
    assert worker.answers() == bundles["first"].digest
    with pytest.raises(BadInput) as refused:
        worker.back(4)
    assert str(refused.value) == "bundle: should have one before it, got the one that the service began with."
    worker.swap(bundles["third"], 4)
    worker.back(5)
    assert worker.answers() == bundles["first"].digest


def test_each_bundle_has_live_points_of_its_own(worker: Worker, bundles: dict[str, Bundle]) -> None:
    control = worker.endpoint.scorer.manifest.change_control
    assert control is None, "the released point alone may be turned to"
    worker.live.change("screen", Setting(), version_seen=0, by="ada", reason="looked at")
    assert worker.live.now("screen").version == 1

    worker.swap(bundles["second"], 0)
    assert worker.live.now("screen").version == 0
    assert worker.live.history("screen").changes == ()

    worker.back(1)
    assert worker.live.now("screen").version == 1


def test_a_change_of_the_point_that_was_decided_on_another_bundle_is_refused(
    worker: Worker, bundles: dict[str, Bundle]
) -> None:
    worker.swap(bundles["second"], 0)
    with pytest.raises(OtherBundle) as refused:
        worker.turn(0.5, 0, bundle=bundles["first"].digest)
    assert str(refused.value) == (
        f"bundle: should be the live one, {bundles['second'].digest}, got {bundles['first'].digest}."
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("other", f"{AGE}\n{EYE}"),
        ("first", "bundle: should be another one than the live one, got {digest}."),
        ("presurgical", "bundle: should be sound, got {there}: model: should be screen, got presurgical."),
    ],
)
def test_what_can_not_answer_in_the_place_of_the_running_one_is_refused_and_why(
    worker: Worker, bundles: dict[str, Bundle], folder: Path, name: str, why: str
) -> None:
    with pytest.raises(BadInput) as refused:
        worker.swap(bundles[name], 0)
    assert str(refused.value) == why.format(
        digest=bundles[name].digest, there=folder / "releases" / name / "manifest.json"
    )
    assert worker.answers() == bundles["first"].digest
    assert worker.swaps.history("screen") == ()


def test_a_tampered_bundle_is_refused_even_if_it_was_sound_when_it_answered(
    worker: Worker, bundles: dict[str, Bundle], folder: Path
) -> None:
    worker.swap(bundles["second"], 0)
    worker.back(1)
    graph = folder / "releases" / "second" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(BadInput, match=r"bundle: should be sound, got .*second/model\.onnx: should have SHA-256"):
        worker.swap(bundles["second"], 2)
    assert worker.answers() == bundles["first"].digest


def test_a_digest_that_is_nowhere_is_refused_with_where_was_looked(worker: Worker, folder: Path) -> None:
    with pytest.raises(NoBundle) as refused:
        worker.swaps.swap("screen", "a" * 64, version_seen=0, by="ada", reason="a test")
    where = f"{folder / 'bundles' / 'screen'} or {folder / 'releases'}"
    assert str(refused.value) == f"bundle: should be one of those in {where}, got {'a' * 64}."
    with pytest.raises(NoEndpoint, match=r"endpoint: should be one of screen, got lungs\."):
        worker.swaps.swap("lungs", "a" * 64, version_seen=0, by="ada", reason="a test")


def test_without_a_folder_of_releases_swapping_is_refused_and_the_setting_named(folder: Path) -> None:
    told = read({"FULCRUM_BUNDLES": str(folder / "bundles")})
    endpoint = Endpoint.open("screen", told)
    with Store(f"sqlite:///{folder}/changes.sqlite") as store:
        swaps = Swaps.begin({"screen": endpoint}, store, Shelf(told))
        with pytest.raises(BadInput) as refused:
            swaps.swap("screen", "a" * 64, version_seen=0, by="ada", reason="a test")
    assert str(refused.value) == (
        "FULCRUM_RELEASES: should name a folder with further bundles, one sub-folder each, before one can be swapped"
        " in, got nothing."
    )


def test_who_decided_on_an_older_version_is_told_who_was_first(
    pair: tuple[Worker, Worker], bundles: dict[str, Bundle]
) -> None:
    one, other = pair
    one.swap(bundles["second"], 0)
    for late in (lambda: other.swap(bundles["third"], 0), lambda: other.back(0)):
        with pytest.raises(Moved, match=r"version: should be the newest \(1, by ada at .*\), got 0\."):
            late()


def test_another_worker_goes_on_with_the_old_one_until_it_has_opened_the_new_one(
    pair: tuple[Worker, Worker], bundles: dict[str, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    assert other.answers() == bundles["first"].digest
    may_open, opened, opening = threading.Event(), other.swaps.shelf.open, []

    def slow(model: str, digest: str) -> Bundle:
        opening.append(threading.current_thread())
        may_open.wait(10)
        return opened(model, digest)

    monkeypatch.setattr(other.swaps.shelf, "open", slow)
    one.swap(bundles["second"], 0)
    assert one.answers() == bundles["second"].digest
    for _ in range(20):
        assert other.answers() == bundles["first"].digest
    may_open.set()
    wait_for(other, bundles["second"].digest)
    assert len(opening) == 1
    assert opening[0] is not threading.main_thread()
    # What was open before is at hand again.
    one.back(1)
    assert other.answers() == bundles["first"].digest
    assert len(opening) == 1


def test_a_worker_that_can_not_open_the_live_bundle_answers_nothing_until_it_can(
    pair: tuple[Worker, Worker], bundles: dict[str, Bundle], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    away, there = folder / "away", folder / "releases" / "second"
    one.swap(bundles["second"], 0)
    there.rename(away)
    with pytest.raises(BadBundle) as refused:
        wait_for(other, bundles["second"].digest)
    assert str(refused.value) == (
        f"screen: bundle {bundles['second'].digest}, which is live: should open here, got: bundle: should be one of"
        f" those in {folder / 'bundles' / 'screen'} or {folder / 'releases'}, got {bundles['second'].digest}."
    )
    away.rename(there)
    for _ in range(2000):
        try:
            assert other.answers() == bundles["second"].digest
            break
        except BadBundle:
            threading.Event().wait(0.005)
    else:
        pytest.fail("It was never tried again.")


def test_a_service_that_begins_again_finds_the_bundle_that_was_swapped_in(
    folder: Path, bundles: dict[str, Bundle]
) -> None:
    with working(folder) as worker:
        worker.swap(bundles["second"], 0)
    with working(folder) as again:
        assert again.answers() == bundles["second"].digest
        again.back(1)
    with working(folder) as once_more:
        assert once_more.answers() == bundles["first"].digest


@pytest.mark.parametrize("lost", ["gone", "tampered"])
def test_a_service_does_not_begin_with_the_old_one_where_the_live_one_is_lost(
    folder: Path, bundles: dict[str, Bundle], lost: str
) -> None:
    with working(folder) as worker:
        worker.swap(bundles["second"], 0)
    if lost == "gone":
        shutil.rmtree(folder / "releases" / "second")
    else:
        (folder / "releases" / "second" / "CARD.md").write_text("# Another\n")
    with pytest.raises(BadBundle) as refused, working(folder):
        pass
    assert str(refused.value).startswith(f"screen: bundle {bundles['second'].digest}, which is live: should open here")


def test_a_bundle_that_answers_otherwise_than_it_recorded_is_refused(
    worker: Worker, bundles: dict[str, Bundle], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = module.verify(bundles["second"])[0]
    monkeypatch.setattr(module, "verify", lambda _: [type(failed)("decisions as recorded", False, "1 of 2 differ")])
    with pytest.raises(BadInput) as refused:
        worker.swap(bundles["second"], 0)
    assert str(refused.value) == (
        f"bundle: should be sound, got {folder / 'releases' / 'second'}: decisions as recorded: should be so,"
        " got 1 of 2 differ."
    )


def test_an_altered_history_of_swaps_is_found_and_nobody_is_rolled_back_by_it(
    worker: Worker, bundles: dict[str, Bundle], folder: Path
) -> None:
    for version, name in enumerate(("second", "third", "second")):
        worker.swap(bundles[name], version)
    told = worker.releasing()._recorded("screen")
    assert (told.verified, told.begun) == (True, bundles["first"].digest)
    assert [swap.bundle for swap in told.swaps] == [bundles[name].digest for name in ("second", "third", "second")]
    with closing(sqlite3.connect(folder / "changes.sqlite", isolation_level=None)) as connection:
        connection.execute(
            "UPDATE operating_point_changes SET reason = 'another' WHERE endpoint = 'bundle:screen' AND version = 2"
        )
    told = worker.releasing()._recorded("screen")
    assert (told.verified, len(told.problems)) == (False, 1)
    with pytest.raises(StoreSpoiled, match=r"changes\.1\.hash: should be "):
        worker.back(3)


def test_what_can_be_swapped_in_is_listed_with_its_figures_or_why_it_can_not(
    worker: Worker, bundles: dict[str, Bundle], folder: Path
) -> None:
    releasing = worker.releasing()
    found = releasing._bundles("screen")
    assert (found.version, found.live.bundle, found.changed) == (0, bundles["first"].digest, None)
    offers = {offer.folder: offer for offer in found.offers}
    assert list(offers) == ["screen", "other", "second", "tampered", "third"]
    assert [offer.compatible for offer in offers.values()] == [True, False, True, False, True]
    second = offers["second"].certified
    assert second is not None
    assert second.bundle == bundles["second"].digest
    assert second.released.threshold == bundles["second"].manifest.point.threshold
    assert second.released.figures.recall == Scorer(bundles["second"]).turn().figures.recall
    assert offers["other"].why_not[0].startswith("columns.age.high: should be 120.0")
    assert offers["tampered"].certified is None
    assert "model.onnx: should have SHA-256" in offers["tampered"].why_not[0]
    # One that is mended is looked at again.
    shutil.rmtree(folder / "releases" / "tampered")
    released(folder / "releases" / "tampered", shift=0.125)
    assert all(offer.compatible for offer in releasing._bundles("screen").offers if offer.folder == "tampered")


def test_the_editions_that_stay_open_are_few(worker: Worker, bundles: dict[str, Bundle], folder: Path) -> None:
    for version in range(8):
        made = released(folder / "releases" / f"more-{version}", shift=version / 8, purpose=f"{version}")
        worker.swap(made, version)
        assert worker.answers() == made.digest
    assert len(worker.swaps._open["screen"]) <= module.KEPT + 1
    assert bundles["first"].digest in worker.swaps._open["screen"]


def test_with_signers_a_bundle_that_none_of_them_signed_neither_begins_nor_is_swapped_in(
    folder: Path, bundles: dict[str, Bundle]
) -> None:
    pytest.importorskip("model_signing", reason="needs the extra `signing`")
    private = ec.generate_private_key(ec.SECP256R1())
    (folder / "ada.key").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "ada.pub").write_bytes(public)
    signers = {"FULCRUM_SIGNERS": str(folder / "ada.pub")}
    with pytest.raises(BadBundle, match=r"screen/model\.sig: should be a signature of the bundle, got: No such file"):
        Endpoint.open("screen", settings(folder, **signers))
    for signed in (folder / "bundles" / "screen", folder / "releases" / "second"):
        sign(signed, folder / "ada.key")
    with working(folder, **signers) as worker:
        worker.swap(bundles["second"], 0)
        with pytest.raises(BadInput, match=r"bundle: should be sound, got .*third/model\.sig: should be a signature"):
            worker.swap(bundles["third"], 1)
        assert worker.answers() == bundles["second"].digest


def test_a_worker_that_lags_behind_turns_the_point_of_the_live_bundle(
    pair: tuple[Worker, Worker], bundles: dict[str, Bundle]
) -> None:
    one, other = pair
    one.swap(bundles["second"], 0)
    now = other.live.change("screen", Setting(), version_seen=0, by="ada", reason="a test")
    assert other.live.describe("screen", now).bundle == bundles["second"].digest
    one.swap(bundles["third"], 1)
    now = other.live.roll_back("screen", 0, version_seen=0, by="ada", reason="a test")
    assert other.live.describe("screen", now).bundle == bundles["third"].digest
