from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from models.bundle import open_bundle
from models.calibration import Calibration, Reliability
from models.card import card, card_of, table
from models.curve import Curve
from models.facts.facts import Facts
from models.facts.written import both, estimate, per_1000
from models.figures import Figures
from models.manifest import Evidence, Manifest, Part
from models.operating_point import Measured
from tests import handmade
from tests.crossed import crossed

ROOT = Path(__file__).parents[2]
STORED = ("models/covid/screen", "models/covid/presurgical", "tests/models/stored/format-1")


@cache
def manifest(model: str = "screen", *, evidence: bool = True, kept: bool = True) -> Manifest:
    """A hand-made manifest with a fitted calibration and, if wanted, evidence on 1,000 cases."""
    _, made = handmade.finished(model)
    columns = handmade.encoded(1000, seed=3)
    sick = handmade.targets(columns, seed=3)
    logits = handmade.logits(columns)
    fitted = Calibration(loss_log_ratio=1.25, sampling_log_ratio=-0.5, prevalence=0.3).fit(logits + 0.75, sick)
    curve = Curve.of(1 / (1 + np.exp(-logits)), sick)
    point = made.point
    found = Evidence(
        part=Part(name="test", rows=1000, positives=int(sick.sum())),
        area_under_curve=0.87654,
        area_interval=(0.85, 0.9),
        reliability=Reliability.of(logits, sick),
        measured=Measured.of(curve, point.threshold, prevalence=point.prevalence),
        kept=kept,
        curve=curve,
    )
    parity = made.parity.model_copy(update={"largest_difference": 1.5e-6})
    origin = made.provenance.model_copy(update={"data": {"a.csv": "0" * 64}, "versions": {"torch": "2.9", "onnx": "1"}})
    return made.model_copy(
        update={
            "calibration": fitted,
            "parity": parity,
            "provenance": origin,
            "evidence": found if evidence else None,
        }
    )


def cells(text: str, first: str) -> list[str]:
    """The cells of the row of a table that begins with `first`."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.mark.parametrize("model", ["screen", "presurgical"])
def test_what_was_measured_stands_beside_each_other_the_test_part_first(model: str) -> None:
    made = manifest(model)
    text = card(made)
    assert made.evidence is not None
    parts = (made.evidence.measured, made.point.measured)
    assert cells(text, "figure [95 % interval]") == [
        "test, nothing chosen here",
        "certification, thresholds chosen here",
    ]
    assert cells(text, "sensitivity (recall)") == [both(estimate(measured.recall)) for measured in parts]
    assert cells(text, "specificity") == [both(estimate(measured.specificity)) for measured in parts]
    assert cells(text, "sick: flagged / all") == [
        f"{measured.counts.hits:,} / {measured.counts.positives:,}" for measured in parts
    ]
    assert cells(text, "healthy: flagged / all") == [
        f"{measured.counts.alarms:,} / {measured.counts.negatives:,}" for measured in parts
    ]
    assert cells(text, "area under the ROC curve") == ["0.8765 [0.8500, 0.9000]", ""]


def test_the_promise_its_certificate_and_its_threshold_are_said_first() -> None:
    made = manifest()
    point, (certificate,) = made.point, made.point.certificates
    assert (
        f"- `default`: **recall >= 0.9 with confidence 0.95**. Certified: recall >= {certificate.certified:.4f}"
        f" on {certificate.positives:,} positives and {certificate.negatives:,} negatives."
        f" Flagged from a probability of {point.threshold:.6g} on.\n"
    ) in card(made)


def test_two_thresholds_and_those_between_them_are_told() -> None:
    made = manifest(evidence=False)
    point = made.point.model_copy(update={"clear_below": 0.01, "cleared": made.curve.at(0.01)})
    text = card(made.model_copy(update={"points": (point,)}))
    assert ", below 0.01 cleared, between them undecided." in text
    upper, lower = made.curve.at(point.threshold), made.curve.at(0.01)
    assert cells(text, "undecided: sick, healthy") == [f"{lower.hits - upper.hits:,}, {lower.alarms - upper.alarms:,}"]


def test_whether_the_promise_was_kept_is_said_aloud() -> None:
    promise = "On the 1,000 test cases the promise of `default` was"
    assert f"{promise} kept." in card(manifest())
    broken = card(manifest(kept=False))
    assert f"{promise} **not kept**." in broken
    assert "**The promise was not kept on the 1,000 test cases.**" in broken


def test_what_stands_out_is_said_on_the_card() -> None:
    text = card(open_bundle(ROOT / "models/covid/screen").manifest)
    assert "**Everybody is flagged of those with sex: male, among the 47,401 test cases.**" in text


def test_without_evidence_nothing_is_said_of_a_test() -> None:
    text = card(manifest(evidence=False))
    assert cells(text, "figure [95 % interval]") == ["certification, thresholds chosen here"]
    assert "| test" not in text
    assert "test cases" not in text
    assert "The same people flagged, by the certification cases" in text
    assert "No test part" in text


def test_predictive_values_are_stated_at_three_prevalences() -> None:
    made = manifest("presurgical")
    assert made.evidence is not None
    for share, shown in ((0.2, "20.0 %"), (0.1, "10.0 %"), (0.02, "2.0 %")):
        found = Figures.of(made.evidence.measured.counts, prevalence=share)
        assert cells(card(made), shown)[:3] == [
            both(estimate(found.precision)),
            both(estimate(found.npv)),
            both(per_1000(found.flagged)),
        ]


def test_the_undo_and_the_map_are_written_out() -> None:
    made = manifest()
    found = made.calibration
    assert (
        "Taken away from every logit: for the losses 1.2500, exactly; for the sampling -0.5000; then"
        f" {found.slope:.4f} x logit {'+' if found.intercept >= 0 else '-'} {abs(found.intercept):.4f}."
    ) in card(made)
    down = made.model_copy(update={"calibration": found.model_copy(update={"intercept": -0.25})})
    assert " x logit - 0.2500." in card(down)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"undo": "teacher"}, "for the losses nothing: it learnt a teacher's logits;"),
        ({"undo": "fitted"}, "for the losses nothing but the fit: no closed form is known;"),
        (
            {"undo": "map", "loss_map": ((-3.5, -9.0), (0.0, -1.0), (4.25, 2.0))},
            "for the losses an exact map of 3 points, from logits of -3.5 to 4.25;",
        ),
    ],
)
def test_how_losses_were_undone_is_told_in_words(fields: dict[str, object], words: str) -> None:
    made = manifest()
    other = Calibration(**{**made.calibration.model_dump(), "loss_log_ratio": 0.0, **fields})
    assert words in card(made.model_copy(update={"calibration": other}))


def test_reliability_is_that_of_the_manifest() -> None:
    made = manifest()
    assert made.evidence is not None
    for name, state in (
        ("after the undo alone, validation", made.calibration.undone),
        ("after the fitted line, validation", made.calibration.fitted),
        ("as released, test", made.evidence.reliability),
    ):
        assert state is not None
        assert cells(card(made), name) == [
            f"{number:.{digits}f}".replace("-", "\u2212")
            for number, digits in (
                (state.observed_over_expected, 3),
                (state.slope, 3),
                (state.intercept, 3),
                (state.brier, 4),
            )
        ]


def test_cases_that_are_separated_have_no_slope_and_that_is_said() -> None:
    made = manifest()
    apart = Reliability.of([-5.0, -4.0, 4.0, 5.0], [0, 0, 1, 1])
    calibration = made.calibration.model_copy(update={"fitted": apart})
    found = cells(card(made.model_copy(update={"calibration": calibration})), "after the fitted line, validation")
    assert found[1:3] == ["not measurable", "not measurable"]
    assert found[3] == f"{apart.brier:.4f}"


def test_a_model_that_was_not_fitted_afterwards_has_no_table_for_it() -> None:
    text = card(handmade.finished()[1])
    assert "after the" not in text.split("## Columns")[0]
    assert "Brier" not in text


def test_every_column_is_there_with_its_meaning_and_rule() -> None:
    text = card(manifest())
    assert cells(text, "age") == ["age at the visit", "a number from 0 to 120 years", "refused"]
    assert cells(text, "fluid") == ["fluid in the retina", "a number from 0 to 900 um, or empty", "filled in"]
    assert cells(text, "new_vessels") == ["new vessels seen", "0, 1, false or true, or empty", "filled in"]
    assert cells(text, "eye") == ["which eye", "one of left, right", "refused"]


def test_where_it_comes_from_is_said() -> None:
    made = manifest()
    text = card(made)
    (part,) = made.provenance.parts
    digest = Facts.of(made).certification.origin.counts
    assert digest is not None
    assert cells(text, "certification") == ["4,000", f"{part.positives:,}", "not told", f"`{digest[:12]}`"]
    assert f"Data: a.csv, SHA-256 `{'0' * 64}`." in text
    assert "Version 1; seed 0, 0 epochs; torch 2.9, onnx 1." in text
    assert "Network and file differ by 1.5e-06 at most in a logit (4,000 rows), in no decision." in text


def test_who_it_is_for_is_said_and_who_not() -> None:
    text = card(manifest())
    assert text.startswith("# handmade/screen\n\nA test.\n\nScreens for **sick**: is sick. Informs a decision")
    assert "- A diagnosis: it says who should be looked at further.\n" in text
    silent = manifest().model_copy(
        update={"purpose": "", "target": manifest().target.model_copy(update={"meaning": ""})}
    )
    assert card(silent).startswith("# handmade/screen\n\nScreens for **sick**: no further meaning given. Informs")


@pytest.mark.parametrize("bundle", STORED)
def test_a_card_is_about_two_screens_and_says_where_the_rest_is(bundle: str) -> None:
    text = card(open_bundle(ROOT / bundle).manifest)
    assert len(text.splitlines()) < 100
    assert "`fulcrum report`" in text
    assert "Not known: No " in text


@pytest.mark.parametrize("bundle", STORED)
def test_a_card_is_made_from_the_facts_alone(bundle: str) -> None:
    made = open_bundle(ROOT / bundle).manifest
    written = Facts.of(made).model_dump_json()
    assert card_of(Facts.model_validate_json(written)) == card(made)


def test_every_table_has_as_many_cells_in_each_line() -> None:
    for model in ("screen", "presurgical"):
        for block in re.findall(r"(?:^\|.*\|\n)+", card(manifest(model)), flags=re.MULTILINE):
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_a_bar_in_a_word_does_not_break_a_table() -> None:
    assert table(["a|b", "c"], [["1", "2|3"]]) == ["| a/b | c |", "| --- | --- |", "| 1 | 2/3 |", ""]


# Cross-fitted models


def test_a_cross_fitted_card_says_what_was_done_and_what_the_guarantee_rests_on() -> None:
    lines = card(crossed()).splitlines()
    start = lines.index("## Cross-fitted")
    assert start < lines.index("## Measured")
    assert lines[start + 2 : start + 7] == [
        (
            "- Every one of the 4,000 training cases taught: they were dealt into 5 folds, twice over. For each fold a"
            " copy of each of 3 networks learnt from the cases of all other folds. The delivered model is the mean of"
            " the logits of all 10 copies of each."
        ),
        (
            "- The certification cases are not a part set aside: they taught too. Each counts at the worse of two"
            " scores, the sick at the lower and the healthy at the higher: that of the 2 copies of each network that"
            " never saw it, and that of the delivered model."
        ),
        (
            "- What the guarantee rests on: to one copy, cases that it never saw are as good as a part set aside, and"
            " the bounds are exact for it. That they hold for the mean of the copies is shown by simulation, not proved"
            " (docs/cross-fitting.md)."
        ),
        "- Nothing was set aside to test on. To have some cases set aside, write test=0.15 into the study's split.",
        "",
    ]


def test_a_cross_fitted_card_never_speaks_of_a_validation_part_or_of_parts_of_no_rows() -> None:
    text = card(crossed())
    assert "validation" not in text
    assert "| test |" not in text
    assert "| 0 |" not in text
    fitted = crossed().calibration.fitted
    assert fitted is not None
    assert cells(text, "after the fitted line, training, out of fold")[3] == f"{fitted.brier:.4f}"
    assert "x logit" in text
    assert ", fitted on the out-of-fold scores of the training part.\n" in text
    assert cells(text, "figure [95 % interval]") == ["certification, cross-fitted, thresholds chosen here"]
    assert "\n\nEach certification case counts at the worse of two scores" in text


def test_a_cross_fitted_card_says_what_each_part_was_used_for() -> None:
    text = card(crossed(searched=400, tested=True))
    origin = text.split("## Origin")[1]
    assert cells(origin, "part")[0] == "used for"
    assert {name: cells(origin, name)[:2] for name in ("training", "validation", "certification", "test")} == {
        "training": ["fitting the weights and, scored by copies that did not see them, calibrating", "4,000"],
        "validation": [
            "fitting too; kept for a search for losses and networks to choose by, and not certified on",
            "400",
        ],
        "certification": [
            "fitting too; scored by copies that did not see them, choosing and certifying thresholds",
            "4,000",
        ],
        "test": ["nothing but measuring", "500"],
    }
    assert "Nothing was set aside" not in text
    assert cells(text, "figure [95 % interval]") == [
        "test, nothing chosen here",
        "certification, cross-fitted, thresholds chosen here",
    ]


def test_all_networks_that_answer_together_are_on_the_card_with_their_terms_and_budgets() -> None:
    lines = card(crossed()).splitlines()
    start = lines.index("3 networks answer together, by the mean of their logits:")
    outcome = "trained by CostWeighted (costs: miss 5) on sick, against sick, weight 1"
    assert lines[start + 2 : start + 6] == [
        f"- MLP (hidden: 64), {outcome}; epochs 50, schedule cosine.",
        f"- Linear, {outcome}; by SquaredSize on weights, against nothing, weight 0.25; epochs 40, schedule whole.",
        f"- TabM (copies 8), {outcome}; epochs 50, schedule cosine.",
        "",
    ]
    assert lines[start + 6].startswith("Version 1; seed 0, 50 epochs of the first; ")
    alone = card(crossed(beside=()))
    assert "Trained by CostWeighted (costs: miss 5) on sick, against sick, weight 1.\n" in alone
    assert "answer together" not in alone
    assert "seed 0, 50 epochs; " in alone


def test_a_cross_fitted_card_is_about_two_screens_and_made_from_the_facts_alone() -> None:
    made = crossed(searched=400, tested=True)
    assert len(card(made).splitlines()) < 100
    assert card_of(Facts.model_validate_json(Facts.of(made).model_dump_json())) == card(made)
    for block in re.findall(r"(?:^\|.*\|\n)+", card(made), flags=re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


@pytest.mark.parametrize("bundle", STORED[:2])
def test_the_card_of_a_bundle_that_was_not_cross_fitted_is_word_for_word_what_it_was(bundle: str) -> None:
    made = open_bundle(ROOT / bundle).manifest
    assert made.cross_fitted is None
    assert card(made) == (ROOT / bundle / "CARD.md").read_text(encoding="utf-8")
