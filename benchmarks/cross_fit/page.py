"""What became of the tables, in words and figures."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from benchmarks.cross_fit.tables import CONFIDENCE, FRESH, NEEDED, RECALL, WAYS, Certified, Tried
from benchmarks.section import table
from models.intervals import wilson

SIZES = (100, 300, 1_000, 3_000, 10_001)


def page(results: list[Tried], drawn: int) -> str:
    """The text of docs/cross-fitting.md."""
    discrete = [each for each in results if each.discrete]
    parts = {
        "all": results,
        **{
            f"{low:,} to {high - 1:,} rows": [each for each in results if low <= each.rows < high]
            for low, high in pairwise(SIZES)
        },
        "no measured number": discrete,
    }
    rows = [_line(name, some, "recall", WAYS[0]) for name, some in parts.items() if some]
    ways = [_line(way, results, "recall", way) for way in WAYS]
    naive = [each.naive for each in results]
    ways.append(["out-of-fold recall >= 0.95, no bound", f"{len(naive):,}", "0", _kept(naive), _mean(naive)])
    precise = [_line(way, results, "precision", way) for way in WAYS]
    head = ["", "certified", "refused", "kept [95 %]", "mean specificity"]
    return f"""# Certified on the rows that taught

A table that has to spare a part to certify on loses those rows for training, and the rest of them for certifying. Where
every row teaches, copies of the networks that never saw a row score it instead (`CrossFit`), and the mean of all copies
is delivered. For each copy that is exact: a person it never saw is to it as a new one. For the mean of copies no theorem
gives the whole confidence back (cross-conformal sets and CV+ lose a factor of two in the worst case: Vovk 2015; Barber,
Candes, Ramdas & Tibshirani 2021), although a mean varies less than its parts, which only helps. So it is shown here.

{drawn:,} tables were drawn, each from a world of its own: 100 to 10,000 rows, 2 to 50 % sick, numbers normal, skewed and
heavy-tailed, yes and no, words, empty cells; in every seventh no measured number, so that many people share a score. On
each, the networks that `fulcrum init` writes were trained and recall >= {RECALL} was certified with confidence
{CONFIDENCE}. Everybody's true risk is known, so the true recall of the delivered model is, too: over {FRESH:,} further people.
{drawn - len(results):,} tables were refused whole: they held fewer than {NEEDED} sick, who carry no such promise however good a model is, or nothing
was learnt that can be calibrated. *Refused* counts those of the others that were not certified.

Three ways to score the certification cases: *unseen*, by the copies that never saw them; *delivered*, by the mean of all
copies, most of which did; and the *worse of both* for what a case is, which is what Fulcrum does.

## Recall >= {RECALL}, by the size of the table

{table(head, rows)}

{CONFIDENCE:.0%} or more should be kept.

![How far true recalls lie from the promise, by the size of the table](cross-fitting.svg)

## By how cases are scored

{table(head, ways)}

## Precision, at four times the odds of everybody

{table([*head[:-1], "mean recall"], precise)}

To make this page again: `python -m benchmarks.cross_fit`; it goes on where it was stopped.
"""


def wrong(results: list[Tried]) -> list[str]:
    """What should not be, in words: fewer kept than the confidence less two standard errors."""
    found = []
    for name in ("recall", "precision"):
        certified = [one for each in results if (one := getattr(each, name)[WAYS[0]]) is not None]
        least = CONFIDENCE - 2 * (CONFIDENCE * (1 - CONFIDENCE) / max(len(certified), 1)) ** 0.5
        share = float(np.mean([one.kept for one in certified])) if certified else 1.0
        if share < least:
            found.append(f"{name}: should be kept in {least:.3f} at least, got {share:.3f} of {len(certified):,}.")
    return found


def _line(name: str, results: list[Tried], figure: str, way: str) -> list[str]:
    found: list[Certified | None] = [getattr(each, figure)[way] for each in results]
    certified = [one for one in found if one is not None]
    refused = len(found) - len(certified)
    return [name, f"{len(certified):,}", f"{refused:,}", _kept(certified), _mean(certified)]


def _kept(certified: list[Certified]) -> str:
    if not certified:
        return "-"
    share = wilson(sum(one.kept for one in certified), len(certified))
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"


def _mean(certified: Iterable[Certified]) -> str:
    prices = [one.price for one in certified]
    return f"{np.mean(prices):.3f}" if prices else "-"
