"""Two models in one pass say what each says alone, and together what the pathway says."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from models.bundle import open_bundle, write_bundle
from models.errors import BadBundle, BadInput
from models.pathway import ANSWERS, Pathway
from models.scorer import Scorer
from models.turn import Setting
from serving.batch.job import score_files
from serving.counts import Counts, PathwayCounts
from tests import handmade
from tests.serving.batch import people

ROWS = 200
EACH = ["probability", "positive", "decision", "fluid_volume"]
BOTH = ["answer", *(f"{role}_{name}" for role in ("screen", "presurgical") for name in EACH), "operating_point"]
POINTS = [
    (Setting(), Setting()),
    (Setting.told(0.1), Setting.told(0.9)),
    (Setting.told("recall >= 0.95", 0.3), Setting.told(prevalence=0.05)),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return people.write(people.table(ROWS), tmp_path_factory.mktemp("source") / "in.parquet")


@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
def test_two_models_say_what_each_says_alone_and_the_pathway_of_both(
    *, screen: Scorer, presurgical: Scorer, source: Path, tmp_path: Path, points: tuple[Setting, Setting], ending: str
) -> None:
    target = tmp_path / f"o.{ending}"
    done = score_files([screen, presurgical], source, target, setting=points, rows_per_chunk=70)
    at = (screen.turn(points[0]), presurgical.turn(points[1]))
    want = Pathway(screen, presurgical).score_rows(handmade.rows(ROWS, 3), at=at)
    reader = {"csv": pl.read_csv, "parquet": pl.read_parquet, "arrow": pl.read_ipc}[ending]
    found = reader(target)
    assert found.columns[-len(BOTH) :] == BOTH
    answers = [ANSWERS[place] for place in want.answers]
    assert found["answer"].to_list() == answers
    for role, scorer, turned in (("screen", screen, at[0]), ("presurgical", presurgical, at[1])):
        alone = scorer.score_rows(handmade.rows(ROWS, 3), at=turned)
        assert found[f"{role}_probability"].cast(pl.Float32).to_list() == alone.probability.tolist()
        assert found[f"{role}_positive"].to_list() == alone.positive.tolist()
        assert (found[f"{role}_decision"] == "positive").to_list() == alone.positive.tolist()
        volume = alone.symptoms["fluid_volume"]
        assert found[f"{role}_fluid_volume"].cast(pl.Float32).to_list() == volume.tolist()
        single = tmp_path / f"{role}.{ending}"
        score_files(scorer, source, single, setting=points[0 if role == "screen" else 1])
        for name in EACH:
            assert reader(single)[name].to_list() == found[f"{role}_{name}"].to_list()
    assert done.pathway is not None
    counts = [answers.count(kind) for kind in ("clear", "refer", "operate")]
    assert [done.pathway.clear, done.pathway.refer, done.pathway.operate] == counts
    assert sum(counts) == done.pathway.read == ROWS
    positive = (int(want.screen.positive.sum()), int(want.presurgical.positive.sum()))
    assert [model.counts for model in done.models] == [
        Counts(read=ROWS, positive=many, negative=ROWS - many) for many in positive
    ]
    assert [model.model for model in done.models] == ["handmade/screen", "handmade/presurgical"]


def test_a_row_that_either_refuses_is_refused_once_for_both(
    screen: Scorer, presurgical: Scorer, tmp_path: Path
) -> None:
    rows = people.spoiled(people.cells(60))
    source = people.csv_file(tmp_path / "in.csv", rows)
    done = score_files([screen, presurgical], source, tmp_path / "o.csv")
    lines = people.refusals(tmp_path / "o.csv")
    bad = len(range(2, 60, 7))
    assert len(lines) == bad
    assert [model.counts.refused for model in done.models] == [bad, bad]
    assert done.pathway is not None
    assert (done.pathway.read, done.pathway.refused) == (60, bad)
    assert done.outputs[0].rows == 60 - bad
    alone = score_files(screen, source, tmp_path / "one.csv")
    assert alone.models[0].counts == done.models[0].counts
    assert people.refusals(tmp_path / "one.csv") == lines


def test_a_file_of_bad_rows_only_counts_for_both(screen: Scorer, presurgical: Scorer, tmp_path: Path) -> None:
    rows = people.cells(5)
    for row in rows:
        row[1] = "-1"
    source = people.csv_file(tmp_path / "in.csv", rows)
    done = score_files([screen, presurgical], source, tmp_path / "o.csv")
    assert done.pathway == PathwayCounts(read=5, refused=5)
    assert [model.counts for model in done.models] == [Counts(read=5, refused=5)] * 2


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_typed_file_says_of_each_model_what_it_was_and_where_it_worked(
    screen: Scorer, presurgical: Scorer, source: Path, tmp_path: Path, ending: str
) -> None:
    target = tmp_path / f"o.{ending}"
    score_files([screen, presurgical], source, target, setting=POINTS[1])
    if ending == "parquet":
        schema = pyarrow.parquet.read_schema(target)
    else:
        with pa.ipc.open_file(target) as file:
            schema = file.schema
    said = {key.decode(): value.decode() for key, value in schema.metadata.items() if key.startswith(b"fulcrum.")}
    wanted = {}
    for role, scorer, setting in (("screen", screen, POINTS[1][0]), ("presurgical", presurgical, POINTS[1][1])):
        at = scorer.turn(setting)
        wanted |= {
            f"fulcrum.{role}.model": f"handmade/{role}",
            f"fulcrum.{role}.bundle": scorer.bundle.digest,
            f"fulcrum.{role}.threshold": repr(at.threshold),
            f"fulcrum.{role}.clear_below": repr(at.clear_below),
            f"fulcrum.{role}.prevalence": repr(at.prevalence),
            f"fulcrum.{role}.contract": "",
        }
    assert said == wanted
    point = pl.read_parquet(target) if ending == "parquet" else pl.read_ipc(target)
    assert point["operating_point"].cast(pl.String).unique().to_list() == [
        " and ".join(
            f"threshold={scorer.turn(setting).threshold!r} prevalence={scorer.turn(setting).prevalence!r}"
            f" bundle={scorer.bundle.digest[:12]}"
            for scorer, setting in ((screen, POINTS[1][0]), (presurgical, POINTS[1][1]))
        )
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
def test_every_row_says_where_the_model_worked(models: Path, source: Path, tmp_path: Path, ending: str) -> None:
    zoned = Scorer(open_bundle(models / "zoned"))
    target = tmp_path / f"o.{ending}"
    score_files(zoned, source, target)
    at = zoned.turn()
    said = (
        f"threshold={at.threshold!r} clear_below={at.clear_below!r} prevalence={at.prevalence!r}"
        f" bundle={zoned.bundle.digest[:12]}"
    )
    reader = {"csv": pl.read_csv, "parquet": pl.read_parquet, "arrow": pl.read_ipc}[ending]
    found = reader(target)
    assert found["operating_point"].cast(pl.String).to_list() == [said] * ROWS
    # The numbers in it are those that decide: from them the decisions are made again.
    threshold, clear = (float(part.partition("=")[2]) for part in said.split(" ")[:2])
    cells = found["probability"].cast(pl.Float64).to_list()
    again = ["positive" if cell >= threshold else "negative" if cell < clear else "indeterminate" for cell in cells]
    assert found["decision"].to_list() == again


def test_models_that_do_not_belong_together_are_refused(screen: Scorer, source: Path, tmp_path: Path) -> None:
    model, manifest = handmade.finished("presurgical")
    age, *others = manifest.columns.columns
    columns = manifest.columns.model_copy(update={"columns": (age.model_copy(update={"high": 99}), *others)})
    unlike = manifest.model_copy(update={"columns": columns})
    other = Scorer(write_bundle(tmp_path / "other", model=model, manifest=unlike, card="# Hand-made\n"))
    with pytest.raises(BadBundle, match=r"columns\.age: should be that of handmade/screen"):
        score_files([screen, other], source, tmp_path / "o.csv")
    assert [entry.name for entry in tmp_path.iterdir()] == ["other"]


def test_a_setting_that_can_not_be_had_is_refused_before_any_work(
    screen: Scorer, presurgical: Scorer, source: Path, tmp_path: Path
) -> None:
    unlike = Setting(operating_point="precision >= 0.6 at prevalence 0.2", prevalence=0.3)
    with pytest.raises(BadInput, match=r"^prevalence: should be that of the contract"):
        score_files([screen, presurgical], source, tmp_path / "o.csv", setting=[Setting(), unlike])
    assert list(tmp_path.iterdir()) == []
