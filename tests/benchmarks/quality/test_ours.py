from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from benchmarks.quality import ours
from benchmarks.quality.ours import UNREACHABLE, Fulcrum
from benchmarks.quality.peer import Job
from benchmarks.quality.results import certified, figures
from fulcrum.command_line import app
from models.bundle import open_bundle
from models.scorer import Scorer
from models.table import encode_table
from tests.benchmarks.quality.small_table import small_table
from tests.one_network import one_network

# What was asked of Fulcrum, and by which exit code it ended.
Said = list[list[str]]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    """Commands as they are given, in this process, and trained for a moment: few epochs and copies of one network."""
    asked: Said = []

    def hurried(arguments: Sequence[str], place: Path, may: tuple[int, ...] = (0,)) -> None:
        asked.append(list(arguments))
        monkeypatch.chdir(place)
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code in may, done.output
        if arguments[0] == "init":
            study = Path("study.py")
            text, epochs = re.subn(r"epochs=\d+", "epochs=3", study.read_text())
            text, copies = re.subn(r"folds=\d+, repeats=\d+", "folds=2, repeats=1", text)
            assert epochs
            assert copies
            study.write_text(one_network(text))

    monkeypatch.setattr(ours, "fulcrum", hurried)
    return asked


def test_both_promises_are_kept_in_mind_from_the_csv_file_to_the_decisions(tmp_path: Path, said: Said) -> None:
    job = Job(small_table(rows=480, apart=9.0), 0, tmp_path)
    run = Fulcrum("ours").run(job)
    assert [each[0] for each in said] == ["init", "train", "train"]
    assert said[0][said[0].index("--recall") :] == ["--recall", "0.95", "--precision", "0.9", "--confidence", "0.9"]
    assert (run.certified_screen, run.certified_presurgical) == (True, True)
    sick = run.test_sick == 1
    assert run.flagged_screen[sick].mean() >= 0.9
    assert run.flagged_presurgical[sick].mean() > 0.5
    assert run.test[sick].min() > run.test[~sick].max()
    assert 0 < run.latency < 1
    assert 0 < run.plain_latency < 1
    assert run.bytes > 1000
    made = figures(run)
    assert made["oracle_specificity"] == 1
    assert made["certified_screen_kept"] is not None


def test_a_refused_promise_flags_everybody_or_nobody_and_still_ranks(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ours, "plainly", lambda place, job, rows: np.nan
    )  # of a table that says nothing it learns nothing
    # Some 28 of the development rows are sick, of 45 that are needed, and nothing tells them apart.
    job = Job(small_table(rows=120, apart=0.0), 0, tmp_path)
    run = Fulcrum("ours").run(job)
    assert (run.certified_screen, run.certified_presurgical) == (False, False)
    assert run.flagged_screen.all()
    assert not run.flagged_presurgical.any()
    assert len(np.unique(run.test)) > 10
    assert len(run.presurgical) == len(run.test)
    assert ["train", "ranked.py", "--only", "screen", "--out", "ranked"] in said
    found = figures(run)
    assert (found["certified_specificity"], found["certified_recall"]) == (0, 0)
    assert (found["certified_screen_kept"], found["certified_presurgical_kept"]) == (None, None)
    promised = certified(run)
    assert promised is not None
    assert not promised.screen_promised


def test_the_model_of_a_refused_promise_is_ranked_by_the_other_only_if_they_learn_the_same(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = small_table()
    ours.written(table, np.arange(len(table))).write_csv(tmp_path / "table.csv")
    ours.fulcrum(ours.init(table), tmp_path)
    other = open_bundle(ours.ROOT / "models" / "covid" / "screen")
    assert ours.ranked(tmp_path, "presurgical", {"screen": other}) is other
    study = tmp_path / "study.py"
    study.write_text(study.read_text().replace("**networks,", "**networks, emptied=0.2,", 1))
    own = ours.ROOT / "models" / "covid" / "presurgical"
    monkeypatch.setattr(ours, "open_bundle", lambda folder: open_bundle(own))
    monkeypatch.setattr(ours, "fulcrum", lambda arguments, place: said.append(list(arguments)))
    assert ours.ranked(tmp_path, "presurgical", {"screen": other}).folder == own
    assert said[-1] == ["train", "ranked.py", "--only", "presurgical", "--out", "ranked"]


def test_rows_of_one_patient_are_named_to_it(tmp_path: Path) -> None:
    table = small_table(grouped=True)
    assert ours.init(table)[-2:] == ["--group", "patient_number"]
    assert "--group" not in ours.init(small_table())
    frame = ours.written(table, np.array([3, 4]))
    assert frame["patient_number"].to_list() == [1, 1]
    assert frame["is_sick"].to_list() == ["yes", "no"]


def test_a_row_that_is_refused_is_decided_by_a_person() -> None:
    bundle = open_bundle(ours.ROOT / "models" / "covid" / "screen")
    known = dict.fromkeys(bundle.manifest.columns.names, 1) | {"sex": "male"}
    rows = pl.DataFrame([known, {**known, "cough": 7}, {**known, "sex": "female"}])
    answers = ours.Answers.of(bundle, rows)
    assert answers.good.tolist() == [True, False, True]
    straight = Scorer(bundle).score(encode_table(bundle.manifest.columns, rows[[0, 2]]).inputs)
    assert answers.probabilities(refused=0.0).tolist() == [straight.probability[0], 0, straight.probability[1]]
    assert answers.positive(refused=True).tolist() == [straight.positive[0], True, straight.positive[1]]
    assert not answers.positive(refused=False)[1]


def test_a_command_that_fails_says_all_that_it_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as error:
        ours.fulcrum(["verify", "moon"], tmp_path, may=(0, UNREACHABLE))
    assert str(error.value).startswith("fulcrum verify moon: should end with one of (0, 4), got 5: ")
    assert "moon" in str(error.value).partition("got 5: ")[2]
