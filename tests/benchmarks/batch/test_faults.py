"""What a job left is compared with what is known, file by file."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.batch.faults.left import Left, marks, seen, torn, unfinished, untrue
from benchmarks.batch.faults.people import People, appended, written


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What a job leaves of two shards with four people, of whom the second is bad."""
    home = tmp_path / "home"
    (home / "answers" / "_shards").mkdir(parents=True)
    for number, ids in enumerate([[0], [2, 3]]):
        pq.write_table(pa.table({"id": ids}), home / "answers" / f"part-{number:05}.parquet")
        text = json.dumps({"part": f"part-{number:05}.parquet"})
        (home / "answers" / "_shards" / f"part-{number:05}.json").write_text(text)
    (home / "answers.refused").write_text("file,row,path,rule,got\na.parquet,1,rows.1.x,should be,no\n")
    counts = {"models": [{"counts": {"read": 4, "refused": 1}}], "target": f"{home}/answers"}
    (home / "answers.manifest.json").write_text(json.dumps(counts))
    return home


PEOPLE = People(Path(), (Path("a.parquet"), Path("b.parquet")), 4, frozenset({("a.parquet", 1)}))


def test_the_same_job_in_another_place_leaves_the_same(home: Path) -> None:
    known = Left.of(home)
    moved = home.rename(home.with_name("moved"))
    manifest = moved / "answers.manifest.json"
    manifest.write_text(manifest.read_text().replace(str(home), str(moved)))
    assert Left.of(moved).differences(known) == []
    assert untrue(moved, PEOPLE) == []


def test_what_is_lost_left_over_or_other_is_told_by_name(home: Path) -> None:
    known = Left.of(home)
    (home / "answers.refused").unlink()
    (home / "answers" / "_shards" / "0.x.scores.tmp").write_text("half")
    part = home / "answers" / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-1])
    assert Left.of(home).differences(known) == [
        "answers.refused is not there",
        "answers/_shards/0.x.scores.tmp was left over",
        "answers/part-00001.parquet is another",
    ]
    assert unfinished(home) == ["answers/_shards/0.x.scores.tmp was left over"]
    # Who reads the folder does not find what is in the making, but does find half a table.
    assert seen(home).strange(known) == ["answers/part-00001.parquet is another"]
    assert [each.partition(":")[0] for each in torn(home)] == ["part-00001.parquet can not be read"]


def test_answers_that_are_lost_or_doubled_and_refusals_that_are_lost_are_told(home: Path) -> None:
    pq.write_table(pa.table({"id": [0, 0]}), home / "answers" / "part-00000.parquet")
    (home / "answers.refused").write_text("file,row,path,rule,got\n")
    (home / "answers.manifest.json").write_text(json.dumps({"models": [{"counts": {"read": 4, "refused": 0}}]}))
    assert untrue(home, PEOPLE) == [
        "4 answers in place of those of 3 people, once each and in order",
        "0 cells refused in place of 1",
        "the manifest counts 4 rows and 0 refused",
    ]


def test_a_shard_that_is_made_again_has_another_mark(home: Path) -> None:
    before = marks(home)
    part = home / "answers" / "part-00001.parquet"
    again = part.with_suffix(".tmp")
    again.write_bytes(part.read_bytes())
    again.replace(part)
    after = marks(home)
    assert before["part-00000.parquet"] == after["part-00000.parquet"]
    assert before["part-00001.parquet"] != after["part-00001.parquet"]


def test_people_are_bad_where_that_is_said(tmp_path: Path) -> None:
    people = written(tmp_path / "people", rows=6000, files=2)
    first = pq.read_table(people.files[0])
    assert sorted(row for name, row in people.bad if name == str(people.files[0])) == [500, 1500, 2500]
    assert first["measure_1"][500].as_py() == 11.0
    assert first["site"][2500].as_py() == "site-0"
    assert len(people.good) == 6000 - 6
    appended(people.files[0])
    assert pq.read_table(people.files[0]).num_rows == 3001
    assert people.moved(tmp_path).bad == {(str(tmp_path / Path(name).name), row) for name, row in people.bad}
