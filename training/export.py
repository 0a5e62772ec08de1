"""From a trained network to the raw part of an ONNX graph. Nothing else knows the exporter."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from models import graph
from models.errors import NotExported
from models.inputs import Inputs
from models.schema import Schema
from models.scorer import Graph
from training.answer import Answer
from training.averaged import Averaged
from training.copies import Copies
from training.net import Net

Columns = NDArray[np.float32]
Answering = Net | Copies | Averaged
OPSET = 18
# float32 products are summed in another order by another runtime: relative to logits of order one.
TOLERANCE = 1e-4


class Heads(nn.Module):
    """The heads of a network in a fixed order, as a reader is told them."""

    def __init__(self, net: Answering, heads: Mapping[str, Answer]) -> None:
        super().__init__()
        self.net, self.answers = net, dict(heads)

    def forward(self, columns: torch.Tensor, image: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        taps = self.net(columns, image)
        return tuple(answer.told(taps[head]) for head, answer in self.answers.items())


def export(net: Answering, heads: Mapping[str, Answer], schema: Schema) -> onnx.ModelProto:
    """The graph `columns` float32 [rows, columns] -> `raw.<head>` float32 [rows], the same bytes each time.

    Where the schema has a photograph there is `image` uint8 [rows, height, width, 3] too.
    """
    rows, image = torch.export.Dim("rows"), schema.image
    asked: list[torch.Tensor] = [torch.zeros(3, len(schema.columns))]
    if image is not None:
        asked.append(torch.zeros((3, image.height, image.width, 3), dtype=torch.uint8))
    names = ["columns", "image"][: len(asked)]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _quiet("torch.onnx", "onnxscript"):
        warnings.simplefilter("ignore")  # of the exporter about its own parts
        program = torch.onnx.export(
            Heads(net, heads).eval(),
            tuple(asked),
            input_names=names,
            output_names=[f"{graph.RAW}{head}" for head in heads],
            dynamic_shapes={name: {0: rows} for name in names},
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            verify=False,
        )
    assert program is not None
    return _plain(program.model_proto)


def _plain(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without what the exporter notes about files, lines and itself: it differs from machine to machine."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    plain.doc_string = plain.domain = ""
    plain.producer_name, plain.producer_version = "fulcrum", ""
    del plain.metadata_props[:]
    plain.graph.doc_string, plain.graph.name = "", "fulcrum"
    del plain.graph.metadata_props[:]
    del plain.graph.value_info[:]
    for part in (*plain.graph.node, *plain.graph.input, *plain.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    if plain.functions:
        raise NotExported(f"The network should export to plain operators, got {plain.functions[0].name}.")
    _apart(plain.graph)
    return plain


def _apart(network: onnx.GraphProto) -> None:
    """Name inner values so that no head, whatever it is called, meets one of them in the finished graph."""
    outer = {value.name for value in (*network.input, *network.output)}

    def inner(name: str) -> str:
        return name if not name or name in outer else f"inner.{name}"

    for node in network.node:
        node.input[:] = [inner(name) for name in node.input]
        node.output[:] = [inner(name) for name in node.output]
    for tensor in network.initializer:
        tensor.name = inner(tensor.name)


def check_parity(net: Answering, raw: onnx.ModelProto, heads: Mapping[str, Answer], rows: Inputs | Columns) -> float:
    """The largest difference of any head, network against file, on some rows.

    Differences are relative to the larger of 1 and the answer. Raises NotExported beyond TOLERANCE.
    """
    answers = Graph(graph.as_bytes(raw)).run(rows)
    trained = net.answers(Inputs.of(rows), tuple(heads))
    largest = 0.0
    for head, answer in heads.items():
        asked = answer.told(trained[head]).numpy().astype(np.float64)
        with np.errstate(invalid="ignore"):  # an infinite answer is NaN away from itself, which is refused below
            difference = np.abs(asked - answers[f"{graph.RAW}{head}"]) / np.maximum(1, np.abs(asked))
        apart = float(difference.max(initial=0.0))
        # NaN is not below anything either.
        if not apart <= TOLERANCE:
            raise NotExported(f"{head}: should differ by {TOLERANCE} at most between network and file, got {apart}.")
        largest = max(largest, apart)
    return largest


def check_alone(model: onnx.ModelProto, rows: Inputs | Columns, *, most: int = 2000) -> None:
    """A row alone, in small calls and in large ones must get the same bits: a person's answer is theirs alone.

    Raises NotExported if it does not, on the first `most` rows that differ in a column, or on all with a photograph.
    """
    runtime, rows = Graph(graph.as_bytes(model)), Inputs.of(rows)
    if rows.image is None:
        _, first = np.unique(rows.columns, axis=0, return_index=True, equal_nan=True)
        rows = rows[np.sort(first)[:most]]
    among = runtime.run(rows)
    for size in (1, 7):
        parts = [runtime.run(rows[start : start + size]) for start in range(0, len(rows), size)]
        for name, whole in among.items():
            alone = np.concatenate([part[name] for part in parts])
            if not np.array_equal(alone, whole, equal_nan=alone.dtype != np.bool_):
                raise NotExported(f"{name}: a row should get the same answer alone and among others, got another.")


@contextlib.contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Loggers of other packages, silent below an error for a while."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
