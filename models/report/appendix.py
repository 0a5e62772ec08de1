"""The sections at the end: what guidelines ask for, and every digest in full."""

from __future__ import annotations

from collections.abc import Iterator

from models.facts.facts import Facts
from models.facts.origin import Origin
from models.facts.written import percent
from models.guidelines.guideline import Answer, Answered
from models.report.declared import NOT_TOLD
from models.report.page import Cell, Section, Source, Table, source, table


def guidelines(answered: tuple[Answered, ...], manifest: Source, titles: dict[str, str]) -> Section:
    """Each guideline, item by item, and the share that is filled."""
    shares = table(
        "Items that this report fills",
        ("guideline", "about", "filled", "of those that apply", "share", "items in all"),
        [
            (each.name, each.about, str(each.filled), str(each.applicable), percent(each.share), str(len(each.answers)))
            for each in answered
        ],
        [manifest],
    )
    return Section(
        "guidelines",
        "Reporting guidelines",
        (
            (
                "What three guidelines ask for, in our own words. An item counts as filled only if the facts answer all"
                " of it; what can not be counted (recruitment, ethics, funding, users) is filled by the background that"
                " the study declares."
            ),
        ),
        (shares, *_items(answered, manifest, titles)),
    )


def _items(answered: tuple[Answered, ...], manifest: Source, titles: dict[str, str]) -> Iterator[Table]:
    for each in answered:
        yield table(
            f"{each.name} ({each.source}): {each.filled} of {each.applicable} filled, {percent(each.share)}",
            ("item", "asks for", "state", "where, or why not"),
            [
                (
                    answer.number,
                    answer.asks,
                    Cell(answer.state, mark=answer.state.replace(" ", "-")),
                    Cell(titles[answer.section], _aside(answer), link=answer.section) if answer.section else answer.why,
                )
                for answer in each.answers
            ],
            [manifest],
            look="words",
        )


def _aside(answer: Answer) -> str:
    where = ", ".join(answer.where)
    return f"{where}. {answer.remark}" if answer.remark else where


def origins(facts: Facts, files: dict[str, str], manifest: Source) -> Section:
    """Every digest in full, where the tables cut them short."""
    return Section(
        "origins",
        "Where every number comes from",
        ("Each table names its cases and the beginnings of these digests.",),
        (
            table(
                "Files of the bundle", ("file", "SHA-256"),
                [(name, Cell(digest, mark="hash")) for name, digest in files.items()], [manifest], look="words",
                anchor=manifest.anchor,
            ),
            *(_origin(origin) for origin in facts.origins),
        ),
    )  # fmt: skip


def _origin(origin: Origin) -> Table:
    rows: list[tuple[str, str | Cell]] = [
        ("cases", f"{origin.rows:,}, of whom {origin.positives:,} sick"),
        ("dates", str(origin.dates or NOT_TOLD)),
        ("counts", Cell(origin.counts, mark="hash") if origin.counts else "no counts in the bundle"),
        *((f"data: {name}", Cell(digest, mark="hash")) for name, digest in origin.data.items()),
    ]
    if not origin.data:
        rows.append(("data", "the bundle holds no digest of them"))
    own = source(origin)
    return table(origin.named.capitalize(), ("", "origin"), rows, [own], look="words", anchor=own.anchor)
