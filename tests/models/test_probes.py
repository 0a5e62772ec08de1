from __future__ import annotations

import numpy as np
import pytest

from models import graph
from models.errors import BadBundle
from models.generate import generate, generate_images, generate_inputs
from models.image import Image
from models.manifest import Probe
from models.probes import make_probes, probe_inputs
from models.scorer import Graph
from models.verify import verify
from tests import handmade, seeing


def test_probes_hold_the_rows_and_the_answers_of_the_graph() -> None:
    runtime = Graph(graph.as_bytes(handmade.finished()[0]))
    made = make_probes(runtime, handmade.SCHEMA, 20, seed=7)
    rows = generate(handmade.SCHEMA, 20, 7)
    assert np.array_equal(probe_inputs(handmade.SCHEMA, made).columns, rows, equal_nan=True)
    assert probe_inputs(handmade.SCHEMA, made).image is None
    assert [probe.probability for probe in made] == runtime.run(rows)["probability"].tolist()
    assert [probe.positive for probe in made] == runtime.run(rows)["positive"].tolist()


def test_an_image_is_kept_as_its_seed_and_made_again() -> None:
    runtime = Graph(graph.as_bytes(seeing.finished()[0]))
    made = make_probes(runtime, seeing.SCHEMA, 5, seed=11)
    assert [probe.image_seed for probe in made] == [11, 12, 13, 14, 15]
    again = probe_inputs(seeing.SCHEMA, [Probe.model_validate_json(probe.model_dump_json()) for probe in made])
    wanted = generate_inputs(seeing.SCHEMA, 5, 11)
    assert np.array_equal(again.columns, wanted.columns, equal_nan=True)
    assert again.image is not None
    assert np.array_equal(again.image, wanted.image)  # type: ignore[arg-type]
    assert runtime.run(again)["probability"].tolist() == [probe.probability for probe in made]


def test_a_probe_without_an_image_is_written_as_it_always_was() -> None:
    probe = Probe(columns=(1.0, None), probability=0.5, positive=True)
    assert probe.model_dump() == {"columns": (1.0, None), "probability": 0.5, "positive": True}


def test_a_probe_of_which_no_image_can_be_made_is_refused() -> None:
    probe = Probe(columns=(1.0, 0.0), probability=0.5, positive=True)
    with pytest.raises(BadBundle) as caught:
        probe_inputs(seeing.SCHEMA, [probe, probe.model_copy(update={"image_seed": 1})])
    assert str(caught.value) == "Every probe of a model with an image should have an image_seed, got 1."


def test_a_bundle_that_looks_at_photographs_is_verified(tmp_path: object) -> None:
    checks = verify(seeing.bundle(tmp_path))  # type: ignore[arg-type]
    assert [(check.name, check.passed) for check in checks] == [
        ("files agree", True),
        ("figures follow from the curve", True),
        ("probabilities as recorded", True),
        ("decisions as recorded", True),
    ]
    assert checks[2].found == "largest difference 0"


def test_a_probe_s_image_changes_its_answer(tmp_path: object) -> None:
    bundle = seeing.bundle(tmp_path)  # type: ignore[arg-type]
    seeds = [probe.image_seed for probe in bundle.manifest.probes]
    turned = zip(bundle.manifest.probes, [*seeds[1:], seeds[0]], strict=True)
    probes = tuple(probe.model_copy(update={"image_seed": seed}) for probe, seed in turned)
    doctored = bundle.manifest.model_copy(update={"probes": probes})
    assert not verify(bundle.__class__(bundle.folder, bundle.digest, doctored, bundle.graph, bundle.card))[2].passed


def test_generated_images_differ_in_brightness_and_grain_and_a_seed_gives_the_same_again() -> None:
    image = Image(name="p", height=40, width=24)
    made = generate_images(image, 60, seed=0)
    assert (made.dtype, made.shape) == (np.uint8, (60, 40, 24, 3))
    assert np.array_equal(made, generate_images(image, 60, seed=0))
    assert np.array_equal(made[30:], generate_images(image, 30, seed=30))
    means = made.mean(axis=(1, 2, 3))
    assert means.min() < 80
    assert means.max() > 185
    spreads = made.std(axis=(1, 2)).mean(axis=1)
    assert spreads.min() < 20
    assert spreads.max() > 35
    assert generate_images(image, 0, seed=0).shape == (0, 40, 24, 3)
