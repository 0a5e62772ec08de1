from __future__ import annotations

from collections.abc import Callable

import onnx
import pytest
from onnx import TensorProto, helper

from models.bundle import open_bundle
from models.contained import reaching_out
from tests import handmade
from tests.running import ROOT

Edit = Callable[[onnx.ModelProto], None]


def outside(tensor: TensorProto, where: str = "../weights.bin") -> TensorProto:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=where)
    return tensor


def small(name: str = "w") -> TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, [1], [0.5])


def node(domain: str = "", **attributes: object) -> onnx.NodeProto:
    return helper.make_node("Identity", ["columns"], ["more"], domain=domain, **attributes)


def branch(*nodes: onnx.NodeProto, tensors: tuple[TensorProto, ...] = ()) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "branch", [], [], initializer=list(tensors))


def add(made: onnx.NodeProto) -> Edit:
    return lambda model: model.graph.node.append(made)


def sparse() -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=outside(small()), dims=[1])


def silently(model: onnx.ModelProto) -> None:
    """External data that does not say where it lies."""
    model.graph.initializer[0].external_data.add(key="location", value="x")


def function(domain: str) -> onnx.FunctionProto:
    return helper.make_function(domain, "Twice", ["x"], ["y"], [node(domain)], [helper.make_opsetid("", 18)])


def training(model: onnx.ModelProto) -> None:
    model.training_info.add().initialization.initializer.append(outside(small()))


FILE = "should be inside the file, got external data in '../weights.bin'."
DOMAIN = "should be of the standard operators, got 'com.example'."
OWN = "should be of the standard operators, got 'com.microsoft'."
FUNCTION = "functions.0: should be plain operators, got a function, 'Twice'."
NODE = "graph.node.13"
EDITS: list[tuple[Edit, str]] = [
    (lambda model: outside(model.graph.initializer[0]), f"graph.initializer.0: {FILE}"),
    (silently, "graph.initializer.0: should be inside the file, got external data in 'x'."),
    (add(node(value=outside(small()))), f"{NODE}.attribute.0.t: {FILE}"),
    (add(node(values=[small(), outside(small())])), f"{NODE}.attribute.0.tensors.1: {FILE}"),
    (add(node(then=branch(tensors=(outside(small()),)))), f"{NODE}.attribute.0.g.initializer.0: {FILE}"),
    (lambda model: model.graph.sparse_initializer.append(sparse()), f"graph.sparse_initializer.0.values: {FILE}"),
    (training, f"training_info.0.initialization.initializer.0: {FILE}"),
    (add(node("com.example")), f"{NODE}.domain: {DOMAIN}"),
    (add(node("com.microsoft")), f"{NODE}.domain: {OWN}"),
    (add(node(then=branch(node("com.example")))), f"{NODE}.attribute.0.g.node.0.domain: {DOMAIN}"),
    (
        lambda model: model.opset_import.append(helper.make_opsetid("com.example", 1)),
        f"opset_import.1.domain: {DOMAIN}",
    ),
    (lambda model: model.functions.append(function("ai.onnx")), FUNCTION),
    (lambda model: model.functions.append(function("com.example")), f"functions.0.node.0.domain: {DOMAIN}"),
]


@pytest.fixture(scope="module")
def made() -> onnx.ModelProto:
    return handmade.finished()[0]


@pytest.mark.parametrize(("edit", "refused"), EDITS, ids=[refused for _, refused in EDITS])
def test_what_lies_outside_the_file_is_named_by_its_path(made: onnx.ModelProto, edit: Edit, refused: str) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(made)
    edit(model)
    place = len(made.graph.node)
    assert refused.replace("node.13", f"node.{place}") in list(map(str, reaching_out(model)))


def test_other_names_of_the_standard_operators_are_let_through(made: onnx.ModelProto) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(made)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    model.graph.node.append(node("ai.onnx"))
    assert reaching_out(model) == []


@pytest.mark.parametrize("name", ["screen", "presurgical"])
def test_what_is_shipped_holds_all_it_needs(name: str) -> None:
    bundle = open_bundle(ROOT / "models" / "covid" / name)
    assert reaching_out(onnx.load_model_from_string(bundle.graph)) == []
