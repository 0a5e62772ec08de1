"""The sections of what was declared and how the model was made."""

from __future__ import annotations

from models.facts.crossing import NO_TEST, Crossing
from models.facts.facts import Facts, Input
from models.facts.making import Pull
from models.facts.origin import Origin, used_for
from models.facts.written import number, percent
from models.report.page import Cell, Section, Source, Table, source, table

NOT_TOLD = "not told"
TITLE = "People, setting and makers"


def use(facts: Facts, manifest: Source) -> Section:
    """What it is for, what it answers, and what it is not for."""
    target, use = facts.use.target, facts.use
    rows = [
        ("Purpose", use.purpose or NOT_TOLD),
        ("Looks for", f"{target.name}: {target.meaning or NOT_TOLD}"),
        ("Answers", use.answers),
        ("Role", use.role),
        *(
            (f"Also answers {each.name}", f"{each.meaning or NOT_TOLD}{f', in {each.unit}' if each.unit else ''}")
            for each in use.symptoms
        ),
        *(("Not for", line) for line in use.not_for),
    ]
    return Section(
        "use",
        "Intended use",
        (),
        (table("What it is for, and what not", ("", "declared"), rows, [manifest], look="words"),),
    )


def background(facts: Facts, manifest: Source) -> Section:
    """What the study tells of its people, setting and makers, and what it does not."""
    told, untold = facts.background.told, facts.background.untold
    if not told:
        return Section("background", TITLE, ("The study tells nothing of its people, setting and makers.",))
    rows = [*told.items(), *([("Not told", "; ".join(untold))] if untold else [])]
    return Section(
        "background",
        TITLE,
        ("As declared; nothing of it was counted or checked.",),
        (table("What the study tells", ("", "declared"), rows, [manifest], look="words"),),
    )


def promise(facts: Facts) -> Section:
    """The contract, and the certificates of every point."""
    rows = []
    for each in facts.points:
        point = each.point
        for certificate, in_words in zip(point.certificates, each.certified, strict=True):
            rows.append(
                (
                    Cell(point.name),
                    str(certificate.promise),
                    in_words,
                    f"{point.threshold:.6g}",
                    f"{point.clear_below:.6g}",
                )
            )
    text = [
        (
            f"Asked for before any case was certified: {facts.contract}. A threshold is released only if the"
            " certification cases carry the promise with its confidence (Clopper-Pearson bounds; the risk is shared"
            " where several promises are made). From the threshold on a person is flagged, below the lower one"
            " cleared."
        )
    ]
    if facts.certified_by_crossing:
        text += [facts.certified_by_crossing.scored, facts.certified_by_crossing.rests]
    if facts.promised_groups:
        text.append(f"Promised in each of these groups by itself: {', '.join(facts.promised_groups)}.")
    return Section(
        "promise",
        "Promise and certificates",
        tuple(text),
        (
            table(
                "Operating points of this bundle",
                ("point", "promised", "certified", "flagged from", "cleared below"),
                rows,
                [source(facts.points[0].origin)],
                look="words",
            ),
        ),
    )


def inputs(facts: Facts, manifest: Source) -> Section:
    """The columns, and what becomes of a missing value."""

    def row(each: Input) -> tuple[str, ...]:
        return each.name, each.meaning, each.kind, each.unit or "none", each.may_be, each.if_empty

    return Section(
        "inputs",
        "Inputs and missing data",
        ("The graph reads these columns and nothing else.",),
        (
            table(
                "What the model asks for, and what becomes of an empty cell",
                ("column", "meaning", "kind", "unit", "may be", "if empty"),
                map(row, facts.inputs),
                [manifest],
                look="words",
            ),
        ),
    )


def data(facts: Facts, manifest: Source) -> Section:
    """The parts of the data with their dates and digests."""
    files = facts.certification.origin.data
    blocks: list[Table] = [
        table(
            "Parts of the data",
            ("part", "used for", "cases", "sick", "share", "dates"),
            [_part(origin, facts.crossing) for origin in facts.origins],
            map(source, facts.origins),
            look="words",
        )
    ]
    if files:
        blocks.append(
            table(
                "Files that were read",
                ("file", "SHA-256"),
                [(name, Cell(digest, mark="hash")) for name, digest in files.items()],
                [manifest],
                look="words",
            )
        )
    return Section(
        "data",
        "Data",
        (
            f"Source: {facts.making.source or NOT_TOLD}. {_dealt(facts)}: {facts.making.split or NOT_TOLD}.",
            *(facts.crossing.told if facts.crossing else ()),
            *([NO_TEST] if facts.none_to_test_on else []),
            "A digest of counts is the SHA-256 of the part's curve in the manifest, as JSON without spaces.",
        ),
        tuple(blocks),
    )


def _dealt(facts: Facts) -> str:
    return "Dealt into folds by" if facts.crossing else "Taken apart by"


def _part(origin: Origin, crossing: Crossing | None) -> tuple[str, ...]:
    return (
        origin.part,
        used_for(origin, crossing),
        f"{origin.rows:,}",
        f"{origin.positives:,}",
        percent(origin.positives / origin.rows) if origin.rows else "",
        str(origin.dates or NOT_TOLD),
    )


def making(facts: Facts, manifest: Source) -> Section:
    """Network, losses, sampling and what made it."""
    made = facts.making
    parity = made.parity
    settings = [
        ("Network", made.network or NOT_TOLD),
        *_beside(facts),
        ("Terms weighed", made.weighing or NOT_TOLD),
        ("Sampling", made.sampling or NOT_TOLD),
        (
            "Emptied in training",
            NOT_TOLD if made.emptied is None else f"{percent(made.emptied)} of the cells that may be empty",
        ),
        ("Training", f"{made.epochs} epochs kept of: {made.budget or NOT_TOLD}"),
        ("Seed", str(made.seed)),
        ("Made with", ", ".join(f"{name} {version}" for name, version in made.versions.items()) or NOT_TOLD),
        (
            "File against network",
            (
                f"logits differ by {parity.largest_difference:.2g} at most (allowed {parity.tolerance:g}) on"
                f" {parity.rows:,} rows; decisions that differ: {parity.decision_differences}; rows that answer"
                f" otherwise alone than among others: {parity.row_alone_differences}"
            ),
        ),
    ]
    several = [("Losses of the first network" if made.beside else "Losses", made.terms)]
    several += [(f"Losses of network {place}", each.terms) for place, each in enumerate(made.beside, 2)]
    text = [f"{len(several)} networks answer together, by the mean of their logits."] if made.beside else []
    if facts.crossing:
        text.append(facts.crossing.delivered)
    return Section(
        "making",
        "How it was made",
        tuple(text),
        (
            *(
                table(caption, ("on", "against", "by", "weight"), _losses(terms), [manifest], look="words")
                for caption, terms in several
            ),
            table("Settings", ("", "as run"), settings, [manifest], look="words"),
        ),
    )


def _beside(facts: Facts) -> list[tuple[str, str]]:
    """Settings of the networks that answer together with the first."""
    found = []
    for place, each in enumerate(facts.making.beside, 2):
        found.append((f"Network {place}", each.network or NOT_TOLD))
        found.append((f"Training of network {place}", each.budget or NOT_TOLD))
        if each.emptied != facts.making.emptied and each.emptied is not None:
            found.append((f"Emptied in training of network {place}", f"{percent(each.emptied)} of the same cells"))
    return found


def _losses(terms: tuple[Pull, ...]) -> list[tuple[str, str, str, str]]:
    told = [(each.on, each.against or "nothing", each.by, f"{each.weight:g}") for each in terms]
    return told or [("not told", "", "", "")]


def undo(facts: Facts, manifest: Source) -> Table:
    """What training added to the logits, and what was done about it."""
    made = facts.undo
    return table(
        "From the network's logit to the probability",
        ("step", "number"),
        [
            ("taken away for the losses", made.of_losses),
            ("taken away for the sampling, ln(r+ / r\u2212)", number(made.sampling_log_ratio, 4)),
            (f"then times, fitted on {made.fitted_on}", number(made.slope, 4)),
            (f"then plus, fitted on {made.fitted_on}", number(made.intercept, 4)),
            ("which holds where so many are sick", percent(made.fitted_at)),
            ("and is stated, by prior shift, where so many are", percent(made.prevalence)),
        ],
        [manifest],
    )


def change(facts: Facts, manifest: Source) -> Section:
    """What may change after release, and what has changed."""
    found = facts.change
    rows = [("Version", str(facts.version))]
    if not found.foreseen:
        rows.append(("Foreseen", "no change after release"))
    else:
        among = found.prevalences
        rows += [
            ("Thresholds may move", f"from {found.lowest:g} to {found.highest:g}" if found.lowest is not None else ""),
            (
                "Prevalence may be restated",
                f"from {percent(among[0])} to {percent(among[1])}" if among else "not at all",
            ),
            *(("As long as", each) for each in found.criteria),
        ]
    history = [
        (
            str(each.version), each.site, each.reason, each.promised, f"{each.threshold:.6g}", percent(each.prevalence),
            Cell(each.bundle, mark="hash"),
        )
        for each in found.history
    ]  # fmt: skip
    head = ("version", "replaced at", "because", "it promised", "flagged from", "prevalence", "SHA-256 of its manifest")
    blocks = [table("Change control", ("", "declared"), rows, [manifest], look="words")]
    if history:
        blocks.append(table("Versions before this one", head, history, [manifest], look="words"))
    return Section(
        "change",
        "Change control and history",
        () if history else ("This is the version that was trained: it replaces none.",),
        tuple(blocks),
    )
