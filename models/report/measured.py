"""The sections of what was measured, the test part first where there is one."""

from __future__ import annotations

from collections.abc import Callable

from models.facts.crossing import NO_TEST, WORSE
from models.facts.facts import Facts
from models.facts.performance import Performance, Strategy
from models.facts.written import NOT_MEASURED, estimate, number, people, per_1000, percent, ratio
from models.figures import Figures
from models.report.page import Cell, Drawing, Given, Plot, Section, Table, source, table, told_apart
from models.report.people import KINDS, Thousand, picture, thousand
from models.subgroup import SMALLEST, SubgroupRow

METHODS = (
    "Sensitivity, specificity and shares of one kind have Wilson intervals. Predictive values, likelihood ratios, the"
    " share flagged and net benefit join the Clopper-Pearson limits of both kinds by the method of variance"
    " estimates recovery. All intervals are 95 %. Promises are certified with one-sided Clopper-Pearson bounds at their"
    " own confidence. At another prevalence the same people are flagged; sensitivity and specificity are taken to stay"
    " as they are, and the prevalence is taken as known."
)


def summary(facts: Facts) -> Section:
    """The answer in words and as a picture of a thousand people."""
    part = facts.shown
    found = part.released
    where = f"{part.origin.rows:,} {part.origin.part} cases"
    kept = {
        True: f"The promise, {facts.points[0].in_words}, was kept on the {where}.",
        False: f"The promise, {facts.points[0].in_words}, was NOT kept on the {where}.",
        None: f"The promise is {facts.points[0].in_words}. There was no test part to keep it on.",
    }[part.kept]
    crossed = (facts.certified_by_crossing.scored,) if facts.certified_by_crossing and not facts.test else ()
    tiles = (
        ("sensitivity", "of the sick are flagged", *estimate(found.recall)),
        ("specificity", "of the healthy are cleared", *estimate(found.specificity)),
        ("PPV", "of the flagged are sick", *estimate(found.precision)),
        ("NPV", "of the cleared are healthy", *estimate(found.npv)),
        ("alerts", "flagged of every 1,000", *per_1000(found.flagged)),
    )
    told = table(
        f"Five figures of the released point where {percent(found.prevalence)} are sick ({facts.base})",
        ("figure", "measured", "meaning"),
        [(name, (shown, interval), meaning) for name, meaning, shown, interval in tiles],
        [source(part.origin)],
        look="tiles",
    )
    blocks: list[Table | Plot] = [told]
    if people_of := thousand(found):
        blocks.append(_people(people_of, found, part))
    return Section("summary", "Summary", (kept, _of_1000(found), *crossed), tuple(blocks), warnings=facts.stands_out)


def _people(of: Thousand, found: Figures, part: Performance) -> Plot:
    title = f"Of 1,000 people of whom {people(1000 * found.prevalence)} are sick"
    rows = [
        (Cell(kind, mark=f"key {name}"), Cell(f"{getattr(of, name):,}", f"({getattr(found.per_1000, name):.2f})"))
        for name, kind in KINDS
        if "undecided" not in kind or found.indeterminate_sick or found.indeterminate_healthy
    ]
    numbers = table(title, ("", "people (unrounded)"), rows, [source(part.origin)])
    says = "Each mark is a person: discs are sick, squares are healthy."
    return Plot(title, says, (Drawing(f"{title}: {_of_1000(found)}", picture(of)),), numbers)


def _of_1000(found: Figures) -> str:
    """The figures in whole people."""
    of = thousand(found)
    if of is None:
        return "There are no cases of one kind, so nothing is said of 1,000 people."
    missed = f"{of.sick_missed:,}" if of.sick_missed or not found.per_1000.sick_missed else "Fewer than one"
    unsure = of.sick_indeterminate + of.healthy_indeterminate
    left = f" {unsure:,} are left undecided." if unsure else ""
    return (
        f"Of 1,000 people of whom {people(1000 * found.prevalence)} are sick, {of.flagged:,} are flagged:"
        f" {of.sick_found:,} of them are sick, {of.alarmed_in_vain:,} are alarmed in vain."
        f" {missed} of the sick {'is' if of.sick_missed == 1 else 'are'} missed.{left}"
    )


def measured(facts: Facts) -> Section:
    """Counts and figures of every point at the three prevalences, part beside part."""
    text = [_worth(facts)]
    if facts.certification.origin.taught:
        text.append(WORSE)
    if facts.none_to_test_on:
        text.append(NO_TEST)
    blocks: list[Table] = []
    for each in facts.points:
        # Without a curve of the test cases only the released point is known on them.
        found = [(part, point) for part in facts.parts for point in part.points if point.name == each.point.name]
        blocks += [_counts(found), _fixed(found), _moving(found)]
    return Section("measured", "Measured at the operating points", tuple(text), tuple(blocks))


def _worth(facts: Facts) -> str:
    """What figures of each part are worth."""
    if facts.test is None:
        return (
            "There is no test part. The thresholds were chosen on these cases, so the figures are favourable by as"
            " much as the choice was."
        )
    beside = (
        "The certification cases beside it taught too, and are those that the thresholds were chosen on, so their"
        if facts.certification.origin.taught
        else "The certification part beside it is the one that the thresholds were chosen on, so its"
    )
    first = "The test part comes first: nothing was chosen on it."
    return f"{first} {beside} figures are favourable by as much as the choice was."


Found = list[tuple[Performance, Strategy]]


def _counts(found: Found) -> Table:
    zone = any(point.figures[0].indeterminate_sick or point.figures[0].indeterminate_healthy for _, point in found)
    kinds = ("flagged", "undecided", "cleared", "all") if zone else ("flagged", "cleared", "all")
    rows = []
    for sick in (True, False):
        cells = []
        for _, point in found:
            cells += [f"{number:,}" for number in _ways(point.figures[0], sick=sick, zone=zone)]
        rows.append(("sick" if sick else "healthy", *cells))
    return table(
        f"{_named(found)}: counts",
        ("", *(f"{part.origin.part}: {kind}" for part, _ in found for kind in kinds)),
        rows,
        [source(part.origin) for part, _ in found],
    )


def _ways(found: Figures, *, sick: bool, zone: bool) -> tuple[int, ...]:
    counts = found.counts
    flagged, rest, unsure = (
        (counts.hits, counts.misses, found.indeterminate_sick)
        if sick
        else (counts.alarms, counts.clears, found.indeterminate_healthy)
    )
    return (flagged, *([unsure] if zone else []), rest - unsure, flagged + rest)


def _named(found: Found) -> str:
    return f"Point {found[0][1].name}"


FIXED: dict[str, Callable[[Figures], tuple[str, str]]] = {
    "sensitivity (recall)": lambda found: estimate(found.recall),
    "specificity": lambda found: estimate(found.specificity),
    "likelihood ratio of a positive": lambda found: ratio(found.likelihood_ratio_positive),
    "likelihood ratio of a negative": lambda found: ratio(found.likelihood_ratio_negative),
}
MOVING: dict[str, Callable[[Figures], tuple[str, str]]] = {
    "PPV (precision)": lambda found: estimate(found.precision),
    "NPV": lambda found: estimate(found.npv),
    "alerts per 1,000": lambda found: per_1000(found.flagged),
    "sick missed per 1,000": lambda found: (people(found.per_1000.sick_missed), ""),
    "alarmed in vain per 1,000": lambda found: (people(found.per_1000.alarmed_in_vain), ""),
}


def _fixed(found: Found) -> Table:
    rows: list[tuple[Given, ...]] = [
        (name, *(figure(point.figures[0]) for _, point in found)) for name, figure in FIXED.items()
    ]
    if any(part.area for part, _ in found):
        rows.append(("area under the ROC curve, of all points", *(_area(part) for part, _ in found)))
    return table(
        f"{_named(found)}: figures with 95 % intervals, whatever the prevalence",
        ("figure", *(told_apart(part.origin) for part, _ in found)),
        rows,
        [source(part.origin) for part, _ in found],
    )


def _area(part: Performance) -> tuple[str, str]:
    if part.area is None:
        return NOT_MEASURED, ""
    return number(part.area.value, 4), f"[{number(part.area.low, 4)}, {number(part.area.high, 4)}]"


def _moving(found: Found) -> Table:
    prevalences = [figures.prevalence for figures in found[0][1].figures]
    return table(
        f"{_named(found)}: figures with 95 % intervals at three prevalences",
        ("figure", *(told_apart(part.origin) for part, _ in found)),
        [
            (f"{name}, {percent(prevalence)} sick", *(figure(point.figures[place]) for _, point in found))
            for name, figure in MOVING.items()
            for place, prevalence in enumerate(prevalences)
        ],
        [source(part.origin) for part, _ in found],
    )


def methods(facts: Facts) -> Section:
    """How intervals, promises and restated figures come about."""
    crossed = facts.certified_by_crossing
    return Section("methods", "Methods", (METHODS, *((crossed.scored, crossed.rests) if crossed else ())))


def undecided(facts: Facts) -> Section:
    """Indeterminate answers and failures, counted both ways."""
    shares: list[tuple[Given, ...]] = []
    ranges: list[tuple[Given, ...]] = []
    for part in facts.parts:
        found, name = part.released, part.origin.part
        shares += [
            (f"{name}: undecided, of the sick", estimate(found.indeterminate_sick_share)),
            (f"{name}: undecided, of the healthy", estimate(found.indeterminate_healthy_share)),
            (f"{name}: without an answer", (f"{part.failures.rows:,}", f"of {part.origin.rows:,}")),
        ]
        ranges += [
            (f"{name}: sensitivity", *map(estimate, found.recall_range)),
            (f"{name}: specificity", *map(estimate, found.specificity_range)),
        ]
    sources = [source(part.origin) for part in facts.parts]
    zone = facts.points[0].point.has_zone
    return Section(
        "undecided",
        "Undecided answers and failures",
        (
            "Between the two thresholds the released point does not decide."
            if zone
            else "The released point has one threshold, so nobody is left undecided.",
            facts.shown.failures.rule,
        ),
        (
            table("Undecided and failed at the released point", ("", "share"), shares, sources),
            table(
                "The same people counted both ways",
                ("figure", "undecided and failed as negative", "as positive"),
                ranges,
                sources,
            ),
        ),
    )


def groups(facts: Facts) -> Section:
    """Subgroups at the released point, those of few people held back."""
    found = [part for part in facts.parts if part.groups]
    named = ", ".join(each.column for each in facts.groupings) or "none"
    return Section(
        "groups",
        "Subgroups",
        (
            (
                f"Told apart by, as the study foresaw: {named}. Groups of fewer than {SMALLEST} sick or healthy people"
                " are held back, and with them the next smallest where they could be had by subtraction."
            ),
        ),
        tuple(
            table(
                f"Subgroups at the released point, {told_apart(part.origin)}",
                ("group", "cases", "sick", "sensitivity", "specificity"),
                map(_group, part.groups),
                [source(part.origin)],
            )
            for part in found
        ),
    )


def _group(row: SubgroupRow) -> tuple[Given, ...]:
    name = f"{row.column}: {row.value}"
    if row.recall is None or row.specificity is None:
        return (name, *["held back"] * 4)
    return name, f"{row.rows:,}", f"{row.positives:,}", estimate(row.recall), estimate(row.specificity)
