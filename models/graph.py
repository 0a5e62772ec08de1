"""Edits of an ONNX file: contract of the input, calibration, prevalence and threshold, baked into the graph.

A network comes in with `columns`, and `image` if it sees one -> one raw output a head. What goes out answers with
decisions, in any ONNX runtime: the same inputs and, optional with baked defaults, `threshold`, `clear_below` and
`prevalence`; outputs `probability`, `positive`, `negative`, `logit` and one of each symptom head. Who is neither
positive nor negative lies in a zone in which the model does not decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from models.calibration import Calibration, pieces
from models.schema import Schema

RAW = "raw."
# Whatever `finish` adds to a network is named so, but what goes in and out.
OWN = "fulcrum."
GOOD_ROW = f"{OWN}good_row"
IMAGE = "image"
METADATA_KEY = "fulcrum.manifest"
# Everybody below the threshold is below this, so everybody is decided.
NO_ZONE = 1.0


def finish(
    network: onnx.ModelProto,
    *,
    schema: Schema,
    target: str,
    symptoms: Sequence[str],
    calibration: Calibration,
    prevalence: float,
) -> onnx.ModelProto:
    """Turn a network's graph into one that decides; every row is flagged until a threshold is baked in.

    `network` takes `columns` float32 [rows, columns], NaN where a cell is empty, with an image in the schema also
    `image` uint8 [rows, height, width, 3], and gives float32 [rows] for each head, named `raw.<head>`. A row that
    breaks the schema comes out with probability NaN and positive, whatever the network makes of it: some runtimes
    turn NaN into a number on the way.

    Raises ValueError if the network takes other inputs.
    """
    model = onnx.ModelProto()
    model.CopyFrom(network)
    graph = model.graph
    _check_image(graph, schema)
    del graph.output[:]
    _guard(graph, schema)
    _calibrate(graph, target, calibration)
    _at_prevalence(graph, calibration.prevalence, prevalence)
    _decide(graph)
    for symptom in symptoms:
        _only_good_rows(graph, f"{RAW}{symptom}", symptom)
        graph.output.append(_rows(symptom))
    onnx.checker.check_model(model, full_check=True)
    return model


def bake(
    model: onnx.ModelProto,
    *,
    threshold: float | None = None,
    clear_below: float | None = None,
    prevalence: float | None = None,
    manifest: str | None = None,
) -> onnx.ModelProto:
    """A copy with other defaults, or with a manifest in its metadata, or both.

    `clear_below` opens a zone below the threshold in which the model does not decide; the threshold itself, or
    nothing, closes it.

    Raises ValueError if a default is not a 32-bit float, for the graph would compare another number, or if there is
    to be a zone in a graph of the first format, which has no place for it.
    """
    baked = onnx.ModelProto()
    baked.CopyFrom(model)
    if threshold is not None and clear_below in {None, threshold}:
        clear_below = NO_ZONE
    for name, value in (("threshold", threshold), ("clear_below", clear_below), ("prevalence", prevalence)):
        if value is None:
            continue
        if float32(value) != value:
            raise ValueError(f"A {name} should be a 32-bit float, got {value!r}.")
        places = [tensor for tensor in baked.graph.initializer if tensor.name == name]
        if not places and value != NO_ZONE:
            raise ValueError(f"A {name} can not be baked in: the graph has no such input.")
        for place in places:
            place.CopyFrom(_tensor(name, [value]))
    if manifest is not None:
        helper.set_model_props(baked, {METADATA_KEY: manifest})
    return baked


def metadata(model: onnx.ModelProto) -> Mapping[str, str]:
    """What the file says about itself."""
    return {entry.key: entry.value for entry in model.metadata_props}


def defaults(model: onnx.ModelProto) -> Mapping[str, float]:
    """The baked `threshold` and `prevalence`."""
    inputs = {value.name for value in model.graph.input}
    return {
        tensor.name: float(numpy_helper.to_array(tensor)[0])
        for tensor in model.graph.initializer
        if tensor.name in inputs
    }


def as_bytes(model: onnx.ModelProto) -> bytes:
    """The file, the same bytes for the same model."""
    return bytes(model.SerializeToString(deterministic=True))


def _check_image(graph: onnx.GraphProto, schema: Schema) -> None:
    """Refuse a network that does not take the image of the schema: a graph's input can not be told from its answers."""
    wanted = None if schema.image is None else f"uint8 [rows, {', '.join(map(str, schema.image.shape))}]"
    found = next((_shown(value) for value in graph.input if value.name == IMAGE), None)
    if found != wanted:
        raise ValueError(f"The network should take {wanted or 'no image'} as {IMAGE}, got {found or 'no image'}.")


def _shown(value: onnx.ValueInfoProto) -> str:
    kind = value.type.tensor_type
    sizes = [str(size.dim_value) if size.HasField("dim_value") else "rows" for size in kind.shape.dim]
    return f"{helper.tensor_dtype_to_np_dtype(kind.elem_type)} [{', '.join(sizes)}]"


def _guard(graph: onnx.GraphProto, schema: Schema) -> None:
    """`good_row` bool [rows]: every cell is inside its bounds, whole where it should be, empty only where it may."""
    low, high = schema.bounds
    _constant(graph, "low", low)
    _constant(graph, "high", high)
    _constant(graph, "fillable", schema.may_be_empty)
    _constant(graph, "unwhole", ~schema.whole)
    _constant(graph, "across", np.array([1], dtype=np.int64))
    for op, inputs, output in (
        ("IsNaN", ["columns"], "empty"),
        ("And", ["empty", "fillable"], "filled"),
        # NaN fails both comparisons, so only what is shown to be good passes.
        ("GreaterOrEqual", ["columns", "low"], "not_low"),
        ("LessOrEqual", ["columns", "high"], "not_high"),
        ("And", ["not_low", "not_high"], "inside"),
        ("Floor", ["columns"], "floor"),
        ("Equal", ["columns", "floor"], "is_whole"),
        ("Or", ["is_whole", "unwhole"], "whole_enough"),
        ("And", ["inside", "whole_enough"], "good"),
        ("Or", ["good", "filled"], "good_cell"),
    ):
        _node(graph, op, inputs, output)
    _node(graph, "Cast", ["good_cell"], "good_cell_number", to=TensorProto.FLOAT)
    _node(graph, "ReduceMin", ["good_cell_number", "across"], "good_row_number", keepdims=0)
    _node(graph, "Cast", ["good_row_number"], "good_row", to=TensorProto.BOOL)
    _constant(graph, "nan", np.array(np.nan, dtype=np.float32))


def _only_good_rows(graph: onnx.GraphProto, name: str, output: str) -> None:
    graph.node.append(helper.make_node("Where", [GOOD_ROW, name, _own("nan")], [output], name=f"{output}.guard"))


def _calibrate(graph: onnx.GraphProto, target: str, calibration: Calibration) -> None:
    """What losses did is undone by a shift or a map; then undo and fit are both lines, so one line does both."""
    raw = f"{RAW}{target}"
    if calibration.loss_map is not None:
        raw = _mapped(graph, raw, calibration.loss_map)
    undo = calibration.loss_log_ratio + calibration.sampling_log_ratio
    _constant(graph, "slope", np.array(calibration.slope, dtype=np.float32))
    _constant(graph, "level", np.array(calibration.intercept - calibration.slope * undo, dtype=np.float32))
    graph.node.append(helper.make_node("Mul", [raw, _own("slope")], [_own("sloped")], name=_own("sloped")))
    _node(graph, "Add", ["sloped", "level"], "calibrated")


def _mapped(graph: onnx.GraphProto, raw: str, pairs: tuple[tuple[float, float], ...]) -> str:
    """A map of straight pieces: which piece a logit lies in, its level at the start, and how far from there."""
    points, levels, slopes = (part.astype(np.float32) for part in pieces(pairs))
    _constant(graph, "map_points", points)
    _constant(graph, "map_levels", levels)
    _constant(graph, "map_slopes", slopes)
    _constant(graph, "map_ends", points[None, 1:])
    _constant(graph, "map_across", np.array([1], dtype=np.int64))
    graph.node.append(helper.make_node("Unsqueeze", [raw, _own("map_across")], [_own("map_raw")], name=_own("map_raw")))
    _node(graph, "GreaterOrEqual", ["map_raw", "map_ends"], "map_passed")
    _node(graph, "Cast", ["map_passed"], "map_passed_number", to=TensorProto.INT64)
    _node(graph, "ReduceSum", ["map_passed_number", "map_across"], "map_piece", keepdims=0)
    for part in ("points", "levels", "slopes"):
        _node(graph, "Gather", [f"map_{part}", "map_piece"], f"map_own_{part}")
    graph.node.append(
        helper.make_node("Sub", [raw, _own("map_own_points")], [_own("map_beyond")], name=_own("map_beyond"))
    )
    _node(graph, "Mul", ["map_beyond", "map_own_slopes"], "map_risen")
    _node(graph, "Add", ["map_own_levels", "map_risen"], "map_undone")
    return _own("map_undone")


def _at_prevalence(graph: onnx.GraphProto, reference: float, default: float) -> None:
    """`probability` and `logit` at `prevalence`: both prevalences go the same way, so equal ones cancel exactly."""
    graph.input.append(_default(graph, "prevalence", default))
    _constant(graph, "one", np.array([1], dtype=np.float32))
    _constant(graph, "reference", np.array([reference], dtype=np.float32))
    for name, source in (("asked", "prevalence"), ("own", _own("reference"))):
        graph.node.append(helper.make_node("Log", [source], [_own(f"log_{name}")], name=_own(f"log_{name}")))
        graph.node.append(
            helper.make_node("Sub", [_own("one"), source], [_own(f"rest_{name}")], name=_own(f"rest_{name}"))
        )
        _node(graph, "Log", [f"rest_{name}"], f"log_rest_{name}")
        _node(graph, "Sub", [f"log_{name}", f"log_rest_{name}"], f"odds_{name}")
    _node(graph, "Sub", ["odds_asked", "odds_own"], "shift")
    _node(graph, "Add", ["calibrated", "shift"], "shifted")
    _only_good_rows(graph, _own("shifted"), "logit")
    # Not as Sigmoid: onnxruntime's comes in steps of 6e-8, is off by 1.7 % at 6e-6 and swaps neighbours there.
    graph.node.append(helper.make_node("Neg", ["logit"], [_own("negated")], name=_own("negated")))
    _node(graph, "Exp", ["negated"], "odds_against")
    _node(graph, "Add", ["odds_against", "one"], "all_odds")
    _node(graph, "Reciprocal", ["all_odds"], "share")
    # Some runtimes clamp on the way through; what was no number must not become one.
    graph.node.append(helper.make_node("IsNaN", ["logit"], [_own("lost")], name=_own("lost")))
    nodes = [_own("lost"), _own("nan"), _own("share")]
    graph.node.append(helper.make_node("Where", nodes, ["probability"], name="probability"))


def _decide(graph: onnx.GraphProto) -> None:
    """`positive` = not (probability < threshold): NaN is below nothing, so it can never come out negative.

    `negative` is below both thresholds: whatever a caller passes, nobody is both, and who is neither is undecided.
    """
    graph.input.append(_default(graph, "threshold", 0.0))
    graph.input.append(_default(graph, "clear_below", NO_ZONE))
    for limit, output in (("threshold", "below"), ("clear_below", "cleared")):
        graph.node.append(helper.make_node("Less", ["probability", limit], [_own(output)], name=_own(output)))
    graph.node.append(helper.make_node("Not", [_own("below")], ["positive"], name="positive"))
    graph.node.append(helper.make_node("And", [_own("below"), _own("cleared")], ["negative"], name="negative"))
    graph.output.extend([_rows("probability"), _rows("positive", TensorProto.BOOL), _rows("logit")])
    graph.output.append(_rows("negative", TensorProto.BOOL))


def _own(name: str) -> str:
    return f"{OWN}{name}"


def _node(graph: onnx.GraphProto, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
    names = [name if name == "columns" else _own(name) for name in inputs]
    graph.node.append(helper.make_node(op, names, [_own(output)], name=_own(output), **attributes))


def _constant(graph: onnx.GraphProto, name: str, value: ArrayLike) -> None:
    graph.initializer.append(numpy_helper.from_array(np.asarray(value), _own(name)))


def _tensor(name: str, values: Sequence[float]) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.float32), name)


def _default(graph: onnx.GraphProto, name: str, value: float) -> onnx.ValueInfoProto:
    """An optional input: an initializer that is listed as an input too."""
    graph.initializer.append(_tensor(name, [value]))
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])


def _rows(name: str, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["rows"])


def float32(number: float) -> float:
    """The 32-bit float next to a number, as the graph holds it."""
    return float(np.float32(number))
