from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from models import graph
from models.calibration import Calibration
from models.errors import NotExported
from models.generate import generate
from models.scorer import Graph
from tests import handmade
from training.answers.number import Number
from training.export import _plain, check_alone, check_parity, export
from training.net import Net
from training.networks.linear import Linear
from training.networks.mlp import MLP

ROOT = Path(__file__).parents[2]
HEADS = {"sick": Number(), "fluid_volume": Number()}
WIDTHS = dict.fromkeys(HEADS, 1)

MADE_ELSEWHERE = """
import hashlib, torch
from models import graph
from models.generate import generate
from tests import handmade
from training.answers.number import Number
from training.export import export
from training.networks.mlp import MLP
torch.manual_seed(5)
net = MLP(hidden=(8, 8)).build(handmade.SCHEMA, generate(handmade.SCHEMA, 100, 0), {"sick": 1, "fluid_volume": 1})
made = export(net, {"sick": Number(), "fluid_volume": Number()}, handmade.SCHEMA)
print(hashlib.sha256(graph.as_bytes(made)).hexdigest())
"""


def network() -> Net:
    torch.manual_seed(5)
    return MLP(hidden=(8, 8)).build(handmade.SCHEMA, generate(handmade.SCHEMA, 100, 0), WIDTHS)


@pytest.fixture(scope="module")
def net() -> Net:
    return network()


@pytest.fixture(scope="module")
def raw(net: Net) -> onnx.ModelProto:
    return export(net, HEADS, handmade.SCHEMA)


def test_the_same_network_is_the_same_bytes_in_this_process_and_in_another(raw: onnx.ModelProto) -> None:
    again = export(network(), HEADS, handmade.SCHEMA)
    assert graph.as_bytes(again) == graph.as_bytes(raw)
    done = subprocess.run(
        [sys.executable, "-c", MADE_ELSEWHERE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == [hashlib.sha256(graph.as_bytes(raw)).hexdigest()]
    assert done.stderr == ""


def test_nothing_of_the_machine_that_made_it_is_in_the_file(raw: onnx.ModelProto) -> None:
    found = graph.as_bytes(raw)
    for trace in (str(ROOT), str(Path.home()), sys.prefix, "site-packages", "/training/", ".py", "torch", "File "):
        assert trace.encode() not in found, trace


def test_exporting_says_nothing(net: Net, capfd: pytest.CaptureFixture[str]) -> None:
    export(net, {"sick": Number()}, handmade.SCHEMA)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 5000])
def test_any_number_of_rows_is_answered_as_the_network_does(net: Net, raw: onnx.ModelProto, rows: int) -> None:
    columns = generate(handmade.SCHEMA, rows, 3)
    answers = Graph(graph.as_bytes(raw)).run(columns)
    with torch.no_grad():
        taps = net(torch.from_numpy(columns))
    for head in HEADS:
        assert answers[f"raw.{head}"].shape == (rows,)
        assert np.allclose(answers[f"raw.{head}"], taps[head].numpy(), rtol=1e-4, atol=1e-4)


def test_a_symptom_may_be_called_like_something_inside_the_exported_network() -> None:
    inside = ("linear", "index", "cat", "squeeze", "isnan", "where")
    heads = dict.fromkeys(("sick", *inside), Number())
    net = Linear().build(handmade.SCHEMA, generate(handmade.SCHEMA, 100, 0), dict.fromkeys(heads, 1))
    made = graph.finish(
        export(net, heads, handmade.SCHEMA),
        schema=handmade.SCHEMA,
        target="sick",
        symptoms=inside,
        calibration=Calibration(prevalence=0.1),
        prevalence=0.1,
    )
    columns = generate(handmade.SCHEMA, 50, 1)
    with torch.no_grad():
        taps = net(torch.from_numpy(columns))
    answers = Graph(graph.as_bytes(made)).run(columns)
    for head in inside:
        assert np.allclose(answers[head], taps[head].numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("place", "by", "text"),
    [
        (0, 0.01, "sick: should differ by 0.0001 at most between network and file, got 0.0"),
        (1, 0.01, "fluid_volume: should differ by 0.0001 at most between network and file, got 0.0"),
        (0, float("nan"), "sick: should differ by 0.0001 at most between network and file, got nan."),
        (1, float("inf"), "fluid_volume: should differ by 0.0001 at most between network and file, got nan."),
    ],
)
def test_a_file_that_does_not_answer_like_its_network_is_refused(
    raw: onnx.ModelProto, place: int, by: float, text: str
) -> None:
    altered = network()
    with torch.no_grad():
        bias = altered.heads[place].bias
        assert isinstance(bias, torch.Tensor)
        bias += by
    with pytest.raises(NotExported) as caught:
        check_parity(altered, raw, HEADS, generate(handmade.SCHEMA, 100, 3))
    assert str(caught.value).startswith(text)


def test_parity_is_the_largest_difference_relative_to_large_answers(raw: onnx.ModelProto, net: Net) -> None:
    columns = generate(handmade.SCHEMA, 2000, 3)
    answers = Graph(graph.as_bytes(raw)).run(columns)
    with torch.no_grad():
        taps = net(torch.from_numpy(columns))
    wanted = 0.0
    for head in HEADS:
        for found, trained in zip(answers[f"raw.{head}"].tolist(), taps[head].tolist(), strict=True):
            wanted = max(wanted, abs(found - trained) / max(1.0, abs(trained)))
    assert check_parity(net, raw, HEADS, columns) == pytest.approx(wanted)


def depending_on_others() -> onnx.ModelProto:
    """A graph that takes the mean of the call away from every row, as a forgotten batch norm would."""
    nodes = [
        helper.make_node("Gather", ["columns", "zero"], ["first"], axis=1),
        helper.make_node("ReduceMean", ["first"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["first", "mean"], ["raw.sick"]),
    ]
    made = helper.make_graph(
        nodes,
        "others",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["rows", 4])],
        [helper.make_tensor_value_info("raw.sick", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(np.array(0, dtype=np.int64), "zero")],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_pitfall_a_row_that_depends_on_the_others_in_its_call_is_refused() -> None:
    with pytest.raises(NotExported) as caught:
        check_alone(depending_on_others(), generate(handmade.SCHEMA, 50, 3))
    assert str(caught.value) == "raw.sick: a row should get the same answer alone and among others, got another."


def test_pitfall_a_row_gets_the_same_bits_alone_and_among_others(raw: onnx.ModelProto) -> None:
    columns = generate(handmade.SCHEMA, 1500, 3)
    check_alone(raw, columns)
    runtime = Graph(graph.as_bytes(raw))
    among = runtime.run(columns)["raw.sick"]
    for row in range(0, 1500, 100):
        assert runtime.run(columns[row : row + 1])["raw.sick"][0] == among[row]


def test_rows_that_are_alike_are_looked_at_once(raw: onnx.ModelProto) -> None:
    columns = np.repeat(generate(handmade.SCHEMA, 3, 3), 100_000, axis=0)
    check_alone(raw, columns, most=3)


def test_a_network_that_needs_more_than_plain_operators_is_refused(raw: onnx.ModelProto) -> None:
    own = onnx.ModelProto()
    own.CopyFrom(raw)
    own.functions.append(helper.make_function("ours", "Twice", ["x"], ["y"], [], [helper.make_opsetid("", 18)]))
    with pytest.raises(NotExported) as caught:
        _plain(own)
    assert str(caught.value) == "The network should export to plain operators, got Twice."


class Twice(torch.nn.Module):
    """A layer that somebody else wrote."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows * 2


def test_a_layer_of_ones_own_is_exported_too() -> None:
    net = Linear().build(handmade.SCHEMA, generate(handmade.SCHEMA, 100, 0), WIDTHS)
    own = Net(net.encoding, [("twice", Twice(), net.encoding.width)], WIDTHS)
    raw = export(own, HEADS, handmade.SCHEMA)
    assert check_parity(own, raw, HEADS, generate(handmade.SCHEMA, 300, 1)) < 1e-5
