"""Lines that are carried along as they stand give the bytes that their cells, read and written again, give."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.inputs import Inputs
from models.schema import Numeric, Schema
from models.scorer import Scorer
from models.turn import Setting
from serving.batch import step
from serving.batch.engines.local import Local
from serving.batch.formats.comma import CsvReader, CsvWriter
from serving.batch.formats.form import WHOLE
from serving.batch.job import score_files
from serving.batch.judge import Judge, Judged, OneModel
from serving.batch.lines import Lines, scored_lines
from serving.batch.place import Place
from serving.counts import Counts, Tally
from tests import handmade

GOOD = ("61", "250.5", "1", "left")
CELLS: dict[str, list[str]] = {
    "age": [
        "0",
        "007",
        "+5",
        "1e1",
        "1E1",
        "5.",
        ".5",
        "-0",
        " 5",
        "5 ",
        "\t5",
        "0x1",
        "inf",
        "nan",
        "NaN",
        "",
        "120.0",
    ],
    "fluid": ["", " ", "1e3", "1e-400", "0.1", "0.30000001192092896", "1_0", "1,5", "Infinity", "٣", "-1", "1d1", "1f"],
    "new_vessels": ["", "0", "1.0", "true", "TRUE", "False", " 1", "yes", "01", "1e0"],
    "eye": ["right", "right ", " left", "Left", "", "l\u00e9ft", "\ufeffleft", "left\u00a0"],
    "note": [
        "",
        "x",
        " x ",
        "007",
        "'",
        "é",
        "\ufeff",
        "#",
        "\t",
        "\x00",
        "\x0b",
        "-",
        "null",
        "a;b",
        "\u2028",
        "\x85",
    ],
}
NAMES = list(CELLS)
QUOTED = ['"left"', '"a,b"', '"a\nb"', '"a""b"', '""', '"x"y', '"open']
LINES = ["", " ", ",", "x", "61,250.5,1,left", "61,250.5,1,left,n,o", "\ufeff61,1,1,left,x"]


def line(name: str | None, cell: str, note: str) -> str:
    cells = dict(zip(NAMES, [*GOOD, note], strict=True))
    return ",".join(cells.values() if name is None else (cells | {name: cell}).values())


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Mostly good lines; some odd cells, quotes, blank and ragged lines among them."""
    plain = st.builds(line, st.none(), st.just(""), st.sampled_from(CELLS["note"]))
    odd = st.sampled_from(NAMES).flatmap(
        lambda name: st.builds(
            line, st.just(name), st.sampled_from(CELLS[name] + QUOTED[: draw(st.sampled_from([0, 5, 7]))]), st.just("n")
        )
    )
    some = draw(st.sampled_from([plain, plain | odd, plain | odd | st.sampled_from(LINES)]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = end.join([",".join(NAMES), *draw(st.lists(some, max_size=6))])
    return text + draw(st.sampled_from(["", end]))


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return Scorer(handmade.bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return Scorer(handmade.bundle(tmp_path_factory.mktemp("bundle"), "zoned"))


def both_ways(scorer: Scorer, text: bytes, **options: object) -> tuple[list[object], list[object]]:
    """The result, the refusals and the counts of a job, by lines and by cells; or why it was refused."""

    def done() -> list[object]:
        with TemporaryDirectory() as folder:
            source, target = Path(folder) / "in.csv", Path(folder) / "o.csv"
            source.write_bytes(text)
            try:
                found = score_files(scorer, source, target, engine=Local(1), **options)  # type: ignore[arg-type]  # options of any kind
            except BadInput as error:
                return [str(error).replace(folder, "")]
            side = Path(f"{target}.refused")
            refused = side.read_text().replace(folder, "") if side.exists() else ""
            return [target.read_bytes(), refused, found.counts]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)  # Nothing of it is kept.
        first = done()
        patch.setattr(step, "scored_lines", lambda *_: None)
        return first, done()


KEEPS = [None, ("note",), ("age",), ("note", "eye"), ()]


@settings(max_examples=60)
@given(text=texts(), keep=st.sampled_from(KEEPS), rows=st.sampled_from([None, 2]))
@example(text="age,fluid,new_vessels,eye,note\n61,,1,left,\n", keep=("note",), rows=None)
@example(text="age,fluid,new_vessels,eye,note\n61,,1,left,x\n\n", keep=(), rows=None)
@example(text="note,age,fluid,new_vessels,eye\n\ufeffn,61,,1,left\n", keep=("note",), rows=None)
@example(text="age,fluid,new_vessels,eye,note\n61,,1,left,x\n", keep=("note", "eye"), rows=None)
def test_lines_as_they_stand_give_the_same_bytes_as_their_cells(
    scorer: Scorer, text: str, keep: tuple[str, ...] | None, rows: int | None
) -> None:
    by_lines, by_cells = both_ways(scorer, text.encode(), keep=keep, rows_per_chunk=rows)
    assert by_lines == by_cells


@pytest.mark.parametrize("name", NAMES)
def test_each_odd_cell_is_carried_or_refused_alike(scorer: Scorer, name: str) -> None:
    """One at a time, since a single doubtful cell sends a whole block the other way."""
    for cell in CELLS[name]:
        for keep in (None, ("note",)):
            text = "\n".join([",".join(NAMES), line(name, cell, "n"), line(None, "", "m")]).encode()
            by_lines, by_cells = both_ways(scorer, text, keep=keep)
            assert by_lines == by_cells, (cell, keep)


@pytest.mark.parametrize("data", [b"61,,1,left,\xe9\n", b"61,,1,left,x\n" * 3 + b"61,,1,left,\xff\xfe\n"])
def test_bytes_that_are_no_text_are_named_by_their_line(scorer: Scorer, data: bytes) -> None:
    by_lines, by_cells = both_ways(scorer, ",".join(NAMES).encode() + b"\n" + data)
    assert by_lines == by_cells
    last = data.count(b"\n") + 1
    assert str(by_lines[0]).startswith(f"/in.csv, line {last}: should be text in UTF-8, got byte 0x")


def test_a_zone_in_which_nothing_is_decided_is_an_empty_cell_both_ways(other: Scorer) -> None:
    rows = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in handmade.rows(60, 4)]
    text = "\n".join([",".join(handmade.SCHEMA.names), *(row.lower() for row in rows)]).encode()
    by_lines, by_cells = both_ways(other, text)
    assert by_lines == by_cells
    assert b",,indeterminate," in by_lines[0]  # type: ignore[operator]  # the bytes of the result


@pytest.fixture
def tried(scorer: Scorer, tmp_path: Path) -> Callable[..., Lines | None]:
    """What becomes of the blocks of a text."""
    judge = OneModel(scorer, scorer.turn(Setting()))

    def lines(text: str, carried: tuple[str, ...] | None = None) -> Lines | None:
        file = tmp_path / "in.csv"
        file.write_text(text, newline="")
        with closing(CsvReader(Place(str(file)))) as reader:
            blocks = [item.block for item in reader.items(WHOLE, columns=None, rows=None)]
            found = [scored_lines(judge, reader, block, carried) for block in blocks if block is not None]
        good = [each for each in found if each is not None]
        if len(good) < len(blocks):
            return None
        return Lines(b"".join(each.text for each in good), sum((each.tally for each in good), judge.refusing(0)))

    return lines


HEADER = ",".join(NAMES) + "\n"


@pytest.mark.parametrize("keep", [None, ("note",)])
@pytest.mark.parametrize("last", ["", "\n"])
def test_plain_good_lines_are_carried_as_they_stand(
    tried: Callable[..., Lines | None], keep: tuple[str, ...] | None, last: str
) -> None:
    lines = ["007,1e3,,left,007", "61.50,,1.0,right, x é"]
    found = tried(HEADER + "007,1e2,,left,007\n61.50,,1.0,right, x é" + last, keep)
    assert found is not None
    assert tried(HEADER + "\n".join(lines) + last, keep) is None  # 1e3 is more than may be
    start = ["007,1e2,,left,007,", "61.50,,1.0,right, x é,"] if keep is None else ["007,", " x é,"]
    written = found.text.decode().splitlines()
    assert [text.startswith(begin) for text, begin in zip(written, start, strict=True)] == [True, True]
    assert found.tally.read == 2


@pytest.mark.parametrize(
    "text",
    [
        '61,,1,left,"x"\n',
        "61,,1,left,x\r\n",
        "61,,1,left,x\n\n",
        "61,,1,left\n",
        "61,,1,up,x\n",
        ",,1,left,x\n",
        "nan,,1,left,x\n",
        "130,,1,left,x\n",
    ],
)
def test_whatever_is_in_doubt_is_left_to_the_way_of_cells(tried: Callable[..., Lines | None], text: str) -> None:
    assert tried(HEADER + "5,,1,left,x\n" + text) is None


def test_a_number_that_is_asked_for_and_carried_is_left_to_the_way_of_cells(tried: Callable[..., Lines | None]) -> None:
    assert tried(HEADER + "61,,1,left,x\n", ("age",)) is None
    assert tried(HEADER + "61,,1,left,x\n", ("eye", "new_vessels")) is not None


class OfAge(Judge):
    """Asks for one column, which may be empty, and answers with its half."""

    columns = Schema(columns=(Numeric(name="age", low=0, high=120, missing="impute"),))
    models = ()
    name = "of age"
    point = "somewhere"
    answers: ClassVar = {"probability": pa.float32()}

    def judge(self, inputs: Inputs) -> Judged:
        rows = len(inputs)
        counts = Counts(read=rows, negative=rows)
        return Judged({"probability": pa.array(inputs.columns[:, 0] / 2)}, Tally(models=(counts,)))

    def refusing(self, rows: int) -> Tally:
        return Tally.refusing(rows, models=1)


@pytest.mark.parametrize("body", ["61\n62\n", "61\n62", "61\n\n62\n", "\n", "", "61\n \n", "old\n61\n", "61\n62,63\n"])
def test_a_table_of_one_column_is_scored_alike_both_ways(tmp_path: Path, body: str) -> None:
    """Where there is but one column, a line without a cell is a row, whose cell is empty."""
    file, judge = tmp_path / "in.csv", OfAge()
    file.write_text(f"age\n{body}")
    fields = [("age", pa.string()), *judge.said.items()]
    way = step.Step(judge, CsvWriter, pa.schema(fields), carried=("age",), all_carried=True)

    def taken() -> tuple[bytes, list[str], Tally]:
        with closing(CsvReader(Place(str(file)))) as reader:
            found = [way.take(reader, item, None) for item in reader.items(WHOLE, columns=None, rows=None)]
        text = b"".join(each for one in found for each in one.prepared)
        refused = [str(each) for one in found for each in one.refused]
        return text, refused, sum((one.tally for one in found), judge.refusing(0))

    with pytest.MonkeyPatch.context() as patch:
        first = taken()
        patch.setattr(step, "scored_lines", lambda *_: None)
        assert first == taken()
    assert first[2].read == len(body.splitlines())
