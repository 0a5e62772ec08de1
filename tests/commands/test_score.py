from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from models.scorer import Scorer
from models.turn import Setting
from tests import handmade
from tests.asking import DONE, REFUSED, SOME_REFUSED, UNREACHABLE, UNSOUND, asked


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


def test_refused_rows_are_counted_and_their_file_named(here: Path) -> None:
    handmade.bundle(here, "screen")
    written("good.csv")
    rows = pl.read_csv("good.csv")
    rows.with_columns(pl.when(pl.col("id") == 7).then(1e6).otherwise("age").alias("age")).write_csv("bad.csv")
    answer = asked("score", "bad.csv", "scores.csv", "--bundle", "handmade/screen")
    assert answer.code == SOME_REFUSED
    assert answer.out.endswith(" + 1 refused\nWrote scores.csv. Refused rows: scores.refused.csv.\n")
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
