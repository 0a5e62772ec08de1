from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import BadInput
from models.scorer import Scorer
from serving.batch.here import Here, durable
from serving.batch.job import score_files
from serving.batch.layout import Layout
from tests.serving.batch import people

RULE = "should be in a folder in which files can be made"


def file(folder: Path, name: str = "scores.csv") -> Layout:
    return Layout(str(folder / name), folder=False, ending=".csv")


def shards(folder: Path) -> Layout:
    return Layout(str(folder / "scores"), folder=True, ending=".csv")


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_the_work_on_a_file_lies_hidden_beside_it_and_is_gone_in_the_end(tmp_path: Path) -> None:
    files, layout = Here(), file(tmp_path)
    with files.held(layout):
        scratch = files.scratch(layout)
        assert (scratch.parent, scratch.name) == (tmp_path, ".scores.csv.partial")
        (scratch / "0.tmp").write_text("x")
        files.write(layout.receipt(0), b"{}")
    assert names(tmp_path) == []


def test_what_is_known_of_the_shards_of_a_folder_stays_and_nothing_unfinished(tmp_path: Path) -> None:
    files, layout = Here(), shards(tmp_path)
    with files.held(layout):
        scratch = files.scratch(layout)
        assert scratch == tmp_path / "scores" / "_shards"
        for name in ("0.x.scores.tmp", "0.x.turned.tmp"):
            (scratch / name).write_text("x")
        files.write(layout.receipt(0), b"{}")
        files.write(layout.turned_away(0), b"")
    assert names(tmp_path / "scores" / "_shards") == ["part-00000.json", "part-00000.refused"]


def test_a_folder_that_was_made_in_vain_goes_and_one_that_was_there_stays(tmp_path: Path) -> None:
    layout = shards(tmp_path)

    def interrupted() -> None:
        with Here().held(layout):
            (Here().scratch(layout) / "0.tmp").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []
    Path(layout.target).mkdir()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (names(tmp_path), names(tmp_path / "scores")) == (["scores"], [])


@pytest.mark.parametrize("layout_of", [file, shards])
def test_two_jobs_do_not_write_the_same_result(tmp_path: Path, layout_of: type[Layout]) -> None:
    layout = layout_of(tmp_path)  # type: ignore[call-arg, arg-type]  # a function that makes one
    with Here().held(layout):
        (Here().scratch(layout) / "0.tmp").write_text("x")
        with pytest.raises(BadInput) as caught, Here().held(layout):
            pass
        rule = "should be written by one job at a time, got another job writing it"
        assert str(caught.value) == f"{layout.target}: {rule}."
        assert (Here().scratch(layout) / "0.tmp").read_text() == "x"
        with Here().held(file(tmp_path, "other.csv")):
            pass


def test_a_folder_that_another_job_has_just_cleared_away_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def late(path: Path, flags: int, mode: int) -> int:
        monkeypatch.undo()
        handle = opened(path, flags, mode)
        shutil.rmtree(path.parent)  # as the other job does, between opening and locking
        return handle

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(BadInput, match="one job at a time"), Here().held(file(tmp_path)):
        pass


KILLED = """
import os, signal, sys
from pathlib import Path
from serving.batch.here import Here
from serving.batch.layout import Layout

target = Path(sys.argv[1])
layout, files = Layout(str(target), folder=not target.suffix, ending=".csv"), Here()
put = Here.put

def fatal(self, file, address):
    if address == layout.manifest:
        os.kill(os.getpid(), signal.SIGKILL)
    put(self, file, address)

Here.put = fatal
with files.held(layout):
    (files.scratch(layout) / "0.x.scores.tmp").write_text("half")
    files.write(layout.receipt(0), b"{}")
    files.write(layout.manifest, b"{}")
"""


@pytest.mark.parametrize("layout_of", [file, shards])
def test_what_a_killed_job_left_is_cleared_away_by_the_next(tmp_path: Path, layout_of: type[Layout]) -> None:
    layout = layout_of(tmp_path)  # type: ignore[call-arg, arg-type]  # a function that makes one
    killed = subprocess.run([sys.executable, "-c", KILLED, layout.target], check=False)
    assert killed.returncode == -9
    other = tmp_path / ".other.csv.manifest.json.x.tmp"
    other.touch()  # of another job
    with Here().held(layout):
        # What is known of a shard that is done is of use to the next job.
        assert names(Path(layout.work)) == ["lock", "part-00000.json"]
    other.unlink()
    assert names(tmp_path) == (["scores"] if layout.folder else [])


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "scores.csv"
    with pytest.raises(BadInput) as caught, Here().held(file(tmp_path / "missing")):
        pass
    assert str(caught.value) == f"{target}: {RULE}, got No such file or directory."
    with pytest.raises(BadInput) as caught, Here().held(shards(tmp_path / "missing")):
        pass
    assert str(caught.value) == f"{tmp_path / 'missing' / 'scores'}: {RULE}, got No such file or directory."


def test_a_folder_in_which_nothing_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput) as caught, Here().held(shards(tmp_path / "file")):
        pass
    assert str(caught.value) == f"{tmp_path / 'file' / 'scores'}: {RULE}, got Not a directory."


def test_a_file_is_whole_under_its_name_and_replaces_the_old_one(tmp_path: Path) -> None:
    files, layout = Here(), file(tmp_path)
    (tmp_path / "scores.csv").write_text("old")
    with files.held(layout):
        new = files.scratch(layout) / "new"
        with durable(new) as made:
            made.write(b"new")
        files.put(new, layout.target)
        assert not new.exists()
    assert files.read(layout.target) == b"new"
    assert (files.size(layout.target), files.names(str(tmp_path))) == (3, ["scores.csv"])


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    files, missing = Here(), str(tmp_path / "missing")
    assert (files.read(missing), files.size(missing), files.names(missing)) == (None, None, [])
    files.remove(missing)
    files.write(missing, b"x")
    assert files.read(missing) == b"x"
    files.remove(missing)
    assert names(tmp_path) == []


def test_a_file_is_put_on_another_disk_whole_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed, made = Path.replace, tmp_path / "folder" / "made"
    made.parent.mkdir()

    def replace(path: Path, target: str | Path) -> Path:
        if path.parent != Path(target).parent:  # as if each folder were a disk of its own
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return renamed(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    made.write_text("whole")
    Here().put(made, str(tmp_path / "scores.refused"))
    assert (tmp_path / "scores.refused").read_text() == "whole"
    assert (names(tmp_path), names(made.parent)) == (["folder", "scores.refused"], [])


def test_every_file_is_on_the_disk_before_it_gets_its_name_and_its_name_before_anything_follows(
    screen: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a machine that loses its power a whole file is left, or none."""
    events: list[tuple[str, str]] = []
    sync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        sync(handle)
        events.append(("on the disk", str(Path(f"/proc/self/fd/{handle}").readlink())))

    def named(path: Path, address: Path | str) -> Path:
        events.extend([("finished", str(path)), ("named", str(address))])
        return replace(path, address)

    source = people.csv_file(tmp_path / "in.csv", people.spoiled(people.cells(40)))
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    score_files(screen, source, tmp_path / "out")
    finished = [place for place, (what, _) in enumerate(events) if what == "finished"]
    assert {Path(events[place + 1][1]).name for place in finished} == {
        *(f"part-00000.{kind}" for kind in ("csv", "json", "refused")),
        "out.refused",
        "out.manifest.json",
    }
    for place in finished:
        (_, made), (_, name), after = events[place : place + 3]
        assert ("on the disk", made) in events[:place]
        assert after == ("on the disk", str(Path(name).parent))
