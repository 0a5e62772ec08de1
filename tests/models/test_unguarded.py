"""Rows that were shown to be good get the same answers without being looked at again, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from models import graph
from models.errors import BadInput
from models.inputs import Inputs
from models.pathway import Pathway
from models.schema import Numeric, Schema
from models.scorer import ROWS_PER_CALL, Graph, Scorer
from models.table import encode_table
from models.unguarded import unguarded
from serving.chunk import Chunk, encode_chunk
from tests import handmade, one_column
from tests.one_column import ask

ROWS = handmade.encoded(2 * ROWS_PER_CALL + 3, seed=4)
OUTSIDE = np.array([[130, 1, 0, 0], [61, np.nan, np.nan, 0.5], [np.nan, 1, 0, 0]], dtype=np.float32)
STORED = Path(__file__).parent / "stored"


def operators(model: bytes, *, own: bool) -> list[str]:
    """The operators of a file, those that decide or those of the network."""
    found = onnx.load_model_from_string(model).graph.node
    return [node.op_type for node in found if node.output[0].startswith(graph.OWN) is own]


@pytest.mark.parametrize("model", ["screen", "presurgical", "zoned"])
def test_without_its_guard_a_graph_answers_the_same_to_the_last_bit(model: str) -> None:
    made = graph.as_bytes(handmade.finished(model)[0])
    bare = unguarded(made)
    for settings in ({}, {"threshold": 0.3, "clear_below": 0.1, "prevalence": 0.02}):
        wanted, found = (Graph(each).run(ROWS, **settings) for each in (made, bare))
        assert list(found) == list(wanted)
        for name, values in wanted.items():
            assert found[name].tobytes() == values.tobytes()


def test_the_guard_is_gone_and_nothing_else() -> None:
    made = graph.as_bytes(handmade.finished()[0])
    bare = unguarded(made)
    gone = {"And", "Or", "Floor", "GreaterOrEqual", "LessOrEqual", "ReduceMin", "Equal", "Cast"}
    assert gone <= {*operators(made, own=True)}
    assert not gone & {*operators(bare, own=True)}
    outputs = ["Where", "Where"], ["Identity", "Identity"]
    for each, guards in zip((made, bare), outputs, strict=True):
        named = {node.output[0]: node.op_type for node in onnx.load_model_from_string(each).graph.node}
        assert [named["logit"], named["fluid_volume"]] == guards
    network = [node.op_type for node in handmade.network().graph.node]
    assert operators(bare, own=False)[: len(network)] == network
    assert unguarded(bare) == bare


def test_what_is_outside_the_schema_is_seen_with_the_guard_alone() -> None:
    made = graph.as_bytes(handmade.finished()[0])
    assert np.isnan(Graph(made).run(OUTSIDE)["probability"]).all()
    assert not np.isnan(Graph(unguarded(made)).run(OUTSIDE)["probability"]).any()


@pytest.mark.parametrize("kind", [1, 2])
def test_files_of_older_formats_lose_their_guard_too(kind: int) -> None:
    made = (STORED / f"format-{kind}" / "model.onnx").read_bytes()
    bare = unguarded(made)
    assert "Floor" in operators(made, own=True)
    assert "Floor" not in operators(bare, own=True)
    wanted, found = ask(onnx.load_model_from_string(made), ROWS), ask(onnx.load_model_from_string(bare), ROWS)
    for name, values in wanted.items():
        assert found[name].tobytes() == values.tobytes()


def test_what_only_a_graph_within_a_network_takes_is_not_dropped() -> None:
    made = one_column.finished("Neg")
    outside = next(node for node in made.graph.node if node.op_type == "Identity")
    assert outside.output[0] == "raw.sick"
    taken = helper.make_tensor_value_info("taken", TensorProto.FLOAT, ["rows"])
    branch = helper.make_graph([helper.make_node("Identity", ["step0"], ["taken"])], "branch", [], [taken])
    outside.CopyFrom(helper.make_node("If", ["always"], ["raw.sick"], then_branch=branch, else_branch=branch))
    made.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    columns = np.array([[-2], [3]], dtype=np.float32)
    found = Graph(unguarded(graph.as_bytes(made))).run(columns)
    assert found["logit"].tolist() == [2, -3]


def test_a_network_that_makes_nan_of_a_good_row_is_refused_without_the_guard_too() -> None:
    found = Graph(unguarded(graph.as_bytes(one_column.finished("Sqrt")))).run(np.array([[-1], [4]], dtype=np.float32))
    assert np.isnan(found["probability"]).tolist() == [True, False]
    assert found["positive"][0]
    assert not found["negative"][0]


def test_only_rows_that_are_proven_are_not_looked_at(scorers: dict[str, Scorer]) -> None:
    for scorer in scorers.values():
        wanted, found = scorer.score(Inputs(ROWS)), scorer.score(Inputs(ROWS, proven=True))
        for name in ("probability", "positive", "negative", "logit"):
            assert getattr(found, name).tobytes() == getattr(wanted, name).tobytes()
        for rows in (OUTSIDE, Inputs(OUTSIDE)):
            with pytest.raises(BadInput, match=r"rows\.2: should keep the schema of the model"):
                scorer.score(rows)


def test_tables_prove_their_good_rows_and_no_others() -> None:
    table = pl.DataFrame(
        {**pl.DataFrame(handmade.rows(5)).to_dict(as_series=False), "age": [1.0, 130.0, 2.0, 3.0, 4.0]}
    )
    some = encode_table(handmade.SCHEMA, table)
    assert (some.accepted.proven, len(some.accepted), some.inputs.proven) == (True, 4, False)
    whole = encode_chunk(handmade.SCHEMA, Chunk(0, pa.Table.from_pylist(handmade.rows(5))))
    assert (whole.accepted.proven, len(whole.accepted)) == (True, 5)


def test_what_is_proven_stays_so_in_parts_and_for_both_models(scorers: dict[str, Scorer]) -> None:
    for proven in (True, False):
        rows = Inputs(ROWS, proven=proven)
        assert rows[1:4].proven is proven
        assert {each.proven for each in Pathway(**scorers).parted(rows)} == {proven}


NEAR = [0.1, 0.3, 61.1, 900.3, 2.0**53, 1e30]


@given(
    low=st.sampled_from([-0.1, 0.0, 0.1, -61.1, -1e30]),
    high=st.sampled_from([0.3, 61.1, 900.3, 2.0**53, 1e30]),
    cells=st.lists(
        st.sampled_from(NEAR).map(lambda cell: float(np.nextafter(cell, 0))) | st.sampled_from(NEAR) | st.floats(),
        max_size=9,
    ),
)
@example(low=0.1, high=0.3, cells=[0.1, 0.3, 0.2])
def test_whatever_a_table_proves_the_guard_lets_through(low: float, high: float, cells: list[float]) -> None:
    column = Numeric(name="logit", low=low, high=high)
    proven = encode_table(Schema(columns=(column,)), pl.DataFrame({"logit": cells}, {"logit": pl.Float64})).accepted
    assert proven.proven
    assert not np.isnan(ask(one_column.finished(columns=(column,)), proven.columns)["probability"]).any()
