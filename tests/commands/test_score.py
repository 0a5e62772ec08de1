from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from models.bundle import open_bundle
from models.scorer import Scorer
from models.turn import Setting
from tests import handmade
from tests.asking import DONE, REFUSED, ROOT, SOME_REFUSED, UNREACHABLE, UNSOUND, USAGE, asked


def written(file: str, rows: int = 50) -> list[dict[str, object]]:
    made = handmade.rows(rows)
    pl.DataFrame(made).with_columns(pl.Series("id", range(rows))).write_csv(file)
    return made


def test_a_file_is_scored_as_the_bundle_decides(here: Path) -> None:
    scorer = Scorer(handmade.bundle(here, "screen"))
    wanted = scorer.score_rows(written("good.csv")).positive
    answer = asked("score", "good.csv", "scores.csv", "--bundle", "handmade/screen")
    assert (answer.code, answer.err) == (DONE, "")
    assert (pl.read_csv("scores.csv")["positive"].cast(pl.String) == "true").to_list() == wanted.tolist()
    positive = int(wanted.sum())
    assert answer.out == (
        f"handmade/screen: 50 rows = {positive} positive + {50 - positive} negative + 0 refused\nWrote scores.csv.\n"
    )


def test_a_terminal_is_shown_how_far_the_job_is(here: Path) -> None:
    handmade.bundle(here, "screen")
    written("good.csv")
    shown, terminal = os.openpty()
    command = [sys.executable, "-m", "fulcrum", "score", "good.csv", "scores.csv", "--bundle", "handmade/screen"]
    told = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    parts = []
    with subprocess.Popen(command, env=told, stdout=subprocess.PIPE, stderr=terminal, text=True) as process:
        os.close(terminal)
        # Until nobody has it open any more.
        with suppress(OSError):
            while part := os.read(shown, 1 << 16):
                parts.append(part)
        said, _ = process.communicate()
    os.close(shown)
    text = b"".join(parts).decode()
    assert re.search(r" \d+ %  50 rows  [0-9,]+ rows/s .* left ", text), text
    assert process.returncode == DONE
    assert said.endswith("Wrote scores.csv.\n")


def test_refused_rows_are_counted_and_their_file_named(here: Path) -> None:
    handmade.bundle(here, "screen")
    written("good.csv")
    rows = pl.read_csv("good.csv")
    rows.with_columns(pl.when(pl.col("id") == 7).then(1e6).otherwise("age").alias("age")).write_csv("bad.csv")
    answer = asked("score", "bad.csv", "scores.csv", "--bundle", "handmade/screen")
    assert answer.code == SOME_REFUSED
    assert answer.out.endswith(" + 1 refused\nWrote scores.csv. Refused rows: scores.csv.refused.\n")
    assert pl.read_csv("scores.csv").height == 49
    answer = asked("score", "bad.csv", "strict.csv", "--bundle", "handmade/screen", "--strict")
    assert (answer.code, answer.out) == (REFUSED, "")
    assert "rows.7.age: should be a number from 0 to 120 years, got " in answer.err
    assert not Path("strict.csv").exists()


def test_people_between_two_thresholds_are_counted_as_indeterminate(here: Path) -> None:
    handmade.bundle(here, "zoned")
    written("people.csv")
    answer = asked("score", "people.csv", "scores.csv", "--bundle", "handmade/zoned")
    decisions = pl.read_csv("scores.csv")["decision"]
    counts = {kind: int((decisions == kind).sum()) for kind in ("positive", "negative", "indeterminate")}
    assert counts["indeterminate"] > 0
    assert answer.code == DONE
    said = " + ".join(f"{count} {kind}" for kind, count in counts.items())
    assert answer.out.startswith(f"handmade/zoned: 50 rows = {said} + 0 refused\n")


@pytest.mark.parametrize("point", ["0.7", "recall >= 0.95"])
def test_a_point_of_the_callers_own_is_used(here: Path, point: str) -> None:
    scorer = Scorer(handmade.bundle(here, "screen"))
    rows = written("people.csv")
    options = ("--operating-point", point, "--prevalence", "0.3")
    answer = asked("score", "people.csv", "scores.csv", "--bundle", "handmade/screen", *options)
    assert (answer.code, answer.err) == (DONE, "")
    found = pl.read_csv("scores.csv")
    wanted = scorer.score_rows(rows, prevalence=0.3).probability
    assert found["probability"].to_numpy() == pytest.approx(wanted, rel=1e-6)
    threshold = 0.7 if point == "0.7" else scorer.turn(Setting.told(point, 0.3)).threshold
    assert found["positive"].to_list() == (wanted >= threshold).tolist()


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--bundle", "nothing"), UNSOUND, "nothing/manifest.json: should be a readable file, got: "),
        (("--operating-point", "recall >= 0.99999"), UNREACHABLE, "recall >= 0.99999 with confidence 0.95: cannot be"),
        (("--operating-point", "sharp as a knife"), REFUSED, "operating_point: should be "),
        (("--prevalence", "2"), REFUSED, "prevalence: should be "),
    ],
)
def test_what_can_not_be_scored_is_refused_and_nothing_written(
    here: Path, options: tuple[str, ...], code: int, text: str
) -> None:
    handmade.bundle(here, "screen")
    written("people.csv")
    answer = asked("score", "people.csv", "scores.csv", "--bundle", "handmade/screen", *options)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(text)
    assert not Path("scores.csv").exists()


def both(here: Path) -> None:
    for model in ("screen", "presurgical"):
        handmade.bundle(here, model)


def test_both_models_answer_in_one_pass(here: Path) -> None:
    both(here)
    rows = written("people.csv")
    answer = asked("score", "people.csv", "scores.csv", "--bundle", "handmade")
    assert (answer.code, answer.err) == (DONE, "")
    found = pl.read_csv("scores.csv")
    said = []
    for model in ("screen", "presurgical"):
        wanted = Scorer(open_bundle(here / "handmade" / model)).score_rows(rows).positive
        assert found[f"{model}_positive"].to_list() == wanted.tolist()
        positive = int(wanted.sum())
        said.append(f"handmade/{model}: 50 rows = {positive} positive + {50 - positive} negative + 0 refused")
    ways = " + ".join(f"{int((found['answer'] == way).sum())} {way}" for way in ("clear", "refer", "operate"))
    assert answer.out.splitlines() == [*said, f"both: 50 rows = {ways} + 0 refused", "Wrote scores.csv."]


def test_each_of_two_models_may_work_at_a_point_of_its_own(here: Path) -> None:
    both(here)
    rows = written("people.csv")
    points = ("--operating-point", "screen=0.1", "--operating-point", "presurgical=0.9")
    assert asked("score", "people.csv", "scores.csv", "--bundle", "handmade", *points).code == DONE
    found = pl.read_csv("scores.csv")
    for model, point in (("screen", 0.1), ("presurgical", 0.9)):
        wanted = Scorer(open_bundle(here / "handmade" / model)).score_rows(rows, threshold=point).positive
        assert found[f"{model}_positive"].to_list() == wanted.tolist()
    for wrong in (("0.1",), ("screen=0.1", "screen=0.2"), ("other=0.1",)):
        options = [part for point in wrong for part in ("--operating-point", point)]
        answer = asked("score", "people.csv", "no.csv", "--bundle", "handmade", *options)
        rule = "should be screen=... or presurgical=..., each once, for two models"
        assert (answer.code, answer.err) == (REFUSED, f"operating_point: {rule}, got {wrong[-1]}.\n")
    answer = asked("score", "people.csv", "no.csv", "--bundle", "handmade/screen", *points)
    assert answer.err == "operating_point: should be given once for one model, got 2.\n"
    assert not Path("no.csv").exists()


def test_some_columns_are_kept(here: Path) -> None:
    handmade.bundle(here, "screen")
    written("people.csv")
    options = ("--bundle", "handmade/screen", "--keep", "id", "--keep", "eye")
    assert asked("score", "people.csv", "scores.csv", *options).code == DONE
    scored = ["probability", "positive", "decision", "fluid_volume", "operating_point"]
    assert pl.read_csv("scores.csv").columns == ["id", "eye", *scored]
    answer = asked("score", "people.csv", "no.csv", "--bundle", "handmade/screen", "--keep", "name")
    assert answer.code == REFUSED
    assert answer.err == "name: should be a column of the table, got age, fluid, new_vessels, eye, id.\n"


def test_a_folder_becomes_a_folder_and_is_written_over_only_if_that_is_asked(here: Path) -> None:
    handmade.bundle(here, "screen")
    Path("people").mkdir()
    for name in ("a", "b"):
        written(f"people/{name}.csv", 20)
    command = ("score", "people", "scores", "--bundle", "handmade/screen")
    answer = asked(*command)
    assert answer.code == DONE
    assert answer.out.endswith("Wrote scores in 2 shards.\n")
    assert sorted(file.name for file in Path("scores").iterdir()) == ["_shards", "part-00000.csv", "part-00001.csv"]
    assert asked(*command).out == answer.out
    other = asked(*command, "--operating-point", "0.3")
    assert other.code == REFUSED
    assert other.err.startswith("scores/part-00000.csv: should be scored by handmade/screen ")
    assert asked(*command, "--operating-point", "0.3", "--overwrite").code == DONE
    assert "threshold=0.3" in pl.read_csv("scores/part-00000.csv")["operating_point"][0]


def test_an_engine_that_is_not_there_is_refused(here: Path) -> None:
    handmade.bundle(here, "screen")
    written("people.csv")
    options = ("--bundle", "handmade/screen", "--engine", "dask")
    assert asked("score", "people.csv", "scores", *options).code == USAGE
    assert asked("score", "people.csv", "scores", "--bundle", "handmade/screen", "--workers", "0").code == USAGE
    assert not Path("scores").exists()
