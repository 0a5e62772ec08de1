from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import graph
from models.bundle import Bundle, write_bundle
from models.manifest import Probe
from models.operating_point import Measured
from models.scorer import Graph
from models.verify import TOLERANCE, verify
from tests import handmade


def probed(folder: Path, *, off: float = 0.0, flip: int = 0, probes: int = 12) -> Bundle:
    """A bundle with probes, their probabilities `off` by so much and `flip` of their decisions turned round."""
    model, manifest = handmade.finished("screen")
    columns = handmade.encoded(probes, seed=5)
    answers = Graph(graph.as_bytes(model)).run(columns)
    made = tuple(
        Probe(
            columns=tuple(None if np.isnan(cell) else float(cell) for cell in row),
            probability=float(np.clip(answers["probability"][place] + off, 0, 1)),
            positive=bool(answers["positive"][place]) ^ (place < flip),
        )
        for place, row in enumerate(columns)
    )
    manifest = manifest.model_copy(update={"probes": made})
    return write_bundle(folder / "screen", model=model, manifest=manifest, card="# Hand-made\n")


def test_a_sound_bundle_passes_every_check(tmp_path: Path) -> None:
    bundle = probed(tmp_path)
    checks = verify(bundle)
    assert [(check.name, check.passed, check.found) for check in checks] == [
        ("files agree", True, f"graph, card and manifest, digest {bundle.digest}"),
        ("figures follow from the curve", True, "1 of 1"),
        ("probabilities as recorded", True, "largest difference 0"),
        ("decisions as recorded", True, "0 of 12 differ"),
    ]


def test_a_bundle_without_probes_is_checked_for_the_rest(tmp_path: Path) -> None:
    assert [check.name for check in verify(handmade.bundle(tmp_path))] == [
        "files agree",
        "figures follow from the curve",
    ]


@pytest.mark.parametrize(("off", "passed"), [(TOLERANCE / 4, True), (0.002, False)])
def test_a_machine_may_round_the_last_bits_of_a_probability_and_no_more(
    tmp_path: Path,
    off: float,
    passed: bool,  # noqa: FBT001  # the answer
) -> None:
    check = verify(probed(tmp_path, off=off))[2]
    assert check.name == "probabilities as recorded"
    assert check.passed is passed
    assert check.found.startswith("largest difference ")


@pytest.mark.parametrize("flip", [1, 3])
def test_a_machine_may_change_no_decision(tmp_path: Path, flip: int) -> None:
    check = verify(probed(tmp_path, flip=flip))[3]
    assert (check.passed, check.found) == (False, f"{flip} of 12 differ")


def test_a_figure_that_does_not_follow_from_the_curve_is_named(tmp_path: Path) -> None:
    bundle = handmade.bundle(tmp_path)
    manifest = bundle.manifest
    point = manifest.point
    other = Measured.of(manifest.curve, point.threshold / 2, prevalence=point.prevalence)
    flattered = point.model_copy(update={"measured": other})
    doctored = manifest.model_copy(update={"points": (point, flattered, point, flattered)})
    check = verify(Bundle(bundle.folder, bundle.digest, doctored, bundle.graph, bundle.card))[1]
    assert (check.passed, check.found) == (False, "points.1, points.3")


def test_counts_of_the_cleared_that_do_not_follow_from_the_curve_are_named(tmp_path: Path) -> None:
    bundle = handmade.bundle(tmp_path, "zoned")
    manifest = bundle.manifest
    assert verify(bundle)[1].found == "4 of 4"
    flattered = manifest.point.model_copy(update={"cleared": manifest.curve.at(0.5)})
    doctored = manifest.model_copy(update={"points": (*manifest.points[1:], flattered)})
    check = verify(Bundle(bundle.folder, bundle.digest, doctored, bundle.graph, bundle.card))[1]
    assert (check.passed, check.found) == (False, "points.3")
