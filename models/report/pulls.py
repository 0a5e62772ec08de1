"""The section on how hard each loss pulled on each part of the network."""

from __future__ import annotations

from models.facts.facts import Facts
from models.pulls import Look, PullTable
from models.report.heat_map import heat_map
from models.report.page import Drawing, Plot, Section, Source, Table, table


def pulls(facts: Facts, manifest: Source) -> Section:
    """Gradient norm of every term at every tap, early and late in training."""
    found = facts.pulls
    if found is None or not found.looks:
        return Section("pulls", "Which loss pulled where", ("The bundle does not tell how hard its losses pulled.",))
    shown = dict.fromkeys((found.looks[0], found.looks[-1]))
    strongest = max((norm for look in shown for row in look.norms for norm in row if norm is not None), default=0.0)
    short = tuple(str(place) for place in range(1, len(found.terms) + 1))
    drawings = tuple(
        Drawing(
            f"Pull of each loss, epoch {look.epoch}",
            heat_map(f"pulls-{look.epoch}", look, short, found.taps, strongest),
        )
        for look in shown
    )
    says = (
        "Root mean square over people of the gradient of a person's loss, weighed as in training. Darker: harder, by"
        " logarithm; \u00d7: the loss does not reach. A row read from the loss's own tap down shows how much of its"
        " pull is left below."
    )
    return Section(
        "pulls",
        "Which loss pulled where",
        (),
        (
            Plot(
                f"Pull in epoch {' and '.join(str(look.epoch) for look in shown)}",
                says,
                drawings,
                _numbers(found, manifest),
            ),
        ),
    )


def _numbers(found: PullTable, manifest: Source) -> Table:
    rows = [
        (f"{place}: {term}, epoch {look.epoch}", *(_norm(norm) for norm in look.norms[place - 1]))
        for place, term in enumerate(found.terms, 1)
        for look in _few(found.looks)
    ]
    return table("Pull of each loss at each tap", ("loss, epoch", *found.taps), rows, [manifest])


def _few(looks: tuple[Look, ...]) -> tuple[Look, ...]:
    """The first, one in the middle and the last."""
    return tuple(dict.fromkeys((looks[0], looks[len(looks) // 2], looks[-1])))


def _norm(norm: float | None) -> str:
    return "does not reach" if norm is None else f"{norm:.3g}"
