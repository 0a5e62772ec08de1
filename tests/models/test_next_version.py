from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import graph
from models.bundle import Bundle, open_bundle, write_bundle
from models.conservative import conservative
from models.contract import Contract
from models.curve import Curve
from models.labelled import SiteRows, read_site
from models.manifest import Manifest, Probe
from models.next_version import Version, chosen, next_version, restated, restated_cases
from models.scorer import Graph, Scorer
from models.verify import verify
from tests import handmade


@pytest.fixture
def zoned(tmp_path: Path) -> Bundle:
    return handmade.bundle(tmp_path, "zoned")


@pytest.fixture
def rows(tmp_path: Path) -> SiteRows:
    path = tmp_path / "site.csv"
    lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in handmade.rows(200, seed=9)]
    path.write_text("\n".join(["age,fluid,new_vessels,eye", *lines]) + "\n")
    return read_site(path, handmade.SCHEMA)


def version(bundle: Bundle, rows: SiteRows, text: str, prevalence: float) -> Version:
    """The next version for a contract, at a prevalence, on the bundle's own cases."""
    contract, cases = Contract.read(text), restated_cases(bundle.manifest, prevalence)
    return next_version(
        bundle,
        (contract, cases, chosen(contract, cases)),
        ask=lambda one: conservative(one, prevalence, prevalence),
        release=("north", "fewer sick", rows),
        parts=bundle.manifest.provenance.parts,
    )


@pytest.mark.parametrize("prevalence", [0.001, 0.2, 0.7])
def test_a_restated_curve_counts_as_the_graph_does_at_that_prevalence(zoned: Bundle, prevalence: float) -> None:
    columns, sick = handmade.certification()
    answers = Graph(zoned.graph).run(columns, prevalence=graph.float32(prevalence))["probability"]
    wanted = Curve.of(answers, sick)
    found = restated(zoned.manifest.curve, zoned.manifest.prevalence, prevalence)
    assert found.prevalence == prevalence
    assert (found.positive_count, found.negative_count) == (wanted.positive_count, wanted.negative_count)
    # Between scores that are further apart than the last bits of a float.
    apart = np.flatnonzero(np.diff(wanted.thresholds) > 1e-5 * np.array(wanted.thresholds[1:]))
    assert len(apart) > 1000
    for place in apart[::50]:
        middle = (wanted.thresholds[place] + wanted.thresholds[place + 1]) / 2
        assert found.at(middle) == wanted.at(middle)


def test_scores_that_become_one_are_counted_together() -> None:
    curve = Curve(thresholds=(0.5, float(np.float32(1 - 1e-7)), 1.0), positives=(1, 2, 4), negatives=(3, 5, 0))
    found = restated(curve, 0.1, 0.9)
    assert (found.positive_count, found.negative_count) == (7, 8)
    assert found.thresholds[-1] == 1
    same = restated(curve, 0.1, 0.1)
    assert same == curve.model_copy(update={"prevalence": 0.1})


def test_a_version_tells_what_it_replaces_and_agrees_with_its_graph(
    zoned: Bundle, rows: SiteRows, tmp_path: Path
) -> None:
    old = zoned.manifest
    made = version(zoned, rows, "recall >= 0.95", 0.07)
    new = write_bundle(tmp_path / "new", model=made.model, manifest=made.manifest, card="")
    manifest = open_bundle(new.folder).manifest
    (release,) = manifest.history
    assert (manifest.version, release.version, release.bundle) == (2, 1, zoned.digest)
    assert (release.site, release.reason, release.promised) == ("north", "fewer sick", old.point.in_words)
    assert (release.threshold, release.clear_below) == (old.point.threshold, old.point.clear_below)
    assert release.prevalence == old.prevalence
    assert manifest.provenance.data == {"version 2: site.csv": rows.digest}
    assert (manifest.prevalence, manifest.curve.prevalence, manifest.guide and manifest.guide.prevalence) == (0.07,) * 3
    assert manifest.evidence is None
    assert all(check.passed for check in verify(new))
    assert (manifest.calibration, manifest.columns, manifest.parity) == (old.calibration, old.columns, old.parity)
    assert "Nothing was measured on cases that nothing was chosen on: no such case is left." in made.notes


def test_versions_follow_each_other(zoned: Bundle, rows: SiteRows, tmp_path: Path) -> None:
    second = version(zoned, rows, "recall >= 0.9", 0.07)
    bundle = write_bundle(tmp_path / "second", model=second.model, manifest=second.manifest, card="")
    third = version(bundle, rows, "recall >= 0.95", 0.2).manifest
    assert [release.version for release in third.history] == [1, 2]
    assert third.history[1].bundle == bundle.digest
    assert set(third.provenance.data) == {"version 2: site.csv", "version 3: site.csv"}


def test_a_recall_flags_the_same_cases_at_any_prevalence(zoned: Bundle, rows: SiteRows, tmp_path: Path) -> None:
    columns, _ = handmade.certification()
    flagged = []
    for place, prevalence in enumerate((0.01, 0.3)):
        made = version(zoned, rows, "recall >= 0.9", prevalence)
        new = write_bundle(tmp_path / str(place), model=made.model, manifest=made.manifest, card="")
        flagged.append(Scorer(new).score(columns).positive)
        assert flagged[-1].sum() == sum(
            made.manifest.point.measured.counts.model_dump()[name] for name in ("hits", "alarms")
        )
    assert np.array_equal(*flagged)


def test_further_points_are_certified_again_or_named(zoned: Bundle, rows: SiteRows) -> None:
    made = version(zoned, rows, "recall >= 0.9", 0.07)
    names = [point.name for point in made.manifest.points]
    assert names == ["default", "sharp", "elsewhere"]
    assert made.manifest.points[2].prevalence == 0.07
    (left,) = [note for note in made.notes if note.startswith("Left out")]
    assert left.startswith("Left out: the point fair (recall >= 0.8 in eye=left with confidence 0.95 and ")
    assert left.endswith(
        "). points.fair: promises several things, so the study that made the bundle should hold its contract,"
        " got no contract."
    )


def with_study(manifest: Manifest, contract: dict[str, object]) -> Manifest:
    study = {"models": [{"alternatives": [{"name": "fair", "contract": contract}]}]}
    return manifest.model_copy(update={"provenance": manifest.provenance.model_copy(update={"study": study})})


def test_the_study_tells_the_contract_of_a_further_point(zoned: Bundle, rows: SiteRows) -> None:
    told = with_study(zoned.manifest, handmade.ALTERNATIVES["fair"].model_dump(mode="json"))
    made = version(replace(zoned, manifest=told), rows, "recall >= 0.9", 0.07)
    assert [point.name for point in made.manifest.points] == ["default", "sharp", "elsewhere", "fair"]


def test_a_contract_of_a_kind_that_is_no_more_is_no_contract(zoned: Bundle, rows: SiteRows) -> None:
    told = with_study(zoned.manifest, {"kind": "Forgotten"})
    made = version(replace(zoned, manifest=told), rows, "recall >= 0.9", 0.07)
    assert [point.name for point in made.manifest.points] == ["default", "sharp", "elsewhere"]


def test_a_point_that_can_no_longer_be_certified_is_named(zoned: Bundle, rows: SiteRows) -> None:
    made = version(zoned, rows, "recall >= 0.9", 1e-6)
    assert [point.name for point in made.manifest.points] == ["default", "sharp"]
    assert any(
        note.startswith("Left out: the point elsewhere (precision >= 0.3 at prevalence 0.05") for note in made.notes
    )


def test_foreseen_changes_move_to_the_new_scale_and_others_are_said(zoned: Bundle, rows: SiteRows) -> None:
    made = version(zoned, rows, "recall >= 0.6", 0.02)
    control, before = made.manifest.change_control, zoned.manifest.change_control
    assert control is not None
    assert before is not None
    odds = (0.02 / 0.98) / (zoned.manifest.prevalence / (1 - zoned.manifest.prevalence))
    assert control.lowest / (1 - control.lowest) == pytest.approx(0.001 / 0.999 * odds, rel=1e-6)
    assert (control.criteria, control.prevalences) == (before.criteria, before.prevalences)
    outside = [note for note in made.notes if note.startswith("Not among the changes that the bundle foresees: ")]
    assert any("prevalence: should be from 0.05 to 0.4, got 0.02." in note for note in outside)
    assert any("criteria.0: should be kept: recall >= 0.8" in note for note in outside)


def test_a_foreseen_change_goes_without_a_word_and_keeps_its_limits(zoned: Bundle, rows: SiteRows) -> None:
    made = version(zoned, rows, "recall >= 0.9", zoned.manifest.prevalence)
    assert made.manifest.change_control == zoned.manifest.change_control
    assert not [note for note in made.notes if "foresees" in note]


def test_a_criterion_on_a_group_that_is_not_known_is_said(zoned: Bundle, rows: SiteRows) -> None:
    asked = Contract.read("recall >= 0.5 in every eye, sex")
    control = handmade.CHANGE_CONTROL.model_copy(update={"criteria": (asked,)})
    bundle = replace(zoned, manifest=zoned.manifest.model_copy(update={"change_control": control}))
    made = version(bundle, rows, "recall >= 0.9", 0.2)
    (note,) = [note for note in made.notes if "foresees" in note]
    assert note == (
        "Not among the changes that the bundle foresees: criteria.0: should be kept:"
        " recall >= 0.5 in sex with confidence 0.95: the bundle holds no cases of sex."
    )


def test_without_change_control_there_is_none(tmp_path: Path, rows: SiteRows) -> None:
    assert version(handmade.bundle(tmp_path), rows, "recall >= 0.9", 0.2).manifest.change_control is None


def test_probes_are_the_same_rows_with_new_answers(zoned: Bundle, rows: SiteRows, tmp_path: Path) -> None:
    probe = Probe(columns=(60.0, None, 1.0, 0.0), probability=0.5, positive=False)
    bundle = replace(zoned, manifest=zoned.manifest.model_copy(update={"probes": (probe,)}))
    made = version(bundle, rows, "recall >= 0.9", 0.2)
    (found,) = made.manifest.probes
    assert found.columns == probe.columns
    new = write_bundle(tmp_path / "new", model=made.model, manifest=made.manifest, card="")
    scores = Scorer(new).score(np.array([probe.columns], dtype=np.float32))
    assert (found.probability, found.positive) == (float(scores.probability[0]), bool(scores.positive[0]))


@pytest.mark.parametrize("asked", ["precision >= 0.5 at prevalence 0.2", "recall >= 0.9"])
def test_without_a_guide_the_scores_alone_tell_where_to_look(zoned: Bundle, asked: str) -> None:
    cases = replace(restated_cases(zoned.manifest, 0.2), guide=None)
    assert chosen(Contract.read(asked), cases) == Contract.read(asked).choose(cases.curve, guide=None)


def test_a_bundle_without_a_guide_stays_without(zoned: Bundle) -> None:
    bare = zoned.manifest.model_copy(update={"guide": None})
    assert restated_cases(bare, 0.3).guide is None
