from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from models.calibration import Calibration, Reliability
from models.card import card, table
from models.curve import Curve
from models.intervals import precision_at
from models.manifest import Evidence, Manifest, Part
from models.operating_point import Measured
from tests import handmade


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
        measured=Measured.of(curve, point.threshold, prevalence=point.promise.prevalence),
        kept=kept,
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
def test_what_was_measured_stands_beside_each_other_and_comes_from_the_manifest(model: str) -> None:
    made = manifest(model)
    text = card(made)
    assert made.evidence is not None
    both = (made.point.measured, made.evidence.measured)
    assert cells(text, "figure [95 % interval]") == ["certification", "test"]
    assert cells(text, "recall") == [str(measured.recall) for measured in both]
    assert cells(text, "specificity") == [str(measured.specificity) for measured in both]
    assert cells(text, "precision") == [
        f"{measured.precision} at prevalence {measured.prevalence:.4g}" for measured in both
    ]
    assert cells(text, "flagged sick / all sick".replace("|", "/")) == [
        f"{measured.counts.hits:,} / {measured.counts.positives:,}" for measured in both
    ]
    assert cells(text, "flagged healthy / all healthy") == [
        f"{measured.counts.alarms:,} / {measured.counts.negatives:,}" for measured in both
    ]


def test_the_promise_its_certificate_and_its_threshold_are_said_first() -> None:
    made = manifest()
    point = made.point
    assert (
        f"Promise: **recall >= 0.9 with confidence 0.95**. Certified: recall >= {point.certified:.4f}"
        f" on {point.positives:,} positives and {point.negatives:,} negatives (Clopper-Pearson).\n"
        f"Rows with a probability of {point.threshold:.6g} or more are flagged.\n"
    ) in card(made)


def test_whether_the_promise_was_kept_is_said_aloud() -> None:
    promise = "The promise (recall >= 0.9 with confidence 0.95) was"
    rest = "on the 1,000 test cases. Area under the ROC curve: 0.8765 [0.8500, 0.9000]."
    assert f"{promise} kept {rest}" in card(manifest())
    assert f"{promise} **not kept** {rest}" in card(manifest(kept=False))


def test_without_evidence_nothing_is_said_of_a_test() -> None:
    text = card(manifest(evidence=False))
    assert cells(text, "figure [95 % interval]") == ["certification"]
    assert "| test" not in text
    assert "test cases" not in text
    assert "as in the certification part, precision where fewer are sick" in text


def test_precision_is_stated_at_lower_prevalences_too() -> None:
    made = manifest("presurgical")
    assert made.evidence is not None
    counts = made.evidence.measured.counts
    for share in (counts.prevalence, counts.prevalence / 2, counts.prevalence / 10):
        wanted = precision_at(
            hits=counts.hits,
            positives=counts.positives,
            alarms=counts.alarms,
            negatives=counts.negatives,
            prevalence=share,
        )
        assert cells(card(made), f"{share:.4g}") == [str(wanted)]


def test_the_undo_and_the_map_are_written_out() -> None:
    made = manifest()
    found = made.calibration
    assert (
        f"Stated at prevalence {made.prevalence:.4g}. Taken away from every logit: 1.2500 for the loss weights,"
        f" -0.5000 for the sampling; then {found.slope:.4f} x logit"
        f" {'+' if found.intercept >= 0 else '-'} {abs(found.intercept):.4f}, fitted on the validation part."
    ) in card(made)


def test_reliability_is_that_of_the_manifest() -> None:
    made = manifest()
    assert made.evidence is not None
    for name, state in (
        ("after undo, validation", made.calibration.undone),
        ("after map, validation", made.calibration.fitted),
        ("test", made.evidence.reliability),
    ):
        assert state is not None
        assert cells(card(made), name) == [
            f"{state.observed_over_expected:.3f}",
            f"{state.slope:.3f}",
            f"{state.intercept:.3f}",
            f"{state.brier:.4f}",
        ]


def test_cases_that_are_separated_have_no_slope_and_that_is_said() -> None:
    made = manifest()
    apart = Reliability.of([-5.0, -4.0, 4.0, 5.0], [0, 0, 1, 1])
    calibration = made.calibration.model_copy(update={"fitted": apart})
    found = cells(card(made.model_copy(update={"calibration": calibration})), "after map, validation")
    assert found[1:3] == ["not measurable", "not measurable"]
    assert found[3] == f"{apart.brier:.4f}"


def test_a_model_that_was_not_fitted_afterwards_has_no_row_for_it() -> None:
    text = card(handmade.finished()[1])
    assert "validation |" not in text


def test_every_column_is_there_with_its_meaning_unit_and_rule() -> None:
    text = card(manifest())
    assert cells(text, "age") == ["age at the visit", "years", "a number from 0 to 120 years", "refused"]
    assert cells(text, "fluid") == ["fluid in the retina", "um", "a number from 0 to 900 um, or empty", "filled in"]
    assert cells(text, "new_vessels") == ["new vessels seen", "", "0, 1, false or true, or empty", "filled in"]
    assert cells(text, "eye") == ["which eye", "", "one of left, right", "refused"]


def test_where_it_comes_from_is_said() -> None:
    made = manifest()
    text = card(made)
    (part,) = made.provenance.parts
    assert cells(text, "certification") == ["4,000", f"{part.positives:,}"]
    assert f"Data: a.csv, SHA-256 `{'0' * 64}`." in text
    assert "Seed 0, 0 epochs; torch 2.9, onnx 1." in text
    assert "Network and file differ by 1.5e-06 at most in a logit (4,000 rows), in no decision." in text


def test_who_it_is_for_is_said_and_that_it_is_no_diagnosis() -> None:
    text = card(manifest())
    assert text.startswith("# handmade/screen\n\nA test.\n\nScreens for **sick**: is sick.\n")
    assert "An aid to a decision that a clinician takes; not a diagnosis." in text
    silent = manifest().model_copy(
        update={"purpose": "", "target": manifest().target.model_copy(update={"meaning": ""})}
    )
    assert card(silent).startswith("# handmade/screen\n\nScreens for **sick**: no further meaning given.\n")


def test_every_table_has_as_many_cells_in_each_line() -> None:
    for model in ("screen", "presurgical"):
        for block in re.findall(r"(?:^\|.*\|\n)+", card(manifest(model)), flags=re.MULTILINE):
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_a_bar_in_a_word_does_not_break_a_table() -> None:
    assert table(["a|b", "c"], [["1", "2|3"]]) == ["| a/b | c |", "| --- | --- |", "| 1 | 2/3 |", ""]
