from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.bundle import open_bundle
from models.verify import verify

STORED = Path(__file__).parent / "stored" / "format-1"


def test_a_sound_bundle_passes_every_check() -> None:
    checks = verify(open_bundle(STORED))
    assert [check.passed for check in checks] == [True] * len(checks)
    assert len(checks) >= 4


def test_a_bundle_without_probes_is_still_checked() -> None:
    bundle = open_bundle(STORED)
    bare = replace(bundle, manifest=bundle.manifest.model_copy(update={"probes": ()}))
    assert all(check.passed for check in verify(bare))
    assert len(verify(bare)) < len(verify(bundle))


def failed(**changes: object) -> list[str]:
    bundle = open_bundle(STORED)
    changed = replace(bundle, manifest=bundle.manifest.model_copy(update=changes))
    return [check.name for check in verify(changed) if not check.passed]


def test_figures_that_do_not_follow_from_the_curve_are_found() -> None:
    point = open_bundle(STORED).manifest.point
    counts = point.measured.counts.model_copy(update={"hits": point.measured.counts.hits + 1})
    wrong = point.model_copy(update={"measured": point.measured.model_copy(update={"counts": counts})})
    assert failed(points=(wrong,)) == ["figures follow from the curve"]


def test_a_probability_or_a_decision_that_is_not_as_recorded_is_found() -> None:
    probe, *others = open_bundle(STORED).manifest.probes
    elsewhere = probe.model_copy(update={"probability": abs(probe.probability - 0.001)})
    flipped = probe.model_copy(update={"positive": not probe.positive})
    assert failed(probes=(elsewhere, *others)) == ["probabilities as recorded"]
    assert failed(probes=(flipped, *others)) == ["decisions as recorded"]
