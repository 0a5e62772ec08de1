"""Tables drawn by chance, of every kind, whose true risks are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import optimize, special

Numbers = NDArray[np.float64]

SMALLEST, LARGEST = 100, 10_000
RAREST, COMMONEST = 0.02, 0.5
# How many columns of each kind, the second number excluded.
COUNTS = {"number": (2, 9), "yes": (0, 5), "word": (0, 3)}


@dataclass(frozen=True)
class Column:
    """One column: its kind, what its cells do to the logit, and how many of them are empty."""

    name: str
    kind: str
    slope: float
    bend: float
    empty: float
    shares: tuple[float, ...] = ()
    effects: tuple[float, ...] = ()


@dataclass(frozen=True)
class World:
    """Where tables come from: `rows` of them, of which `prevalence` are sick in the long run.

    Risks are logistic in lines, bends and a product of two columns; numbers are normal, skewed or heavy-tailed.
    """

    rows: int
    prevalence: float
    columns: tuple[Column, ...]
    product: float
    level: float

    @classmethod
    def drawn(cls, seed: int) -> Self:
        """The world of a seed; in every seventh no cell is a measured number, and people share few scores."""
        random = np.random.default_rng([2026, seed])
        rows = round(float(np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST)))))
        prevalence = float(np.exp(random.uniform(np.log(RAREST), np.log(COMMONEST))))
        counts = {kind: int(random.integers(*span)) for kind, span in COUNTS.items()}
        if seed % 7 == 0:
            counts = {"number": 0, "yes": int(random.integers(3, 9)), "word": int(random.integers(0, 2))}
        strength = random.uniform(0.8, 4.0) / np.sqrt(sum(counts.values()))
        columns = []
        for kind, count in counts.items():
            for place in range(count):
                words = random.integers(3, 8)
                columns.append(
                    Column(
                        f"{kind}_{place}",
                        str(random.choice(("normal", "skewed", "heavy"))) if kind == "number" else kind,
                        slope=float(random.normal() * strength * (1.5 if kind == "yes" else 1)),
                        bend=float(random.normal() * strength / 2),
                        empty=float(random.choice((0.0, 0.0, 0.05, 0.15))),
                        shares=tuple(random.dirichlet(np.full(words, 2.0))) if kind == "word" else (random.uniform(),),
                        effects=tuple(random.normal(size=words) * strength),
                    )
                )
        world = cls(rows, prevalence, tuple(columns), float(random.normal() * strength), 0.0)
        logits = world._logits(world._cells(np.random.default_rng([2027, seed]), 20_000))
        level = optimize.brentq(lambda at: float(special.expit(at + logits).mean()) - prevalence, -60, 60)
        return cls(rows, prevalence, world.columns, world.product, float(level))

    def people(self, random: np.random.Generator, rows: int) -> tuple[pl.DataFrame, Numbers]:
        """Cells of `rows` people, some of them empty, with `sick` as yes or no, and everybody's true risk [rows].

        The risk is that of somebody whose cells are all known: what a model may not see, it can not know.
        """
        cells = self._cells(random, rows)
        risk = special.expit(self.level + self._logits(cells))
        sick = random.random(rows) < risk
        found: dict[str, object] = {}
        for column in self.columns:
            shown = [f"w{int(cell)}" for cell in cells[column.name]] if column.kind == "word" else cells[column.name]
            known = random.random(rows) >= column.empty
            found[column.name] = pl.select(pl.when(pl.Series(known)).then(pl.Series(shown))).to_series()
        return pl.DataFrame({**found, "sick": np.where(sick, "yes", "no")}), risk

    def _cells(self, random: np.random.Generator, rows: int) -> dict[str, Numbers]:
        shared = random.standard_normal(rows)
        found = {}
        for column in self.columns:
            own = 0.4 * shared + 0.9165 * random.standard_normal(rows)
            match column.kind:
                case "normal":
                    found[column.name] = own
                case "skewed":
                    found[column.name] = np.exp(own)
                case "heavy":
                    found[column.name] = own / np.sqrt(random.chisquare(3, rows) / 3)
                case "yes":
                    found[column.name] = (special.ndtr(own) < column.shares[0]).astype(np.float64)
                case _:
                    found[column.name] = random.choice(len(column.shares), rows, p=column.shares).astype(np.float64)
        return found

    def _logits(self, cells: dict[str, Numbers]) -> Numbers:
        total = np.zeros(len(next(iter(cells.values()))))
        for column in self.columns:
            values = cells[column.name]
            if column.kind == "word":
                total += np.array(column.effects)[values.astype(np.int64)]
            else:
                total += column.slope * np.tanh(values / 2) * 2 + column.bend * (values > 0.5)
        first, second = (cells[column.name] for column in (self.columns[0], self.columns[-1]))
        return total + self.product * np.tanh(first) * np.tanh(second)
