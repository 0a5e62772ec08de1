"""Jobs from and to a store, which is asked by its address as files of this machine are by their paths."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from models.errors import BadInput
from models.scorer import Scorer
from serving.batch import lease
from serving.batch.job import Progress, score_files
from serving.batch.layout import Layout
from serving.batch.run import Run
from serving.batch.stored import Stored
from tests.serving.batch import people


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(lease, "RENEWED_SECONDS", 0.05)
    monkeypatch.setattr(lease, "DEAD_SECONDS", 0.8)
    found = fsspec.filesystem("memory")
    yield found
    for path in found.ls("/", detail=False):
        found.rm(path, recursive=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for place, name in enumerate(("a.csv", "b.csv")):
        rows = people.cells(40, seed=place, first=40 * place)
        people.csv_file(tmp_path / "in" / name, people.spoiled(rows) if place else rows)
    return tmp_path / "in"


def stored(system: Any, folder: str) -> dict[str, bytes]:
    return {path.removeprefix(f"/{folder}/"): system.cat_file(path) for path in system.find(f"/{folder}")}


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
def test_a_file_in_a_store_is_that_of_this_machine(
    screen: Scorer, system: Any, source: Path, tmp_path: Path, ending: str
) -> None:
    here = score_files(screen, source, tmp_path / f"o.{ending}")
    there = score_files(screen, source, f"memory://job/o.{ending}")
    files = stored(system, "job")
    assert sorted(files) == [f"o.{ending}", f"o.{ending}.manifest.json", f"o.{ending}.refused"]
    assert files[f"o.{ending}"] == (tmp_path / f"o.{ending}").read_bytes()
    assert files[f"o.{ending}.refused"] == (tmp_path / f"o.{ending}.refused").read_bytes()
    assert Run.model_validate_json(files[f"o.{ending}.manifest.json"]) == there
    assert there.outputs[0].blake3 == here.outputs[0].blake3
    assert there.refused == f"memory://job/o.{ending}.refused"


def test_a_store_is_read_as_well(screen: Scorer, system: Any, source: Path, tmp_path: Path) -> None:
    for file in source.iterdir():
        system.pipe_file(f"/people/{file.name}", file.read_bytes())
    for kind in ("parquet", "arrow"):
        file = people.write(people.table(50), tmp_path / f"t.{kind}")
        system.pipe_file(f"/typed/{kind}/t.{kind}", file.read_bytes())
        score_files(screen, file, tmp_path / f"o.{kind}")
        score_files(screen, f"memory://typed/{kind}/t.{kind}", tmp_path / f"p.{kind}")
        assert (tmp_path / f"o.{kind}").read_bytes() == (tmp_path / f"p.{kind}").read_bytes()
    here = score_files(screen, source, tmp_path / "here")
    there = score_files(screen, "memory://people", tmp_path / "there")
    assert [each.blake3 for each in here.outputs] == [each.blake3 for each in there.outputs]
    assert [line[1:] for line in people.refusals(tmp_path / "here")] == [
        line[1:] for line in people.refusals(tmp_path / "there")
    ]


def test_a_folder_in_a_store_is_done_once(screen: Scorer, system: Any, source: Path, tmp_path: Path) -> None:
    score_files(screen, source, tmp_path / "out")
    first = score_files(screen, source, "memory://job/out")
    files = stored(system, "job")
    assert sorted(files) == sorted(
        ["out.manifest.json", "out.refused", *(f"out/{name}" for name in people.tree(tmp_path / "out"))]
    )
    assert files["out/part-00001.csv"] == (tmp_path / "out" / "part-00001.csv").read_bytes()
    assert files["out.refused"] == (tmp_path / "out.refused").read_bytes()
    created = {path: system.info(path)["created"] for path in system.find("/job/out") if "part" in path}
    time.sleep(0.01)
    assert score_files(screen, source, "memory://job/out") == first
    assert {path: system.info(path)["created"] for path in created} == created
    # What is gone, or not whole, is done again, and nothing else.
    system.rm_file("/job/out/part-00001.csv")
    assert score_files(screen, source, "memory://job/out") == first
    system.pipe_file("/job/out/part-00001.csv", b"half")
    assert score_files(screen, source, "memory://job/out") == first
    assert stored(system, "job") == files
    assert system.info("/job/out/part-00000.csv")["created"] == created["/job/out/part-00000.csv"]


def test_another_job_in_a_store_is_refused(screen: Scorer, system: Any, source: Path) -> None:
    score_files(screen, source, "memory://job/out")
    before = stored(system, "job")
    with pytest.raises(BadInput, match=r"^memory://job/out/part-00000.csv: should be made in the same way, "):
        score_files(screen, source, "memory://job/out", keep=["id"])
    system.pipe_file("/job/out/notes.txt", b"x")
    with pytest.raises(BadInput, match=r"^memory://job/out: should be empty, or hold shards of this job, got .*notes"):
        score_files(screen, source, "memory://job/out")
    system.rm_file("/job/out/notes.txt")
    assert stored(system, "job") == before
    score_files(screen, source, "memory://job/out", keep=["id"], overwrite=True)
    assert json.loads(stored(system, "job")["out.manifest.json"])["keep"] == ["id"]


def test_a_job_in_a_store_is_alone_and_one_that_died_makes_room(screen: Scorer, system: Any, source: Path) -> None:
    refusals: list[str] = []

    def meddle(_: Progress) -> None:
        if not refusals:
            with pytest.raises(BadInput) as caught:
                score_files(screen, source, "memory://job/out")
            refusals.append(str(caught.value))

    score_files(screen, source, "memory://job/out", progress=meddle)
    assert refusals == ["memory://job/out: should be written by one job at a time, got another job writing it."]
    system.pipe_file("/job/out/_shards/lock", b"dead 1")
    assert score_files(screen, source, "memory://job/out").counts.read == 80
    assert not system.exists("/job/out/_shards/lock")


@pytest.mark.parametrize("name", ["out", "o.csv"])
def test_a_job_that_lost_its_lease_stops_before_it_writes_more(
    screen: Scorer, system: Any, source: Path, name: str
) -> None:
    lock = f"/job/{name}/_shards/lock" if name == "out" else f"/job/.{name}.partial/lock"

    def lose(_: Progress) -> None:
        system.pipe_file(lock, b"another 1")
        time.sleep(0.5)  # it is looked at ten times meanwhile

    with pytest.raises(BadInput, match=rf"^memory://job/{name}: should be written by one job at a time"):
        score_files(screen, source, f"memory://job/{name}", progress=lose)
    # At most the shard at hand is still made, and nothing is said of the whole.
    made = [file for file in stored(system, "job") if file.endswith((".csv", ".manifest.json"))]
    assert made == (["out/part-00000.csv"] if name == "out" else [])
    assert system.cat_file(lock) == b"another 1"


def test_a_strict_job_leaves_nothing_in_a_store(screen: Scorer, system: Any, source: Path) -> None:
    with pytest.raises(BadInput, match=r"rows\.2\.age"):
        score_files(screen, source / "b.csv", "memory://job/o.csv", strict=True)
    assert stored(system, "job") == {}


def test_a_store_without_room_is_told(
    screen: Scorer, system: Any, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(system), "pipe_file", full)
    rule = "should be in a store in which files can be made, got .*No space left on device"
    with pytest.raises(BadInput, match=rf"^memory://job/out: {rule}"):
        score_files(screen, source, "memory://job/out")


def test_a_store_of_an_unknown_kind_is_refused(screen: Scorer, source: Path) -> None:
    with pytest.raises(BadInput, match=r"^pigeon://.*: should be a path or the address of a store whose library is"):
        score_files(screen, source, "pigeon://job/out")


def test_nothing_is_put_or_written_once_the_lease_is_lost(system: Any, tmp_path: Path) -> None:
    files, layout = Stored(), Layout("memory://job/o", folder=True, ending=".csv")
    (tmp_path / "made").write_text("x")
    with files.held(layout):
        system.pipe_file("/job/o/_shards/lock", b"another 1")
        time.sleep(0.3)
        with pytest.raises(BadInput, match="should be written by one job at a time"):
            files.put(tmp_path / "made", layout.part(0))
        with pytest.raises(BadInput, match="should be written by one job at a time"):
            files.write(layout.receipt(0), b"{}")
    assert list(stored(system, "job")) == ["o/_shards/lock"]
    assert (tmp_path / "made").exists()


def test_what_is_taken_away_in_a_store_is_gone(system: Any) -> None:
    files, address = Stored(), "memory://job/o.refused"
    files.write(address, b"x")
    assert (files.read(address), files.size(address)) == (b"x", 1)
    for _ in range(2):
        files.remove(address)
        assert (files.read(address), files.size(address)) == (None, None)
