"""A graph that does not look whether rows keep the schema, for rows of which that was shown before they came.

Looking takes a tenth of the time of a network of a table. The guard is cut out of the file as it is loaded; all that
the network, the calibration and the decision do is left as it stands or done by a shorter way, so that answers are the
same to the last bit.
"""

from __future__ import annotations

import onnx
from onnx import helper

from models.graph import GOOD_ROW, OWN, as_bytes
from models.shorter import shorten


def unguarded(model: bytes) -> bytes:
    """The file without its guard, if it has one, and what can be done by a shorter way done so.

    What a network makes of a row outside the schema goes through: it is for rows that are known to keep it.
    """
    found = onnx.load_model_from_string(model)
    for node in found.graph.node:
        if node.op_type == "Where" and node.input[0] == GOOD_ROW:
            node.CopyFrom(helper.make_node("Identity", [node.input[1]], list(node.output), name=node.name))
    _drop_unused(found.graph)
    shorten(found.graph)
    return as_bytes(found)


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Drop our own nodes whose results nobody takes any more; a network's may be taken by graphs within it."""
    wanted = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if wanted.isdisjoint(node.output) and all(name.startswith(OWN) for name in node.output):
            continue
        wanted.update(node.input)
        kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
