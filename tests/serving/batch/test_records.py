from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadInput
from serving.batch.records import LONGEST_RECORD, Block, checked, split_header, whole_records

CELL = st.text(st.sampled_from('ab,"\n\r é\ufeff'), max_size=6)
TABLE = st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=12)


def blocks(data: bytes, size: int = 1 << 20) -> list[Block]:
    return [checked(block, "t.csv") for block in whole_records(io.BytesIO(data), "t.csv", block_bytes=size)]


def refused(data: bytes, size: int = 1 << 20) -> str:
    with pytest.raises(BadInput) as caught:
        blocks(data, size)
    return str(caught.value)


def written(rows: list[list[str]], *, everything: bool = False) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL).writerows(rows)
    return text.getvalue().encode()


def parsed(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


@given(rows=TABLE, size=st.integers(1, 40), everything=st.booleans())
def test_blocks_of_any_size_hold_whole_records_and_lose_nothing(
    *, rows: list[list[str]], size: int, everything: bool
) -> None:
    data = written([["h", "h", "h"], *rows], everything=everything)
    found = blocks(data, size)
    assert b"".join(block.data for block in found) == data
    # A reader of its own kind takes every block by itself, and reads the same rows.
    assert [row for block in found for row in parsed(block.data)] == [["h", "h", "h"], *rows]


@given(rows=TABLE, size=st.integers(1, 40))
def test_every_block_knows_its_line(rows: list[list[str]], size: int) -> None:
    data, line = written([["h", "h", "h"], *rows]), 1
    for block in blocks(data, size):
        assert block.line == line
        assert data[block.start :].startswith(block.data)
        line += block.data.count(b"\n")


@given(rows=TABLE, size=st.integers(1, 40), again=st.integers(1, 40))
def test_a_part_of_a_file_is_read_to_its_end_and_no_further(rows: list[list[str]], size: int, again: int) -> None:
    data = written([["h", "h", "h"], *rows])
    for block in blocks(data, size):
        file, stop = io.BytesIO(data), block.start + len(block.data)
        file.seek(block.start)
        part = whole_records(file, "t.csv", block_bytes=again, start=block.start, line=block.line, stop=stop)
        assert b"".join(each.data for each in part) == block.data


@given(data=st.lists(st.sampled_from([b'"', b",", b"a", b"\n"]), max_size=10).map(b"".join), size=st.integers(1, 12))
def test_quotes_are_in_order_exactly_when_a_strict_reader_says_so(data: bytes, size: int) -> None:
    fine = True
    try:
        parsed(data)
        # That reader takes a quote inside an unquoted cell for a letter; here, it is out of order.
        fine = not has_bare_quote(data)
    except csv.Error:
        fine = False
    try:
        blocks(data, size)
    except BadInput:
        assert not fine
    else:
        assert fine


def has_bare_quote(data: bytes) -> bool:
    """A slow walk over the bytes: is there a quote in a cell that did not begin with one?"""
    state = "start"
    for octet in data.decode():
        if state == "quoted":
            state = "closing" if octet == '"' else "quoted"
        elif octet == '"':
            if state == "bare":
                return True
            state = "quoted"
        else:
            state = "start" if octet in ",\n" else "bare"
    return False


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert blocks(b'\xef\xbb\xbf"id",a\n')[0].data == b'"id",a\n'
    assert blocks(b"\xef\xbb\xbf") == []


@pytest.mark.parametrize("size", [1, 4, 1 << 20])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b'id,a\n1,"open\n2,b\n3,c\n', 2),
        (b'id,a\n1,b\n2,12" pipe\n3,c\n', 3),
        (b'id,a\n1,"x"y\n2,b\n', 2),
        (b'id,a\n1,b\n2,"oops\n3,c\n4,"fine"\n', 3),
    ],
)
def test_a_quote_out_of_order_is_named_by_its_line(text: bytes, line: int, size: int) -> None:
    assert refused(text, size) == (
        f"t.csv, line {line}: should have quotes around whole cells only, doubled inside,"
        " got a quote elsewhere, or one left open."
    )


def test_a_quote_left_open_in_a_long_file_is_found_before_the_file_is_in_memory() -> None:
    data = b'id,a\n1,"open\n' + b"2,b\n" * (LONGEST_RECORD // 4 + 10)
    file = io.BytesIO(data + b"3,c\n" * (LONGEST_RECORD // 2))
    with pytest.raises(BadInput, match="line 2: should have quotes"):
        list(whole_records(file, "t.csv"))
    assert file.tell() < LONGEST_RECORD + (3 << 20)


def test_a_row_without_an_end_is_refused_by_its_length() -> None:
    data = b"id,a\n1,2\n" + b"x" * (LONGEST_RECORD + 10)
    assert refused(data) == "t.csv, line 3: should be a row of 16 MiB at most, got a longer one."


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-12], lambda data: b"no gzip at all", lambda data: data[:10] + b"\x07" + data[11:]]
)
def test_a_damaged_packed_file_is_refused(tmp_path: Path, damage: object) -> None:
    file = tmp_path / "t.csv.gz"
    file.write_bytes(damage(gzip.compress(b"id,a\n" + b"1,2\n" * 99)))  # type: ignore[operator]
    with gzip.open(file) as packed, pytest.raises(BadInput, match=r"t\.csv\.gz: should be readable to its end, got "):
        list(whole_records(packed, "t.csv.gz"))  # type: ignore[arg-type]  # it reads like one


def test_a_header_is_the_first_record_that_is_not_blank() -> None:
    header, rest = split_header(Block(1, b'\r\n\n"a\nb",c\n1,2\n3,4\n'))
    assert (header, rest) == (Block(3, b'"a\nb",c\n', 3), Block(5, b"1,2\n3,4\n", 11))
    assert split_header(Block(1, b"a,b")) == (Block(1, b"a,b"), Block(1, b"", 3))
