"""The sections with figures: discrimination, calibration, net benefit."""

from __future__ import annotations

from models.facts.crossing import NEITHER, WORSE
from models.facts.facts import Facts
from models.facts.performance import Performance
from models.facts.written import estimate, number, people, per_1000, percent
from models.net_benefit import DecisionCurve
from models.report import plots
from models.report.declared import undo
from models.report.page import Cell, Drawing, Given, Plot, Section, Source, Table, source, table, told_apart


def curves(facts: Facts) -> Section:
    """ROC and precision-recall, and what can be looked up on them."""
    found = [part for part in facts.parts if part.drawn]
    blocks: list[Plot] = []
    if found:
        at = f"where {percent(facts.prevalences[0])} are sick"
        rows = [
            (
                Cell(f"{percent(each.wanted)}, {part.origin.part}"),
                f"{each.threshold:.6g}",
                estimate(each.figures.recall),
                estimate(each.figures.specificity),
                estimate(each.figures.precision),
                per_1000(each.figures.flagged),
            )
            for part in found
            if part.drawn
            for each in part.drawn.looked_up
        ]
        numbers = table(
            f"Numbers of both curves: what is reached for a wanted sensitivity, PPV and alerts {at}",
            ("wanted", "threshold", "sensitivity", "specificity", "PPV", "alerts per 1,000"),
            rows,
            [source(part.origin) for part in found],
        )
        says = (
            f"Left the ROC curve, right precision and recall {at}. Lines: every threshold. Marks: the operating points,"
            " filled where nothing was chosen on the cases. Thin lines: what chance alone would do."
        )
        drawings = (
            Drawing("ROC curve", plots.roc(facts)),
            Drawing("Precision and recall", plots.precision_recall(facts)),
        )
        blocks = [Plot("ROC curve, and precision and recall", says, drawings, numbers)]
    return Section("curves", "Discrimination", (*_no_curve(facts), *_worse(facts)), tuple(blocks))


def _no_curve(facts: Facts) -> tuple[str, ...]:
    gone = [part.origin.part for part in facts.parts if not part.drawn]
    return (f"The bundle holds no curve of the {gone[0]} cases to draw.",) if gone else ()


def _worse(facts: Facts) -> tuple[str, ...]:
    """What curves of cases that taught are worth."""
    return (WORSE,) if facts.certification.origin.taught else ()


def probabilities(facts: Facts, manifest: Source) -> Section:
    """Calibration, before and after the undo, and on the cases that were measured."""
    parts = [part for part in facts.parts if part.drawn]
    blocks: list[Table | Plot] = []
    if parts:
        bins = table(
            "Bins of the calibration plot",
            ("part", "cases", "expected", "observed"),
            [
                (part.origin.part, f"{each.rows:,}", percent(each.expected), estimate(each.observed))
                for part in parts
                if part.drawn
                for each in part.drawn.calibration.bins
            ],
            [source(part.origin) for part in parts],
        )
        says = "On the diagonal as many are sick as expected. Bins of about equal size; people of one probability stay"
        blocks.append(
            Plot("Calibration", f"{says} together.", (Drawing("Calibration plot", plots.calibration(facts)),), bins)
        )
        blocks.append(
            table(
                "Calibration by the curves",
                ("part", "observed / expected", "slope", "intercept", "share of sick", "stated at"),
                [
                    (
                        part.origin.part,
                        number(part.drawn.calibration.observed_over_expected),
                        number(part.drawn.calibration.slope),
                        number(part.drawn.calibration.intercept),
                        percent(part.origin.positives / part.origin.rows),
                        percent(facts.undo.prevalence),
                    )
                    for part in parts
                    if part.drawn
                ],
                [source(part.origin) for part in parts],
            )
        )
    blocks.append(undo(facts, manifest))
    if facts.undo.stages:
        blocks.append(_stages(facts, manifest))
    return Section(
        "probabilities",
        "Probabilities: losses undone, calibration",
        (
            (
                "Unequal weights and sampling shift every logit by a known amount, which is taken away exactly; a line"
                " is then fitted. Observed / expected of 1, slope 1 and intercept 0 are best. They are measured where"
                " the model is stated to work, so they also show how far the cases' own share of sick is from that."
            ),
            *_no_curve(facts),
            *((NEITHER,) if facts.certification.origin.taught else ()),
        ),
        tuple(blocks),
    )


def _stages(facts: Facts, manifest: Source) -> Table:
    stages = facts.undo.stages
    return table(
        "Reliability before and after",
        ("probabilities", "cases", "observed / expected", "slope", "intercept", "Brier score"),
        [
            (
                f"{each.stage}, {each.part} part{', out of fold' if each.out_of_fold else ''}",
                f"{each.reliability.rows:,}",
                number(each.reliability.observed_over_expected),
                number(each.reliability.slope),
                number(each.reliability.intercept),
                number(each.reliability.brier, 4),
            )
            for each in stages
        ],
        [source(each.origin) if each.origin else manifest for each in stages],
    )


def comparison(facts: Facts) -> Section:
    """Against flagging everybody and nobody, and the points among each other; net benefit over the thresholds."""
    blocks: list[Table | Plot] = []
    part = next((part for part in facts.parts if part.drawn), None)
    if part and part.drawn:
        curve = part.drawn.decision
        points = part.drawn.decision_points
        rows = [
            *_benefits(points, [f"point {name}" for name in part.drawn.decided]),
            *_benefits(curve, [""] * len(curve.thresholds))[:: len(curve.thresholds) // 9],
        ]
        blocks.append(
            Plot(
                f"Decision curve where {percent(curve.prevalence)} are sick",
                "Net benefit: true positives a person, less false ones at what one who acts from that probability on"
                " holds them to be worth. The highest line is the best choice. Band: 95 %.",
                (Drawing("Decision curve", plots.decision(facts)),),
                table(
                    f"Numbers of the decision curve, {part.origin.named}",
                    ("threshold probability", "model", "flag everybody", "flag nobody"),
                    rows,
                    [source(part.origin)],
                ),
            )
        )
    blocks += [_strategies(part, facts) for part in facts.parts]
    return Section(
        "comparison",
        "Comparison and net benefit",
        (
            (
                "What else could be done with the same people: flag everybody, flag nobody, or work at another point of"
                " this bundle. A bundle holds no other model and no other test to compare with."
            ),
            *_worse(facts),
        ),
        tuple(blocks),
    )


def _benefits(curve: DecisionCurve, remarks: list[str]) -> list[tuple[Given, ...]]:
    return [
        (
            Cell(percent(threshold), remark),
            (number(model, 4), f"[{number(low, 4)}, {number(high, 4)}]"),
            number(everybody, 4),
            "0",
        )
        for threshold, model, low, high, everybody, remark in zip(
            curve.thresholds, curve.model, curve.low, curve.high, curve.all, remarks, strict=True
        )
    ]


def _strategies(part: Performance, facts: Facts) -> Table:
    return table(
        f"Ways to decide where {percent(facts.prevalences[0])} are sick, {told_apart(part.origin)}",
        ("way", "sick found per 1,000", "sick missed per 1,000", "alarmed in vain per 1,000", "PPV", "NPV"),
        [
            (
                each.name,
                people(found.per_1000.sick_found),
                people(found.per_1000.sick_missed),
                people(found.per_1000.alarmed_in_vain),
                estimate(found.precision),
                estimate(found.npv),
            )
            for each in (*part.points, part.everybody, part.nobody)
            for found in each.figures[:1]
        ],
        [source(part.origin)],
    )
