from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from blake3 import blake3

from models.bundle import open_bundle
from models.errors import BadInput
from models.scorer import Scorer, Scores
from models.turn import Setting
from serving.batch.job import Progress, score_files
from serving.batch.run import Run
from serving.counts import Counts
from tests import handmade

SCORED = ["probability", "positive", "decision", "fluid_volume", "operating_point"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("bundles")
    handmade.bundle(found)
    handmade.bundle(found, "presurgical")
    return found / "handmade"


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Scorer:
    return Scorer(open_bundle(folder / "screen"))


def cells(count: int, seed: int = 3) -> list[list[str]]:
    """People as a CSV file has them, with an id that looks like a number and a note that needs quotes."""
    return [
        [f"{place:05}", *("" if cell is None else str(cell) for cell in row.values()), 'said "no",\nthen left ']
        for place, row in enumerate(handmade.rows(count, seed))
    ]


def csv_file(file: Path, rows: list[list[str]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as written:
        csv.writer(written).writerows([["id", *handmade.SCHEMA.names, "note"], *rows])
    return file


def parquet_file(file: Path, count: int, seed: int = 3, row_group: int = 100) -> Path:
    rows = handmade.rows(count, seed)
    table = pa.table(
        {"id": pa.array(range(count), pa.int32())}
        | {name: [row[name] for row in rows] for name in rows[0]}
        | {"visits": pa.array([[place] for place in range(count)], pa.list_(pa.int16()))},
        metadata={"made": "by hand"},
    )
    pyarrow.parquet.write_table(table, file, row_group_size=row_group)
    return file


def result(file: Path) -> dict[str, list[str]]:
    """The columns of a scored CSV file, as another reader finds them."""
    names, *rows = list(csv.reader(io.StringIO(file.read_bytes().decode(), newline=""), strict=True))
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def expected(scorer: Scorer, count: int, seed: int = 3) -> Scores:
    return scorer.score(handmade.encoded(count, seed))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def refused(scorer: Scorer, source: Path, target: Path, **settings: object) -> str:
    """Why a job was refused; it wrote nothing."""
    before = {entry.name: entry.stat().st_mtime_ns for entry in target.parent.glob("*")}
    with pytest.raises(BadInput) as caught:
        score_files(scorer, source, target, **settings)  # type: ignore[arg-type]  # settings of any kind
    assert {entry.name: entry.stat().st_mtime_ns for entry in target.parent.glob("*")} == before
    return str(caught.value).replace(f"{target.parent}/", "")


@pytest.mark.parametrize("rows_per_chunk", [1, 7, 256, 8192])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_csv_file_is_scored_bit_by_bit_like_its_rows(
    scorer: Scorer, tmp_path: Path, rows_per_chunk: int, ending: str
) -> None:
    source, target, want = csv_file(tmp_path / "in.csv", cells(300)), tmp_path / f"o.{ending}", expected(scorer, 300)
    summary = score_files(scorer, source, target, rows_per_chunk=rows_per_chunk)
    found = pl.read_csv(target, infer_schema=False) if ending == "csv" else pl.read_parquet(target)
    assert found.columns == ["id", *handmade.SCHEMA.names, "note", *SCORED]
    for name, scores in (("probability", want.probability), ("fluid_volume", want.symptoms["fluid_volume"])):
        bits = found[name].to_numpy().astype(np.float32).view(np.uint32)
        assert (bits == scores.view(np.uint32)).all()
    assert [str(cell).lower() for cell in found["positive"]] == [str(cell).lower() for cell in want.positive]
    carried = found.drop(SCORED).fill_null("").rows()
    assert [list(row) for row in carried] == cells(300)
    positive = int(want.positive.sum())
    assert summary.counts == Counts(read=300, positive=positive, negative=300 - positive, refused=0)


@pytest.mark.parametrize("rows_per_chunk", [1, 33, 8192])
def test_a_parquet_file_keeps_its_types_and_says_what_scored_it(
    scorer: Scorer, tmp_path: Path, rows_per_chunk: int
) -> None:
    source, target, want = parquet_file(tmp_path / "in.parquet", 250), tmp_path / "o.parquet", expected(scorer, 250)
    summary = score_files(scorer, source, target, rows_per_chunk=rows_per_chunk)
    found, given = pyarrow.parquet.read_table(target), pyarrow.parquet.read_table(source)
    assert found.select(given.column_names).equals(given)
    assert [str(found.schema.field(name).type) for name in SCORED[:-1]] == ["float", "bool", "string", "float"]
    assert (found["probability"].to_numpy().view(np.uint32) == want.probability.view(np.uint32)).all()
    assert found["positive"].to_pylist() == want.positive.tolist()
    metadata = found.schema.metadata
    assert metadata[b"made"] == b"by hand"
    assert metadata[b"fulcrum.bundle"].decode() == scorer.bundle.digest == summary.models[0].bundle
    assert metadata[b"fulcrum.model"] == b"handmade/screen"
    assert float(metadata[b"fulcrum.threshold"]) == want.threshold == summary.models[0].threshold
    assert float(metadata[b"fulcrum.prevalence"]) == want.prevalence == summary.models[0].prevalence


DAY = dt.datetime(2020, 3, 1, 12, 30, tzinfo=dt.UTC)
EXTRAS = {
    "struct": (pa.struct([("x", pa.int8())]), {"x": 1}),
    "map": (pa.map_(pa.string(), pa.int8()), [("a", 1)]),
    "list": (pa.large_list(pa.string()), ["a", None]),
    "wide": (pa.decimal256(50, 2), Decimal("1.50")),
    "kind": (pa.dictionary(pa.int32(), pa.string()), "a"),
    "moment": (pa.timestamp("ns", "Europe/Paris"), DAY),
    "waited": (pa.duration("us"), dt.timedelta(days=1)),
    "scan": (pa.binary(4), b"\x00\xff\x00\xff"),
    "half": (pa.float16(), 1.5),
    "nothing": (pa.null(), None),
    "large": (pa.large_string(), "x"),
    "view": (pa.string_view(), "a text too long to stand in the view itself"),
    "views": (pa.list_(pa.string_view()), ["x", ""]),
    "a.b": (pa.string(), ""),
}


@pytest.mark.parametrize("bad", [[0, 1, 2, 7, 8, 30, 49], list(range(50))])
@pytest.mark.parametrize("name", EXTRAS)
def test_a_column_of_any_type_is_carried_through(scorer: Scorer, tmp_path: Path, name: str, bad: list[int]) -> None:
    rows, (kind, cell) = handmade.rows(50, 3), EXTRAS[name]
    for place in bad:
        rows[place]["age"] = -1.0
    identity = pa.field("id", pa.int64(), nullable=False, metadata={"given": "by hand"})
    columns = {**{key: pa.array([row[key] for row in rows]) for key in rows[0]}, name: pa.array([cell] * 50, kind)}
    fields = [identity, *(pa.field(key, column.type) for key, column in columns.items())]
    table = pa.Table.from_arrays([pa.array(range(50)), *columns.values()], schema=pa.schema(fields))
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet", row_group_size=20)
    score_files(scorer, tmp_path / "in.parquet", tmp_path / "o.parquet", rows_per_chunk=7)
    source, found = (pyarrow.parquet.read_table(tmp_path / file) for file in ("in.parquet", "o.parquet"))
    assert found.schema.field("id").equals(source.schema.field("id"), check_metadata=True)
    good = [place for place in range(50) if place not in bad]
    assert found["id"].to_pylist() == good
    assert found.schema.field(name).type == source.schema.field(name).type
    assert found[name].to_pylist() == source[name].to_pylist()[: len(good)]


def test_a_parquet_file_of_plain_columns_becomes_csv(scorer: Scorer, tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    pl.DataFrame(handmade.rows(120, 3)).with_columns(day=pl.date(2020, 3, 1)).write_parquet(source)
    score_files(scorer, source, tmp_path / "o.csv")
    found, want = result(tmp_path / "o.csv"), expected(scorer, 120)
    assert found["day"] == ["2020-03-01"] * 120
    assert (np.array(found["probability"], dtype=np.float32) == want.probability).all()


def test_a_decision_can_be_made_again_from_the_numbers_in_the_file(scorer: Scorer, tmp_path: Path) -> None:
    """Also where a probability is the threshold itself: the reader knows doubles only."""
    source = csv_file(tmp_path / "in.csv", cells(400))
    for threshold in np.unique(expected(scorer, 400).probability)[::20].tolist():
        summary = score_files(scorer, source, tmp_path / "o.csv", setting=Setting.told(threshold))
        found = result(tmp_path / "o.csv")
        again = [float(cell) >= summary.models[0].threshold for cell in found["probability"]]
        assert again == [cell == "true" for cell in found["positive"]]
        assert sum(again) == summary.counts.positive


@pytest.mark.parametrize("model", ["screen", "presurgical"])
def test_the_summary_says_what_was_promised_and_when_nothing_was(folder: Path, tmp_path: Path, model: str) -> None:
    scorer = Scorer(open_bundle(folder / model))
    source, target = csv_file(tmp_path / "in.csv", cells(20)), tmp_path / "o.csv"
    certificates = scorer.manifest.point.certificates
    assert score_files(scorer, source, target).models[0].certificates == certificates
    elsewhere = score_files(scorer, source, target, setting=Setting.told(prevalence=0.03))
    assert elsewhere.models[0].certificates == (certificates if model == "screen" else ())
    assert elsewhere.models[0].prevalence == 0.03
    own = score_files(scorer, source, target, setting=Setting.told(0.25))
    assert (own.models[0].certificates, own.models[0].threshold, own.models[0].clear_below) == ((), 0.25, 0.25)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_undecided_are_told_apart_in_a_file_and_counted(scorer: Scorer, tmp_path: Path, ending: str) -> None:
    source, target = csv_file(tmp_path / "in.csv", cells(300)), tmp_path / f"o.{ending}"
    zone = Setting.told("rule in with specificity >= 0.9, rule out with recall >= 0.95")
    summary = score_files(scorer, source, target, setting=zone, rows_per_chunk=70)
    found = pl.read_csv(target, infer_schema=False) if ending == "csv" else pl.read_parquet(target)
    assert summary.models[0].clear_below < summary.models[0].threshold
    assert len(summary.models[0].certificates) == 2
    high, low = summary.models[0].threshold, summary.models[0].clear_below
    expected = [
        "positive" if cell >= high else "negative" if cell < low else "indeterminate"
        for cell in found["probability"].cast(pl.Float64).to_list()
    ]
    assert found["decision"].to_list() == expected
    flags = {"positive": True, "negative": False, "indeterminate": None}
    wanted = [flags[word] for word in expected]
    if ending == "csv":
        assert found["positive"].to_list() == [None if flag is None else str(flag).lower() for flag in wanted]
    else:
        assert found["positive"].to_list() == wanted
        metadata = pyarrow.parquet.read_metadata(target).metadata
        assert float(metadata[b"fulcrum.clear_below"]) == summary.models[0].clear_below
    counts = [expected.count(word) for word in ("positive", "negative", "indeterminate")]
    assert [summary.counts.positive, summary.counts.negative, summary.counts.indeterminate] == counts
    assert min(counts) > 0


def test_the_summary_is_kept_beside_the_result_and_its_digests_agree(scorer: Scorer, tmp_path: Path) -> None:
    source, target = csv_file(tmp_path / "in.csv", cells(40)), tmp_path / "scores.csv"
    summary = score_files(scorer, source, target)
    text = (tmp_path / "scores.csv.manifest.json").read_text()
    assert Run.model_validate_json(text) == summary
    assert json.loads(text)["models"][0]["counts"]["read"] == 40
    assert summary.manifest == str(tmp_path / "scores.csv.manifest.json")
    assert summary.sources[0].digest == blake3(source.read_bytes()).hexdigest()
    assert summary.outputs[0].blake3 == blake3(target.read_bytes()).hexdigest()
    assert (summary.models[0].model, summary.models[0].bundle) == ("handmade/screen", scorer.bundle.digest)
    assert names(tmp_path) == ["in.csv", "scores.csv", "scores.csv.manifest.json"]


def test_the_same_job_writes_the_same_bytes(scorer: Scorer, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "in.csv", cells(500))
    for ending in ("csv", "parquet"):
        one = score_files(scorer, source, tmp_path / f"one.{ending}", rows_per_chunk=100)
        two = score_files(scorer, source, tmp_path / f"two.{ending}", rows_per_chunk=100)
        assert one.outputs[0].blake3 == two.outputs[0].blake3


def spoiled(count: int) -> list[list[str]]:
    rows = cells(count)
    rows[2][1] = "old"
    rows[5][1], rows[5][4] = "999", "middle"
    rows[7] = ["ragged"]
    return rows


@pytest.mark.parametrize("rows_per_chunk", [1, 3, 8192])
def test_bad_rows_go_to_a_file_of_their_own_and_the_counts_add_up(
    scorer: Scorer, tmp_path: Path, rows_per_chunk: int
) -> None:
    source, target = csv_file(tmp_path / "in.csv", spoiled(30)), tmp_path / "scores.parquet"
    summary = score_files(scorer, source, target, rows_per_chunk=rows_per_chunk)
    assert summary.refused == f"{target}.refused"
    with Path(summary.refused).open(newline="") as file:
        lines = list(csv.reader(file, strict=True))
    assert lines == [
        ["file", "row", "path", "rule", "got"],
        [str(source), "2", "rows.2.age", "should be a number from 0 to 120 years", "'old'"],
        [str(source), "5", "rows.5.age", "should be a number from 0 to 120 years", "'999'"],
        [str(source), "5", "rows.5.eye", "should be one of left, right", "'middle'"],
        [str(source), "7", "rows.7", "should have 6 cells", "1 cells"],
    ]
    good = [place for place in range(30) if place not in {2, 5, 7}]
    found, want = pl.read_parquet(target), expected(scorer, 30)
    assert found["id"].to_list() == [f"{place:05}" for place in good]
    assert found["probability"].to_list() == want.probability[good].tolist()
    positive = int(want.positive[good].sum())
    assert summary.counts == Counts(read=30, positive=positive, negative=27 - positive, refused=3)


def test_when_nothing_is_refused_an_older_file_of_refusals_goes(scorer: Scorer, tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    score_files(scorer, csv_file(tmp_path / "in.csv", spoiled(30)), target)
    assert names(tmp_path) == ["in.csv", "scores.csv", "scores.csv.manifest.json", "scores.csv.refused"]
    summary = score_files(scorer, csv_file(tmp_path / "in.csv", cells(30)), target)
    assert summary.refused is None
    assert names(tmp_path) == ["in.csv", "scores.csv", "scores.csv.manifest.json"]


@pytest.mark.parametrize("rows_per_chunk", [1, 8192])
def test_a_strict_job_stops_at_a_bad_row_and_leaves_nothing(
    scorer: Scorer, tmp_path: Path, rows_per_chunk: int
) -> None:
    source = csv_file(tmp_path / "in.csv", spoiled(30))
    for ending in ("csv", "parquet"):
        said = refused(scorer, source, tmp_path / f"o.{ending}", strict=True, rows_per_chunk=rows_per_chunk)
        assert said.splitlines()[0] == "rows.2.age: should be a number from 0 to 120 years, got 'old'."
    rows = cells(30)
    rows[4] = ["ragged"]
    said = refused(scorer, csv_file(source, rows), tmp_path / "o.csv", strict=True)
    assert said == "rows.4: should have 6 cells, got 1 cells."
    assert names(tmp_path) == ["in.csv"]
    assert score_files(scorer, csv_file(source, cells(30)), tmp_path / "o.csv", strict=True).counts.read == 30


def test_a_strict_job_leaves_an_older_result_as_it_was(scorer: Scorer, tmp_path: Path) -> None:
    score_files(scorer, csv_file(tmp_path / "in.csv", cells(9)), tmp_path / "o.csv")
    kept = (tmp_path / "o.csv").read_bytes(), (tmp_path / "o.csv.manifest.json").read_bytes()
    refused(scorer, csv_file(tmp_path / "in.csv", spoiled(30)), tmp_path / "o.csv", strict=True)
    assert ((tmp_path / "o.csv").read_bytes(), (tmp_path / "o.csv.manifest.json").read_bytes()) == kept


def test_a_file_of_bad_rows_only_gives_a_result_of_no_rows(scorer: Scorer, tmp_path: Path) -> None:
    rows = cells(20)
    for row in rows:
        row[1] = "-1"
    summary = score_files(scorer, csv_file(tmp_path / "in.csv", rows), tmp_path / "o.csv", rows_per_chunk=6)
    assert summary.counts == Counts(read=20, refused=20)
    assert result(tmp_path / "o.csv") == {name: [] for name in ["id", *handmade.SCHEMA.names, "note", *SCORED]}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_no_rows_in_is_no_rows_out_with_all_columns(scorer: Scorer, tmp_path: Path, kind: str, ending: str) -> None:
    if kind == "csv":
        source = csv_file(tmp_path / "in.csv", [])
    else:
        source = tmp_path / "in.parquet"
        pl.DataFrame(handmade.rows(3)).head(0).with_columns(id=pl.lit("")).write_parquet(source)
    seen: list[Progress] = []
    summary = score_files(scorer, source, tmp_path / f"o.{ending}", progress=seen.append)
    assert summary.counts == Counts()
    assert all(now.tally.models == (Counts(),) for now in seen)
    found = pl.read_csv(tmp_path / "o.csv") if ending == "csv" else pl.read_parquet(tmp_path / "o.parquet")
    assert found.height == 0
    assert found.columns[-len(SCORED) :] == SCORED


def test_progress_is_told_as_rows_are_written(scorer: Scorer, tmp_path: Path) -> None:
    seen: list[Progress] = []
    source = csv_file(tmp_path / "in.csv", cells(25))
    summary = score_files(scorer, source, tmp_path / "o.csv", rows_per_chunk=10, progress=seen.append)
    rows, shares = [now.tally.read for now in seen], [now.share for now in seen]
    assert len(rows) > 1
    assert rows == sorted(set(rows))
    assert shares == sorted(shares)
    assert rows[-1] == 25
    assert 0.9 < shares[-1] <= 1  # The header is no row.
    assert seen[-1].tally.models == (summary.counts,)


def test_a_packed_csv_file_is_read_too(scorer: Scorer, tmp_path: Path) -> None:
    plain = csv_file(tmp_path / "in.csv", cells(50))
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    one = score_files(scorer, plain, tmp_path / "one.csv")
    two = score_files(scorer, tmp_path / "in.csv.gz", tmp_path / "two.csv")
    assert one.outputs[0].blake3 == two.outputs[0].blake3


def test_what_can_not_be_scored_is_refused_before_any_work(scorer: Scorer, tmp_path: Path) -> None:
    source, target = csv_file(tmp_path / "in.csv", cells(9)), tmp_path / "o.csv"
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "short.csv").write_text("id,age,fluid,eye\n1,61,,left\n")
    (tmp_path / "twice.csv").write_text("id,id,age,fluid,new_vessels,eye\n1,1,61,,,left\n")
    (tmp_path / "scored.csv").write_text("age,fluid,new_vessels,eye,positive\n61,,,left,false\n")
    wrong = tmp_path / "wrong.parquet"
    pl.DataFrame(handmade.rows(9)).with_columns(age=pl.lit([61])).write_parquet(wrong)
    for file, message in (
        ("missing.csv", "missing.csv: should be a file that can be read, got No such file or directory."),
        ("in.txt", "in.txt: should end in .csv, .csv.gz, .parquet, .arrow or .feather, got .txt."),
        ("empty.csv", "empty.csv: should have a header and rows, got an empty file."),
        ("short.csv", "new_vessels: should be a column of the table, got id, age, fluid, eye."),
        ("twice.csv", "id: should be the name of one column, got 2 columns of that name."),
        ("scored.csv", "positive: is the name of a column of the result, got an input column of that name."),
    ):
        assert refused(scorer, tmp_path / file, target) == message
    assert refused(scorer, wrong, target).startswith(
        "age: should be a number from 0 to 120 years, got a column of type"
    )
    assert (
        refused(scorer, source, tmp_path / "o.txt")
        == "o.txt: should end in .csv, .parquet or .arrow, or be a folder, got .txt."
    )
    assert refused(scorer, parquet_file(tmp_path / "in.parquet", 3), target).startswith("visits: should be of a type")
    unreadable = Setting(operating_point="as many as possible")
    assert refused(scorer, source, target, setting=unreadable).startswith(
        "operating_point: should be a contract in words ("
    )
    elsewhere = Setting(operating_point="precision >= 0.6 at prevalence 0.2", prevalence=0.3)
    assert refused(scorer, source, target, setting=elsewhere).startswith("prevalence: should be that of the contract")


def test_the_source_is_never_written_over(scorer: Scorer, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "in.csv", cells(9))
    rule = "should be another file than those that are written"
    assert refused(scorer, source, source) == f"in.csv: {rule}, got in.csv."
    (tmp_path / "link.csv").symlink_to(source)
    os.link(source, tmp_path / "hard.csv")
    assert refused(scorer, source, tmp_path / "link.csv") == f"in.csv: {rule}, got link.csv."
    assert refused(scorer, source, tmp_path / "hard.csv") == f"in.csv: {rule}, got hard.csv."
    assert refused(scorer, source, tmp_path / "." / "in.csv") == f"in.csv: {rule}, got in.csv."


def test_a_target_that_can_not_be_written_is_refused_before_any_work(scorer: Scorer, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "in.csv", cells(9))
    (tmp_path / "o.csv").mkdir()
    assert refused(scorer, source, tmp_path / "o.csv") == "o.csv: should be the name of a file, got a folder."
    (tmp_path / "p.csv.manifest.json").mkdir()
    assert (
        refused(scorer, source, tmp_path / "p.csv")
        == "p.csv.manifest.json: should be the name of a file, got a folder."
    )
    target = tmp_path / "missing" / "o.csv"
    assert refused(scorer, source, target) == (
        "o.csv: should be in a folder in which files can be made, got No such file or directory."
    )


def test_a_fault_in_the_middle_of_a_file_leaves_nothing(scorer: Scorer, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "in.csv", cells(40_000))
    source.write_bytes(source.read_bytes() + 'x,61,,,left,é"\n'.encode("latin1"))
    assert "in.csv, line " in refused(scorer, source, tmp_path / "o.csv")
    assert "in.csv, line " in refused(scorer, source, tmp_path / "o.parquet")
    assert names(tmp_path) == ["in.csv"]


def test_a_source_that_changes_while_it_is_read_is_refused(scorer: Scorer, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "in.csv", cells(9))

    def grow(now: Progress) -> None:
        if now.tally.read == 9:
            with source.open("a") as file:
                file.write("late,61,,,left,\n")

    with pytest.raises(BadInput, match=r"in.csv: should stay the same while it is read, got a change\."):
        score_files(scorer, source, tmp_path / "o.csv", progress=grow)
    assert names(tmp_path) == ["in.csv"]


JOB = """
import sys
from pathlib import Path
from models.bundle import open_bundle
from models.scorer import Scorer
from serving.batch.job import Progress, score_files

bundle, source, target = map(Path, sys.argv[1:])
summary = score_files(Scorer(open_bundle(bundle)), source, target, progress=globals().get("progress"))
"""
WAITS = """
import sys

def progress(now):
    if now.tally.read > 9000:
        print("in the middle", flush=True)
        sys.stdin.read()
"""


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_killed_job_leaves_no_part_of_a_result_and_the_next_one_is_whole(
    folder: Path, scorer: Scorer, tmp_path: Path, ending: str
) -> None:
    source, target = csv_file(tmp_path / "in.csv", spoiled(20_000)), tmp_path / f"o.{ending}"
    command = [sys.executable, "-c", WAITS + JOB, str(folder / "screen"), str(source), str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "in the middle\n"
        job.send_signal(signal.SIGKILL)
    assert job.returncode == -signal.SIGKILL
    assert names(tmp_path) == [f".o.{ending}.partial", "in.csv"]
    summary = score_files(scorer, source, target)
    assert summary.counts.read == 20_000
    assert names(tmp_path) == sorted(["in.csv", f"o.{ending}", f"o.{ending}.manifest.json", f"o.{ending}.refused"])


FATAL = """
import os, signal
from pathlib import Path

calls, replace = [0], Path.replace

def fatal(path, target):
    calls[0] += 1
    if calls[0] == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, target)

Path.replace = fatal
"""


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_job_killed_while_it_names_its_files_leaves_an_old_or_a_new_result_and_no_false_summary(
    folder: Path, scorer: Scorer, tmp_path: Path, at: int
) -> None:
    target = tmp_path / "o.csv"
    score_files(scorer, csv_file(tmp_path / "in.csv", cells(10)), target)
    old = target.read_bytes()
    source = csv_file(tmp_path / "in.csv", spoiled(200))
    whole = score_files(scorer, source, tmp_path / "whole.csv").outputs[0].blake3
    command = [sys.executable, "-c", FATAL.format(at=at) + JOB, str(folder / "screen"), str(source), str(target)]
    killed = subprocess.run(command, check=False)
    assert killed.returncode == -signal.SIGKILL
    # As long as the old result is whole and untouched, so is what is said of it.
    manifest = tmp_path / "o.csv.manifest.json"
    if at == 1:
        digest = Run.model_validate_json(manifest.read_text()).outputs[0].blake3
        assert digest == blake3(old).hexdigest()
    else:
        assert not manifest.exists()
    if at == 3:
        assert blake3(target.read_bytes()).hexdigest() == whole
    else:
        assert target.read_bytes() == old
    assert score_files(scorer, source, target).outputs[0].blake3 == whole
    assert not list(tmp_path.glob(".*"))


def peak_megabytes(folder: Path, source: Path, target: Path) -> float:
    measure = JOB + "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    command = [sys.executable, "-c", measure, str(folder / "screen"), str(source), str(target)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1]) / 1024


@pytest.mark.parametrize(("kind", "ending"), [("csv", "parquet"), ("parquet", "csv")])
def test_twenty_times_the_rows_take_the_same_memory(folder: Path, tmp_path: Path, kind: str, ending: str) -> None:
    people = pl.DataFrame(handmade.rows(17_000)).with_row_index("id")
    people = people.with_columns(note=pl.col("id").cast(pl.String).str.zfill(8).repeat_by(75).list.join(""))
    peaks = []
    for times in (1, 20):
        table, source = pl.concat([people] * times), tmp_path / f"{times}.{kind}"
        if kind == "csv":
            table.write_csv(source)
        else:
            table.write_parquet(source, row_group_size=17_000)
        peaks.append(peak_megabytes(folder, source, tmp_path / f"o{times}.{ending}"))
    # The long file holds 204 MB of text, a row group that is being written up to 64 MiB.
    assert peaks[1] < 1.5 * peaks[0], peaks
