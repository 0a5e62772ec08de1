"""A model that looks at a photograph beside its columns: schema, graph, scorer and pathway."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto, helper
from pydantic import ValidationError
from scipy import special

from models import graph
from models.bundle import Bundle, write_bundle
from models.calibration import Calibration
from models.card import card
from models.errors import BadBundle, BadInput
from models.facts.facts import Facts
from models.generate import generate_inputs
from models.image import Image
from models.inputs import Inputs
from models.labelled import read_site
from models.manifest import Symptom, check_symptoms
from models.pathway import Pathway
from models.retune import with_labels
from models.schema import Binary, Numeric, Schema
from models.scorer import IMAGES_PER_CALL, Graph, Scorer
from models.verify import verify
from tests import handmade, seeing
from tests.one_column import session
from tests.photographs import fundus, png

ROWS = generate_inputs(seeing.SCHEMA, 100, seed=50)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("bundles")
    return {model: seeing.bundle(folder, model) for model in seeing.CONTRACTS}


@pytest.fixture(scope="module")
def scorers(bundles: dict[str, Bundle]) -> dict[str, Scorer]:
    return {model: Scorer(bundle) for model, bundle in bundles.items()}


def finish(network: onnx.ModelProto, schema: Schema) -> onnx.ModelProto:
    calibration = Calibration(prevalence=0.5)
    return graph.finish(network, schema=schema, target="sick", symptoms=[], calibration=calibration, prevalence=0.5)


def reseen(bundle: Bundle, schema: Schema) -> Scorer:
    """A scorer of a bundle that says it has another schema."""
    return Scorer(replace(bundle, manifest=bundle.manifest.model_copy(update={"columns": schema})))


def test_a_schema_with_an_image_is_read_back_and_one_without_is_written_as_it_always_was() -> None:
    assert Schema.model_validate_json(seeing.SCHEMA.model_dump_json()) == seeing.SCHEMA
    assert list(json.loads(seeing.SCHEMA.model_dump_json())) == ["columns", "image"]
    assert list(json.loads(handmade.SCHEMA.model_dump_json())) == ["columns"]
    assert handmade.SCHEMA.image is None
    assert seeing.SCHEMA.asked == ("age", "eye", "photograph")
    assert handmade.SCHEMA.asked == handmade.SCHEMA.names
    assert seeing.SCHEMA.rule("photograph") == seeing.IMAGE.rule
    assert seeing.SCHEMA.rule("eye") == "should be one of left, right"
    assert seeing.SCHEMA.rule("fluid") is None


def test_an_image_is_called_like_no_column_and_no_symptom_like_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Schema(columns=(Binary(name="a"),), image=Image(name="a", height=8, width=8))
    assert "the image should not be called like a column, got a" in str(caught.value)
    for name in ("photograph", "image"):
        with pytest.raises(ValueError) as refused:
            check_symptoms(seeing.SCHEMA, (Symptom(name=name),))
        assert str(refused.value) == f"symptoms should not be called like the image, got {name}"
    check_symptoms(handmade.SCHEMA, (Symptom(name="image"),))


def test_the_scorer_answers_what_numpy_makes_of_pixels_and_columns(scorers: dict[str, Scorer]) -> None:
    scores = scorers["screen"].score(ROWS)
    assert ROWS.image is not None
    assert np.abs(scores.logit - seeing.logits(ROWS)).max() < 1e-4
    assert np.abs(scores.probability - special.expit(seeing.logits(ROWS))).max() < 1e-5
    assert np.allclose(scores.symptoms["greenness"], ROWS.image[..., 1].mean(axis=(1, 2)), atol=1e-3)
    assert 0 < scores.positive.sum() < len(ROWS)


def test_the_file_alone_decides_as_the_scorer_does(bundles: dict[str, Bundle], scorers: dict[str, Scorer]) -> None:
    for model, bundle in bundles.items():
        scores = scorers[model].score(ROWS)
        plain = session(bundle.graph)
        names = [output.name for output in plain.get_outputs()]
        raw = dict(zip(names, plain.run(names, {"columns": ROWS.columns, "image": ROWS.image}), strict=True))
        for name in ("probability", "positive", "negative", "logit"):
            assert np.array_equal(raw[name], getattr(scores, name))
        assert np.array_equal(raw["greenness"], scores.symptoms["greenness"])


def test_the_size_of_a_call_changes_no_bit(scorers: dict[str, Scorer]) -> None:
    assert len(ROWS) > 2 * IMAGES_PER_CALL
    whole = scorers["screen"].score(ROWS)
    alone = [scorers["screen"].score(ROWS[row : row + 1]).probability[0] for row in range(len(ROWS))]
    assert np.array_equal(whole.probability, alone)
    assert len(scorers["screen"].score(ROWS[:0])) == 0


def test_pitfall_a_row_that_breaks_the_schema_is_positive_whatever_its_photograph(bundles: dict[str, Bundle]) -> None:
    columns = np.array([[61, 0.5], [130, 0], [np.nan, np.nan]], dtype=np.float32)
    answers = Graph(bundles["screen"].graph).run(Inputs(columns, ROWS.image[:3]))  # type: ignore[index]
    assert np.isnan(answers["probability"]).all()
    assert answers["positive"].all()
    assert not answers["negative"].any()
    assert np.isnan(answers["greenness"]).all()


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (ROWS.columns, "photograph: should be uint8 [rows, 48, 40, 3], got nothing."),
        (
            Inputs(ROWS.columns, ROWS.image[:, :40]),  # type: ignore[index]
            "photograph: should be uint8 [rows, 48, 40, 3], got uint8 [100, 40, 40, 3].",
        ),
        (
            Inputs(ROWS.columns, ROWS.image.astype(np.float32)),  # type: ignore[union-attr]
            "photograph: should be uint8 [rows, 48, 40, 3], got float32 [100, 48, 40, 3].",
        ),
    ],
)
def test_a_missing_or_other_image_is_refused_by_its_name(scorers: dict[str, Scorer], rows: Inputs, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        scorers["screen"].score(rows)
    assert str(caught.value) == text


def test_an_image_in_vain_is_refused(tmp_path: Path) -> None:
    rows = Inputs(handmade.encoded(2), ROWS.image[:2])  # type: ignore[index]
    bundle = handmade.bundle(tmp_path)
    with pytest.raises(BadInput) as caught:
        Scorer(bundle).score(rows)
    assert str(caught.value) == "image: is not asked for by this model, got uint8 [2, 48, 40, 3]."
    with pytest.raises(BadInput) as caught:
        Graph(bundle.graph).run(rows)
    assert str(caught.value) == "image: should not be there for this graph, got [2, 48, 40, 3]."


def test_a_graph_that_sees_is_not_run_blind(bundles: dict[str, Bundle]) -> None:
    with pytest.raises(BadInput) as caught:
        Graph(bundles["screen"].graph).run(ROWS.columns)
    assert str(caught.value) == "image: should be there for this graph, got nothing."


def test_a_network_that_does_not_take_the_image_of_the_schema_is_refused() -> None:
    wanted = "The network should take uint8 [rows, 48, 40, 3] as image, got"
    other = seeing.network()
    other.graph.input[1].CopyFrom(helper.make_tensor_value_info("image", TensorProto.FLOAT, ["rows", 48, 40, 3]))
    for network, schema, text in (
        (handmade.network(), Schema(columns=handmade.SCHEMA.columns, image=seeing.IMAGE), f"{wanted} no image."),
        (other, seeing.SCHEMA, f"{wanted} float32 [rows, 48, 40, 3]."),
        (
            seeing.network(),
            Schema(columns=seeing.SCHEMA.columns),
            "The network should take no image as image, got uint8 [rows, 48, 40, 3].",
        ),
    ):
        with pytest.raises(ValueError) as caught:
            finish(network, schema)
        assert str(caught.value) == text


def test_a_pathway_shows_one_photograph_to_both_models(scorers: dict[str, Scorer]) -> None:
    pathway = Pathway(scorers["screen"], scorers["presurgical"])
    assert pathway.columns is scorers["screen"].columns
    found = pathway.score(*pathway.parted(ROWS))
    for model, scores in (("screen", found.screen), ("presurgical", found.presurgical)):
        assert np.array_equal(scores.probability, scorers[model].score(ROWS).probability)
    assert len(set(found.answers.tolist())) > 1


@pytest.mark.parametrize("seer", ["screen", "presurgical"])
def test_a_pathway_shows_the_photograph_to_the_one_model_that_looks(tmp_path: Path, seer: str) -> None:
    blind = "presurgical" if seer == "screen" else "screen"
    models = {seer: Scorer(seeing.bundle(tmp_path, seer)), blind: Scorer(handmade.bundle(tmp_path, blind))}
    old = models[blind].columns.by_name["age"]
    # One column means the same to both.
    models[seer] = reseen(models[seer].bundle, Schema(columns=(old, seeing.SCHEMA.columns[1]), image=seeing.IMAGE))
    pathway = Pathway(models["screen"], models["presurgical"])
    assert pathway.columns.image == seeing.IMAGE
    assert pathway.columns.asked[-1] == "photograph"
    columns = handmade.encoded(20)
    rows = Inputs(columns[:, [handmade.SCHEMA.names.index(name) for name in pathway.columns.names]], ROWS.image[:20])  # type: ignore[index]
    first, second = pathway.parted(rows)
    assert [first.image is None, second.image is None] == [blind == "screen", blind == "presurgical"]
    found = pathway.score(first, second)
    assert np.array_equal(getattr(found, blind).probability, models[blind].score(columns).probability)


def test_two_recipes_for_one_photograph_are_no_pathway(scorers: dict[str, Scorer], bundles: dict[str, Bundle]) -> None:
    other = seeing.IMAGE.model_copy(update={"crop": "none"})
    with pytest.raises(BadBundle) as caught:
        Pathway(scorers["screen"], reseen(bundles["presurgical"], seeing.SCHEMA.model_copy(update={"image": other})))
    assert str(caught.value) == (
        f"seeing/presurgical: image: should be that of seeing/screen, {seeing.IMAGE!r}, got {other!r}."
    )
    worded = seeing.SCHEMA.model_copy(update={"image": seeing.IMAGE.model_copy(update={"meaning": "an eye"})})
    Pathway(scorers["screen"], reseen(bundles["presurgical"], worded))


def test_one_name_for_an_image_and_a_column_is_no_pathway(
    scorers: dict[str, Scorer], bundles: dict[str, Bundle]
) -> None:
    column = Numeric(name="photograph", low=0, high=1)
    schema = Schema(columns=(column, seeing.SCHEMA.columns[1]))
    with pytest.raises(BadBundle) as caught:
        Pathway(scorers["screen"], reseen(bundles["presurgical"], schema))
    assert str(caught.value) == (
        "seeing/presurgical: columns.photograph: should be an image or a column in both models, as in seeing/screen,"
        " got one of each."
    )


def test_a_site_s_own_photographs_are_scored_and_certified_again(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    random = np.random.default_rng(0)
    for place in range(12):
        (tmp_path / f"{place}.png").write_bytes(png(fundus(place, size=(80, 72))))
    which = random.integers(0, 12, size=400)
    table = pl.DataFrame(
        {
            "age": random.integers(0, 121, size=400),
            "eye": ["left"] * 400,
            "photograph": [f"{place}.png" for place in which],
            "result": np.where(random.random(400) < (which + 1) / 13, "sick", "well"),
        }
    )
    table.write_csv(tmp_path / "site.csv")
    rows = read_site(tmp_path / "site.csv", seeing.SCHEMA, target="result", positive="sick")
    assert rows.image is not None
    pixels = [seeing.IMAGE.array((tmp_path / f"{place}.png").read_bytes()) for place in range(12)]
    assert np.array_equal(rows.image, np.array(pixels)[which])
    scores = Scorer(bundles["screen"]).score(rows.inputs)
    wanted = Scorer(bundles["screen"]).score_rows(
        [
            {"age": float(age), "eye": "left", "photograph": tmp_path / f"{place}.png"}
            for age, place in zip(table["age"], which, strict=True)
        ]
    )
    assert np.array_equal(scores.probability, wanted.probability)
    version = with_labels(bundles["screen"], rows, site="north")
    curve = version.manifest.curve
    assert curve.positive_count == int((table["result"] == "sick").sum())
    at_the_site = Scorer(bundles["screen"]).score(rows.inputs, prevalence=curve.prevalence).probability
    assert set(curve.thresholds) <= set(at_the_site.tolist())
    # The probes are asked again of the new version.
    new = write_bundle(tmp_path / "screen", model=version.model, manifest=version.manifest, card="# North\n")
    assert [check.passed for check in verify(new)] == [True] * 4


def test_the_facts_and_the_card_tell_of_the_photograph() -> None:
    manifest = seeing.finished()[1]
    facts = Facts.of(manifest)
    assert [each.name for each in facts.inputs] == ["age", "eye", "photograph"]
    assert facts.inputs[-1].kind == "photograph"
    assert facts.inputs[-1].may_be.endswith("; taken, cut to its bright disc as 48 x 40 pixels")
    assert "| photograph | photograph of the back of the eye | a JPEG, PNG or DICOM photograph of at most" in card(
        manifest
    )
