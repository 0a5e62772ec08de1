"""docs/quality.md: what came out, in words and tables, ties and losses as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.quality import paired
from benchmarks.quality.paired import FEWEST, Difference
from benchmarks.quality.peer import find_peer
from benchmarks.quality.results import collect
from benchmarks.quality.summary import APART, OURS, RANKED, Compared
from benchmarks.section import table

NAMES = {
    "oracle_specificity": "specificity at recall 0.95, best threshold",
    "certified_specificity": "specificity at the certified threshold",
    "partial_area": "partial area",
    "certified_recall": "recall at the certified precision",
    "oracle_recall": "recall at precision 0.9, best threshold",
    "area": "area",
}
NONE = "-"
# With so many comparisons, one in twenty is below 0.05 by chance alone.
SEEN = 0.05


def write(runs: Path, docs: Path) -> None:
    """Read all runs of a folder, and write quality.md, quality.svg and quality.csv."""
    from benchmarks.quality.picture import draw  # noqa: PLC0415  # matplotlib takes a second

    everything = collect(runs)
    compared = Compared.of(everything)
    titles = {name: find_peer(name).title for name in sorted(everything["peer"].unique())}
    docs.mkdir(parents=True, exist_ok=True)
    everything.sort("table", "repeat", "peer").write_csv(docs / "quality.csv", float_precision=5)
    draw(compared, titles, docs / "quality.svg")
    (docs / "quality.md").write_text(page(compared, titles))


def page(compared: Compared, titles: Mapping[str, str]) -> str:
    """The whole page."""
    parts = [
        _intro(compared, titles),
        _standing(compared, titles),
        _pairs(compared, titles),
        _tables(compared, titles),
        _promises(compared, titles),
        _probabilities(compared, titles),
        _cost(compared, titles),
        _apart(compared, titles),
        LIMITS,
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _intro(compared: Compared, titles: Mapping[str, str]) -> str:
    runs = compared.runs.select("table", "repeat").unique().height
    left = [f"{titles[name]} ({count})" for name, count in compared.short.items()]
    short = f"\nWith too few runs to be compared, and left out: {', '.join(left)}.\n" if left else ""
    return f"""# How good are the models at the operating point?

Written by `make bench-quality`; every run is in [quality.csv](quality.csv).

Two contracts, each with confidence 0.9: a **screen** that misses few, recall of at least 0.95; and a **pre-surgical** model
that alarms few, precision of at least 0.9 where as many are sick as in the table. Fulcrum is used out of the box: the
development rows as a CSV file, `fulcrum init` with the two promises, `fulcrum train`, nothing corrected, nothing tuned. Its
thresholds are those in the written files. The {len(compared.peers) - 1} others are lightly set and not tuned either; their thresholds
are chosen by the same promises on the rows that they hold out, or on out-of-fold scores where they are cross-fitted.

Medical tables: {", ".join(compared.tables)}. {runs} splits of these {len(compared.tables)}, the same rows for everybody: 70 % of a table
to develop on, 30 % to test on. `benchmarks/quality/tables` says of each what is predicted, what was dropped and why. COVID-19 is told apart, because it is tested on another week. What cannot be certified counts as
what it means: the screen flags everybody (specificity 0), the pre-surgical model nobody (recall 0).
{short}
{_verdict(compared, titles)}

![Certified specificity of every peer, beside ours](quality.svg)"""


def _verdict(compared: Compared, titles: Mapping[str, str]) -> str:
    """In words: our place, and for each figure how many peers are surely behind, ahead, or neither."""
    place = compared.peers.index(OURS) + 1
    lines = [
        f"By the mean of the four mean ranks Fulcrum is number {place} of {len(compared.peers)}"
        + (
            f"; the first is {titles[compared.peers[0]]}."
            if place > 1
            else f"; the next is {titles[compared.peers[1]]}."
        )
        if len(compared.peers) > 1
        else "Nobody else has run."
    ]
    for figure in RANKED:
        apart = compared.differences(figure)
        ahead = [name for name, each in apart.items() if each.sure > 0]
        behind = [name for name, each in apart.items() if each.sure < 0]
        alike = len(apart) - len(ahead) - len(behind)
        worse = f" Better than Fulcrum: {', '.join(titles[name] for name in behind)}." if behind else ""
        rank = f"mean rank {compared.ranks[figure][OURS]:.1f}, place {compared.place(figure)} of {len(apart) + 1};"
        lines.append(
            f"- {NAMES[figure].capitalize()}: {rank} better than {len(ahead)} of {len(apart)} peers, no difference to {alike},"
            f" worse than {len(behind)} (a difference is one whose interval leaves out 0; {FEWEST} tables at least).{worse}"
        )
    return lines[0] + "\n\n" + "\n".join(lines[1:])


def _standing(compared: Compared, titles: Mapping[str, str]) -> str:
    shown = ("oracle_specificity", "certified_specificity", "partial_area", "area", "oracle_recall", "certified_recall")
    means = {figure: compared.mean(figure) for figure in shown}
    rows = [
        [
            _bold(titles[name], name),
            f"{compared.overall(name):.1f}",
            *[_cell(means[figure].get(name)) for figure in shown],
        ]
        for name in compared.peers
    ]
    head = ["", "rank", "spec. at recall 0.95", "certified spec.", "partial area", "area", "recall at prec. 0.9"]
    head += ["certified recall"]
    return f"""## Where everybody stands

Means over tables of the means over splits, sorted by the mean of four mean ranks over tables: of specificity at recall 0.95
with the best threshold in hindsight (how the model ranks people), of specificity at the certified threshold, of the partial
area (mean specificity over recalls from 0.9 to 1), and of recall at the certified precision. A dash is a figure that a
way does not have: a tuned threshold certifies nothing.

{table(head, rows)}

The four mean ranks (1 has the highest figure on every table; equals share a rank):

{_ranks(compared, titles)}"""


def _ranks(compared: Compared, titles: Mapping[str, str]) -> str:
    rows = [
        [_bold(titles[name], name), *[_cell(compared.ranks[figure].get(name), "{:.1f}".format) for figure in RANKED]]
        for name in compared.peers
    ]
    return table(["", *[NAMES[figure] for figure in RANKED]], rows)


def _pairs(compared: Compared, titles: Mapping[str, str]) -> str:
    found = {figure: compared.differences(figure) for figure in RANKED}
    rows = [
        [titles[name], *[_difference(found[figure].get(name)) for figure in RANKED]]
        for name in compared.peers
        if name != OURS
    ]
    count = sum(len(each) for each in found.values())
    return f"""## In pairs

Fulcrum less each peer on the same splits: mean over tables, [95 % interval by drawing tables anew], Wilcoxon's p over the
{len(compared.tables)} tables. Of {count} comparisons about {count * SEEN:.0f} are below {SEEN} by chance alone; with {len(compared.tables)} tables p can not be
below {2 / 2 ** len(compared.tables):.3f}. Above 0 Fulcrum is better.

{table(["Fulcrum less", *[NAMES[figure] for figure in RANKED]], rows)}"""


def _tables(compared: Compared, titles: Mapping[str, str]) -> str:
    parts = []
    for figure in (*RANKED, "oracle_recall"):
        wide = paired.by_table(compared.runs, figure)
        others = [name for name in wide.columns if name not in {"table", OURS}]
        rows = []
        for row in wide.iter_rows(named=True):
            best = max(others, key=lambda name: row[name])
            place = 1 + sum(row[name] > row[OURS] for name in others)
            middle = float(np.median([row[name] for name in others]))
            rows.append([row["table"], _cell(row[OURS]), str(place), _cell(row[best]), titles[best], _cell(middle)])
        head = ["table", "Fulcrum", f"place of {len(others) + 1}", "best peer", "which", "median peer"]
        parts.append(f"{NAMES[figure].capitalize()}:\n\n{table(head, rows)}")
    return (
        "## Table by table\n\nThe best peer is chosen in hindsight, which nobody can do beforehand.\n\n"
        + "\n\n".join(parts)
    )


def _promises(compared: Compared, titles: Mapping[str, str]) -> str:
    head = ["", "screen promised", "kept", "naive kept", "pre-surgical promised", "kept", "naive kept"]
    all_runs = compared.runs.select("table", "repeat").unique().height
    rows = []
    for name in compared.peers:
        cells = [_bold(titles[name], name)]
        for contract in ("screen", "presurgical"):
            own = paired.kept(compared.runs, name, f"certified_{contract}_kept")
            naive = paired.kept(compared.runs, name, f"naive_{contract}_kept")
            cells += [f"{own.runs if own else 0} of {all_runs}", _kept(own), _kept(naive)]
        rows.append(cells)
    return f"""## Are promises kept?

Judged on the test rows, share of the splits in which something was promised and somebody flagged ± its binomial standard
error. Splits of one table share rows, so the error is on the small side. A promise that holds for the true recall with
confidence 0.9 is broken more often on a few dozen test cases, for they scatter too: a true recall of 0.96 shows as less than
0.95 on 42 sick people in 24 % of all draws. Naive thresholds just keep the contract on the calibration cases; those of
TunedThresholdClassifierCV stand there too.

{table(head, rows)}"""


def _probabilities(compared: Compared, titles: Mapping[str, str]) -> str:
    shown = ("brier", "brier_mapped", "observed_to_expected", "observed_to_expected_mapped")
    means = {figure: compared.mean(figure) for figure in shown}
    rows = [
        [_bold(titles[name], name), *[_cell(means[figure].get(name)) for figure in shown]] for name in compared.peers
    ]
    return f"""## Probabilities

Brier score (lower is better) and observed over expected cases (1 is right), as the model says them and after Platt's map
fitted on its calibration scores. Fulcrum's file holds its map already.

{table(["", "Brier", "Brier, mapped", "observed/expected", "observed/expected, mapped"], rows)}"""


def _cost(compared: Compared, titles: Mapping[str, str]) -> str:
    def middle(name: str, figure: str) -> float | None:
        found = compared.runs.filter(pl.col("peer") == name)[figure].drop_nulls()
        return float(np.median(found.to_numpy())) if len(found) else None

    rows = [
        [
            _bold(titles[name], name),
            _cell(middle(name, "seconds"), lambda value: f"{value:.1f} s"),
            _cell(middle(name, "bytes"), lambda value: f"{value / 1024:,.0f} KiB"),
            _cell(middle(name, "latency"), lambda value: f"{value * 1e6:,.0f} µs"),
        ]
        for name in compared.peers
    ]
    plain = middle(OURS, "plain_latency")
    refused = int(compared.runs.filter(pl.col("peer") == OURS)["refused_rows"].sum())
    micros = _cell(plain, lambda value: f"{value * 1e6:,.0f} µs")
    against = f"One network of two layers of 64, exported by the same command, takes {micros}."
    return f"""## What it costs

Medians over the splits; one thread each, two runs at a time on two cores, so that seconds are rough. Fulcrum's are those of
both commands with both models, their certification and pictures, and the start of Python twice; the others' of fitting alone.
Size: Fulcrum's is one ONNX file that also imputes, scales, calibrates and decides; the others' what pickle keeps of the
fitted model, without the encoding of the table. One row: Fulcrum from raw columns to the decision through onnxruntime; the
others from encoded cells through their own Python interface, which is mostly overhead. {against}
AutoGluon is given the seconds of Fulcrum on the same rows; as it comes it stops before.
Test rows that Fulcrum refused, because a cell lies outside of what the development rows showed: {refused}. They count as
flagged by the screen and as not flagged by the pre-surgical model.

{table(["", "to fit", "kept", "one row"], rows)}"""


def _apart(compared: Compared, titles: Mapping[str, str]) -> str:
    runs = {name: compared.everything.filter(pl.col("table") == name) for name in APART}
    found = [f"{ANSWERS[name]}\n\n{_week(some, titles)}" for name, some in runs.items() if not some.is_empty()]
    if not found:
        return "## COVID-19\n\nSkipped: there is no run of it (FULCRUM_DATA names the folder of its rows)."
    tables = "\n\n".join(found)
    return f"""## COVID-19, tested on the week after

Learnt from 22-31 March 2020, tested on 1-7 April, all splits that there are, sorted by area. Only the rows to fit and to
calibrate on differ between splits; the test week is one. What is certified is certified for people like those it was
certified on, and the week after holds others: the columns of recall and precision tell whose promise survived.
[site.md](site.md) tells what to do about it.

{tables}"""


ANSWERS = {
    "covid_il": "With the eight answers of the published model, which has area 0.8988. No function of them has more than"
    " 0.9047 ([covid.md](covid.md)).",
    "covid_il_abroad": "With the ninth answer that the published model left out: having been abroad.",
}


def _week(runs: pl.DataFrame, titles: Mapping[str, str]) -> str:
    shown = ("area", "oracle_specificity", "certified_specificity", "certified_screen_recall", "oracle_recall")
    shown += ("certified_recall", "certified_precision")
    rows = []
    for name in sorted(runs["peer"].unique(), key=lambda name: -_mean(runs, name, "area")):
        own = runs.filter(pl.col("peer") == name)
        area = _cell(_mean(runs, name, "area"), lambda value: f"{value:.4f}")
        figures = [_cell(_mean(runs, name, figure)) for figure in shown[1:]]
        rows.append([_bold(titles[name], name), str(own.height), area, *figures])
    head = ["", "splits", "area", "spec. at recall 0.95", "certified spec.", "its recall", "recall at prec. 0.9"]
    head += ["certified recall", "its precision"]
    return table(head, rows)


LIMITS = """What each ingredient of the recipe buys: [quality-ablation.md](quality-ablation.md).

## Limits

- Few tables, some of a few hundred people: differences below about 0.015 can not be told from none.
- The peers are set once, by hand, for tables of this size. A search would improve some of them, and Fulcrum too.
- The peers' out-of-fold thresholds are used on the mean of the fold models, as is usual, and slightly outside what is
  proven. Fulcrum counts each row at the worse of its out-of-fold score and the delivered file's own.
- Precision: the peers' is certified on the flagged people of the calibration rows by Learn-then-Test with several starts,
  Fulcrum's by the contract `Precision` at the share of the sick among the development rows."""


def _bold(title: str, name: str) -> str:
    return f"**{title}**" if name == OURS else title


def _cell(value: float | None, shown: Callable[[float], str] = lambda value: f"{value:.3f}") -> str:
    return NONE if value is None or np.isnan(value) else shown(value)


def _difference(each: Difference | None) -> str:
    if each is None:
        return NONE
    sure = "**" if each.sure else ""
    return f"{sure}{each}{sure} p={each.p:.3f}"


def _kept(share: paired.Share | None) -> str:
    return NONE if share is None else f"{share.share:.2f} ± {share.error:.2f}"


def _mean(runs: pl.DataFrame, name: str, figure: str) -> float:
    found = runs.filter(pl.col("peer") == name)[figure].cast(pl.Float64).drop_nulls().drop_nans()
    return float(np.mean(found.to_numpy())) if len(found) else float("nan")
