from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from models.bundle import Bundle, open_bundle, sha256, write_bundle
from models.scorer import Scorer
from tests import handmade
from tests.asking import DONE, REFUSED, UNREACHABLE, UNSOUND, USAGE, asked, cells
from tests.tables import site

LABELS = ("--target", "result", "--positive", "sick")


@pytest.fixture
def screen(here: Path) -> Bundle:
    """The bundle handmade/screen, and the site north.csv."""
    site(Path("north.csv"))
    return handmade.bundle(here, "screen")


def answers(bundle: Bundle, file: str = "north.csv") -> np.ndarray:
    rows = pl.read_csv(file, schema_overrides={"new_vessels": pl.Boolean}).select(bundle.manifest.columns.names)
    return Scorer(bundle).score_rows(rows.to_dicts()).positive


def test_labelled_rows_certify_the_next_version_beside_the_bundle(here: Path, screen: Bundle) -> None:
    answer = asked("tune", "handmade/screen", "north.csv", *LABELS, "--reason", "a camera of its own")
    assert (answer.code, answer.err) == (DONE, "")
    made = open_bundle(here / "handmade" / "screen-north-v2")

    # As many of the site's own sick lie below the threshold as may: the most k with BinCDF(k; n, 0.1) <= 0.05.
    sick = (pl.read_csv("north.csv")["result"] == "sick").to_numpy()
    rows = pl.read_csv("north.csv", schema_overrides={"new_vessels": pl.Boolean}).select(made.manifest.columns.names)
    probability = np.sort(Scorer(made).score_rows(rows.to_dicts()).probability[sick])
    misses = int(np.sum(stats.binom.cdf(np.arange(sick.sum()), sick.sum(), 0.1) <= 0.05)) - 1
    assert probability[misses - 1] < made.manifest.point.threshold <= probability[misses]

    assert made.manifest.history[-1].reason == "a camera of its own"
    assert made.manifest.history[-1].site == "north"
    assert open_bundle(screen.folder).digest == screen.digest
    shown = {line[0]: line[1:] for line in cells(answer.out)}
    assert shown["version"] == ["1", "2"]
    assert shown["bundle"] == [screen.digest, made.digest]
    changed = int(np.sum(answers(screen) != answers(made)))
    assert f"\n{changed} of 1,500 rows are answered otherwise. Wrote {made.folder}.\n" in answer.out
    assert "The calibration stays as it was." in answer.out


def test_the_next_version_is_never_written_over_another(here: Path, screen: Bundle) -> None:
    Path("handmade/screen-north-v2").mkdir()
    answer = asked("tune", "handmade/screen", "north.csv", *LABELS)
    assert (answer.code, answer.out) == (USAGE, "")
    assert answer.usage == (
        f"Invalid value: {here}/handmade/screen-north-v2 is there already, and no version is written over another."
    )
    assert not any(Path("handmade/screen-north-v2").iterdir())


def test_the_rows_of_a_patient_are_said_to_be_dependent(here: Path, screen: Bundle) -> None:
    answer = asked("tune", "handmade/screen", "north.csv", *LABELS, "--group", "patient", "--out", "mine")
    assert answer.code == DONE
    assert "The 1500 rows are of 750 patients; the certificate takes rows for independent.\n" in answer.out


def test_rows_without_labels_tell_the_prevalence_and_write_nothing(here: Path, screen: Bundle) -> None:
    answer = asked("tune", "handmade/screen", "north.csv")
    assert (answer.code, answer.err) == (DONE, "")
    found = json.loads(asked("tune", "handmade/screen", "north.csv", "--json").out)
    value, low, high = (found["elsewhere"]["prevalence"][name] for name in ("value", "low", "high"))
    assert answer.out.startswith(f"Prevalence among 1,500 rows: {value:.4f} [{low:.4f}, {high:.4f}]\n")
    # The truth is among the labels, of which the command was told nothing.
    assert low <= (pl.read_csv("north.csv")["result"] == "sick").mean() <= high
    assert cells(answer.out)[0] == ["prevalence", f"{value:.4f}", f"{low:.4f}", f"{high:.4f}"]
    assert [line[0] for line in cells(answer.out)[1:]] == ["recall", "specificity", "precision", "npv", "flagged"]
    assert (found["folder"], found["differences"]) == (None, None)
    assert sorted(path.name for path in here.iterdir()) == ["handmade", "north.csv"]
    assert [path.name for path in Path("handmade").iterdir()] == ["screen"]


def test_a_named_prevalence_is_taken_at_its_word(here: Path, screen: Bundle) -> None:
    answer = asked("tune", "handmade/screen", "north.csv", "--prevalence", "3 %")
    assert (answer.code, answer.err) == (DONE, "")
    assert answer.out.startswith("Prevalence among 1,500 rows: 0.03\n")
    assert cells(answer.out)[0] == ["prevalence", "0.0300"]


def test_a_version_for_an_estimated_prevalence_is_certified_where_the_contract_asks_most(here: Path) -> None:
    handmade.bundle(here, "presurgical")
    site(Path("north.csv"))
    options = ("--prevalence", "auto", "--site", "North Hospital", "--out", "north", "--json")
    answer = asked("tune", "handmade/presurgical", "north.csv", *options)
    assert (answer.code, answer.err) == (DONE, "")
    found = json.loads(answer.out)
    manifest = open_bundle("north").manifest
    # A precision asks most where the fewest are sick: at the lower end of the interval, to four digits downwards.
    low = found["elsewhere"]["prevalence"]["low"]
    assert manifest.contract.prevalence_named == pytest.approx(low, abs=1e-4)
    assert manifest.contract.prevalence_named <= low
    assert manifest.history[-1].site == "North Hospital"
    assert (found["folder"], found["differences"]["new"]["bundle"]) == ("north", open_bundle("north").digest)


def test_with_labels_auto_is_the_share_of_the_sick_for_any_contract(here: Path) -> None:
    handmade.bundle(here, "presurgical")
    site(Path("north.csv"))
    answer = asked("tune", "handmade/presurgical", "north.csv", *LABELS, "--prevalence", "auto", "--out", "north")
    assert (answer.code, answer.err) == (DONE, "")
    share = (pl.read_csv("north.csv")["result"] == "sick").mean()
    assert open_bundle("north").manifest.contract.prevalence_named == pytest.approx(share)


def test_a_contract_that_the_site_does_not_carry_is_refused_and_nothing_written(here: Path, screen: Bundle) -> None:
    answer = asked("tune", "handmade/screen", "north.csv", *LABELS, "--contract", "recall >= 0.9999", "--out", "mine")
    sick = int((pl.read_csv("north.csv")["result"] == "sick").sum())
    needed = int(np.ceil(np.log(0.05) / np.log(0.9999)))
    assert (answer.code, answer.out) == (UNREACHABLE, "")
    assert answer.err == (
        f"recall >= 0.9999 with confidence 0.95: cannot be certified. {sick} positives carry recall"
        f" {0.05 ** (1 / sick):.4f} at most, even if all are flagged. Would do: {needed - sick} more positives.\n"
    )
    assert not Path("mine").exists()


def test_rows_that_the_bundle_was_made_of_certify_nothing_twice(here: Path) -> None:
    site(Path("north.csv"))
    model, manifest = handmade.finished("screen")
    digest = sha256(Path("north.csv").read_bytes())
    provenance = manifest.provenance.model_copy(update={"data": {"people.csv": digest}})
    manifest = manifest.model_copy(update={"provenance": provenance})
    write_bundle(here / "made", model=model, manifest=manifest, card="# Hand-made\n")
    answer = asked("tune", "made", "north.csv", *LABELS)
    assert (answer.code, answer.out) == (REFUSED, "")
    assert answer.err == (
        "north.csv: should not be a file that the bundle was made of: its cases certify nothing twice,"
        f" got SHA-256 {digest}.\n"
    )
    assert sorted(path.name for path in here.iterdir()) == ["made", "north.csv"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--target", "result"), "--target and --positive go together."),
        (("--positive", "sick"), "--target and --positive go together."),
        (
            ("--contract", "recall >= 0.99"),
            "--contract is for a new version: say with --out where it goes.",
        ),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(
    here: Path, screen: Bundle, options: tuple[str, ...], text: str
) -> None:
    answer = asked("tune", "handmade/screen", "north.csv", *options)
    assert (answer.code, answer.out, answer.usage) == (USAGE, "", f"Invalid value: {text}")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("nothing", "north.csv"), UNSOUND, "nothing/manifest.json: should be a readable file"),
        (("handmade/screen", "nobody.csv"), REFUSED, "nobody.csv: should be a readable file"),
        (("handmade/screen", "nobody.csv", "--prevalence", "lots"), REFUSED, None),
    ],
)
def test_what_can_not_be_read_is_named(
    here: Path, screen: Bundle, arguments: tuple[str, ...], code: int, text: str | None
) -> None:
    answer = asked("tune", *arguments)
    wanted = (
        "--prevalence: should be auto, or a share between 0 and 1, got 'lots'.\n"
        if text is None
        else f"{text}, got: No such file or directory.\n"
    )
    assert (answer.code, answer.out, answer.err) == (code, "", wanted)


def test_people_of_another_kind_are_doubted(here: Path, screen: Bundle) -> None:
    # All near one answer: no mixture of the sick and the healthy of the certification part looks like them.
    near = [
        {"age": 66.0 + row % 9, "fluid": 290.0 + row % 7, "new_vessels": False, "eye": "left"} for row in range(800)
    ]
    pl.DataFrame(near).write_csv("near.csv")
    answer = asked("tune", "handmade/screen", "near.csv", "--json")
    assert answer.code == DONE
    (note,) = json.loads(answer.out)["notes"]
    assert asked("tune", "handmade/screen", "near.csv").out.endswith(f"{note}\n")
    refused = asked("tune", "handmade/screen", "near.csv", "--out", "mine")
    assert (refused.code, refused.out) == (REFUSED, "")
    assert refused.err == f"prevalence: should be that of people who differ by it alone. {note}\n"
    assert not Path("mine").exists()


def test_people_who_all_get_one_answer_tell_no_prevalence(here: Path, screen: Bundle) -> None:
    pl.DataFrame([{"age": 40.0, "fluid": 400.0, "new_vessels": False, "eye": "left"}] * 800).write_csv("one.csv")
    answer = asked("tune", "handmade/screen", "one.csv")
    assert (answer.code, answer.out) == (REFUSED, "")
    assert answer.err == "rows: should have different scores to tell a prevalence, got 0.5 for all.\n"
