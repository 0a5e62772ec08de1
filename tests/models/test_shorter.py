"""The shorter ways through a graph: the same bits, where a graph is written so that they can be had."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.bundle import open_bundle
from models.generate import generate
from models.scorer import Graph
from models.shorter import shorten
from models.unguarded import unguarded

SHIPPED = sorted((Path(__file__).parents[2] / "models/covid").glob("*/model.onnx"))
TABLE = np.random.default_rng(2).normal(size=(50, 4)).astype(np.float32)
TABLE[::3, 1] = np.nan
TABLE[1::7] = np.nan
TABLE[2] = [np.inf, -np.inf, 0, -0.0]
MEAN = np.array([3, -2, 0.1, 5], dtype=np.float32)


def graph(
    nodes: Sequence[onnx.NodeProto],
    constants: dict[str, NDArray[np.generic]],
    outputs: Sequence[str] = ("found",),
    *,
    given: Sequence[str] = (),
    width: int | None = 4,
) -> onnx.ModelProto:
    """A graph of a table [rows, 4]; some of its constants may be given another way."""
    table = helper.make_tensor_value_info("table", TensorProto.FLOAT, ["rows", width])
    others = [helper.make_tensor_value_info(name, TensorProto.FLOAT, constants[name].shape) for name in given]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in outputs]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    body = helper.make_graph(list(nodes), "body", [table, *others], results, stored)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def picking(
    places: Sequence[int], *, there: Sequence[int] = (1, 0), back: Sequence[int] = (1, 0), **options: object
) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Transpose", ["table"], ["turned"], perm=list(there)),
        helper.make_node("GatherND", ["turned", "places"], ["picked"]),
        helper.make_node("Transpose", ["picked"], ["found"], perm=list(back)),
    ]
    return graph(nodes, {"places": np.array(places, np.int64).reshape(-1, 1)}, **options)


def filling(
    mean: NDArray[np.float32] = MEAN, *, less: str = "mean", of: str = "table", **options: object
) -> onnx.ModelProto:
    nodes = [
        helper.make_node("IsNaN", [of], ["empty"]),
        helper.make_node("Where", ["empty", "mean", "table"], ["filled"]),
        helper.make_node("Sub", ["filled", less], ["found"]),
    ]
    return graph(nodes, {"mean": mean, "other": -mean}, **options)


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def shortened(model: onnx.ModelProto) -> list[str]:
    """The operators of a graph once it is shortened, which changes no bit of what it makes."""
    wanted = made(model)
    shorten(model.graph)
    onnx.checker.check_model(model)
    for values, found in zip(wanted, made(model), strict=True):
        assert (values.shape, values.tobytes()) == (found.shape, found.tobytes())
    once = model.SerializeToString(deterministic=True)
    shorten(model.graph)
    assert model.SerializeToString(deterministic=True) == once
    return operators(model)


def made(model: onnx.ModelProto) -> list[NDArray[np.float32]]:
    """What it makes of the table, done as it is written."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"table": TABLE})


def test_columns_side_by_side_are_cut_out() -> None:
    assert shortened(picking([1, 2])) == ["Slice"]
    assert shortened(picking([3])) == ["Slice"]


def test_all_columns_are_the_table_itself() -> None:
    assert shortened(picking([0, 1, 2, 3])) == ["Identity"]
    # How many there are may be unknown.
    assert shortened(picking([0, 1, 2, 3], width=None)) == ["Slice"]


@pytest.mark.parametrize("places", [[0, 2], [2, 1], [1, 1], [-2, -1]])
def test_columns_that_do_not_lie_side_by_side_are_picked_as_before(places: list[int]) -> None:
    assert shortened(picking(places)) == ["Transpose", "GatherND", "Transpose"]


def test_what_is_not_turned_there_and_back_is_left_as_it_is() -> None:
    for ways in ({"back": [0, 1]}, {"there": [0, 1]}):
        assert shortened(picking([1, 2], **ways)) == ["Transpose", "GatherND", "Transpose"]


def test_what_somebody_else_takes_stays() -> None:
    assert shortened(picking([1, 2], outputs=["found", "picked"])) == ["Transpose", "GatherND", "Slice"]
    assert shortened(picking([1, 2], outputs=["found", "turned"])) == ["Transpose", "Slice"]
    taken = helper.make_tensor_value_info("taken", TensorProto.FLOAT, [None, None])
    branch = helper.make_graph([helper.make_node("Identity", ["turned"], ["taken"])], "branch", [], [taken])
    within = picking([1, 2], outputs=["found", "either"])
    within.graph.node.append(helper.make_node("If", ["always"], ["either"], then_branch=branch, else_branch=branch))
    within.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    assert shortened(within) == ["Transpose", "Slice", "If"]


def test_two_picks_of_one_turned_table_are_both_cut() -> None:
    model = picking([1, 2], outputs=["found", "second"])
    model.graph.node.extend(
        [
            helper.make_node("GatherND", ["turned", "places"], ["also"]),
            helper.make_node("Transpose", ["also"], ["second"], perm=[1, 0]),
        ]
    )
    assert shortened(model) == ["Slice", "Slice"]


def test_an_empty_cell_is_filled_after_its_mean_is_taken_away() -> None:
    assert shortened(filling()) == ["IsNaN", "Sub", "Where"]
    assert shortened(filling(np.float32([[2.0]]))) == ["IsNaN", "Sub", "Where"]


@pytest.mark.parametrize(
    "model",
    [
        filling(less="other"),
        filling(np.float32([1, np.inf, 2, 3])),
        filling(np.float32([1, np.nan, 2, 3])),
        filling(outputs=["found", "filled"]),
        filling(given=["mean"]),
        filling(of="other"),
    ],
    ids=["another", "endless", "none", "taken", "given", "elsewhere"],
)
def test_what_would_not_be_nothing_is_filled_as_before(model: onnx.ModelProto) -> None:
    assert shortened(model) == ["IsNaN", "Where", "Sub"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.name)
def test_a_trained_model_answers_the_same_to_the_last_bit(file: Path) -> None:
    schema = open_bundle(file.parent).manifest.columns
    rows = generate(schema, 5000, seed=3)
    assert np.isnan(rows).any()
    short = unguarded(file.read_bytes())
    named = {node.output[0]: node.op_type for node in onnx.load_model_from_string(short).graph.node}
    assert "Where" in {kind for name, kind in named.items() if "sub" in name}
    wanted, found = Graph(file.read_bytes()).run(rows), Graph(short).run(rows)
    for name, values in wanted.items():
        assert found[name].tobytes() == values.tobytes()
