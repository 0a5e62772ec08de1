"""The card of a model: its essential facts on two screens, and where the rest is."""

from __future__ import annotations

from models.comparison import PAIR
from models.facts.crossing import NO_TEST, WORSE
from models.facts.facts import Facts
from models.facts.making import Making, Pull, Reliable
from models.facts.origin import Origin, used_for
from models.facts.performance import Performance
from models.facts.written import both, estimate, number, people, per_1000, percent, ratio
from models.manifest import Manifest

NAMES = {"test": "test", "certification": "certification"}


def card(manifest: Manifest) -> str:
    """The text of `CARD.md`, made from the facts of a manifest."""
    return card_of(Facts.of(manifest))


def card_of(facts: Facts) -> str:
    """The same, of facts that are there already."""
    return "\n".join(
        [
            f"# {facts.study}/{facts.model}",
            "",
            *([facts.use.purpose, ""] if facts.use.purpose else []),
            *_use(facts),
            *_promise(facts),
            *_crossing(facts),
            *(f"**{line}**\n" for line in facts.stands_out),
            *_measured(facts),
            *_weighting(facts),
            *_probabilities(facts),
            *_columns(facts),
            *_origin(facts),
            *_rest(facts),
        ]
    )


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A markdown table and an empty line."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines] + [""]


def _use(facts: Facts) -> list[str]:
    target = facts.use.target
    return [
        f"Screens for **{target.name}**: {target.meaning or 'no further meaning given'}. {facts.use.role}",
        "",
        "Not for:",
        "",
        *(f"- {line}" for line in facts.use.not_for),
        "",
    ]


def _promise(facts: Facts) -> list[str]:
    lines = ["## Promise", ""]
    for each in facts.points:
        point = each.point
        zone = f", below {point.clear_below:.6g} cleared, between them undecided" if point.has_zone else ""
        lines.append(
            f"- `{point.name}`: **{each.in_words}**. Certified: {'; '.join(each.certified)}."
            f" Flagged from a probability of {point.threshold:.6g} on{zone}."
        )
    if facts.test:
        kept = "kept" if facts.test.kept else "**not kept**"
        lines.append(f"- On the {facts.test.origin.rows:,} test cases the promise of `default` was {kept}.")
    return [*lines, ""]


def _crossing(facts: Facts) -> list[str]:
    """How every case could teach and be certified on, if it was so."""
    if facts.crossing is None:
        return []
    told = [*facts.crossing.told, *([NO_TEST] if facts.none_to_test_on else [])]
    return ["## Cross-fitted", "", *(f"- {line}" for line in told), ""]


def _measured(facts: Facts) -> list[str]:
    parts = facts.parts
    released = [part.released for part in parts]
    rows = [
        ["sick: flagged / all", *(f"{each.counts.hits:,} / {each.counts.positives:,}" for each in released)],
        ["healthy: flagged / all", *(f"{each.counts.alarms:,} / {each.counts.negatives:,}" for each in released)],
    ]
    if facts.points[0].point.has_zone:
        rows.append(
            [
                "undecided: sick, healthy",
                *(f"{each.indeterminate_sick:,}, {each.indeterminate_healthy:,}" for each in released),
            ]
        )
    rows += [
        ["sensitivity (recall)", *(both(estimate(each.recall)) for each in released)],
        ["specificity", *(both(estimate(each.specificity)) for each in released)],
        ["likelihood ratio of a positive", *(both(ratio(each.likelihood_ratio_positive)) for each in released)],
        ["likelihood ratio of a negative", *(both(ratio(each.likelihood_ratio_negative)) for each in released)],
    ]
    if facts.test and facts.test.area:
        area = facts.test.area
        shown = f"{number(area.value, 4)} [{number(area.low, 4)}, {number(area.high, 4)}]"
        rows.append(["area under the ROC curve", shown, ""])
    return [
        "## Measured",
        "",
        *table(["figure [95 % interval]", *(_named(part) for part in parts)], rows),
        *([WORSE, ""] if facts.certification.origin.taught else []),
        (
            f"The same people flagged, by the {NAMES[facts.shown.origin.part]} cases, where so many are sick"
            f" (the first prevalence is {facts.base}):"
        ),
        "",
        *table(
            ["prevalence", "PPV (precision)", "NPV", "flagged per 1,000", "sick missed per 1,000"],
            [
                [
                    percent(each.prevalence),
                    both(estimate(each.precision)),
                    both(estimate(each.npv)),
                    both(per_1000(each.flagged)),
                    people(each.per_1000.sick_missed),
                ]
                for each in facts.shown.points[0].figures
            ],
        ),
    ]


def _weighting(facts: Facts) -> list[str]:
    """What the weighting of this model changes, if that was compared."""
    found = facts.comparison
    own = found.of(PAIR) if found else None
    if found is None or own is None:
        return []
    lines = [
        f"- {figure}: {each.value:.4f}; less that of one plain model with two thresholds: {each.difference}"
        " (95 % interval, paired by person and seed)."
        for figure, each in zip(found.figures, own.found, strict=True)
        if figure.model == facts.model
    ]
    if not lines:
        return []
    return [
        "## Weighting",
        "",
        f"{own.what}. Compared on {found.basis}, none of them of the test part:",
        "",
        *lines,
        "",
    ]


def _named(part: Performance) -> str:
    name = part.origin.part
    crossed = ", cross-fitted" if part.origin.taught else ""
    return f"{name}{crossed}, thresholds chosen here" if name == "certification" else f"{name}, nothing chosen here"


def _probabilities(facts: Facts) -> list[str]:
    undo = facts.undo
    sign = "+" if undo.intercept >= 0 else "-"
    rows = [
        [
            f"{each.stage}, {_cases(each)}",
            *map(number, (each.reliability.observed_over_expected, each.reliability.slope, each.reliability.intercept)),
            number(each.reliability.brier, 4),
        ]
        for each in undo.stages
    ]
    return [
        "## Probabilities",
        "",
        (
            f"Stated where {percent(undo.prevalence)} are sick. Taken away from every logit: for the losses"
            f" {undo.of_losses}; for the sampling {undo.sampling_log_ratio:.4f}; then"
            f" {undo.slope:.4f} x logit {sign} {abs(undo.intercept):.4f}{_fitted_on(facts)}."
        ),
        "",
        *(table(["probabilities", "observed / expected", "slope", "intercept", "Brier score"], rows) if rows else []),
    ]


def _cases(stage: Reliable) -> str:
    return f"{stage.part}, out of fold" if stage.out_of_fold else stage.part


def _fitted_on(facts: Facts) -> str:
    """Where a line was fitted on other scores than those of a part set aside for it."""
    undo = facts.undo
    return f", fitted on {undo.fitted_on}" if undo.out_of_fold else ""


def _columns(facts: Facts) -> list[str]:
    rows = [
        [each.name, each.meaning, each.may_be, "filled in" if "filled in" in each.if_empty else "refused"]
        for each in facts.inputs
    ]
    return ["## Columns", "", *table(["name", "meaning", "may be", "if empty"], rows)]


def _origin(facts: Facts) -> list[str]:
    making = facts.making
    versions = ", ".join(f"{name} {version}" for name, version in making.versions.items())
    data = facts.certification.origin.data
    return [
        "## Origin",
        "",
        *table(
            ["part", *(["used for"] if facts.crossing else []), "rows", "positives", "dates", "SHA-256 of its counts"],
            [
                [
                    each.part,
                    *([used_for(each, facts.crossing)] if facts.crossing else []),
                    f"{each.rows:,}",
                    f"{each.positives:,}",
                    str(each.dates or "not told"),
                    _short(each),
                ]
                for each in facts.origins
            ],
        ),
        *[f"Data: {name}, SHA-256 `{digest}`." for name, digest in data.items()],
        *_trained(making),
        (
            f"Version {facts.version}; seed {making.seed}, {making.epochs} epochs"
            f"{' of the first' if making.beside else ''}; {versions or 'no versions told'}."
        ),
        (
            f"Network and file differ by {making.parity.largest_difference:.2g} at most in a logit"
            f" ({making.parity.rows:,} rows), in no decision."
        ),
        "",
    ]


def _trained(making: Making) -> list[str]:
    """What pulled on the network; of several that answer together, on each, and for how long."""
    if not making.beside:
        return [f"Trained {_pulled(each)}." for each in making.terms]
    networks = (
        (making.network, making.terms, making.budget),
        *((it.network, it.terms, it.budget) for it in making.beside),
    )
    return [
        f"{len(networks)} networks answer together, by the mean of their logits:",
        "",
        *(
            f"- {network or 'a network that is not told'}, trained {'; '.join(map(_pulled, terms))};"
            f" {budget or 'budget not told'}."
            for network, terms, budget in networks
        ),
        "",
    ]


def _pulled(term: Pull) -> str:
    return f"by {term.by} on {term.on}, against {term.against or 'nothing'}, weight {term.weight:g}"


def _short(origin: Origin) -> str:
    return f"`{origin.counts[:12]}`" if origin.counts else "none in the bundle"


def _rest(facts: Facts) -> list[str]:
    """What the card leaves out."""
    return [
        "## The rest",
        "",
        (
            "`fulcrum report` on this folder writes all of it as a page and as JSON: curves, calibration, net benefit,"
            " comparison, subgroups, every digest, changes, and what TRIPOD+AI, STARD and HTI-1 ask for."
        ),
        *([f"Not known: {' '.join(facts.lacking)}"]),
        "",
    ]
