from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks.quality import peer, running
from benchmarks.quality.encoding import encode
from benchmarks.quality.peer import Blend, Job, find_peer
from benchmarks.quality.runs import Run, file_of, told_by
from benchmarks.quality.splits import folds, split
from models.errors import NoData
from tests.benchmarks.quality.small_table import small_table

# The package that a peer is made with, by the first word of its name; the others need nothing but scikit-learn.
PACKAGES = {name: name for name in ("catboost", "lightgbm", "tabm", "xgboost")} | {"mlp": "tabm", "realmlp": "pytabkit"}


def asked(tmp_path: Path, **made: bool) -> Job:
    return Job(small_table(**made), 0, tmp_path)


@pytest.mark.parametrize(
    "name", [name for name in peer.names() if name not in {"fulcrum", "autogluon", "autogluon_best"}]
)
def test_every_peer_tells_the_sick_of_an_easy_table_apart(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = PACKAGES.get(name.partition("_")[0])
    if package and find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install '.[quality]'")
    job = asked(tmp_path)
    monkeypatch.setattr(running, "find_table", lambda name: job.table)
    for each in (*find_peer(name).needs, name):
        _, said = running.run(("small", 0, each), tmp_path)
        assert not said.startswith("failed"), said
    run, parts = Run.read(file_of(tmp_path, "small", 0, name)), job.split
    assert np.array_equal(run.test_sick, job.table.sick[parts.test])
    assert ((run.test >= 0) & (run.test <= 1)).all()
    assert run.test[run.test_sick == 1].mean() > run.test[run.test_sick == 0].mean() + 0.2
    calibrated = {"hold-out": parts.calibration, "out-of-fold": parts.development}.get(run.thresholds, parts.fit[:0])
    assert np.array_equal(run.calibration_sick, job.table.sick[calibrated])
    assert not np.isnan(run.calibration).any()
    assert min(run.seconds, run.bytes, run.latency) > 0


def test_held_out_rows_never_teach(tmp_path: Path) -> None:
    job = asked(tmp_path)
    parts = job.split
    run = find_peer("lr").run(job)
    encoded = encode(job.table, parts.fit)
    reference = LogisticRegression(max_iter=3000).fit(encoded.dense[parts.fit], job.table.sick[parts.fit])
    assert run.test == pytest.approx(reference.predict_proba(encoded.dense[parts.test])[:, 1])
    assert run.calibration == pytest.approx(reference.predict_proba(encoded.dense[parts.calibration])[:, 1])


def test_a_cross_fitted_row_is_scored_by_the_model_that_never_saw_it(tmp_path: Path) -> None:
    job = asked(tmp_path, grouped=True)
    run = find_peer("lr_cross_fitted").run(job)
    whole = find_peer("lr").run(job)
    assert len(run.calibration) == len(job.split.development)
    assert len(whole.calibration) == len(job.split.calibration)
    learnt, held = folds(job.table, job.split.development, 0)[0]
    encoded = encode(job.table, job.split.development)
    reference = LogisticRegression(max_iter=3000).fit(encoded.dense[learnt], job.table.sick[learnt])
    places = np.searchsorted(job.split.development, held)
    assert run.calibration[places] == pytest.approx(reference.predict_proba(encoded.dense[held])[:, 1])


def test_an_encoding_learns_from_the_rows_to_fit_on_alone() -> None:
    rows = small_table()
    parts = split(rows, 0)
    encoded = encode(rows, parts.fit)
    fever = rows.features["fever"].to_numpy()
    middle, span = np.median(fever[parts.fit]), np.subtract(*np.quantile(fever[parts.fit], [0.75, 0.25]))
    scaled = (fever - middle) / span
    assert encoded.numbers[:, 0] == pytest.approx(scaled / np.sqrt(1 + scaled**2 / 9), abs=1e-5)
    assert not np.isnan(encoded.dense).any()
    assert np.isnan(encoded.trees[:, 1]).sum() == rows.features["age"].null_count()
    assert encoded.dense.shape == (240, 2 + 1 + 2)  # two numbers, the flag of empty ages, two wards
    assert (encoded.kinds, encoded.words) == ((2, 3), (2,))


def test_a_blend_is_the_mean_of_logits(tmp_path: Path) -> None:
    job = asked(tmp_path)
    runs = {}
    for name in ("lr", "hgb"):
        runs[name] = find_peer(name).run(job)
        runs[name].write(file_of(tmp_path, "small", 0, name))
    blended = Blend("both", ("lr", "hgb")).run(job)
    odds = np.sqrt(runs["lr"].test / (1 - runs["lr"].test) * runs["hgb"].test / (1 - runs["hgb"].test))
    assert blended.test == pytest.approx(odds / (1 + odds), rel=1e-4)
    assert blended.seconds == runs["lr"].seconds + runs["hgb"].seconds


def test_a_blend_of_what_has_not_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoData) as error:
        Blend("both", ("lr",)).run(asked(tmp_path))
    file = tmp_path / "small__0__lr.npz"
    assert str(error.value) == f"{file}: should be there first, for others are made of it: run the peer lr."


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = find_peer("lr").run(asked(tmp_path))
    file = file_of(tmp_path, "small", 3, "lr")
    run.write(file)
    back = Run.read(file)
    assert told_by(file) == ("small", 3, "lr")
    assert [path.name for path in tmp_path.iterdir()] == ["small__3__lr.npz"]
    assert np.array_equal(back.test, run.test)
    assert (back.thresholds, back.seconds, back.bytes, back.certified_screen) == (
        "hold-out",
        run.seconds,
        run.bytes,
        False,
    )


def test_one_failure_is_said_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "find_table", lambda name: small_table())
    assert running.run(("small", 0, "moon"), tmp_path)[1].startswith("failed: moon: should be one of autogluon, ")
    monkeypatch.setattr(Job, "seed", property(lambda job: 1 / 0))
    told = running.run(("small", 0, "lr"), tmp_path)[1]
    assert told.startswith("failed:\nTraceback")
    assert "ZeroDivisionError" in told
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    monkeypatch.setattr(running, "find_table", lambda name: small_table())
    assert running.run(("small", 0, "lr"), tmp_path)[1].endswith(" s")
    assert file_of(tmp_path, "small", 0, "lr").exists()
