from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.generate import generate
from models.schema import Binary, Categorical, Numeric, Schema
from training.encoding import Encoding
from training.net import Net
from training.networks.linear import Linear
from training.networks.mlp import MLP

NAN = float("nan")
SCHEMA = Schema(
    columns=(
        Categorical(name="eye", categories=("left", "right", "both"), missing="impute"),
        Numeric(name="age", low=0, high=120),
        Binary(name="smoker", missing="impute"),
        Categorical(name="sex", categories=("female", "male")),
        Numeric(name="fluid", low=-5, high=900, missing="impute"),
    )
)


def encoder(schema: Schema, columns: NDArray[np.float32]) -> Encoding:
    return Encoding(schema, columns)


def by_hand(schema: Schema, training: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """Encode cell by cell: numbers first, then a place a kind, then what is empty."""
    encoded = []
    for row in columns.astype(float).tolist():
        numbers, kinds, empty = [], [], []
        for place, column in enumerate(schema.columns):
            cell = row[place]
            if isinstance(column, Categorical):
                kinds += [float(cell == kind) for kind in range(len(column.categories))]
            else:
                known = [value for value in training[:, place].astype(float).tolist() if not math.isnan(value)]
                mean = sum(known) / len(known) if known else 0.0
                spread = (sum((value - mean) ** 2 for value in known) / len(known)) ** 0.5 if known else 1.0
                numbers.append((cell - mean) / (spread or 1.0) if not math.isnan(cell) else 0.0)
            if column.missing == "impute":
                empty.append(float(math.isnan(cell)))
        encoded.append(numbers + kinds + empty)
    return np.array(encoded)


def test_columns_are_encoded_as_by_hand_cell_by_cell() -> None:
    training, fresh = generate(SCHEMA, 500, 0), generate(SCHEMA, 200, 1)
    found = encoder(SCHEMA, training)(torch.from_numpy(fresh)).numpy()
    wanted = by_hand(SCHEMA, training, fresh)
    assert found.shape == wanted.shape == (200, encoder(SCHEMA, training).width)
    assert np.allclose(found, wanted, atol=1e-5)


def test_a_column_that_is_always_empty_in_training_is_not_scaled() -> None:
    schema = Schema(columns=(Numeric(name="a", low=0, high=9, missing="impute"), Binary(name="b")))
    made = encoder(schema, np.array([[NAN, 0], [NAN, 1]], dtype=np.float32))
    assert made(torch.tensor([[3.0, 1.0], [NAN, 0.0]])).tolist() == [[3.0, 1.0, 0.0], [0.0, -1.0, 1.0]]


def test_a_column_that_never_changes_in_training_is_centred_and_not_scaled() -> None:
    schema = Schema(columns=(Numeric(name="a", low=0, high=9),))
    made = encoder(schema, np.full((1000, 1), 0.1, dtype=np.float32))
    assert made(torch.tensor([[0.1], [2.1]])).flatten().tolist() == pytest.approx([0.0, 2.0])


def test_a_table_of_nothing_but_categories_is_encoded() -> None:
    schema = Schema(columns=(SCHEMA.columns[0],))
    made = encoder(schema, np.array([[0], [2], [NAN]], dtype=np.float32))
    assert made(torch.tensor([[2.0], [NAN]])).tolist() == [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]


def test_a_table_without_empty_cells_has_no_inputs_that_say_so() -> None:
    schema = Schema(columns=(SCHEMA.columns[1], SCHEMA.columns[3]))
    assert encoder(schema, generate(schema, 50, 0)).width == 3


@pytest.mark.parametrize("schema", [SCHEMA, Schema(columns=SCHEMA.columns[::-1])], ids=["forth", "back"])
def test_an_emptied_cell_looks_like_one_that_was_empty_in_the_table(schema: Schema) -> None:
    columns = generate(schema, 400, 0)
    made = encoder(schema, columns)
    inputs = made(torch.from_numpy(columns))
    emptied = made.emptied(inputs, 0.5, torch.Generator().manual_seed(0))
    fillable = [place for place, column in enumerate(schema.columns) if column.missing == "impute"]
    spoilt = columns.copy()
    gone = emptied[:, -len(fillable) :].numpy() > 0
    for at, place in enumerate(fillable):
        spoilt[gone[:, at], place] = NAN
    assert torch.equal(emptied, made(torch.from_numpy(spoilt)))
    assert 0.35 < gone.mean() < 0.55


def test_cells_are_emptied_up_to_the_share_and_a_column_that_is_emptier_by_itself_is_left_alone() -> None:
    random = np.random.default_rng(0)
    columns = random.random((40_000, 2)).astype(np.float32)
    columns[random.random(40_000) < 0.3, 1] = NAN
    schema = Schema(columns=tuple(Numeric(name=name, low=0, high=1, missing="impute") for name in "ab"))
    made = encoder(schema, columns)
    inputs = made(torch.from_numpy(columns))
    emptied = made.emptied(inputs, 0.2, torch.Generator().manual_seed(0))
    assert emptied[:, 2].mean().item() == pytest.approx(0.2, abs=0.01)
    assert torch.equal(emptied[:, 3], inputs[:, 3])
    assert torch.equal(emptied[:, 1], inputs[:, 1])


def test_nothing_is_emptied_where_nothing_may_be_empty_or_none_is_asked_for() -> None:
    generator = torch.Generator().manual_seed(0)
    closed = Schema(columns=(SCHEMA.columns[1], SCHEMA.columns[3]))
    for schema, share in ((closed, 0.5), (SCHEMA, 0.0)):
        columns = generate(schema, 100, 0)
        made = encoder(schema, columns)
        inputs = made(torch.from_numpy(columns))
        assert torch.equal(made.emptied(inputs, share, generator), inputs)


@pytest.mark.parametrize("head", ["type", "keys", "training", "forward", "linear"])
def test_a_head_may_have_a_name_that_a_module_keeps_for_itself(head: str) -> None:
    net = Linear().build(SCHEMA, generate(SCHEMA, 20, 0), {head: 1})
    assert net(torch.from_numpy(generate(SCHEMA, 7, 1)))[head].shape == (7,)


def test_heads_begin_at_the_answers_they_are_given_and_the_others_stay() -> None:
    net = MLP(hidden=(3,)).build(SCHEMA, generate(SCHEMA, 20, 0), {"sick": 1, "fluid": 1})
    before = [float(head.bias.item()) for head in net.heads]  # type: ignore[union-attr,operator]
    net.start_from({"fluid": 7.5})
    assert [float(head.bias.item()) for head in net.heads] == [before[0], 7.5]  # type: ignore[union-attr,operator]


def test_weights_are_all_that_multiply_and_no_bias() -> None:
    net: Net = MLP(hidden=(3, 2)).build(SCHEMA, generate(SCHEMA, 20, 0), {"sick": 1, "fluid": 1})
    assert net.weights().shape == (net.encoding.width * 3 + 3 * 2 + 2 + 2,)
