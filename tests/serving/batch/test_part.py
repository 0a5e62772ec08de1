"""A file that can not be written to its end is refused by name, and nothing of it stays."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from models.errors import BadInput
from models.scorer import Scorer
from serving.batch.here import Here
from serving.batch.job import score_files
from serving.batch.layout import Layout
from serving.batch.part import Part
from tests import handmade

COLUMNS = pa.schema({"id": pa.int64()})


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """As on a disk that is full: no file of this process can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".arrow"])
def test_without_room_the_job_is_refused_by_the_name_of_its_file(tmp_path: Path, ending: str) -> None:
    scorer = Scorer(handmade.bundle(tmp_path))
    source, target = tmp_path / "people.csv", tmp_path / "out" / f"scores{ending}"
    target.parent.mkdir()
    rows = handmade.rows(2000)
    lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
    source.write_text("\n".join([",".join(rows[0]), *lines, ""]))
    with no_room(4096), pytest.raises(BadInput) as caught:
        score_files(scorer, source, target)
    assert str(caught.value) == f"{target}: should be a file that can be written to its end, got File too large."
    assert list(target.parent.iterdir()) == []
    assert score_files(scorer, source, target).counts.read == 2000


@pytest.mark.parametrize("folder", [True, False])
def test_a_worker_that_was_given_up_as_lost_takes_nothing_away_when_it_comes_back(
    tmp_path: Path, *, folder: bool
) -> None:
    layout = Layout(str(tmp_path / "scores"), folder=folder, ending=".parquet")
    files = Here()
    with files.held(layout):
        late, other = (Part(files, layout, 0, COLUMNS) for _ in range(2))
        for part in (late, other):
            part.write([pa.table({"id": [1]})], [], piece=0, first_row=0)
        other.finish()
        files.write(layout.manifest, b"{}")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(BadInput, match=r"scores.*: should be a file that can be written to its end, got No such file"):
        late.finish()
    late.abandon()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert Path(layout.manifest).exists()
