"""Where a file is cut into shards."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from serving.batch.formats.form import Span
from serving.batch.formats.known import format_of
from serving.batch.place import Place
from tests.serving.batch import people

MUCH = 1 << 28


def spans(file: Path, rows: int, size: int) -> list[Span]:
    place = Place(str(file))
    with closing(format_of(place).reader(place)) as reader:
        return list(reader.spans(rows, size))


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_groups_of_rows_are_put_together_up_to_so_many_rows_or_bytes(tmp_path: Path, kind: str) -> None:
    file = people.write(people.table(110), tmp_path / f"in.{kind}", group=25)
    assert spans(file, 1000, MUCH) == [Span(0, 5, 0)]
    assert spans(file, 60, MUCH) == [Span(0, 2, 0), Span(2, 5, 50)]
    assert spans(file, 59, MUCH) == [Span(0, 2, 0), Span(2, 4, 50), Span(4, 5, 100)]
    assert spans(file, 1, MUCH) == spans(file, 1000, 1) == [Span(place, place + 1, 25 * place) for place in range(5)]


def test_text_is_cut_at_the_first_block_that_ends_beyond_so_many_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block, size = 100, 400
    people.text_in_blocks_of(block, monkeypatch)
    file = people.csv_file(tmp_path / "in.csv", people.cells(60))
    data, found = file.read_bytes(), spans(file, 1, size)
    longest = max(map(len, data.splitlines(keepends=True)))
    assert found[0] == Span(0, found[1].start, 0, 1)
    assert len(found) > 3
    for one, two in pairwise(found):
        assert one.stop == two.start
        assert data[two.start - 1 : two.start] == b"\n"
        assert size <= two.start - one.start < size + block + longest
        assert (two.first_row, two.first_line) == (None, 1 + data.count(b"\n", 0, two.start))
    assert found[-1].stop is None
    assert spans(file, 1, len(data)) == [Span()]
