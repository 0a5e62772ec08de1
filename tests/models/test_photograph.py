from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.errors import BadInput
from models.image import BadPhotograph
from models.photograph import pixels
from models.rows import encode_rows, row_type
from models.table import check_columns, encode_table
from tests.photographs import fundus, jpeg, png, real
from tests.seeing import IMAGE, SCHEMA

DATA = jpeg(fundus(1))
TEXT = base64.b64encode(DATA).decode()
ROW = {"age": 61, "eye": "left", "photograph": DATA}


def refused(rows: list[dict[str, object]]) -> list[str]:
    with pytest.raises(BadInput) as caught:
        encode_rows(SCHEMA, rows)
    return [str(refusal) for refusal in caught.value.refusals]


def got(cell: object) -> str:
    with pytest.raises(BadPhotograph) as caught:
        pixels(IMAGE, cell)
    return caught.value.got


def test_bytes_a_file_and_base64_of_one_photograph_are_the_same_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(DATA)
    wanted = IMAGE.array(DATA)
    for cell in (DATA, tmp_path / "a.jpg", TEXT):
        assert np.array_equal(pixels(IMAGE, cell), wanted)
        found = encode_rows(SCHEMA, [ROW | {"photograph": cell}])
        assert found.image is not None
        assert np.array_equal(found.image, wanted[None])
        assert np.array_equal(found.columns, [[61, 0]])


def test_a_cell_that_is_no_photograph_is_refused_by_what_it_is(tmp_path: Path) -> None:
    small = IMAGE.model_copy(update={"most_bytes": 10})
    (tmp_path / "long.jpg").write_bytes(bytes(11))
    assert got(7) == "7"
    assert got(None) == "None"
    assert got("") == "an empty file"
    assert got("photo.jpg") == "'photo.jpg', which is no base64"
    assert got(f"data:image/jpeg;base64,{TEXT}") == "'data:image/jpeg;base64,/9j/4AAQSkZJR..., which is no base64"
    assert got("größe") == "'größe', which is no base64"
    assert got(TEXT[:-1]).endswith("which is no base64")
    assert got(TEXT[:4000]).startswith("a damaged or truncated one (")
    assert got(Path("a\0.jpg")) == "'a\\x00.jpg', which is no name of a file"
    assert got(tmp_path) == f"{tmp_path}, which is no file"
    assert got(tmp_path / "no.jpg") == f"{tmp_path}/no.jpg, which can not be read (No such file or directory)"
    for cell, size in ((tmp_path / "long.jpg", "11 bytes"), ("A" * 20, "20 characters of base64")):
        with pytest.raises(BadPhotograph) as caught:
            pixels(small, cell)
        assert caught.value.got == size


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    assert got(tmp_path / "huge.jpg") == "1,099,511,627,776 bytes"


def test_base64_of_just_the_most_bytes_is_not_too_long() -> None:
    for most in (len(DATA), len(DATA) + 1, len(DATA) + 2):
        assert pixels(IMAGE.model_copy(update={"most_bytes": most}), TEXT).any()


def test_a_bad_photograph_of_a_row_is_named_with_the_other_bad_cells() -> None:
    rows = [ROW, ROW | {"age": -1, "photograph": b"?"}, {"age": 1, "eye": "left"}, ROW | {"photo": 1}]
    assert refused(rows) == [
        "rows.1.age: should be a number from 0 to 120 years, or empty, got -1.",
        f"rows.1.photograph: {IMAGE.rule}, got a file of another kind.",
        f"rows.2.photograph: {IMAGE.rule}, and always given, got nothing.",
        "rows.3.photo: is not a column of this model (age, eye, photograph), got 1.",
    ]


def test_what_was_got_may_hold_braces() -> None:
    assert refused([ROW | {"photograph": "{x}"}]) == [
        f"rows.0.photograph: {IMAGE.rule}, got '{{x}}', which is no base64."
    ]


def test_the_row_type_describes_the_photograph() -> None:
    document = row_type(SCHEMA).model_json_schema()
    assert document["required"] == ["age", "eye", "photograph"]
    assert document["properties"]["photograph"] == {
        "title": "Photograph",
        "type": "string",
        "contentEncoding": "base64",
        "description": f"photograph of the back of the eye; {IMAGE.rule}, in base64.",
    }


def test_paths_of_a_table_are_read_from_its_folder(tmp_path: Path) -> None:
    files = {"a.jpg": DATA, "b.png": png(fundus(2))}
    (tmp_path / "eyes").mkdir()
    for name, data in files.items():
        (tmp_path / "eyes" / name).write_bytes(data)
    absolute = str(tmp_path / "eyes" / "b.png")
    table = pl.DataFrame(
        {"age": ["61", "", "3"], "eye": ["left"] * 3, "photograph": ["eyes/a.jpg", " eyes/b.png ", absolute]}
    )
    encoded = encode_table(SCHEMA, table, folder=tmp_path)
    assert encoded.good.all()
    assert encoded.image is not None
    a, b = (IMAGE.array(data) for data in files.values())
    assert np.array_equal(encoded.image, [a, b, b])
    assert encoded.inputs.image is encoded.image
    assert encoded.inputs.columns is encoded.values


def test_a_table_of_bytes_is_the_same_as_one_of_paths(tmp_path: Path) -> None:
    table = pl.DataFrame({"age": [61.0, None], "eye": ["left", "right"], "photograph": [DATA, png(fundus(2))]})
    table.write_parquet(tmp_path / "people.parquet")
    encoded = encode_table(SCHEMA, pl.read_parquet(tmp_path / "people.parquet"))
    assert encoded.good.all()
    assert encoded.image is not None
    assert np.array_equal(encoded.image, [IMAGE.array(DATA), IMAGE.array(png(fundus(2)))])


def test_a_row_with_a_bad_photograph_is_refused_and_the_others_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(DATA)
    (tmp_path / "cut.jpg").write_bytes(DATA[:3000])
    table = pl.DataFrame(
        {"age": ["1", "500", "1", "1"], "eye": ["left"] * 4, "photograph": ["a.jpg", "no.jpg", "cut.jpg", None]}
    )
    encoded = encode_table(SCHEMA, table, first_row=10, folder=tmp_path)
    assert encoded.good.tolist() == [True, False, False, False]
    assert [(refusal.path, refusal.got) for refusal in encoded.refused] == [
        ("rows.11.age", "'500'"),
        ("rows.11.photograph", f"{tmp_path}/no.jpg, which can not be read (No such file or directory)"),
        ("rows.12.photograph", encoded.refused[2].got),
        ("rows.13.photograph", "an empty cell"),
    ]
    assert encoded.refused[2].got.startswith("a damaged or truncated one (")
    assert encoded.image is not None
    assert [image.any() for image in encoded.image] == [True, False, False, False]


def test_a_column_of_photographs_is_checked_before_any_work() -> None:
    check_columns(SCHEMA, SCHEMA.asked)
    with pytest.raises(BadInput) as caught:
        check_columns(SCHEMA, pl.Schema({"age": pl.Float64(), "photograph": pl.Int64()}))
    assert str(caught.value).splitlines() == [
        "eye: should be a column of the table, got age, photograph.",
        "photograph: should be paths of photographs, or their bytes, got a column of type Int64.",
    ]
    with pytest.raises(BadInput) as caught:
        check_columns(SCHEMA, SCHEMA.names)
    assert str(caught.value) == "photograph: should be a column of the table, got age, eye."


def test_real_photographs_are_the_same_pixels_as_rows_and_as_a_table() -> None:
    paths = real(6)
    rows = [{"age": 50, "eye": "left", "photograph": path} for path in paths]
    table = pl.DataFrame([row | {"photograph": path.name} for row, path in zip(rows, paths, strict=True)])
    found, encoded = encode_rows(SCHEMA, rows), encode_table(SCHEMA, table, folder=paths[0].parent)
    assert found.image is not None
    assert encoded.image is not None
    assert np.array_equal(found.image, encoded.image)
    assert len(np.unique(found.image.reshape(6, -1), axis=0)) == 6
