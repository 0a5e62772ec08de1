from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from models import graph
from models.bundle import open_bundle
from models.calibration import Reliability
from models.curve import Curve
from models.errors import BadInput
from models.manifest import Evidence, Manifest, Part
from models.operating_point import Measured
from models.scorer import Graph, Scorer
from models.subgroup import Subgroup
from serving.drawing import DRAWN, PROBABILITY, Line, drawing, groups_at
from tests import handmade

COLUMNS = handmade.encoded(4000, seed=1)
SICK = handmade.targets(COLUMNS, seed=1)
LEFT = COLUMNS[:, 3] == 0


@pytest.fixture(scope="module", params=["screen", "presurgical"])
def scorer(request: pytest.FixtureRequest, bundles: Path) -> Scorer:
    return Scorer(open_bundle(bundles / request.param))


@pytest.fixture(scope="module")
def screen(bundles: Path) -> Scorer:
    return Scorer(open_bundle(bundles / "screen"))


def changed(scorer: Scorer, **fields: object) -> Scorer:
    """The same model with another manifest."""
    values = {name: getattr(scorer.manifest, name) for name in Manifest.model_fields} | fields
    return Scorer(dataclasses.replace(scorer.bundle, manifest=Manifest.model_construct(**values)))


def probabilities(scorer: Scorer, prevalence: float) -> np.ndarray:
    """Of the certification cases, as the file answers them."""
    return Graph(scorer.bundle.graph).run(COLUMNS, prevalence=graph.float32(prevalence))["probability"]


@pytest.mark.parametrize("prevalence", [None, 0.02])
def test_hits_and_alarms_are_those_of_the_people_at_or_above_each_threshold(
    scorer: Scorer, prevalence: float | None
) -> None:
    drawn = drawing(scorer, "here", prevalence)
    at = scorer.manifest.prevalence if prevalence is None else prevalence
    scored = probabilities(scorer, at).astype(np.float64)

    assert drawn.prevalence == at
    assert len(drawn.curve.thresholds) <= DRAWN
    assert list(drawn.curve.thresholds) == sorted(drawn.curve.thresholds)
    # What is rounded on the way from one prevalence to another may take a neighbour along; on its own none is.
    slack = 0.0 if prevalence is None else 3e-6
    for threshold, hits, alarms in zip(drawn.curve.thresholds, drawn.curve.hits, drawn.curve.alarms, strict=True):
        if prevalence and threshold > 0.25:
            break  # On the scale of the bundle this is near 1, where a 32-bit float holds too little to be restated.
        surely, perhaps = (scored >= threshold * (1 + side) for side in (slack, -slack))
        assert SICK[surely].sum() <= hits <= SICK[perhaps].sum()
        assert (1 - SICK[surely]).sum() <= alarms <= (1 - SICK[perhaps]).sum()
    assert (drawn.curve.hits[0], drawn.curve.alarms[0]) == (int(SICK.sum()), int((1 - SICK).sum()))


def test_a_long_curve_is_thinned_evenly_over_people_and_thresholds_with_both_ends() -> None:
    random = np.random.default_rng(3)
    scores = random.beta(0.3, 9, 50_000).astype(np.float32)
    sick = (random.random(50_000) < scores).astype(int)
    curve = Curve.of(scores, sick, prevalence=0.1)
    line = Line.of(curve, 0.1)

    assert DRAWN / 2 < len(line.thresholds) <= DRAWN < len(curve.thresholds)
    assert (line.thresholds[0], line.thresholds[-1]) == (curve.thresholds[0], curve.thresholds[-1])
    flagged = np.array(line.hits) + np.array(line.alarms)
    assert (np.diff(flagged) < 0).all()
    # 250 steps over the people: none is longer than one of them.
    assert np.abs(np.diff(flagged)).max() <= 50_000 / (DRAWN // 2 - 1) + 1
    for threshold, hits in list(zip(line.thresholds, line.hits, strict=True))[::50]:
        assert hits == sick[scores >= threshold].sum()


def test_a_short_curve_keeps_all_its_corners_and_a_curve_of_no_prevalence_its_thresholds() -> None:
    curve = Curve.of([0.0, 0.25, 0.5, 1.0], [0, 1, 0, 1], prevalence=0.5)

    moved = Line.of(curve, 0.1)
    assert (moved.hits, moved.alarms) == ((2, 2, 1, 1), (2, 1, 1, 0))
    # Odds of 1:3 and 1:1, nine times lower where one of ten is sick.
    assert moved.thresholds == pytest.approx((0.0, 1 / 28, 0.1, 1.0))
    unstated = Curve.of([0.25, 0.5], [0, 1])
    assert Line.of(unstated, 0.1).thresholds == (0.25, 0.5)


def test_calibration_is_told_among_the_people_for_whom_the_model_was_calibrated(scorer: Scorer) -> None:
    # The network's own probabilities, from which it was drawn who is sick.
    true = special.expit(handmade.logits(COLUMNS))
    found = drawing(scorer, "here", 0.02).calibration

    assert found.observed_over_expected == pytest.approx(SICK.sum() / true.sum(), rel=1e-5)
    assert found.slope == pytest.approx(1, abs=0.1)
    lowest, highest = found.bins[0], found.bins[-1]
    assert sum(each.rows for each in found.bins) == len(SICK)
    assert lowest.expected == pytest.approx(np.sort(true)[: lowest.rows].mean(), rel=1e-5)
    assert highest.expected == pytest.approx(np.sort(true)[-highest.rows :].mean(), rel=1e-5)
    assert lowest.observed.value == pytest.approx(SICK[np.argsort(true, kind="stable")][: lowest.rows].mean())


@pytest.mark.parametrize("prevalence", [None, 0.05])
def test_the_decision_curve_is_stated_at_the_prevalence_of_the_drawing(
    scorer: Scorer, prevalence: float | None
) -> None:
    drawn = drawing(scorer, "here", prevalence)
    at = drawn.prevalence
    scored = probabilities(scorer, at)

    assert drawn.decision_curve.prevalence == at
    for place in (10, 40, 90):
        threshold = drawn.decision_curve.thresholds[place]
        flagged = scored >= threshold
        recall, alarms = flagged[SICK == 1].mean(), flagged[SICK == 0].mean()
        worth = at * recall - (1 - at) * alarms * threshold / (1 - threshold)
        assert drawn.decision_curve.model[place] == pytest.approx(worth, abs=2e-3)


def test_what_the_bundle_says_of_itself_is_told(scorer: Scorer) -> None:
    drawn, manifest = drawing(scorer, "here"), scorer.manifest

    assert (drawn.model, drawn.endpoint, drawn.bundle) == (scorer.bundle.name, "here", scorer.bundle.digest)
    assert (drawn.purpose, drawn.contract) == ("A test.", str(manifest.contract))
    assert [column["name"] for column in drawn.columns] == list(handmade.SCHEMA.names)
    assert [column["kind"] for column in drawn.columns] == ["Numeric", "Numeric", "Binary", "Categorical"]
    assert [point.name for point in drawn.points] == [point.name for point in manifest.points]
    assert drawn.points[0].in_words == str(manifest.contract)
    assert (drawn.certification.rows, drawn.certification.positives) == (4000, int(SICK.sum()))
    assert drawn.certification.negatives == 4000 - SICK.sum()
    assert [symptom.name for symptom in drawn.symptoms] == ["fluid_volume"]
    assert drawn.evidence is None


def test_evidence_is_told_in_short(screen: Scorer) -> None:
    evidence = Evidence(
        part=Part(name="test", rows=4000, positives=int(SICK.sum())),
        area_under_curve=0.9,
        area_interval=(0.88, 0.92),
        reliability=Reliability.of(handmade.logits(COLUMNS), SICK),
        measured=Measured.of(screen.manifest.curve, 0.5),
        kept=True,
    )

    found = drawing(changed(screen, evidence=evidence), "here").evidence
    assert found is not None
    assert found.model_dump() == {
        "rows": 4000,
        "positives": int(SICK.sum()),
        "kept": True,
        "area_under_curve": 0.9,
        "area_interval": (0.88, 0.92),
    }


def test_every_subgroup_has_its_line_at_the_prevalence_of_the_drawing(screen: Scorer) -> None:
    drawn = drawing(screen, "here", 0.05)
    scored = probabilities(screen, 0.05).astype(np.float64)

    assert [(group.column, group.value) for group in drawn.groups] == [("eye", "left"), ("eye", "right")]
    for group, members in zip(drawn.groups, (LEFT, ~LEFT), strict=True):
        assert not group.suppressed
        assert group.positives == SICK[members].sum()
        assert group.negatives == (1 - SICK[members]).sum()
        assert group.line is not None
        for place in (0, len(group.line.hits) // 2, -1):
            flagged = members & (scored >= group.line.thresholds[place] * (1 - 3e-6))
            assert group.line.hits[place] == SICK[flagged].sum()


def test_of_subgroups_of_too_few_people_nothing_is_told(screen: Scorer) -> None:
    prevalence = screen.manifest.prevalence
    few = Curve.of([0.2, 0.8], [0, 1], prevalence=prevalence)
    left, right = screen.manifest.groups
    three = changed(screen, groups=(left, right, Subgroup(column="eye", value="not known", curve=few)))

    # With the smallest of the others, for otherwise the few would be what is missing of the whole.
    hidden = min((left, right), key=lambda group: group.curve.positive_count + group.curve.negative_count).value
    for group in drawing(three, "here").groups:
        assert group.suppressed == (group.value in {hidden, "not known"})
        assert (group.line is None) == (group.positives is None) == (group.negatives is None) == group.suppressed
    table = groups_at(three, threshold=0.5, clear_below=0.5)
    assert [row.recall is None for row in table.groups] == [row.value in {hidden, "not known"} for row in table.groups]


@pytest.mark.parametrize("prevalence", [None, 0.05])
def test_a_pair_of_thresholds_is_counted_in_every_subgroup(screen: Scorer, prevalence: float | None) -> None:
    scored = probabilities(screen, screen.manifest.prevalence if prevalence is None else prevalence)
    found = groups_at(screen, threshold=0.4, clear_below=0.3, prevalence=prevalence).groups

    for group, members in zip(found, (LEFT, ~LEFT), strict=True):
        assert group.recall is not None
        assert group.specificity is not None
        assert (group.rows, group.positives) == (members.sum(), SICK[members].sum())
        assert group.recall.value == pytest.approx((scored[members & (SICK == 1)] >= 0.4).mean())
        assert group.specificity.value == pytest.approx((scored[members & (SICK == 0)] < 0.3).mean())


@pytest.mark.parametrize(
    ("threshold", "clear_below", "text"),
    [
        (0.3, 0.4, "clear_below: should not be above the threshold 0.3, got 0.4."),
        (1.1, 0.4, "threshold: should be a probability from 0 to 1, got 1.1."),
        (
            float("nan"),
            -0.1,
            f"threshold: {PROBABILITY}, got nan.\nclear_below: {PROBABILITY}, got -0.1.",
        ),
    ],
)
def test_thresholds_that_are_none_are_refused_by_name(
    screen: Scorer, threshold: float, clear_below: float, text: str
) -> None:
    with pytest.raises(BadInput) as refused:
        groups_at(screen, threshold=threshold, clear_below=clear_below)
    assert str(refused.value) == text


@pytest.mark.parametrize("prevalence", [0.0, 1.0, float("nan")])
def test_a_drawing_at_what_is_no_share_is_refused(screen: Scorer, prevalence: float) -> None:
    with pytest.raises(BadInput, match=r"^prevalence: should be a share between 0 and 1, got "):
        drawing(screen, "here", prevalence)
