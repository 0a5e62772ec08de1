from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from models.bundle import open_bundle
from models.change_control import ChangeControl
from models.contract import Contract
from models.curve import Counts, Curve
from models.facts.crossing import WORSE, Crossing
from models.facts.facts import Facts
from models.facts.making import in_words
from models.facts.origin import PARTS, used_for
from models.facts.performance import moved
from models.facts.written import both, estimate, number, people, per_1000, percent, ratio
from models.figures import Figures
from models.grouping import Grouping
from models.intervals import Estimate, Ratio, wilson
from models.manifest import Manifest, Part, Release
from models.subgroup import Subgroup
from tests import handmade
from tests.crossed import crossed

ROOT = Path(__file__).parents[2]
SHIPPED = ("models/covid/screen", "models/covid/presurgical")
FIRST = "tests/models/stored/format-1"


@cache
def manifest_of(bundle: str) -> Manifest:
    return open_bundle(ROOT / bundle).manifest


@cache
def facts_of(bundle: str) -> Facts:
    return Facts.of(manifest_of(bundle))


@cache
def with_a_zone() -> Manifest:
    """The hand-made screen with two thresholds."""
    made = handmade.finished()[1]
    contract = Contract.read("rule in with specificity >= 0.97, rule out with recall >= 0.97")
    point = contract.choose(made.curve, guide=made.curve)
    assert point.has_zone
    return made.model_copy(update={"contract": contract, "points": (point,)})


def cases(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Probability and outcome of every case, one by one."""
    scores = np.array(curve.thresholds, dtype=np.float32)
    kinds = [(np.repeat(scores, counts), sick) for counts, sick in ((curve.positives, 1), (curve.negatives, 0))]
    return np.concatenate([found for found, _ in kinds]), np.concatenate(
        [np.full(len(found), sick) for found, sick in kinds]
    )


@pytest.mark.parametrize("bundle", [*SHIPPED, FIRST])
def test_facts_are_read_back_as_they_were_written_and_depend_on_the_manifest_alone(bundle: str) -> None:
    written = facts_of(bundle).model_dump_json()
    assert Facts.model_validate_json(written) == facts_of(bundle)
    assert json.loads(written, parse_constant=pytest.fail)
    assert Facts.of(manifest_of(bundle)).model_dump_json() == written


@pytest.mark.parametrize("bundle", SHIPPED)
def test_counts_and_shares_of_every_point_are_those_of_the_cases_counted_one_by_one(bundle: str) -> None:
    manifest, facts = manifest_of(bundle), facts_of(bundle)
    assert manifest.evidence is not None
    assert facts.test is not None
    for part, curve in ((facts.test, manifest.evidence.curve), (facts.certification, manifest.curve)):
        assert curve is not None
        scores, sick = cases(curve)
        assert [point.name for point in part.points] == [point.name for point in manifest.points]
        for point, told in zip(manifest.points, part.points, strict=True):
            flagged = scores >= np.float32(point.threshold)
            counts = told.figures[0].counts
            assert counts == Counts(
                hits=int((flagged & (sick == 1)).sum()),
                misses=int((~flagged & (sick == 1)).sum()),
                alarms=int((flagged & (sick == 0)).sum()),
                clears=int((~flagged & (sick == 0)).sum()),
            )
            low, high = stats.binomtest(counts.hits, counts.positives).proportion_ci(method="wilson")
            assert (told.figures[0].recall.low, told.figures[0].recall.high) == pytest.approx((low, high))


@pytest.mark.parametrize("bundle", SHIPPED)
def test_figures_are_stated_at_the_base_prevalence_a_half_and_a_tenth_of_it(bundle: str) -> None:
    facts = facts_of(bundle)
    base = facts.prevalences[0]
    assert facts.prevalences == (base, base / 2, base / 10)
    for strategy in facts.shown.points:
        for figures, prevalence in zip(strategy.figures, facts.prevalences, strict=True):
            counts = figures.counts
            sick, alarmed = counts.hits / counts.positives, counts.alarms / counts.negatives
            bayes = prevalence * sick / (prevalence * sick + (1 - prevalence) * alarmed)
            assert figures.prevalence == prevalence
            assert figures.precision.value == pytest.approx(bayes)
            assert figures.precision.low < bayes < figures.precision.high


def test_the_base_prevalence_is_the_promised_one_or_that_of_the_cases_that_speak_for_the_model() -> None:
    screen, presurgical = (facts_of(bundle) for bundle in SHIPPED)
    assert (presurgical.prevalences[0], presurgical.base) == (0.08, "named in the promise")
    assert screen.prevalences[0] == pytest.approx(3624 / 47401)
    assert screen.base == "that of the test cases"
    made = handmade.finished()[1]
    facts = Facts.of(made)
    assert facts.prevalences[0] == made.curve.positive_count / 4000
    assert facts.base == "that of the certification cases"


def test_cases_of_one_kind_give_figures_at_the_prevalence_of_the_bundle_and_no_curve() -> None:
    made = handmade.finished()[1]
    sick = made.curve.model_copy(update={"negatives": tuple(0 for _ in made.curve.negatives)})
    sick = Curve.model_validate(sick.model_dump())
    measured = made.point.measured.model_copy(update={"counts": sick.at(made.point.threshold)})
    point = made.point.model_copy(update={"measured": measured})
    facts = Facts.of(made.model_copy(update={"curve": sick, "points": (point,)}))
    assert (facts.prevalences[0], facts.base) == (made.prevalence, "at which the bundle states probabilities")
    assert facts.certification.drawn is None
    assert facts.certification.released.specificity.value is None


@pytest.mark.parametrize("bundle", SHIPPED)
def test_calibration_of_the_curve_is_that_which_was_measured_on_the_cases_themselves(bundle: str) -> None:
    evidence, facts = manifest_of(bundle).evidence, facts_of(bundle)
    assert evidence is not None
    assert facts.shown.drawn is not None
    found, wanted = facts.shown.drawn.calibration, evidence.reliability
    assert found.slope == pytest.approx(wanted.slope, abs=1e-5)
    assert found.intercept == pytest.approx(wanted.intercept, abs=1e-5)
    assert found.observed_over_expected == pytest.approx(wanted.observed_over_expected, abs=1e-5)
    assert facts.undo.stages[-1].reliability == wanted


@pytest.mark.parametrize("bundle", SHIPPED)
def test_the_corners_that_are_drawn_have_the_area_of_the_whole_curve(bundle: str) -> None:
    part = facts_of(bundle).shown
    assert part.drawn is not None
    assert part.area is not None
    corners = part.drawn.corners
    area = -np.trapezoid([corner.recall for corner in corners], [corner.alarmed for corner in corners])
    assert area == pytest.approx(part.area.value, abs=0.002)
    assert (corners[0].recall, corners[0].alarmed) == (1, 1)
    assert (corners[-1].recall, corners[-1].alarmed, corners[-1].precision) == (0, 0, None)
    for corner in corners[:-1]:
        prevalence = facts_of(bundle).prevalences[0]
        sick, healthy = corner.recall * prevalence, corner.alarmed * (1 - prevalence)
        assert corner.precision == pytest.approx(sick / (sick + healthy))


def test_a_long_curve_is_thinned_to_what_can_be_seen() -> None:
    facts = Facts.of(handmade.finished()[1])
    assert facts.certification.drawn is not None
    assert len(handmade.finished()[1].curve.thresholds) > 3000
    assert len(facts.certification.drawn.corners) < 1000


@pytest.mark.parametrize("bundle", SHIPPED)
def test_a_wanted_sensitivity_is_answered_by_the_highest_threshold_that_reaches_it(bundle: str) -> None:
    evidence, part = manifest_of(bundle).evidence, facts_of(bundle).shown
    assert evidence is not None
    assert evidence.curve is not None
    assert part.drawn is not None
    scores, sick = cases(evidence.curve)
    for looked_up in part.drawn.looked_up:
        reached = [
            threshold
            for threshold in evidence.curve.thresholds
            if np.mean(scores[sick == 1] >= np.float32(threshold)) >= looked_up.wanted
        ]
        assert looked_up.threshold == max(reached)


@pytest.mark.parametrize("bundle", SHIPPED)
def test_net_benefit_at_a_point_is_that_of_its_own_figures(bundle: str) -> None:
    part = facts_of(bundle).shown
    assert part.drawn is not None
    told = dict(zip(part.drawn.decided, part.drawn.decision_points.model, strict=True))
    assert told == pytest.approx({point.name: point.figures[0].net_benefit for point in part.points})


def test_a_point_that_flags_only_the_certain_has_no_net_benefit() -> None:
    made = handmade.finished()[1]
    last = made.point.model_copy(update={"name": "certain", "threshold": 1.0, "clear_below": 1.0})
    facts = Facts.of(made.model_copy(update={"points": (made.point, last)}))
    assert facts.certification.drawn is not None
    assert facts.certification.drawn.decided == ("default",)


def test_a_threshold_at_an_end_stays_there_at_any_prevalence() -> None:
    assert [moved(end, 0.1, 0.5) for end in (0.0, 1.0)] == [0.0, 1.0]


def test_it_is_compared_with_flagging_everybody_and_nobody() -> None:
    part = facts_of(SHIPPED[0]).shown
    for prevalence, everybody, nobody in zip(
        facts_of(SHIPPED[0]).prevalences, part.everybody.figures, part.nobody.figures, strict=True
    ):
        assert (everybody.recall.value, everybody.specificity.value) == (1, 0)
        assert (nobody.recall.value, nobody.specificity.value) == (0, 1)
        assert everybody.per_1000.sick_found == pytest.approx(1000 * prevalence)
        assert nobody.per_1000.sick_missed == pytest.approx(1000 * prevalence)


def test_days_of_each_part_are_those_of_the_split() -> None:
    days = {origin.part: str(origin.dates) for origin in facts_of(SHIPPED[0]).origins}
    assert days == {
        "training": "from 2020-03-22 to before 2020-03-29",
        "validation": "from 2020-03-22 to before 2020-03-29",
        "certification": "from 2020-03-29 to before 2020-04-01",
        "test": "from 2020-04-01 to before 2020-04-08",
    }


def test_without_days_of_its_own_the_certification_part_is_of_the_time_before_the_test() -> None:
    made = manifest_of(SHIPPED[0])
    split = {**made.provenance.study["split"], "certify_from": None}
    origin = made.provenance.model_copy(update={"study": {**made.provenance.study, "split": split}})
    facts = Facts.of(made.model_copy(update={"provenance": origin}))
    assert str(facts.certification.origin.dates) == "from 2020-03-22 to before 2020-04-01"
    assert facts.test is not None
    assert str(facts.test.origin.dates) == "from 2020-04-01 to before 2020-04-08"


@pytest.mark.parametrize("bundle", SHIPPED)
def test_every_part_leads_to_the_digest_of_its_counts_and_of_the_data(bundle: str) -> None:
    stored = json.loads((ROOT / bundle / "manifest.json").read_text())["manifest"]
    curves = {
        "training": None,
        "validation": stored["guide"],
        "certification": stored["curve"],
        "test": stored["evidence"]["curve"],
    }
    for origin in facts_of(bundle).origins:
        assert origin.data == stored["provenance"]["data"]
        curve = curves[origin.part]
        if curve is None:
            assert origin.counts is None
        else:
            text = json.dumps(curve, separators=(",", ":"))
            assert origin.counts == hashlib.sha256(text.encode()).hexdigest()
            assert origin.rows == sum(curve["positives"]) + sum(curve["negatives"])
            assert origin.positives == sum(curve["positives"])


def test_the_study_is_told_in_words() -> None:
    making = facts_of(SHIPPED[0]).making
    assert [(term.on, term.against, term.by) for term in making.terms] == [
        ("infected", "infected", "CostWeighted (costs: miss 5, false alarm 1)"),
        ("weights", None, "SquaredSize"),
    ]
    assert (making.network, making.sampling, making.emptied) == (
        "MLP (hidden: 64, 64, dropout 0)",
        "Oversampled (times 2)",
        0.05,
    )
    assert in_words({"a_b": [{"kind": "C"}, 2.0], "none": None}) == "a b: C, 2"


def test_the_undo_says_what_was_taken_away_and_how_reliable_it_became() -> None:
    made, undo = manifest_of(SHIPPED[1]).calibration, facts_of(SHIPPED[1]).undo
    assert (undo.loss_log_ratio, undo.slope, undo.intercept) == (made.loss_log_ratio, made.slope, made.intercept)
    assert (undo.fitted_at, undo.prevalence) == (made.prevalence, 0.08)
    assert [(each.stage, each.part) for each in undo.stages] == [
        ("after the undo alone", "validation"),
        ("after the fitted line", "validation"),
        ("as released", "test"),
    ]
    assert undo.reweighted
    assert not Facts.of(handmade.finished()[1]).undo.reweighted


def test_a_zone_is_counted_as_undecided_in_every_figure() -> None:
    made, found = with_a_zone(), Facts.of(with_a_zone()).certification.released
    upper, lower = (made.curve.at(limit) for limit in (made.point.threshold, made.point.clear_below))
    assert (found.counts.hits, found.counts.alarms) == (upper.hits, upper.alarms)
    assert found.indeterminate_sick == lower.hits - upper.hits > 0
    assert found.indeterminate_healthy == lower.alarms - upper.alarms > 0
    assert [each.value for each in found.recall_range] == [
        upper.hits / upper.positives,
        lower.hits / upper.positives,
    ]
    assert "neither (indeterminate)" in Facts.of(made).use.answers


def test_nobody_failed_and_the_rule_for_it_is_told() -> None:
    failures = facts_of(SHIPPED[0]).shown.failures
    assert failures.rows == 0
    assert "refused before any part is made" in failures.rule


def test_groups_of_few_people_are_held_back_everywhere() -> None:
    made = handmade.finished()[1]
    few = Curve.of([0.3, 0.6123], [0, 1])
    many = Curve.of([0.2] * 50 + [0.8] * 50, [0] * 50 + [1] * 50)
    groups = (Subgroup(column="eye", value="left", curve=many), Subgroup(column="eye", value="right", curve=few))
    facts = Facts.of(made.model_copy(update={"groups": groups, "groupings": (Grouping(column="eye"),)}))
    # The other group of the column could give it away by subtraction.
    assert [row.suppressed for row in facts.certification.groups] == [True, True]
    assert all(row.rows is row.positives is row.recall is None for row in facts.certification.groups)
    assert "0.6123" not in facts.model_dump_json()
    assert facts.stands_out == ()


def test_a_group_to_whom_one_answer_is_given_stands_out() -> None:
    assert facts_of(SHIPPED[0]).stands_out == (
        "Everybody is flagged of those with sex: male, among the 47,401 test cases.",
    )
    assert facts_of(SHIPPED[1]).stands_out == ()
    made = handmade.finished()[1]
    low = Curve.of([0.0] * 40, [0, 1] * 20)
    groups = (Subgroup(column="eye", value="left", curve=low), Subgroup(column="eye", value="right", curve=made.curve))
    assert Facts.of(made.model_copy(update={"groups": groups})).stands_out == (
        "Nobody is flagged of those with eye: left, among the 4,000 certification cases.",
    )


def test_a_broken_promise_and_probabilities_that_are_off_stand_out() -> None:
    made = manifest_of(SHIPPED[1])
    assert made.evidence is not None
    off = made.evidence.reliability.model_copy(update={"observed_over_expected": 1.2, "slope": None})
    evidence = made.evidence.model_copy(update={"kept": False, "reliability": off})
    assert Facts.of(made.model_copy(update={"evidence": evidence})).stands_out == (
        "The promise was not kept on the 47,401 test cases.",
        "Probabilities are off on the 47,401 test cases: observed / expected is 1.200, not 0.9 to 1.1.",
    )


def test_what_it_is_not_for_names_the_prevalences_that_were_foreseen() -> None:
    screen, presurgical = (facts_of(bundle) for bundle in SHIPPED)
    assert "Places where less than 1.0 % or more than 20.0 % of the people are sick." in screen.use.not_for
    promised = "Relying on the promise where another share than 8.0 % is sick: it is made there alone."
    assert promised in presurgical.use.not_for
    assert promised not in screen.use.not_for
    made = handmade.finished("presurgical")[1]
    none = "Places where another share than 20.0 % of the people is sick: none is foreseen."
    assert none in Facts.of(made).use.not_for
    still = made.model_copy(update={"change_control": ChangeControl()})
    assert none in Facts.of(still).use.not_for


def test_change_control_and_history_are_told() -> None:
    change = facts_of(SHIPPED[0]).change
    assert (change.foreseen, change.lowest, change.highest) == (True, 0.0, 1.0)
    assert (change.prevalences, change.criteria) == ((0.01, 0.2), ("recall >= 0.85 with confidence 0.95",))
    assert not Facts.of(handmade.finished()[1]).change.foreseen
    release = Release(
        version=1, bundle="0" * 64, site="ward", reason="moved", threshold=0.5, clear_below=0.5, prevalence=0.1,
        promised="recall >= 0.9",
    )  # fmt: skip
    later = manifest_of(SHIPPED[0]).model_copy(update={"version": 2, "history": (release,)})
    assert (Facts.of(later).version, Facts.of(later).change.history) == (2, (release,))


def test_groups_in_which_something_is_promised_are_named() -> None:
    made = handmade.finished()[1]
    certificate = made.point.certificates[0]
    grouped = certificate.model_copy(update={"promise": certificate.promise.model_copy(update={"group": "eye=left"})})
    point = made.point.model_copy(update={"certificates": (certificate, grouped, grouped)})
    assert Facts.of(made.model_copy(update={"points": (point,)})).promised_groups == ("eye=left",)
    assert Facts.of(made).promised_groups == ()


def test_columns_are_told_with_their_unit_and_what_becomes_of_an_empty_cell() -> None:
    inputs = {each.name: each for each in Facts.of(handmade.finished()[1]).inputs}
    assert (inputs["fluid"].kind, inputs["fluid"].unit) == ("numeric", "um")
    assert inputs["fluid"].may_be == "a number from 0 to 900 um, or empty"
    assert inputs["fluid"].if_empty.startswith("filled in")
    assert inputs["eye"].unit == ""
    assert inputs["eye"].if_empty == "the row is refused by name"


def test_a_bundle_of_the_first_format_says_what_it_lacks_and_measures_what_it_holds() -> None:
    manifest, facts = manifest_of(FIRST), facts_of(FIRST)
    assert manifest.evidence is not None
    assert facts.test is not None
    assert facts.test.drawn is None
    assert [point.name for point in facts.test.points] == ["default"]
    assert facts.test.released.counts == manifest.evidence.measured.counts
    assert facts.certification.drawn is not None
    for word in ("curve of the test cases", "digest of the data", "study", "dates", "calibration", "subgroups"):
        assert sum(word in gap for gap in facts.lacking) >= 1, word
    assert (facts.making.network, facts.making.terms, facts.test.origin.counts) == (None, (), None)
    assert facts.certification.origin.rows == 300


def test_without_a_test_part_the_certification_part_speaks() -> None:
    facts = Facts.of(handmade.finished()[1])
    assert facts.test is None
    assert facts.shown is facts.certification
    assert (facts.certification.kept, facts.certification.area) == (None, None)
    assert any(gap.startswith("No test part") for gap in facts.lacking)


def test_facts_and_card_load_neither_matplotlib_nor_jinja() -> None:
    program = "import sys, models.card\nprint(sorted({'matplotlib', 'jinja2', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


# Numbers as they are written


def test_a_share_is_told_from_0_and_from_1() -> None:
    assert [percent(share) for share in (0.0, 0.00001, 0.076, 0.996, 0.99999, 1.0)] == [
        "0 %", "0.0010 %", "7.6 %", "99.60 %", "99.9990 %", "100 %",
    ]  # fmt: skip
    assert percent(None) == "not measured"


def test_an_interval_is_seen_as_one() -> None:
    assert both(estimate(Estimate(value=0.012, low=0.01196, high=0.01204))) == "1.200 % [1.196, 1.204]"
    assert both(estimate(wilson(0, 0))) == "not measured"
    assert both(estimate(Estimate(value=0.5, low=0.5, high=0.5))) == "50.0 % [50.0, 50.0]"
    same = Estimate(value=0.5, low=0.5, high=0.5 + 1e-13)
    assert both(estimate(same)) == "50.000000000 % [50.000000000, 50.000000000]"


def test_people_and_ratios_are_written_for_people() -> None:
    assert both(per_1000(Estimate(value=0.0596, low=0.058, high=0.0611))) == "60 [58, 61]"
    assert both(per_1000(wilson(0, 0))) == "not measured"
    assert people(0.9) == "0.9"
    assert people(4.0) == "4.0"
    assert both(ratio(Ratio(value=1.612, low=1.59, high=1.63))) == "1.61 [1.59, 1.63]"
    assert both(ratio(Ratio(value=None, low=24.8, high=None))) == "unbounded [24.8, unbounded]"
    assert both(ratio(Ratio(value=None, low=0.0, high=None))) == "not measured [0, unbounded]"
    assert (number(-0.5, 2), number(None)) == ("\u22120.50", "not measurable")


def test_figures_are_those_of_the_one_place_that_makes_them() -> None:
    found = facts_of(SHIPPED[0]).shown.released
    again = Figures.of(
        found.counts,
        prevalence=found.prevalence,
        threshold=moved(manifest_of(SHIPPED[0]).point.threshold, manifest_of(SHIPPED[0]).prevalence, found.prevalence),
    )
    assert found == again


# Cross-fitted models


def test_a_cross_fitted_model_says_so_in_its_facts_and_others_say_nothing_of_it() -> None:
    made = Facts.of(crossed())
    assert made.crossing == Crossing(folds=5, repeats=2, networks=3, rows=4000, certified=True)
    assert Facts.model_validate_json(made.model_dump_json()) == made
    plain = json.loads(facts_of(SHIPPED[0]).model_dump_json())
    assert "crossing" not in plain
    assert "beside" not in plain["making"]
    assert "out_of_fold" not in plain["undo"]
    assert not any("taught" in origin for origin in plain["origins"])
    assert not any("out_of_fold" in stage for stage in plain["undo"]["stages"])


def test_no_stage_and_no_part_of_a_cross_fitted_model_claims_a_validation_part() -> None:
    facts = Facts.of(crossed())
    assert [origin.part for origin in facts.origins] == ["training", "certification"]
    assert [(stage.part, stage.out_of_fold) for stage in facts.undo.stages] == [("training", True), ("training", True)]
    assert facts.undo.fitted_on == "the out-of-fold scores of the training part"
    assert facts.undo.stages[0].origin == facts.origins[0]
    assert [origin.named for origin in facts.origins] == ["training part", "certification, cross-fitted"]
    tested = Facts.of(crossed(tested=True)).undo.stages[-1]
    assert (tested.stage, tested.part, tested.out_of_fold) == ("as released", "test", False)


def test_parts_without_a_row_are_left_out_of_cross_fitted_facts_alone() -> None:
    assert [origin.part for origin in Facts.of(crossed(searched=8, tested=True)).origins] == list(PARTS)
    made = handmade.finished()[1]
    parts = (*made.provenance.parts, Part(name="test", rows=0, positives=0))
    empty = made.model_copy(update={"provenance": made.provenance.model_copy(update={"parts": parts})})
    assert Facts.of(empty).origins[-1].part == "test"


def test_further_networks_tell_what_is_theirs_and_else_what_is_the_models() -> None:
    own = Facts.of(crossed()).making
    linear, tabm = own.beside
    assert (linear.network, linear.emptied, linear.budget) == ("Linear", 0.2, "epochs 40, schedule whole")
    assert [term.by for term in linear.terms] == ["CostWeighted (costs: miss 5)", "SquaredSize"]
    assert (tabm.network, tabm.emptied, tabm.budget) == ("TabM (copies 8)", own.emptied, own.budget)
    assert tabm.terms == own.terms


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (
            {"kind": "CrossFit", "folds": 5, "repeats": 2, "column": "patient", "certify_one_each": True},
            ("twice over, all rows of one patient into the same.", "Of each patient one row, drawn by chance, is"),
        ),
        (
            {"kind": "ByDate", "before": {"kind": "CrossFit", "folds": 5, "repeats": 2, "column": "clinic"}},
            ("twice over, all rows of one clinic into the same.",),
        ),
    ],
)
def test_groups_that_stay_together_are_named_wherever_the_folds_are_dealt(
    split: dict[str, object], words: tuple[str, ...]
) -> None:
    found = Facts.of(crossed(split=split)).crossing
    assert found is not None
    for word in words:
        assert word in " ".join(found.told)
    assert found.one_each == ("Of each" in found.scored)


def test_one_network_dealt_once_is_told_in_the_singular() -> None:
    assert Crossing(folds=4, repeats=1, networks=1, rows=80, certified=True).told[:2] == (
        (
            "Every one of the 80 training cases taught: they were dealt into 4 folds, once. For each fold a copy of the"
            " network learnt from the cases of all other folds. The delivered model is the mean of the logits of all 4"
            " copies."
        ),
        (
            "The certification cases are not a part set aside: they taught too. Each counts at the worse of two scores,"
            " the sick at the lower and the healthy at the higher: that of the copy that never saw it, and that of the"
            " delivered model."
        ),
    )


def test_a_manifest_without_its_study_still_says_that_it_was_cross_fitted() -> None:
    made = crossed()
    bare = made.model_copy(update={"provenance": made.provenance.model_copy(update={"study": {}, "parts": ()})})
    assert Facts.of(bare).crossing == Crossing(folds=5, repeats=2, networks=1, rows=4000, certified=True)


def test_once_certified_on_cases_of_a_site_nothing_is_said_of_worse_scores() -> None:
    made = crossed().model_copy(update={"cross_fitted": None, "guide": crossed().curve})
    facts = Facts.of(made)
    assert facts.crossing is not None
    assert facts.certified_by_crossing is None
    assert (len(facts.crossing.told), facts.crossing.scored, facts.crossing.rests) == (1, "", "")
    assert {origin.part: used_for(origin, facts.crossing) for origin in facts.origins} == {
        "training": "fitting the weights and, scored by copies that did not see them, calibrating",
        "validation": "fitting too; certified on before, now guiding the search for thresholds",
        "certification": "choosing and certifying thresholds",
    }
    assert not facts.certification.origin.taught
    assert {stage.part for stage in facts.undo.stages} == {"training"}


def test_that_the_mean_of_copies_is_not_proved_is_among_what_is_not_known() -> None:
    gap = "No proof that the promise holds for the mean of the copies as it does for each: simulation shows it."
    assert gap in Facts.of(crossed()).lacking
    assert gap not in facts_of(SHIPPED[0]).lacking


def test_cases_at_the_worse_of_two_scores_are_at_no_threshold_better_than_at_either() -> None:
    columns, sick = handmade.certification()
    delivered = 1 / (1 + np.exp(-handmade.logits(columns)))
    worse = crossed().curve
    for threshold in (0.01, 0.1, 0.3, 0.7):
        found, alone = worse.at(threshold), Curve.of(delivered, sick).at(threshold)
        assert found.hits < alone.hits
        assert found.alarms > alone.alarms
    assert WORSE.endswith("are no better than with either score alone.")
