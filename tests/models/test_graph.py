from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from models import graph
from models.calibration import Calibration, shift
from models.schema import Binary, Categorical, Numeric
from models.scorer import Graph, Scorer
from tests import handmade, one_column
from tests.one_column import ask, session

Floats = NDArray[np.float32]
STORED = Path(__file__).parent / "stored"


def column(*cells: float) -> Floats:
    return np.array(cells, dtype=np.float32)[:, None]


def test_raw_onnxruntime_scorer_and_numpy_agree_on_every_row_and_every_decision() -> None:
    for model in handmade.CONTRACTS:
        made, manifest = handmade.finished(model)
        columns = handmade.encoded(20_000, seed=8)
        raw = ask(made, columns)
        truth = shift(handmade.logits(columns), prevalence=manifest.calibration.prevalence, to=manifest.prevalence)
        assert np.abs(raw["logit"] - truth).max() < 1e-5
        assert np.abs(raw["probability"] - special.expit(truth)).max() < 1e-6
        assert np.array_equal(raw["positive"], ~(raw["probability"] < np.float32(manifest.point.threshold)))
        assert 0 < raw["positive"].sum() < len(columns)
        assert np.allclose(raw["fluid_volume"], np.nan_to_num(columns[:, 1]) * 0.002, atol=1e-6)


def test_pitfall_the_file_alone_decides_as_the_scorer_does(tmp_path: Path) -> None:
    bundle = handmade.bundle(tmp_path)
    columns = handmade.encoded(20_000, seed=9)
    scores = Scorer(bundle).score(columns)
    raw = ask(bundle.graph, columns)
    for name in ("probability", "positive", "logit"):
        assert np.array_equal(raw[name], getattr(scores, name))
    assert np.array_equal(raw["fluid_volume"], scores.symptoms["fluid_volume"])


def test_the_outputs_and_the_optional_inputs_are_those_of_the_design() -> None:
    plain = session(handmade.finished()[0])
    assert [value.name for value in plain.get_inputs()] == ["columns"]
    optional = {value.name for value in plain.get_overridable_initializers()}
    assert optional == {"threshold", "clear_below", "prevalence"}
    kinds = {value.name: (value.type, value.shape) for value in plain.get_outputs()}
    assert kinds == {
        "probability": ("tensor(float)", ["rows"]),
        "positive": ("tensor(bool)", ["rows"]),
        "logit": ("tensor(float)", ["rows"]),
        "negative": ("tensor(bool)", ["rows"]),
        "fluid_volume": ("tensor(float)", ["rows"]),
    }


@pytest.mark.parametrize("threshold", [0.0, 1e-30, 0.0002, 0.25, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("prevalence", [None, 0.001, 0.5, 0.97])
def test_any_threshold_and_prevalence_override_the_baked_ones(threshold: float, prevalence: float | None) -> None:
    made = one_column.finished(calibration=Calibration(prevalence=0.2), threshold=0.25)
    x = np.linspace(-40, 40, 4001)
    settings = {"threshold": threshold} | ({} if prevalence is None else {"prevalence": prevalence})
    raw = ask(made, column(*x), **settings)
    truth = shift(x.astype(np.float32), prevalence=0.2, to=prevalence or 0.2)
    assert np.abs(raw["logit"] - truth).max() < 1e-5
    assert np.array_equal(raw["positive"], ~(raw["probability"] < np.float32(threshold)))


def test_the_baked_settings_are_the_defaults() -> None:
    made = one_column.finished(calibration=Calibration(prevalence=0.2), prevalence=0.1, threshold=0.25)
    assert graph.defaults(made) == {"threshold": 0.25, "clear_below": 1.0, "prevalence": graph.float32(0.1)}
    x = column(*np.linspace(-5, 5, 101))
    baked, said = ask(made, x), ask(made, x, threshold=0.25, prevalence=0.1)
    for name, values in baked.items():
        assert np.array_equal(values, said[name])


def test_every_row_is_flagged_until_a_threshold_is_baked_in() -> None:
    made = graph.finish(
        one_column.network(),
        schema=handmade.SCHEMA.model_copy(update={"columns": (one_column.COLUMN,)}),
        target="sick",
        symptoms=[],
        calibration=Calibration(prevalence=0.5),
        prevalence=0.5,
    )
    assert ask(made, column(-1000, 0, 1000))["positive"].all()


@pytest.mark.parametrize("prevalence", [1e-7, 0.001, 0.123456789, 0.5, 0.99])
def test_the_default_prevalence_cancels_to_the_last_bit(prevalence: float) -> None:
    x = column(*np.random.default_rng(0).normal(0, 8, 5000))
    raw = ask(one_column.finished(calibration=Calibration(prevalence=prevalence)), x)
    assert np.array_equal(raw["logit"], x[:, 0])


def test_undo_and_map_in_the_graph_are_those_of_the_calibration() -> None:
    calibration = Calibration(loss_log_ratio=2.0, sampling_log_ratio=-0.5, slope=1.7, intercept=0.3, prevalence=0.1)
    x = np.linspace(-10, 10, 2001).astype(np.float32)
    raw = ask(one_column.finished(calibration=calibration), column(*x))
    assert np.abs(raw["logit"] - calibration.logits(x)).max() < 5e-6


def test_a_probability_is_right_in_relative_terms_however_small() -> None:
    """The runtime's own sigmoid is off by 1.7 % at 6e-6, and comes in steps of 6e-8."""
    x = np.linspace(-80, 15, 50_001).astype(np.float32)
    found = ask(one_column.finished(), column(*x))["probability"]
    assert np.abs(found / special.expit(x.astype(np.float64)) - 1).max() < 3e-7


def test_pitfall_at_one_in_a_thousand_the_graph_keeps_every_order_and_makes_no_ties() -> None:
    x = np.linspace(-16, -4, 50_000).astype(np.float32)
    found = ask(one_column.finished(), column(*x))["probability"]
    assert (np.diff(found) >= 0).all()
    assert len(np.unique(found)) > 0.99 * len(np.unique(x))


def test_a_hopeless_logit_is_a_probability_of_0_or_1_and_no_nan() -> None:
    found = ask(one_column.finished(), column(-1000, -100, 100, 1000))
    assert found["probability"].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert found["positive"].tolist() == [False, False, True, True]


def test_pitfall_the_patient_on_the_boundary_is_flagged_by_a_threshold_from_the_graph_s_own_output() -> None:
    """Thresholds from scores in 64 bits lose this patient about every other time."""
    x = np.random.default_rng(1).normal(-3, 2, 300).astype(np.float32)
    made = one_column.finished()
    own = ask(made, column(*x))["probability"]
    plain = session(made)
    for logit, probability in zip(x, own, strict=True):
        (positive,) = plain.run(["positive"], {"columns": column(logit), "threshold": np.array([probability])})
        assert positive[0]
    in_64_bits = special.expit(x.astype(np.float64))
    lost = sum(bool(mine < np.float64(exact)) for mine, exact in zip(own, in_64_bits, strict=True))
    assert lost > 60


@pytest.mark.parametrize("between", [(), ("Relu",), ("Sign", "Relu"), ("Tanh", "Abs", "Neg"), ("Sigmoid", "Neg")])
@pytest.mark.parametrize("cell", [np.nan, np.inf, -np.inf, 1e10, -1000.1, 1000.1])
def test_pitfall_a_bad_number_is_never_negative_whatever_the_network_makes_of_it(
    between: tuple[str, ...], cell: float
) -> None:
    made = one_column.finished(*between, threshold=1.0)
    found = ask(made, column(-5.0, cell, -5.0))
    assert np.isnan(found["probability"]).tolist() == [False, True, False]
    assert np.isnan(found["logit"]).tolist() == [False, True, False]
    assert found["positive"].tolist() == [False, True, False]


def test_pitfall_a_network_that_makes_nan_of_good_rows_is_never_negative() -> None:
    found = ask(one_column.finished("Log", threshold=1.0), column(-1.0, 0.5))
    assert np.isnan(found["probability"]).tolist() == [True, False]
    assert found["positive"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Numeric(name="x", low=0, high=10), [0, 10, 0.5, -0.0], [-1e-30, 10.1, np.nan]),
        (Numeric(name="x", low=0, high=10, missing="impute"), [0, 10, np.nan], [-1, 11, np.inf]),
        (Binary(name="x"), [0, 1], [0.5, 2, -1, np.nan, np.inf]),
        (Binary(name="x", missing="impute"), [0, 1, np.nan], [0.5, 2, -1]),
        (Categorical(name="x", categories=("a", "b", "c")), [0, 1, 2], [3, -1, 0.5, 1.0001, np.nan]),
        (Categorical(name="x", categories=("a", "b"), missing="impute"), [0, 1, np.nan], [2, 0.5, -np.inf]),
    ],
)
def test_pitfall_the_graph_itself_refuses_a_cell_outside_its_column_s_rule(
    kind: Numeric | Binary | Categorical, good: list[float], bad: list[float]
) -> None:
    made = one_column.finished(columns=(one_column.COLUMN, kind), threshold=1.0)
    cells = np.array([[-5.0, cell] for cell in good + bad], dtype=np.float32)
    found = ask(made, cells)
    is_bad = [False] * len(good) + [True] * len(bad)
    assert np.isnan(found["probability"]).tolist() == is_bad
    assert found["positive"].tolist() == is_bad


def test_a_symptom_of_a_bad_row_is_no_number() -> None:
    made, _ = handmade.finished()
    good, bad = [50, 100, 0, 0], [50, 100, 0.5, 0]
    assert np.isnan(ask(made, np.array([good, bad], dtype=np.float32))["fluid_volume"]).tolist() == [False, True]


@pytest.mark.parametrize(
    "settings", [{"threshold": np.nan}, {"prevalence": np.nan}, {"prevalence": 2.0}, {"prevalence": -0.5}]
)
def test_pitfall_a_setting_that_is_no_number_flags_everybody(settings: dict[str, float]) -> None:
    assert ask(one_column.finished(), column(-20, 0, 20), **settings)["positive"].all()


def test_a_threshold_for_each_row_is_refused_by_the_runtime() -> None:
    feed = {"columns": column(0, 0), "threshold": np.array([0.1, 0.9], dtype=np.float32)}
    with pytest.raises(Exception, match="threshold"):
        session(one_column.finished()).run(None, feed)


def test_a_threshold_that_is_no_32_bit_float_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        graph.bake(one_column.finished(), threshold=0.1)
    assert str(caught.value) == "A threshold should be a 32-bit float, got 0.1."


def test_baking_leaves_the_given_graph_and_what_is_not_named_alone() -> None:
    made = one_column.finished(threshold=0.25)
    before = graph.as_bytes(made)
    again = graph.bake(made, manifest="said")
    assert graph.as_bytes(made) == before
    assert graph.defaults(again)["threshold"] == 0.25
    assert graph.metadata(graph.bake(again, threshold=0.5)) == {graph.METADATA_KEY: "said"}
    assert graph.defaults(graph.bake(again, threshold=0.5))["threshold"] == 0.5


def test_pitfall_the_metadata_comes_back_from_the_runtime_and_from_the_file() -> None:
    text = '{"name": "é 日本", "number": 0.1}'
    made = graph.bake(one_column.finished(), manifest=text)
    assert session(made).get_modelmeta().custom_metadata_map == {graph.METADATA_KEY: text}
    assert graph.metadata(onnx.load_model_from_string(graph.as_bytes(made)))[graph.METADATA_KEY] == text


def test_the_same_model_is_the_same_bytes() -> None:
    assert graph.as_bytes(handmade.finished()[0]) == graph.as_bytes(handmade.finished()[0])


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 1023, 1024, 1025, 3000])
def test_pitfall_a_row_alone_and_in_a_batch_is_the_same_to_the_last_bit(rows: int) -> None:
    runtime = Graph(graph.as_bytes(handmade.finished()[0]))
    columns = handmade.encoded(rows, seed=rows)
    whole = runtime.run(columns)
    for place in {0, rows // 2, rows - 1, *range(0, rows, 97)}:
        alone = runtime.run(columns[place : place + 1])
        for name, values in whole.items():
            assert alone[name].tobytes() == values[place : place + 1].tobytes(), (name, place)


def test_calls_of_many_rows_come_back_in_order() -> None:
    x = np.arange(-900, 900, 0.25).astype(np.float32)
    found = Graph(graph.as_bytes(one_column.finished())).run(column(*x))
    assert np.array_equal(found["logit"], x)


ASKED = session(one_column.finished())
SETTINGS = st.sampled_from([float("nan"), -1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0, float("inf"), float("-inf")])


@settings(deadline=None, max_examples=150)
@given(SETTINGS | st.floats(0, 1, width=32), SETTINGS | st.floats(0, 1, width=32), SETTINGS)
def test_nobody_is_both_positive_and_negative_and_no_number_is_never_negative_whatever_is_passed(
    threshold: float, clear_below: float, prevalence: float
) -> None:
    x = column(-1000, -100, -5, -1, 0, 1, 5, 100, 1000, np.nan, 2000)
    asked = {"threshold": threshold, "clear_below": clear_below, "prevalence": prevalence}
    names = ["probability", "positive", "negative"]
    feed = {name: np.array([value], dtype=np.float32) for name, value in asked.items()}
    found = dict(zip(names, ASKED.run(names, {"columns": x, **feed}), strict=True))
    probability = found["probability"]
    assert not (found["positive"] & found["negative"]).any()
    assert not found["negative"][np.isnan(probability)].any()
    assert found["positive"][np.isnan(probability)].all()
    below = (probability < np.float32(threshold)) & (probability < np.float32(clear_below))
    assert np.array_equal(found["negative"], below)
    assert np.array_equal(found["positive"], ~(probability < np.float32(threshold)))


def test_between_two_baked_thresholds_nobody_is_decided() -> None:
    made = graph.bake(one_column.finished(), threshold=0.75, clear_below=0.25)
    found = ask(made, column(-5.0, -1.2, -1.0, 0.0, 1.0, 1.2, 5.0))
    assert found["positive"].tolist() == [False, False, False, False, False, True, True]
    assert found["negative"].tolist() == [True, True, False, False, False, False, False]
    assert graph.defaults(made) == {"threshold": 0.75, "clear_below": 0.25, "prevalence": 0.5}


@pytest.mark.parametrize("closing", [{"threshold": 0.75}, {"threshold": 0.75, "clear_below": 0.75}])
def test_baking_the_threshold_alone_or_twice_closes_the_zone(closing: dict[str, float]) -> None:
    made = graph.bake(graph.bake(one_column.finished(), threshold=0.75, clear_below=0.25), **closing)
    found = ask(made, column(-5.0, 0.0, 5.0))
    assert graph.defaults(made)["clear_below"] == graph.NO_ZONE
    assert (found["negative"] == ~found["positive"]).all()


def test_baking_another_prevalence_leaves_the_zone_open() -> None:
    made = graph.bake(graph.bake(one_column.finished(), threshold=0.75, clear_below=0.25), prevalence=0.125)
    assert graph.defaults(made) == {"threshold": 0.75, "clear_below": 0.25, "prevalence": 0.125}


def first_format() -> onnx.ModelProto:
    """The stored graph of the first format, which answers neither `negative` nor to `clear_below`."""
    return onnx.load_model(STORED / "format-1" / "model.onnx")


def test_a_graph_of_the_first_format_can_not_be_given_a_zone() -> None:
    with pytest.raises(ValueError) as caught:
        graph.bake(first_format(), threshold=0.75, clear_below=0.25)
    assert str(caught.value) == "A clear_below can not be baked in: the graph has no such input."
    assert graph.defaults(graph.bake(first_format(), threshold=0.75))["threshold"] == 0.75


def test_a_graph_of_the_first_format_has_its_zone_made_beside_it() -> None:
    runtime = Graph(graph.as_bytes(first_format()))
    columns = handmade.encoded(500, seed=9)
    plain, zoned = runtime.run(columns), runtime.run(columns, threshold=0.6, clear_below=0.2, never_heard_of=1.0)
    assert np.array_equal(plain["negative"], ~plain["positive"])
    assert np.array_equal(zoned["negative"], zoned["probability"] < np.float32(0.2))
    assert 0 < (~zoned["positive"] & ~zoned["negative"]).sum() < 500


def test_a_map_of_straight_pieces_in_the_graph_gives_what_the_calibration_says() -> None:
    pairs = ((-4.0, -9.0), (-1.0, -2.5), (0.0, -2.0), (0.5, 1.0), (6.0, 3.0))
    calibration = Calibration(
        undo="map", loss_map=pairs, sampling_log_ratio=0.7, slope=1.3, intercept=-0.2, prevalence=0.1
    )
    model = graph.finish(
        handmade.network(), schema=handmade.SCHEMA, target="sick", symptoms=(), calibration=calibration, prevalence=0.1
    )
    columns = handmade.encoded(500, 3)
    raw = Graph(graph.as_bytes(handmade.network())).run(columns)["raw.sick"]
    found = Graph(graph.as_bytes(model)).run(columns)["logit"]
    assert found == pytest.approx(calibration.logits(raw), abs=1e-4)
    pieces = np.digitize(raw, [point for point, _ in pairs])
    assert len(set(pieces.tolist())) >= 5
    slow = []
    for logit in raw.astype(float).tolist():
        place = min(max(sum(logit >= point for point, _ in pairs) - 1, 0), len(pairs) - 2)
        (x, y), (x_after, y_after) = pairs[place : place + 2]
        slow.append(1.3 * (y + (y_after - y) / (x_after - x) * (logit - x) - 0.7) - 0.2)
    assert found == pytest.approx(slow, abs=1e-4)
