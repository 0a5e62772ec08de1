"""A log takes every line or says so, and stays whole whatever the disk does."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.change import NOTHING, canonical
from serving.decisions import chain
from serving.decisions.chain import Chain, head_of
from serving.decisions.index import INDEX
from serving.decisions.line import Head
from serving.decisions.verify import verify
from serving.refusals import LogLost, refusal
from tests.serving.decisions.logs import decided, entry, files, opened, problems, small, small_disk

FULL = "FULCRUM_DECISIONS: should take every decision before it is answered, got: {}; nothing was answered."


def test_a_line_is_canonical_json_that_covers_the_line_before(tmp_path: Path) -> None:
    small(tmp_path)
    for file in [*files(tmp_path), tmp_path / INDEX]:
        previous = None
        for number, line in enumerate(file.read_bytes().splitlines()):
            fields = json.loads(line)
            seal = fields.pop("hash")
            assert seal == hashlib.sha256(canonical(fields).encode()).hexdigest()
            assert line.decode() == f'{canonical(fields)[:-1]},"hash":"{seal}"}}'
            assert fields["number"] == number
            assert previous in {None, fields["previous"]}
            previous = seal
        assert Head.read(head_of(file).read_bytes()) == Head(number, str(previous))


def test_the_index_ties_files_together_and_says_where_they_end(tmp_path: Path) -> None:
    small(tmp_path)
    first, second = files(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / INDEX).read_bytes().splitlines()]
    assert [(line.get("event"), line["file"], line.get("last")) for line in lines] == [
        (None, INDEX, None),
        ("begun", first.name, 0),
        ("ended", first.name, 4),
        ("begun", second.name, 0),
        ("ended", second.name, 2),
    ]
    assert lines[0]["previous"] == NOTHING
    headers = [json.loads(file.read_bytes().splitlines()[0]) for file in (first, second)]
    assert [header["previous"] for header in headers] == [lines[0]["hash"], lines[2]["hash"]]
    assert [header["file"] for header in headers] == [first.name, second.name]


def test_nobody_but_the_owner_reads_it(tmp_path: Path) -> None:
    small(tmp_path)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    written = opened(tmp_path, most_bytes=1500)
    for number in range(12):
        written.write([entry(number)])
    written.close()
    assert len(files(tmp_path)) > 2
    assert [line["id"] for line in decided(tmp_path)] == [f"{number:016x}-1" for number in range(12)]
    assert problems(tmp_path) == []


def test_lines_of_one_turn_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = opened(tmp_path)
    written.write([entry(0)])
    sizes = []
    monkeypatch.setattr(chain, "_write", lambda file, data: sizes.append(os.write(file, data)))
    written.write([entry(number) for number in range(1, 9)])
    written.close()
    assert len([size for size in sizes if size > 8 * 200]) == 1
    assert len(decided(tmp_path)) == 9


@pytest.mark.parametrize("sync", [False, True])
def test_a_line_is_on_the_disk_before_that_is_said_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sync: bool
) -> None:
    written = opened(tmp_path, sync=sync)
    written.write([entry(0)])
    said: list[str] = []
    put, fdatasync = chain._put, os.fdatasync
    monkeypatch.setattr(chain, "_put", lambda *given: (said.append("head"), put(*given)))
    monkeypatch.setattr(os, "fdatasync", lambda file: (said.append("sync"), fdatasync(file)))
    written.write([entry(1)])
    assert said == (["sync", "head"] if sync else ["head"])
    written.close()


def test_threads_may_share_a_log(tmp_path: Path) -> None:
    written = opened(tmp_path, most_bytes=5000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: written.write([entry(number)]), range(200)))
    written.close()
    assert {line["id"] for line in decided(tmp_path)} == {f"{number:016x}-1" for number in range(200)}
    assert problems(tmp_path) == []


@pytest.fixture(params=["a small disk", "a limit on files"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder in which a few kilobytes fit."""
    if request.param == "a limit on files":
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4321, hard))
        yield tmp_path
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        return
    with small_disk(tmp_path, size="32k") as mounted:
        if not mounted:
            pytest.skip("A disk can not be mounted here.")
        yield tmp_path


def make_room(folder: Path) -> None:
    if filler := list(folder.glob("filler")):
        filler[0].unlink()
    else:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_a_full_disk_refuses_and_leaves_no_part_of_a_line(room: Path, caplog: pytest.LogCaptureFixture) -> None:
    written, told = opened(room), []
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY:
        written.write([entry(999)])
        told.append(999)
        (room / "filler").write_bytes(b"x" * 12_288)
    refused: list[str] = []
    for number in range(100):
        try:
            written.write([entry(3 * number + each) for each in range(3)])
        except LogLost as error:
            refused.append(str(error))
        else:
            told += [3 * number + each for each in range(3)]
    reason = os.strerror(errno.ENOSPC if (room / "filler").exists() else errno.EFBIG)
    assert len(refused) > 50
    assert set(refused) == {FULL.format(reason)}
    assert refusal(LogLost(reason)).status == 503
    # Once, not a hundred times.
    assert caplog.text.count(f"can not be written: {reason}") == 1
    # A file keeps what was told, and no line of those who were refused.
    assert [line["id"] for line in decided(room)] == [f"{number:016x}-1" for number in told]
    assert problems(room) == []

    make_room(room)
    written.write([entry(1000)])
    written.close()
    assert "can be written again" in caplog.text
    assert [line["id"] for line in decided(room)] == [f"{number:016x}-1" for number in [*told, 1000]]
    assert problems(room) == []


def test_where_no_file_can_be_begun_it_is_refused_until_one_can(tmp_path: Path) -> None:
    folder = tmp_path / "decisions"
    folder.mkdir()
    written = opened(folder)
    written.write([entry(0)])
    folder.rename(tmp_path / "elsewhere")
    written._looked = 0.0  # As if a while had gone by.
    for _ in range(2):
        with pytest.raises(LogLost) as refused:
            written.write([entry(1)])
        assert str(refused.value) == FULL.format("No such file or directory")
    (tmp_path / "elsewhere").rename(folder)
    written.write([entry(2)])
    written.close()
    assert [line["id"] for line in decided(folder)] == [f"{number:016x}-1" for number in (0, 2)]
    assert problems(folder) == []


@pytest.mark.parametrize("how", ["deleted", "cut", "added to", "replaced"])
def test_a_file_that_somebody_touches_is_left_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    written = opened(tmp_path)
    for number in range(3):
        written.write([entry(number)])
    (file,) = files(tmp_path)
    text = file.read_bytes()
    match how:
        case "deleted":
            file.unlink()
        case "cut":
            file.write_bytes(text[: text.rindex(b"\n", 0, -1) + 1])
        case "added to":
            file.write_bytes(text + b"{}\n")
        case "replaced":
            file.unlink()
            file.write_bytes(text)
    written._looked = 0.0
    written.write([entry(3)])
    written.close()
    assert f"{file}: should be as it was left" in caplog.text
    assert decided(tmp_path)[-1]["id"] == f"{3:016x}-1"
    assert bool(problems(tmp_path)) is (how != "replaced")


def test_where_a_part_of_a_line_can_not_be_taken_away_another_file_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = opened(tmp_path)
    written.write([entry(0)])

    def torn(file: int, data: bytes) -> None:
        os.write(file, data[: len(data) // 2])
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def stuck(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(chain, "_write", torn)
        patch.setattr(os, "ftruncate", stuck)
        with pytest.raises(LogLost):
            written.write([entry(1)])
    written.write([entry(2)])
    written.close()
    first, _ = files(tmp_path)
    found = verify(tmp_path)
    assert (found.problems, found.decisions) == ([], 2)
    torn = "; its last line was torn off before it was whole, and never answered"
    assert found.notes == [f"{first.name}: is open, or its writer was killed{torn}."]


def test_the_index_goes_on_where_a_killed_writer_left_it(tmp_path: Path) -> None:
    small(tmp_path)
    index = tmp_path / INDEX
    with index.open("ab") as file:
        file.write(b'{"at":"2026')
    small(tmp_path)
    assert problems(tmp_path) == []
    assert verify(tmp_path).files == 4


def test_an_index_that_was_cut_does_not_hide_it_by_going_on(tmp_path: Path) -> None:
    small(tmp_path)
    index = tmp_path / INDEX
    index.write_bytes(b"".join(index.read_bytes().splitlines(keepends=True)[:-1]))
    small(tmp_path)
    assert f"{INDEX}:5: number: should be 4, got 5." in problems(tmp_path)


def test_a_deleted_index_is_seen_by_what_comes_after(tmp_path: Path) -> None:
    small(tmp_path)
    (tmp_path / INDEX).unlink()
    small(tmp_path)
    found = problems(tmp_path)
    assert f"{INDEX}:1: number: should be 0, got 5." in found
    assert f"{files(tmp_path)[0].name}: should be entered in {INDEX}, got no entry." in found


def test_a_chain_of_that_name_is_never_written_over(tmp_path: Path) -> None:
    begun = Chain.begin(tmp_path / "a.jsonl", entry(0))
    with pytest.raises(FileExistsError):
        Chain.begin(tmp_path / "a.jsonl", entry(1))
    begun.append([entry(2)])
    begun.close()
    assert len((tmp_path / "a.jsonl").read_bytes().splitlines()) == 2


def test_a_log_that_nothing_was_written_to_leaves_nothing(tmp_path: Path) -> None:
    opened(tmp_path).close()
    assert list(tmp_path.iterdir()) == []
