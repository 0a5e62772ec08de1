"""What may be said of all runs: who is compared, where everybody stands, and how far ours is from each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.quality import paired
from benchmarks.quality.paired import Difference

OURS = "fulcrum"
# Their test is the week after: what is promised does not hold there for anybody, so they are told apart.
APART = ("covid_il", "covid_il_abroad")
RANKED = ("oracle_specificity", "certified_specificity", "partial_area", "certified_recall")
# A peer that has fewer than this share of our runs is named and left out of the comparison.
ENOUGH = 0.75


@dataclass(frozen=True)
class Compared:
    """`everything` is all runs; `runs` those on the tables and repeats that all of `peers` have, without those apart.

    `peers` are in the order of the mean of their mean ranks; `short` names those left out with the number of their runs.
    """

    everything: pl.DataFrame
    runs: pl.DataFrame
    peers: tuple[str, ...]
    short: dict[str, int]
    ranks: dict[str, dict[str, float]]

    @classmethod
    def of(cls, everything: pl.DataFrame) -> Compared:
        """Raises ValueError if ours is not among the runs of any table but those apart."""
        inside = everything.filter(~pl.col("table").is_in(APART))
        ours = inside.filter(pl.col("peer") == OURS).select("table", "repeat")
        if ours.is_empty():
            raise ValueError(f"Expected runs of {OURS}, got none: python -m benchmarks.quality --peers {OURS}.")
        beside = inside.join(ours, on=["table", "repeat"], how="semi")
        counts = {name: size for (name,), size in ((key, len(part)) for key, part in beside.group_by("peer"))}
        counts = {name: counts.get(name, 0) for name in sorted(everything["peer"].unique())}
        short = {name: count for name, count in counts.items() if count < ENOUGH * len(ours)}
        known = [name for name in sorted(counts) if name not in short]
        runs = paired.common(inside, known)
        ranks = {figure: paired.mean_ranks(runs, figure) for figure in RANKED}
        order = sorted(known, key=lambda name: overall(ranks, name))
        return cls(everything, runs, tuple(order), short, ranks)

    @property
    def tables(self) -> list[str]:
        """The tables compared on."""
        return sorted(self.runs["table"].unique())

    def overall(self, peer: str) -> float:
        """The mean of its mean ranks."""
        return overall(self.ranks, peer)

    def place(self, figure: str) -> int:
        """Ours by the mean rank in one figure, 1 if nobody's is better."""
        ranks = self.ranks[figure]
        return 1 + sum(rank < ranks[OURS] for rank in ranks.values())

    def mean(self, figure: str) -> dict[str, float]:
        """Of every peer that has it, over tables."""
        return paired.means(self.runs, figure)

    def differences(self, figure: str) -> dict[str, Difference]:
        """Ours less each peer."""
        found = {name: paired.difference(self.runs, OURS, name, figure) for name in self.peers if name != OURS}
        return {name: each for name, each in found.items() if each is not None}


def overall(ranks: dict[str, dict[str, float]], peer: str) -> float:
    """The mean of the mean ranks of a peer, over the figures that it has.

    >>> overall({"area": {"lr": 1.0, "mlp": 2.0}, "partial_area": {"lr": 2.0}}, "lr")
    1.5
    """
    return float(np.mean([of[peer] for of in ranks.values() if peer in of]))
