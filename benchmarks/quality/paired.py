"""Figures of many runs -> what may be said of them: means, ranks, differences in pairs, promises kept.

A run is one peer on one table at one repeat. All functions take a polars frame with the columns `table`, `repeat` and
`peer`, and a column a figure. Tables count alike, whatever their size: repeats are averaged first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import rankdata, wilcoxon

RESAMPLES = 4000
# Smaller differences than this on a table are called a tie.
TIE = 0.002
# An interval by drawing fewer tables than this again says nothing.
FEWEST = 5


def common(runs: pl.DataFrame, peers: Sequence[str]) -> pl.DataFrame:
    """The runs of these peers on the tables and repeats that all of them have."""
    kept = runs.filter(pl.col("peer").is_in(list(peers)))
    everywhere = kept.group_by("table", "repeat").agg(pl.col("peer").n_unique()).filter(pl.col("peer") == len(peers))
    return kept.join(everywhere.select("table", "repeat"), on=["table", "repeat"], how="semi")


def by_table(runs: pl.DataFrame, figure: str) -> pl.DataFrame:
    """A row a table, a column a peer: the mean over repeats. A peer without this figure somewhere is left out."""
    known = runs.select("table", "repeat", "peer", pl.col(figure).cast(pl.Float64).fill_nan(None))
    wide = known.group_by("table", "peer").agg(pl.col(figure).mean()).pivot("peer", index="table", values=figure)
    whole = [column for column in wide.columns if not wide[column].null_count()]
    return wide.select(whole).sort("table")


def means(runs: pl.DataFrame, figure: str) -> dict[str, float]:
    """Of every peer the mean over tables of its means over repeats."""
    wide = by_table(runs, figure).drop("table")
    return {peer: float(np.mean(wide[peer].to_numpy())) for peer in wide.columns}


def mean_ranks(runs: pl.DataFrame, figure: str) -> dict[str, float]:
    """Of every peer the mean over tables of its rank there; 1 has the highest figure, and equals share a rank."""
    wide = by_table(runs, figure).drop("table")
    ranks = rankdata(-wide.to_numpy(), axis=1).mean(axis=0)
    return dict(zip(wide.columns, map(float, ranks), strict=True))


@dataclass(frozen=True)
class Difference:
    """One peer less another, in pairs: mean over tables, 95 % interval by resampling tables, Wilcoxon's p."""

    mean: float
    low: float
    high: float
    p: float
    better: int
    alike: int
    worse: int

    @property
    def sure(self) -> int:
        """1 or -1 if the interval is of enough tables and leaves out 0, by its side; else 0."""
        if self.better + self.alike + self.worse < FEWEST:
            return 0
        return int(self.low > 0) - int(self.high < 0)

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def difference(runs: pl.DataFrame, one: str, other: str, figure: str, *, seed: int = 0) -> Difference | None:
    """`one` less `other` on the runs that both have and in which both have the figure; None without any.

    The interval is the percentile bootstrap over tables: it speaks of other tables like these, so few tables give a
    rough one.
    """
    pair = runs.filter(pl.col("peer").is_in([one, other]))
    pair = pair.with_columns(pl.col(figure).cast(pl.Float64).fill_nan(None)).drop_nulls(figure)
    pair = common(pair, [one, other])
    if pair.is_empty():
        return None
    wide = by_table(pair, figure)
    apart = (wide[one] - wide[other]).to_numpy()
    drawn = np.random.default_rng(seed).integers(0, len(apart), (RESAMPLES, len(apart)))
    low, high = np.percentile(apart[drawn].mean(axis=1), [2.5, 97.5])
    return Difference(
        mean=float(apart.mean()),
        low=float(low),
        high=float(high),
        p=float(wilcoxon(apart).pvalue) if np.any(apart) else 1.0,
        better=int((apart > TIE).sum()),
        alike=int((np.abs(apart) <= TIE).sum()),
        worse=int((apart < -TIE).sum()),
    )


@dataclass(frozen=True)
class Share:
    """A share of runs, with its binomial standard error: promises kept of promises made."""

    share: float
    error: float
    runs: int

    @classmethod
    def of(cls, outcomes: Sequence[bool | None]) -> Share | None:
        """None among the outcomes is a run in which nothing was promised, and does not count; None if all are.

        >>> str(Share.of([True, True, False, None, True]))
        '0.75 ± 0.22 of 4'
        """
        made = [outcome for outcome in outcomes if outcome is not None]
        if not made:
            return None
        share = sum(made) / len(made)
        return cls(share, math.sqrt(share * (1 - share) / len(made)), len(made))

    def __str__(self) -> str:
        return f"{self.share:.2f} ± {self.error:.2f} of {self.runs}"


def kept(runs: pl.DataFrame, peer: str, figure: str) -> Share | None:
    """How often a promise was kept; a cell that is null is a run without a promise."""
    return Share.of(runs.filter(pl.col("peer") == peer)[figure].to_list())
