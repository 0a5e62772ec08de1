"""From a study to a bundle, over HTTP and through files: one decision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest
import torch
from scipy import special

from fulcrum.client import Client
from models.generate import generate
from models.rows import decode_rows
from models.scorer import Scorer
from serving.batch.job import score_files
from tests.running import ROOT, environment, serving
from training.export import TOLERANCE
from training.run import Loaded, Made, load, run
from training.study import find_study

STUDY = find_study("breast")


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(STUDY)


@pytest.fixture(scope="module")
def made(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    out = tmp_path_factory.mktemp("out")
    return {model.name: run(STUDY, model, loaded, out) for model in STUDY.models}


@pytest.fixture(scope="module")
def rows(loaded: Loaded) -> np.ndarray:
    return np.concatenate([loaded.parts["test"].columns, generate(STUDY.columns, 3000, seed=7)])


def test_network_and_file_agree_within_the_stated_tolerance(made: dict[str, Made], rows: np.ndarray) -> None:
    for each in made.values():
        manifest = each.bundle.manifest
        with torch.no_grad():
            raw = each.fitted.net(torch.from_numpy(rows))[STUDY.outcome.name].numpy()
        wanted = manifest.calibration.logits(raw) + (
            special.logit(manifest.prevalence) - special.logit(manifest.calibration.prevalence)
        )
        found = Scorer(each.bundle).score(rows).logit
        assert np.all(np.abs(found - wanted) <= TOLERANCE * np.maximum(1, np.abs(wanted)))


def test_python_bare_runtime_http_and_files_give_the_same_bits(
    made: dict[str, Made], rows: np.ndarray, tmp_path: Path
) -> None:
    bundles = made["screen"].bundle.folder.parent
    variables = environment(tmp_path, FULCRUM_BUNDLES=str(bundles))
    with (
        serving(variables=variables, folder=ROOT, bundles=bundles, log=tmp_path / "log") as server,
        Client(server.url, timeout=60) as service,
    ):
        for name, each in made.items():
            scorer = Scorer(each.bundle)
            ours = scorer.score(rows)
            assert 0 < ours.positive.sum() < len(rows)
            session = onnxruntime.InferenceSession(each.bundle.graph)
            probability, positive = session.run(["probability", "positive"], {"columns": rows})
            np.testing.assert_array_equal(probability, ours.probability)
            np.testing.assert_array_equal(positive, ours.positive)
            reply = getattr(service, name)(decode_rows(STUDY.columns, rows))
            assert [row.positive for row in reply.rows] == ours.positive.tolist()
            assert [row.probability for row in reply.rows] == ours.probability.tolist()
            table = pl.DataFrame(decode_rows(STUDY.columns, rows))
            table.write_csv(tmp_path / "rows.csv")
            table.write_parquet(tmp_path / "rows.parquet")
            for ending in ("csv", "parquet"):
                target = tmp_path / f"scores-{name}.{ending}"
                counts = score_files(scorer, tmp_path / f"rows.{ending}", target).counts
                assert (counts.positive, counts.refused) == (int(ours.positive.sum()), 0)
            scores = pl.read_parquet(tmp_path / f"scores-{name}.parquet")
            np.testing.assert_array_equal(scores["probability"].to_numpy(), ours.probability)
            np.testing.assert_array_equal(scores["positive"].to_numpy(), ours.positive)
            as_text = pl.read_csv(tmp_path / f"scores-{name}.csv", infer_schema=False)
            np.testing.assert_array_equal(as_text["probability"].to_numpy().astype(np.float32), ours.probability)
            np.testing.assert_array_equal((as_text["positive"] == "true").to_numpy(), ours.positive)
