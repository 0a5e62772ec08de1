"""A job that was stopped, by whatever, goes on with the same command and ends as if it never was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.bundle import open_bundle
from models.errors import BadInput, Refusal
from models.scorer import Scorer
from models.turn import Setting
from serving.batch.job import score_files
from serving.batch.place import Place
from serving.batch.receipt import Receipt
from serving.batch.run import Run
from tests.serving.batch import people

FILES = ("a.csv", "b.csv", "c.csv")
LAST = "part-00002.csv"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of three files with some bad rows in the second, which are three shards."""
    for place, name in enumerate(FILES):
        rows = people.cells(40, seed=place, first=40 * place)
        people.csv_file(tmp_path / "in" / name, people.spoiled(rows) if place == 1 else rows)
    return tmp_path / "in"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work" / "out"


def times(target: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in sorted(target.glob("part-*"))}


def again(before: dict[str, int], target: Path) -> list[str]:
    """The parts that were made anew."""
    return [name for name, made in times(target).items() if before.get(name) != made]


def refused(scorer: Scorer | list[Scorer], source: Path, target: Path, **options: object) -> str:
    """Why a job was refused; it changed nothing."""
    before = people.tree(target.parent)
    with pytest.raises(BadInput) as caught:
        score_files(scorer, source, target, **options)  # type: ignore[arg-type]  # options of any kind
    assert people.tree(target.parent) == before
    return str(caught.value).replace(f"{target.parent}/", "").replace(f"{source.parent}/", "")


def test_a_job_that_is_done_is_not_done_again(screen: Scorer, source: Path, target: Path) -> None:
    first = score_files(screen, source, target)
    files, before = people.tree(target.parent), times(target)
    assert sorted(files) == [
        "out.manifest.json",
        "out.refused",
        *(f"out/_shards/part-0000{place}.{kind}" for place in range(3) for kind in ("json", "refused")),
        *(f"out/part-0000{place}.csv" for place in range(3)),
    ]
    assert score_files(screen, source, target) == first
    assert people.tree(target.parent) == files
    assert again(before, target) == []


@pytest.mark.parametrize("damage", ["gone", "cut", "receipt gone", "refusals gone"])
def test_only_what_is_missing_is_done_again(screen: Scorer, source: Path, target: Path, damage: str) -> None:
    score_files(screen, source, target)
    files, before = people.tree(target.parent), times(target)
    if damage == "gone":
        (target / "part-00001.csv").unlink()
    elif damage == "cut":
        (target / "part-00001.csv").write_bytes(files["out/part-00001.csv"][:-100])
    elif damage == "receipt gone":
        (target / "_shards" / "part-00001.json").unlink()
    else:
        (target / "_shards" / "part-00001.refused").unlink()
    score_files(screen, source, target)
    assert people.tree(target.parent) == files
    assert again(before, target) == ["part-00001.csv"]


def test_a_receipt_that_is_none_is_refused(screen: Scorer, source: Path, target: Path) -> None:
    score_files(screen, source, target)
    (target / "_shards" / "part-00001.json").write_text("{}")
    rule = "should be what a job wrote of its shard"
    assert refused(screen, source, target) == f"out/_shards/part-00001.json: {rule}, got something else."


@contextmanager
def changed(kind: str, models: Path, source: Path) -> Iterator[tuple[Scorer, dict[str, object], str]]:
    """A job that is another one in one thing, and what is said of it."""
    screen = Scorer(open_bundle(models / "screen"))
    if kind == "content":
        people.csv_file(source / "b.csv", people.cells(40, seed=9))
        yield screen, {}, "out/part-00001.csv: should be made of in/b.csv with digest "
    elif kind == "bundle":
        yield Scorer(open_bundle(models / "zoned")), {}, "out/part-00000.csv: should be scored by handmade/zoned "
    elif kind == "threshold":
        said = (
            f"out/part-00000.csv: should be scored by handmade/screen {screen.bundle.digest[:12]} at threshold 0.25, "
        )
        yield screen, {"setting": Setting.told(0.25)}, said
    elif kind == "prevalence":
        yield (
            screen,
            {"setting": Setting.told(prevalence=0.3)},
            "out/part-00000.csv: should be scored by handmade/screen ",
        )
    elif kind == "keep":
        yield screen, {"keep": ("id",)}, "out/part-00000.csv: should be made in the same way, "
    elif kind == "file more":
        people.csv_file(source / "0.csv", people.cells(5, seed=9))
        yield screen, {}, "out/part-00000.csv: should be made of in/0.csv with digest "
    else:
        (source / "c.csv").unlink()
        yield screen, {}, "out: should be empty, or hold shards of this job, got out/part-00002.csv."


@pytest.mark.parametrize("kind", ["content", "bundle", "threshold", "prevalence", "keep", "file more", "file less"])
def test_another_job_is_refused_by_name_unless_it_is_to_write_over(
    screen: Scorer, models: Path, source: Path, target: Path, kind: str
) -> None:
    score_files(screen, source, target)
    with changed(kind, models, source) as (scorer, options, said):
        assert refused(scorer, source, target, **options).startswith(said)
        score_files(scorer, source, target, overwrite=True, **options)  # type: ignore[arg-type]  # options of any kind
        fresh = target.parent / "fresh" / "out"
        fresh.parent.mkdir()
        score_files(scorer, source, fresh, **options)  # type: ignore[arg-type]  # options of any kind
        found = {name: data for name, data in people.tree(target.parent).items() if not name.startswith("fresh/")}
        wanted = people.tree(fresh.parent)
        assert sorted(found) == sorted(wanted)
        for name, data in wanted.items():
            assert found[name] == data.replace(str(fresh).encode(), str(target).encode()), name


def test_a_foreign_file_is_refused_even_to_be_written_over(screen: Scorer, source: Path, target: Path) -> None:
    score_files(screen, source, target)
    for name in ("notes.txt", "other.csv", "part-00000.parquet"):
        (target / name).touch()
        rule = "should be empty, or hold shards of this job"
        assert refused(screen, source, target) == f"out: {rule}, got out/{name}."
        if name.startswith("part-"):
            score_files(screen, source, target, overwrite=True)
            assert not (target / name).exists()
        else:
            assert refused(screen, source, target, overwrite=True) == f"out: {rule}, got out/{name}."
            (target / name).unlink()


def test_a_strict_job_is_not_done_by_one_that_was_not(screen: Scorer, source: Path, target: Path) -> None:
    score_files(screen, source, target)
    said = refused(screen, source, target, strict=True)
    assert said.startswith("out/_shards/part-00001.refused: should hold no refusal of a strict job, got ")


def test_one_file_is_written_anew_whatever_was_there(screen: Scorer, source: Path, target: Path) -> None:
    out = target.with_suffix(".csv")
    score_files(screen, source, out)
    before = out.stat().st_mtime_ns
    score_files(screen, source, out, setting=Setting.told(0.25))
    assert out.stat().st_mtime_ns != before
    assert sorted(entry.name for entry in out.parent.iterdir()) == [
        "out.csv",
        "out.csv.manifest.json",
        "out.csv.refused",
    ]


JOB = """
import os, signal, sys
from pathlib import Path
from models.bundle import open_bundle
from models.scorer import Scorer
from serving.batch import here, job, part
from serving.batch.engines.local import Local

bundle, source, target, at = sys.argv[1:]
done = []

def fatal(what):
    done.append(what)
    kind, number, *waits = [*at.split(" "), "1"][:3] if at.endswith("waits") else [*at.split(" "), "1"][:2]
    if what == kind and done.count(what) == int(number):
        if waits:
            print("in the middle", flush=True)
            sys.stdin.read()
        os.kill(os.getpid(), signal.SIGKILL)

def before(owner, name, what):
    real = getattr(owner, name)
    def instead(self, *given, **named):
        found = what(*map(str, given))
        if found:
            fatal(found)
        return real(self, *given, **named)
    setattr(owner, name, instead)

KINDS = {"json": "receipt", "refused": "turned", "csv": "part"}
before(here.Here, "write", lambda address, _: "manifest" if address.endswith("manifest.json") else "receipt")
def put(_, address):
    of_a_shard = "/part-" in address or address.endswith("/out.csv")
    return KINDS[address.rpartition(".")[2]] if of_a_shard else "gather"

before(here.Here, "put", put)
before(part.Part, "write", lambda *_: "rows")
before(here.Here, "remove", lambda address: "removed")

job.score_files(Scorer(open_bundle(Path(bundle))), source, target, engine=Local(2), rows_per_chunk=10)
"""


def killed(models: Path, source: Path, target: Path, at: str, more: str = "") -> None:
    code = JOB.replace("rows_per_chunk=10", f"rows_per_chunk=10{more}")
    command = [sys.executable, "-c", code, str(models / "screen"), str(source), str(target), at]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("at", "shards"),
    [
        ("rows 5", 1),  # in the middle of the second shard
        ("turned 2", 1),  # before its refusals have their name
        ("part 2", 1),  # before its rows have theirs
        ("receipt 2", 0),  # when what is known of the first is written, and has no name yet
        ("receipt 3", 1),  # before what is known of the second is written
        ("gather 1", 3),  # before the refusals of all have their name
        ("manifest 1", 3),
        ("gather 2", 3),  # when the manifest is written, and has no name yet
    ],
)
def test_a_killed_job_goes_on_and_ends_like_one_that_never_was(
    *, screen: Scorer, models: Path, source: Path, target: Path, at: str, shards: int
) -> None:
    killed(models, source, target, at)
    assert not Path(f"{target}.manifest.json").exists()
    done = {file.name for file in (target / "_shards").glob("*.json")}
    before = times(target)
    score_files(screen, source, target, rows_per_chunk=10)
    found = people.tree(target.parent)
    # What had its receipt was not done again.
    kept = set(before) - set(again(before, target))
    assert {name.replace(".csv", ".json") for name in kept} >= done
    assert len(done) == shards
    never = target.parent / "never"
    score_files(screen, source, never, rows_per_chunk=10)
    wanted = {name: data for name, data in people.tree(target.parent).items() if name not in found}
    assert sorted(found) == sorted(name.replace("never", "out") for name in wanted)
    for name, data in wanted.items():
        assert found[name.replace("never", "out")] == data.replace(str(never).encode(), str(target).encode()), name


@pytest.mark.parametrize("at", ["part 1", "gather 2"])
def test_a_job_killed_at_one_file_goes_on_too(
    screen: Scorer, models: Path, source: Path, target: Path, at: str
) -> None:
    out = target.with_suffix(".csv")
    killed(models, source, out, at)
    whole = score_files(screen, source, out, rows_per_chunk=10)
    assert whole.counts.read == 120
    assert sorted(entry.name for entry in out.parent.iterdir()) == [
        "out.csv",
        "out.csv.manifest.json",
        "out.csv.refused",
    ]
    again_ = score_files(screen, source, out.with_name("never.csv"), rows_per_chunk=10)
    assert whole.outputs[0].blake3 == again_.outputs[0].blake3
    assert out.with_name("never.csv.refused").read_bytes() == Path(f"{out}.refused").read_bytes()


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_a_second_job_on_the_same_result_is_refused_while_the_first_lives(
    screen: Scorer, models: Path, source: Path, target: Path, name: str
) -> None:
    out = target.with_name(name)
    command = [sys.executable, "-c", JOB, str(models / "screen"), str(source), str(out), "rows 2 waits"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "in the middle\n"
        rule = "should be written by one job at a time, got another job writing it"
        assert refused(screen, source, out) == f"{name}: {rule}."
        os.kill(first.pid, signal.SIGKILL)
    assert first.returncode == -signal.SIGKILL
    assert score_files(screen, source, out).counts.read == 120
    assert not [file for file in people.tree(out.parent) if file.endswith(".tmp")]


def test_the_manifest_says_what_is_there(screen: Scorer, source: Path, target: Path) -> None:
    found = score_files(screen, source, target)
    assert Run.model_validate_json(Path(found.manifest).read_text()) == found
    assert found.counts.read == 120 == sum(output.rows for output in found.outputs) + found.counts.refused
    assert [Path(each.path).name for each in found.sources] == list(FILES)
    assert found.refused == f"{target}.refused"


def test_a_manifest_whose_counts_do_not_add_up_is_none(screen: Scorer, source: Path, target: Path) -> None:
    said = score_files(screen, source, target).model_dump(mode="json")
    said["outputs"][0]["rows"] += 1
    with pytest.raises(ValidationError, match="should be the rows of the result and those refused"):
        Run.model_validate(said)


def test_nothing_of_a_smaller_job_stays_beside_the_shards_of_a_bigger_one(
    screen: Scorer, source: Path, target: Path
) -> None:
    score_files(screen, source, target)
    for name in FILES[1:]:
        (source / name).unlink()
    score_files(screen, source, target, overwrite=True)
    assert sorted(people.tree(target)) == ["_shards/part-00000.json", "_shards/part-00000.refused", "part-00000.csv"]
    assert not Path(f"{target}.refused").exists()


def test_an_old_manifest_does_not_outlive_the_shards_it_speaks_of(
    screen: Scorer, models: Path, source: Path, target: Path
) -> None:
    """Also where the job that writes over them is killed as soon as it has taken the first away."""
    score_files(screen, source, target)
    for name in FILES[1:]:
        (source / name).unlink()
    killed(models, source, target, "removed 3", more=", overwrite=True")
    assert not (target / "part-00001.csv").exists()
    assert not Path(f"{target}.manifest.json").exists()


class Failing:
    """An engine that does nothing."""

    def run(self, *_: object) -> Iterator[Receipt]:
        raise BadInput([Refusal("engine", "should work", "a failure")])


def test_an_old_manifest_does_not_outlive_a_shard_that_is_lost_either(
    screen: Scorer, source: Path, target: Path
) -> None:
    score_files(screen, source, target)
    (target / "part-00001.csv").unlink()
    with pytest.raises(BadInput, match="a failure"):
        score_files(screen, source, target, engine=Failing())
    assert not Path(f"{target}.manifest.json").exists()


def test_a_source_that_changes_while_it_is_known_again_is_refused(
    screen: Scorer, source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where all was done before of what it was, so that nothing else would look at it."""
    score_files(screen, source, target)
    digest = Place.digest

    def changing(place: Place) -> str:
        found = digest(place)
        with Path(place.address).open("a") as file:
            file.write("\n")
        return found

    monkeypatch.setattr(Place, "digest", changing)
    assert "should stay the same while it is read" in refused(screen, source, target)
