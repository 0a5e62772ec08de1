from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import PIL.Image
import pytest

from models.errors import BadInput
from models.inputs import Inputs
from models.schema import Binary, Numeric, Schema
from models.turn import Setting
from serving.form import is_form, read_form, settings_of
from serving.refusals import NotAForm
from tests import seeing
from tests.photographs import fundus, jpeg, png

DATA = jpeg(fundus(1))
RULE = seeing.IMAGE.rule
TYPE = "multipart/form-data; boundary=x"


def read(
    fields: dict[str, Any], files: Any = None, *, schema: Schema = seeing.SCHEMA, own_point: bool = True
) -> tuple[Inputs, Setting]:
    """What is read of a form as httpx writes it, a photograph among its files unless other files are named."""
    chosen = {"photograph": ("eye.jpg", DATA)} if files is None else files
    request = httpx.Request("POST", "http://inside", data=fields, files=chosen)
    return read_form(schema, request.read(), request.headers["content-type"], own_point=own_point)


def refused(fields: dict[str, Any], files: Any = None, **more: Any) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read(fields, files, **more)
    return [str(refusal) for refusal in caught.value.refusals]


def test_text_is_read_as_a_cell_of_a_csv_file_is() -> None:
    for age, number in (("61", 61), (" 6.1e1 ", 61), ("", np.nan), ("  ", np.nan)):
        inputs, setting = read({"age": age, "eye": " right "})
        assert np.array_equal(inputs.columns, np.array([[number, 1]], dtype=np.float32), equal_nan=True)
        assert inputs.image is not None
        assert np.array_equal(inputs.image, seeing.IMAGE.array(DATA)[None])
        assert setting == Setting()


def test_a_setting_is_told_beside_the_columns() -> None:
    fields = {"age": "61", "eye": "left"}
    assert read(fields | {"operating_point": "0.25"})[1] == Setting(operating_point=0.25)
    asked = {"operating_point": " recall >= 0.9 ", "prevalence": " 4e-2 "}
    assert read(fields | asked)[1] == Setting.told("recall >= 0.9", 0.04)
    assert read(fields | {"operating_point": "", "prevalence": " "})[1] == Setting()
    assert read(fields | {"prevalence": "0.04"}, own_point=False)[1] == Setting(prevalence=0.04)


def test_a_column_called_like_a_setting_is_the_column() -> None:
    schema = Schema(columns=(Numeric(name="prevalence", low=0, high=9), Binary(name="b")), image=seeing.IMAGE)
    assert settings_of(schema, own_point=True) == ("operating_point",)
    inputs, setting = read({"prevalence": "7", "b": "1"}, schema=schema)
    assert inputs.columns.tolist() == [[7, 1]]
    assert setting == Setting()


def test_every_bad_field_is_named_once() -> None:
    fields = {"age": "old", "eyes": "left", "operating_point": "2", "prevalence": "0.1"}
    files = {"photograph": ("eye.jpg", b"abc"), "more": ("b.jpg", DATA)}
    assert refused(fields, files) == [
        "eyes: is not a field of this form (age, eye, photograph, operating_point, prevalence), got 'left'.",
        "more: is not a field of this form (age, eye, photograph, operating_point, prevalence), got a file.",
        "eye: should be one of left, right, and always given, got nothing.",
        "age: should be a number from 0 to 120 years, or empty, got 'old'.",
        f"photograph: {RULE}, got a file of another kind.",
        "operating_point: should be a name, a threshold from 0 to 1 or a contract, got 2.0.",
    ]


def test_a_field_left_out_is_refused_also_where_it_may_be_empty() -> None:
    assert refused({"eye": "left"}) == [
        "age: should be a number from 0 to 120 years, or empty, and always given, got nothing."
    ]
    assert refused({"age": "1", "eye": "left"}, {"age2": (None, "1")}) == [
        "age2: is not a field of this form (age, eye, photograph, operating_point, prevalence), got '1'.",
        f"photograph: {RULE}, and always given, got nothing.",
    ]


@pytest.mark.parametrize(("text", "got"), [("10 %", "'10 %'"), ("0", "0.0"), ("1", "1.0"), ("nan", "nan")])
def test_a_prevalence_that_is_no_share_is_refused(text: str, got: str) -> None:
    assert refused({"age": "1", "eye": "left", "prevalence": text}) == [
        f"prevalence: should be a share between 0 and 1, got {got}."
    ]


def test_a_pathway_s_form_has_no_point_of_its_own() -> None:
    assert refused({"age": "1", "eye": "left", "operating_point": "0.5"}, own_point=False) == [
        "operating_point: is not a field of this form (age, eye, photograph, prevalence), got '0.5'."
    ]


def test_a_file_where_text_is_asked_for_and_text_where_a_file_is() -> None:
    files = {"age": ("age.txt", b"61"), "photograph": (None, "eye.jpg"), "prevalence": ("p.txt", b"0.1")}
    assert refused({"eye": "left"}, files) == [
        "age: should be a number from 0 to 120 years, or empty, sent as text, got a file.",
        f"photograph: {RULE}, sent as a file, got 'eye.jpg'.",
        "prevalence: should be a share between 0 and 1, sent as text, got a file.",
    ]


@pytest.mark.parametrize("name", ["age", "photograph"])
def test_a_field_that_comes_twice_is_refused_and_neither_is_taken(name: str) -> None:
    files = [("age", (None, "1")), ("eye", (None, "left")), ("photograph", ("a.jpg", DATA))]
    twice = ("age", (None, "2")) if name == "age" else ("photograph", ("b.png", png(fundus(2))))
    assert refused({}, [*files, twice]) == [f"{name}: should be given once, got several of that name."]


def form(*parts: bytes, end: bytes = b"--x--\r\n") -> bytes:
    return b"".join(b"--x\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + end


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("multipart/form-data", b"", "content-type: should name the boundary of the form, got 'multipart/form-data'."),
        (TYPE, b"", "body: should be sent whole, got a form without its end."),
        (TYPE, form(b'name="age"\r\n\r\n61', end=b""), "body: should be sent whole, got a form without its end."),
        (TYPE, form(b'name="eye"\r\n\r\n\xff'), "eye: should be text in UTF-8, got byte 0xff."),
        (TYPE, form(b"\r\n\r\n61"), "body: should be multipart/form-data, got Field name not found"),
        (TYPE, b"age=61&eye=left", "body: should be multipart/form-data, got "),
        (
            TYPE,
            form(b'name="age"\r\nContent-Transfer-Encoding: rot13\r\n\r\n61'),
            "body: should be multipart/form-data, got Unknown Content-Transfer-Encoding",
        ),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes, text: str) -> None:
    with pytest.raises(NotAForm) as caught:
        read_form(seeing.SCHEMA, body, content_type, own_point=True)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        (TYPE, True),
        ("Multipart/Form-Data", True),
        ("application/json", False),
        ("multipart/mixed; boundary=multipart/form-data", False),
        ("", False),
    ],
)
def test_a_form_is_told_by_its_content_type(content_type: str, form: bool) -> None:  # noqa: FBT001  # the answer
    assert is_form(content_type) is form


def test_a_large_photograph_is_written_to_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("python_multipart.multipart.File.flush_to_disk", lambda self: pytest.fail("it was written"))
    noise = np.random.default_rng(0).integers(0, 256, size=(1100, 1100, 3), dtype=np.uint8)
    large = png(PIL.Image.fromarray(noise))
    assert len(large) > 3_000_000
    inputs, _ = read({"age": "1", "eye": "left"}, {"photograph": ("eye.png", large)})
    assert inputs.image is not None
    assert np.array_equal(inputs.image[0], seeing.IMAGE.array(large))
