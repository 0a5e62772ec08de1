"""Tensors as nobody should send them: always refused by path and rule, and never an error of the service."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from models.bundle import open_bundle
from models.errors import BadInput
from models.scorer import Scorer
from serving.inference.packed import unpack
from serving.inference.reply import outputs
from serving.inference.request import Asked, read
from serving.refusals import refusal
from tests import handmade
from tests.running import Server

MAX_ROWS = 50
EYES = b"".join(struct.pack("<I", len(word)) + word for word in (b"left", b"right"))
BINARY: dict[str, dict[str, Any]] = {
    "age": {"name": "age", "shape": [2], "datatype": "FP32", "parameters": {"binary_data_size": 8}},
    "fluid": {"name": "fluid", "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": 16}},
    "new_vessels": {"name": "new_vessels", "shape": [2], "datatype": "BOOL", "parameters": {"binary_data_size": 2}},
    "eye": {"name": "eye", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(EYES)}},
}
DATA = {"age": struct.pack("<2f", 61, 5), "fluid": struct.pack("<2d", 0, 900), "new_vessels": b"\0\1", "eye": EYES}
PLAIN: dict[str, dict[str, Any]] = {
    "age": {"name": "age", "shape": [2], "datatype": "FP64", "data": [61, 5.5]},
    "fluid": {"name": "fluid", "shape": [2, 1], "datatype": "INT16", "data": [[300], [None]]},
    "new_vessels": {"name": "new_vessels", "shape": [2], "datatype": "BOOL", "data": [None, True]},
    "eye": {"name": "eye", "shape": [2], "datatype": "BYTES", "data": ["left", "right"]},
}


OUTPUTS = outputs(handmade.finished()[1])


def asked(sent: bytes, length: str | None = None) -> Asked:
    return read(handmade.SCHEMA, OUTPUTS, sent, length, max_rows=MAX_ROWS)


def binary(tensors: dict[str, dict[str, Any]], data: dict[str, bytes]) -> tuple[bytes, str]:
    head = json.dumps({"inputs": list(tensors.values())}).encode()
    return head + b"".join(data.values()), str(len(head))


def refused(sent: bytes, length: str | None = None) -> str:
    with pytest.raises(BadInput) as error:
        asked(sent, length)
    return str(error.value)


def test_both_forms_are_read() -> None:
    np.testing.assert_array_equal(asked(*binary(BINARY, DATA)).inputs.columns, [[61, 0, 0, 0], [5, 900, 1, 1]])
    found = asked(json.dumps({"inputs": list(PLAIN.values())}).encode()).inputs.columns
    np.testing.assert_array_equal(found, [[61, 300, np.nan, 0], [5.5, np.nan, 1, 1]])


@pytest.mark.parametrize(
    ("name", "change", "sent", "words"),
    [
        ("age", {}, DATA["age"][:-1], "body: should hold as many bytes behind its JSON as the binary_data_size of its"),
        (
            "eye",
            {},
            EYES + b"x",
            "body: should hold as many bytes behind its JSON as the binary_data_size of its inputs say",
        ),
        ("age", {"parameters": {"binary_data_size": 7}}, DATA["age"][:7], "should be 8, for 2 values of FP32, got 7."),
        ("age", {"parameters": {"binary_data_size": -8}}, b"", "should be a whole number of bytes from 0, got -8."),
        ("age", {"parameters": {"binary_data_size": 8.0}}, None, "should be a whole number of bytes from 0, got 8.0."),
        (
            "age",
            {"parameters": {"binary_data_size": True}},
            b"1",
            "should be a whole number of bytes from 0, got True.",
        ),
        (
            "age",
            {"parameters": {"binary_data_size": 2**62}},
            None,
            f"as the binary_data_size of its inputs say, {2**62 + 35}, ",
        ),
        (
            "age",
            {"parameters": {"binary_data_size": 10**4299}},
            None,
            "should be a whole number of bytes from 0, got 10",
        ),
        ("age", {"parameters": {"offset": 1}}, b"", "inputs.age.parameters.offset: is not supported here, where there"),
        (
            "age",
            {"data": [1, 2]},
            None,
            "inputs.age.data: should be left out where there is binary_data_size, got both.",
        ),
        ("age", {"parameters": {}}, b"", "inputs.age.data: should be given, or binary_data_size, got neither."),
        ("age", {"parameters": 5}, None, "inputs.0.parameters: should be a mapping of names to values, got 5."),
        ("age", {"shape": [-2]}, None, "inputs.0.shape.0: should be whole numbers from 0, got -2."),
        ("age", {"shape": [2.0]}, None, "inputs.0.shape.0: should be whole numbers from 0, got 2.0."),
        ("age", {"shape": [True]}, None, "inputs.0.shape.0: should be whole numbers from 0, got True."),
        ("age", {"shape": 2}, None, "inputs.0.shape: should be whole numbers from 0, got 2."),
        ("age", {"shape": []}, None, "inputs.age.shape: should be [rows] or [rows, 1], got []."),
        ("age", {"shape": [1, 2]}, None, "inputs.age.shape: should be [rows] or [rows, 1], got [1, 2]."),
        ("age", {"shape": [2, 1, 1]}, None, "inputs.age.shape: should be [rows] or [rows, 1], got [2, 1, 1]."),
        ("age", {"shape": [0]}, b"", "inputs.age.shape: should hold at least one row, got 0."),
        ("age", {"shape": [2**63]}, None, f"inputs.age.shape: should hold at most 50 rows, got {2**63}."),
        ("age", {"shape": [10**4000]}, None, "inputs.age.shape: should hold at most 50 rows, got 1000000"),
        ("fluid", {"shape": [2**31]}, None, f"inputs.fluid.shape: should hold 2 rows, as age does, got {2**31}."),
        ("age", {"datatype": "float"}, None, "inputs.age.datatype: should be FP32 or FP64 or INT8 or"),
        ("age", {"datatype": None}, None, "inputs.0.datatype: should be the name of a datatype, got None."),
        ("age", {"datatype": "FP16"}, None, "inputs.age.datatype: should be FP32 or FP64 or INT8 or"),
        ("age", {"name": 5}, None, "inputs.0.name: should be the name of a tensor, got 5."),
        (
            "age",
            {"unit": "years"},
            None,
            "inputs.0.unit: is not a part of it, which holds name, shape, datatype, param",
        ),
        ("age", {}, struct.pack("<2f", np.nan, 5), "inputs.age.0: should be a number from 0 to 120 years, got nan."),
        ("age", {}, struct.pack("<2f", 5, np.inf), "inputs.age.1: should be a number from 0 to 120 years, got inf."),
        ("age", {}, struct.pack("<2f", -np.inf, 5), "inputs.age.0: should be a number from 0 to 120 years, got -inf."),
        ("age", {}, struct.pack("<2f", 5, 121), "inputs.age.1: should be a number from 0 to 120 years, got 121.0."),
        ("new_vessels", {}, b"\0\2", "inputs.new_vessels.1: should be 0, 1, false or true, or empty, got 2."),
        ("eye", {}, EYES[:-1] + b"\xff", "inputs.eye.1: should be one of left, right, got 'righ\ufffd'."),
        ("eye", {}, b"\0" * len(EYES), "inputs.eye: should hold 2 values, got 9 bytes more."),
        ("eye", {}, EYES[:8] + b"\5\0\0\0LEFT.", "inputs.eye.1: should be one of left, right, got 'LEFT.'."),
        (
            "eye",
            {},
            EYES[:8] + b"\6\0\0\0right",
            "inputs.eye.1: should be as long as the 4 bytes before it say, 6, got 5",
        ),
        (
            "eye",
            {},
            b"\xff\xff\xff\xff" + EYES[4:],
            "should be as long as the 4 bytes before it say, 4294967295, got 13",
        ),
        (
            "eye",
            {"parameters": {"binary_data_size": 10}},
            EYES[:10],
            "inputs.eye.1: should be a value with its length in 4 bytes before it, got 2 bytes left.",
        ),
        (
            "eye",
            {"parameters": {"binary_data_size": 0}},
            b"",
            "inputs.eye.0: should be a value with its length in 4 bytes before it, got 0 bytes left.",
        ),
    ],
)
def test_a_hostile_tensor_of_bytes_is_named(name: str, change: dict[str, Any], sent: bytes | None, words: str) -> None:
    tensors = {**BINARY, name: {**BINARY[name], **change}}
    assert words in refused(*binary(tensors, DATA if sent is None else {**DATA, name: sent}))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("age", "[61]", "inputs.age.data: should hold 2 values, as its shape says, got 1."),
        ("age", "[61, 5, 5]", "inputs.age.data: should hold 2 values, as its shape says, got 3."),
        ("age", "[[61, 5]]", "inputs.age.data: should hold 2 values, as its shape says, got 1."),
        ("age", "[[61], [5]]", "inputs.age.0: should be a number, as FP64 is, got [61]."),
        ("age", '["61", 5]', "inputs.age.0: should be a number, as FP64 is, got '61'."),
        ("age", "[true, 5]", "inputs.age.0: should be a number, as FP64 is, got True."),
        ("age", "[61, NaN]", "inputs.age.1: should be a number from 0 to 120 years, got nan."),
        ("age", "[61, null]", "inputs.age.1: should be a number from 0 to 120 years, got nan."),
        ("age", "[61, Infinity]", "inputs.age.1: should be a number, as FP64 is, got inf."),
        ("age", "[61, 1e999]", "inputs.age.1: should be a number, as FP64 is, got inf."),
        ("age", f"[61, {10**400}]", "inputs.age.1: should be a number, as FP64 is, got 10000000000"),
        ("age", f"[61, {'9' * 5000}]", "body: should begin with JSON, got number out of range"),
        ("age", '"61"', "inputs.0.data: should be a list of values, got '61'."),
        ("age", f"{'[' * 1000}", "body: should begin with JSON, got recursion limit exceeded"),
        ("fluid", "[300, 300.5]", "inputs.fluid.1: should be a whole number, as INT16 is, got 300.5."),
        ("fluid", "[300, 32768]", "inputs.fluid.1: should be a whole number, as INT16 is, got 32768."),
        ("fluid", f"[300, {-(10**400)}]", "inputs.fluid.1: should be a whole number, as INT16 is, got -1000000"),
        ("fluid", "[300, NaN]", "inputs.fluid.1: should be a whole number, as INT16 is, got nan."),
        ("new_vessels", "[0, true]", "inputs.new_vessels.0: should be false or true, as BOOL is, got 0."),
        ("eye", '["left", 1]', "inputs.eye.1: should be text, as BYTES is, got 1."),
        ("eye", '["left", ["right"]]', "inputs.eye.1: should be text, as BYTES is, got ['right']."),
        ("eye", '["left", null]', "inputs.eye.1: should be one of left, right, got an empty cell."),
        ("eye", '["left", "right "]', "inputs.eye.1: should be one of left, right, got 'right '."),
        ("eye", '["left", "\\ud800"]', "body: should begin with JSON, got "),
    ],
)
def test_hostile_values_of_json_are_named(name: str, change: str, words: str) -> None:
    tensors = [{**tensor, "data": "HERE"} if tensor["name"] == name else tensor for tensor in PLAIN.values()]
    assert words in refused(json.dumps({"inputs": tensors}).replace('"HERE"', change).encode())


@pytest.mark.parametrize(
    ("sent", "length", "words"),
    [
        (b"", None, "body: should begin with JSON, got nothing."),
        (b"{", None, "body: should begin with JSON, got EOF while parsing an object"),
        (b"\xff", None, "body: should begin with JSON, got expected value"),
        (b"[]", None, 'body: should be {"inputs": [...]}, got [].'),
        (b"{}", None, "inputs: should be a list of tensors, got nothing."),
        (b'{"inputs": {}}', None, "inputs: should be a list of tensors, got {}."),
        (b'{"inputs": [5]}', None, "inputs.0: should be a mapping with a name, got 5."),
        (b'{"inputs": []}', None, "inputs.age: should always be given, got nothing."),
        (b'{"inputs": [], "id": 5}', None, "id: should be text, got 5."),
        (
            b'{"inputs": [], "rows": []}',
            None,
            "rows: is not a part of it, which holds id, parameters, inputs, outputs, ",
        ),
        (b'{"inputs": [], "outputs": [{}]}', None, "outputs.0.name: should be the name of a tensor, got nothing."),
        (b'{"inputs": [], "inputs": []}', None, "inputs: should be given once, got several of that name."),
        (b'{"inputs": [], "parameters": {"binary_data_output": 1}}', None, "should be true or false, got 1."),
        (
            b'{"inputs": [], "outputs": [{"name": "decision", "parameters": {"binary_data": "yes"}}]}',
            None,
            "outputs.decision.parameters.binary_data: should be true or false, got 'yes'.",
        ),
        (
            b'{"inputs": []}',
            "-1",
            "Inference-Header-Content-Length: should be the length of the JSON at the beginning of",
        ),
        (b'{"inputs": []}', "15", "of the body, from 0 to 14, got '15'."),
        (b'{"inputs": []}', "9" * 5000, "of the body, from 0 to 14, got '9999999"),
        (b'{"inputs": []}', "1e1", "of the body, from 0 to 14, got '1e1'."),
        (b'{"inputs": []}', "", "of the body, from 0 to 14, got ''."),
        (b'{"inputs": []}', "0", "body: should begin with JSON, got nothing."),
        (b'{"inputs": []}', "13", "body: should begin with JSON, got EOF while parsing"),
    ],
)
def test_a_hostile_frame_is_named(sent: bytes, length: str | None, words: str) -> None:
    assert words in refused(sent, length)


def test_more_bad_values_than_are_named_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.inference.request.NAMED", 2)
    tensors = [{**PLAIN["age"], "data": [-1, -1]}, {**PLAIN["eye"], "data": ["", "up"]}, *list(PLAIN.values())[1:3]]
    words = "inputs: should hold at most 2 bad values to have them named, got 4."
    assert refused(json.dumps({"inputs": tensors}).encode()) == words


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("name", "shape", "datatype", "parameters", "data")


@given(
    name=some.sampled_from(list(PLAIN)),
    change=some.dictionaries(some.sampled_from(FIELDS), ANYTHING, min_size=1, max_size=2),
    beside=some.dictionaries(some.sampled_from(["id", "parameters", "outputs"]), ANYTHING, max_size=1),
)
def test_whatever_json_comes_is_read_or_refused(name: str, change: dict[str, Any], beside: dict[str, Any]) -> None:
    tensors = [{**tensor, **change} if tensor["name"] == name else tensor for tensor in PLAIN.values()]
    read_or_refused(json.dumps({"inputs": tensors, **beside}).encode(), None)


@given(
    name=some.sampled_from(list(BINARY)),
    sent=some.binary(max_size=24),
    size=some.none() | some.integers(-1, 30),
    rows=some.integers(0, 4),
    cut=some.integers(-3, 3),
)
def test_whatever_bytes_come_are_read_or_refused(name: str, sent: bytes, size: int | None, rows: int, cut: int) -> None:
    parameters = {"binary_data_size": len(sent) if size is None else size}
    body, length = binary(
        {**BINARY, name: {**BINARY[name], "shape": [rows], "parameters": parameters}}, {**DATA, name: sent}
    )
    read_or_refused(body, length)
    read_or_refused(body, str(int(length) + cut))


def read_or_refused(sent: bytes, length: str | None) -> None:
    """What is read has two rows within the schema; what is refused has a path and a rule, and can be answered."""
    try:
        columns = asked(sent, length).inputs.columns
    except BadInput as error:
        found = error
    else:
        low, high = handmade.SCHEMA.bounds
        empty = np.isnan(columns)
        assert columns.shape == (2, 4)
        assert not (empty & ~handmade.SCHEMA.may_be_empty).any()
        assert (empty | ((columns >= low) & (columns <= high))).all()
        return
    assert 400 <= refusal(found).status < 500
    assert all(each.path and each.rule for each in found.refusals)


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_what_is_not_packed_as_it_says_is_refused(packing: str) -> None:
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}[packing](b"{}" * 50)
    assert unpack(packed, packing.upper(), 100) == b"{}" * 50
    for sent, most, words in (
        (b"{}", 100, f"body: should be packed with {packing}, got "),
        (packed[:-1], 100, f"body: should be packed with {packing}, and sent whole, got a part of it."),
        (packed + b"x", 100, f"body: should end with what is packed with {packing}, got more behind it."),
        (b"", 100, f"body: should be packed with {packing}, and sent whole, got a part of it."),
        (packed, 99, "body: should unpack to at most 99 bytes, got more."),
    ):
        with pytest.raises(BadInput) as error:
            unpack(sent, packing, most)
        assert str(error.value).startswith(words)


def test_a_hostile_body_is_a_bad_request_over_http(server: Server) -> None:
    def status(sent: bytes, length: str | None) -> tuple[int, list[str]]:
        headers = {"content-type": "application/octet-stream"}
        headers |= {} if length is None else {"inference-header-content-length": length}
        response: httpx.Response = server.post("v2/models/screen/infer", content=sent, headers=headers)
        return response.status_code, [each["path"] for each in response.json()["refusals"]]

    body, length = binary(BINARY, {**DATA, "eye": b"\xff" * len(EYES)})
    assert status(body, length) == (400, ["inputs.eye.0"])
    assert status(body, None) == (400, ["body"])
    assert status(body, "1000000") == (400, ["Inference-Header-Content-Length"])
    body, length = binary(BINARY, DATA)
    assert status(body[:-1], length) == (400, ["body"])


def test_probabilities_of_tensors_are_those_of_rows(bundles: Path) -> None:
    scorer = Scorer(open_bundle(bundles / "screen"))
    rows = [
        {"age": 61, "fluid": 300, "new_vessels": None, "eye": "left"},
        {"age": 5.5, "fluid": None, "new_vessels": True, "eye": "right"},
    ]
    found = scorer.score(asked(json.dumps({"inputs": list(PLAIN.values())}).encode()).inputs)
    np.testing.assert_array_equal(found.probability, scorer.score_rows(rows).probability)
