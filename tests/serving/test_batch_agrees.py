"""A file, rows in Python and a table over HTTP are decided alike to the bit, however the file is cut."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pytest

from models.bundle import open_bundle
from models.scorer import Scorer
from serving.batch import job
from serving.batch.job import score_files
from serving.tables import ARROW
from tests import handmade
from tests.running import Server
from tests.serving.batch import people

ROWS = 300
NAMES = ["probability", "positive", "decision", "fluid_volume"]
Bits = list[tuple[int, bool, str, int]]


def bits(frame: pl.DataFrame) -> Bits:
    """What is said of each row, numbers as their 32 bits."""

    def of(name: str) -> list[int]:
        return frame[name].to_numpy().astype(np.float32).view(np.uint32).tolist()

    flags = [None if cell is None else str(cell).lower() == "true" for cell in frame["positive"].to_list()]
    return list(zip(of("probability"), flags, frame["decision"].to_list(), of("fluid_volume"), strict=True))  # type: ignore[arg-type]  # a zone has none


@pytest.fixture(scope="module")
def scorer(bundles: Path) -> Scorer:
    return Scorer(open_bundle(bundles / "screen"))


@pytest.fixture(scope="module")
def over_http(server: Server) -> Bits:
    """The answers of the service to the table of all rows."""
    table, sink = people.table(ROWS), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    response = server.post("screen/table", content=sink.getvalue(), headers={"content-type": ARROW})
    assert response.status_code == 200, response.text
    found = pl.from_arrow(pa.ipc.open_stream(response.content).read_all())
    assert isinstance(found, pl.DataFrame)
    return bits(found)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("files")

    def of(kind: str) -> Path:
        file = folder / f"in.{kind}"
        return file if file.exists() else people.write(people.table(ROWS), file, group=50)

    return of


def scored(target: Path) -> Bits:
    found = sorted(target.glob("part-*")) if target.is_dir() else [target]
    reader = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".arrow": pl.read_ipc}[found[0].suffix]
    return bits(pl.concat([reader(file) for file in found]))


@pytest.mark.parametrize("rows_per_chunk", [1, 7, 1000])
@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_a_file_is_decided_as_the_service_and_python_decide(
    *,
    scorer: Scorer,
    over_http: Bits,
    files: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    rows_per_chunk: int,
) -> None:
    said = scorer.score_rows(handmade.rows(ROWS, 3))
    wanted = list(
        zip(
            said.probability.view(np.uint32).tolist(),
            said.positive.tolist(),
            ["positive" if flag else "negative" for flag in said.positive],
            said.symptoms["fluid_volume"].view(np.uint32).tolist(),
            strict=True,
        )
    )
    assert 0 < said.positive.sum() < ROWS
    assert over_http == wanted
    for ending in ("csv", "parquet", "arrow"):
        score_files(scorer, files(kind), tmp_path / f"o.{ending}", rows_per_chunk=rows_per_chunk)
        assert scored(tmp_path / f"o.{ending}") == wanted
    monkeypatch.setattr(job, "SHARD_ROWS", 100)
    monkeypatch.setattr(job, "SHARD_BYTES", 4000)
    done = score_files(scorer, files(kind), tmp_path / "cut", rows_per_chunk=rows_per_chunk)
    assert len(done.outputs) > 1 or kind == "csv"
    assert scored(tmp_path / "cut") == wanted


@pytest.mark.parametrize("text", ["true", "TRUE", " true", "1", "yes"])
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_a_yes_in_words_is_read_alike_in_csv_and_in_typed_files(
    scorer: Scorer, tmp_path: Path, text: str, kind: pa.DataType
) -> None:
    """Parquet is read with names that come again and again as such, one bad cell among them."""
    table = people.table(6)
    cells = (
        pa.array([text, "0", "False", None, "no", "1.0"]).cast(kind)
        if not pa.types.is_dictionary(kind)
        else pa.array([text, "0", "False", None, "no", "1.0"]).dictionary_encode().cast(kind)
    )
    table = table.set_column(table.schema.get_field_index("new_vessels"), "new_vessels", cells)
    pl.from_arrow(table).write_csv(tmp_path / "in.csv")  # type: ignore[union-attr]  # a table is no series
    wanted = score_files(scorer, tmp_path / "in.csv", tmp_path / "o.csv").counts
    refused = [line[2:] for line in people.refusals(tmp_path / "o.csv")]
    assert wanted.refused == 1 + (text == "yes")
    for ending in ("parquet", "arrow"):
        file = people.write(table, tmp_path / f"in.{ending}")
        assert score_files(scorer, file, tmp_path / f"p.{ending}").counts == wanted
        assert [line[2:] for line in people.refusals(tmp_path / f"p.{ending}")] == refused
