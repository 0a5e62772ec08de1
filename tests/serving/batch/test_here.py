from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving.aside import aside, durable, put

from models.errors import BadInput


def test_the_folder_is_empty_beside_the_target_hidden_and_gone_in_the_end(tmp_path: Path) -> None:
    with aside(tmp_path / "scores.csv") as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith(".")
        (folder / "part").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_a_failure_too(tmp_path: Path) -> None:
    def interrupted() -> None:
        with aside(tmp_path / "scores.csv") as folder:
            (folder / "part").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_two_jobs_do_not_write_the_same_file(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    with aside(target) as folder:
        (folder / "part").write_text("x")
        with pytest.raises(BadInput) as caught, aside(target):
            pass
        assert str(caught.value) == f"{target}: should be written by one job at a time, got another job writing it."
        assert (folder / "part").read_text() == "x"
        with aside(tmp_path / "other.csv"):
            pass


def test_a_folder_that_another_job_has_just_cleared_away_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def late(path: Path, flags: int) -> int:
        handle = opened(path, flags)
        path.rmdir()  # as the other job does, between opening and locking
        return handle

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(BadInput, match="one job at a time"), aside(tmp_path / "scores.csv"):
        pass


def test_what_a_killed_job_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    job = (
        "import os, signal, sys; from pathlib import Path; from serving.aside import aside\n"
        "with aside(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'part').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", job, str(target)], check=False)
    assert killed.returncode == -9
    assert [entry.name for entry in tmp_path.iterdir()] == [".scores.csv.partial"]
    with aside(target) as folder:
        assert list(folder.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "scores.csv"
    with pytest.raises(BadInput) as caught, aside(target):
        pass
    rule = "should be in a folder in which files can be made"
    assert str(caught.value) == f"{target}: {rule}, got No such file or directory."


def test_a_file_is_whole_under_its_name_and_replaces_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("old")
    with aside(tmp_path / "scores.csv") as folder:
        with durable(folder / "new") as file:
            file.write(b"new")
        put(folder / "new", tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_bytes() == b"new"
