"""How many of some people are sick, told from their scores alone: no label is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from models import special
from models.curve import Curve
from models.likelihood_ratio import Kinds, NotIdentified, Numbers, kinds_of, line_of, logits_of, ratios_of, refitted
from models.value import Value

RESAMPLES, AT_ONCE = 1000, 50
FEWEST_ROWS = 50
CONFIDENCE = 0.95
# People are compared in so many bins of their scores, and taken to differ otherwise if chance does so more rarely.
BINS, RARELY = 10, 0.01
# No certification case is weighed so that it moves the mean of its kind by more than one over this: at 100 sick and 900
# healthy ones, of whom few score high, intervals held the truth in 90 % without it, in 93 % with it.
SHARED_BY = 10


class PrevalenceEstimate(Value):
    """The share of the sick among people whose labels nobody knows, with the range that the data leave open."""

    value: float = Field(gt=0, lt=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    confidence: float = Field(CONFIDENCE, gt=0, lt=1)
    rows: int = Field(gt=0)
    groups: int | None = Field(None, gt=0, description="patients, where rows of one were resampled together")
    fit: float = Field(
        ge=0, le=1, description="how often chance alone makes scores as unlike such a mix of sick and healthy as these"
    )

    @property
    def trusted(self) -> bool:
        """Whether these people may differ from the certification cases by their prevalence alone."""
        return self.fit >= RARELY

    @property
    def doubt(self) -> str:
        """Why it is not to be trusted, and what to do."""
        return (
            f"No mix of sick and healthy certification cases has scores like these {self.rows:,} rows (by chance:"
            f" {self.fit:.2g}), so {self.value:.4f} may be far off: name the prevalence, or bring labels."
        )

    def __str__(self) -> str:
        """The estimate with its interval.

        >>> print(PrevalenceEstimate(value=0.0512, low=0.04, high=0.0631, rows=900, fit=0.4))
        0.0512 [0.0400, 0.0631]
        """
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True)
class _Rows:
    """People: the distinct logits [scores], standardised, which of them each row has [rows], and its patient."""

    z: Numbers
    place: NDArray[np.intp]
    owner: NDArray[np.intp] | None

    @property
    def counts(self) -> Numbers:
        """Rows at each logit [scores]."""
        return np.bincount(self.place, minlength=len(self.z)).astype(np.float64)

    def drawn(self, random: np.random.Generator) -> Numbers:
        """Rows at each logit [samples, scores] in resamples of rows, or of patients."""
        if self.owner is None:
            return _redrawn(self.counts, random)
        owners = int(self.owner.max()) + 1
        times = random.multinomial(owners, np.full(owners, 1 / owners), size=AT_ONCE)
        return np.stack([np.bincount(self.place, weights=each[self.owner], minlength=len(self.z)) for each in times])


def estimate(
    probabilities: ArrayLike, curve: Curve, *, groups: ArrayLike | None = None, seed: int = 0
) -> PrevalenceEstimate:
    """The prevalence among people with `probabilities` [rows], on the scale of the certification `curve`.

    The sick are taken to look here as they do among the certification cases, and so are the healthy; only the
    mix is another (prior shift). A logistic line through the certification cases makes likelihood ratios of the
    scores, and the share of greatest likelihood, to which the EM iteration of Saerens climbs, says how to weigh
    them. If the line is not quite right, that share is not either: it was 0.015 for 0.020 where the sick scored more
    widely than the healthy. So it is corrected by what the same weights say of the certification cases, whose
    labels are known (`weighed`).

    The interval is the bias-corrected percentile one of 1,000 resamples, widened for few cases as Student's t is, of
    the rows, or of `groups` [rows] where rows of one patient belong together, and each time of the certification
    cases too: the line is an estimate itself. The same resamples tell how far, in ten bins of the scores, chance
    takes people from the mix that they should be; `fit` is how often that is further than these people are.
    `benchmarks/site_prevalence` measures all of it.

    Raises NotIdentified if the scores are alike, too few, or at one end of what is possible, or if the
    certification cases do not show that they tell the sick from the healthy.

    Sources: Saerens, Latinne & Decaestecker, Neural Computation 2002; Alexandari, Kundaje & Shrikumar, ICML 2020
    (a line with an intercept first); Vaz, Izbicki & Stern, Journal of Machine Learning Research 2019 (the ratio
    estimator, here the correction); Efron, Canadian Journal of Statistics 1981 (the bias-corrected interval);
    Hesterberg, The American Statistician 2015 (its expansion for few cases).
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    kinds = kinds_of(curve)
    distinct, place = np.unique(logits_of(scores), return_inverse=True)
    _check(scores, distinct)
    owner = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    rows = _Rows((distinct - kinds.centre) / kinds.scale, place, owner)
    line = line_of(kinds)
    found = float(most_likely(ratios_of(line[None], rows.z, kinds.odds), rows.counts[None])[0])
    at = min(max(found, min(SHARED_BY / kinds.healthy.sum(), 0.5)), 1 - min(SHARED_BY / kinds.sick.sum(), 0.5))
    value = float(_shares(at, kinds, line[None], rows, (rows.counts[None], kinds.sick[None], kinds.healthy[None]))[0])
    resampled, fit = _resamples(kinds, line, rows, (value, at), seed)
    if value in {0.0, 1.0}:
        kind = "healthy" if value == 0 else "sick"
        raise NotIdentified(
            f"prevalence: should lie between 0 and 1, got {value:g}: no mix has such scores more often than {kind}"
            " people alone. More rows may tell, unless these people differ by more than their prevalence."
        )
    patients = None if owner is None else int(owner.max()) + 1
    people = patients or len(scores)
    # Of 2,000 people of whom 40 are sick, it is the 40 who tell.
    fewest = min(int(people * min(value, 1 - value)), int(kinds.sick.sum()), int(kinds.healthy.sum()))
    low, high = np.quantile(resampled, _ends(resampled, value, fewest))
    return PrevalenceEstimate(
        value=value,
        # The estimate may lie beyond its resamples, by rounding or by chance.
        low=min(float(low), value),
        high=max(float(high), value),
        rows=len(scores),
        groups=patients,
        fit=fit,
    )


def most_likely(ratios: Numbers, rows: Numbers) -> Numbers:
    """The mixing shares [samples] that make `rows` [samples, scores] of given likelihood ratios most likely.

    The ratios [samples, scores], or [1, scores] for all samples, are those of sick against healthy. The
    logarithm of the likelihood, the sum of rows * ln(share * ratio + 1 - share), is concave in the share.

    >>> ratios = np.array([[0.5, 2.0]])
    >>> most_likely(ratios, np.array([[40.0, 60.0], [90.0, 10.0]])).round(4).tolist()
    [0.8, 0.0]
    """
    more = ratios - 1

    def slope_and_bend(shares: Numbers) -> tuple[Numbers, Numbers]:
        # Not 1 + share * more: where a ratio is tiny and the share 1, that is 0.
        pull = more / (1 - shares[:, None] + shares[:, None] * ratios)
        return (rows * pull).sum(axis=1), -(rows * pull**2).sum(axis=1)

    low, high = np.zeros(len(rows)), np.ones(len(rows))
    at_none, at_all = slope_and_bend(low)[0] <= 0, slope_and_bend(high)[0] >= 0
    # Those at an end are there already: nobody has to step towards it.
    low, high = np.where(at_all, 1.0, low), np.where(at_none, 0.0, high)
    shares = (low + high) / 2
    for _ in range(200):
        slope, bend = slope_and_bend(shares)
        low, high = np.where(slope > 0, shares, low), np.where(slope > 0, high, shares)
        stepped = shares - slope / np.minimum(bend, -np.finfo(float).tiny)
        moved = np.where((low <= stepped) & (stepped <= high), stepped, (low + high) / 2)
        shares, before = moved, shares
        if np.abs(shares - before).max() < 1e-12:
            break
    return np.where(at_none, 0.0, np.where(at_all, 1.0, shares))


def weighed(
    at: float, people: tuple[Numbers, Numbers], sick: tuple[Numbers, Numbers], healthy: tuple[Numbers, Numbers]
) -> Numbers:
    """The mixing shares [samples] at which the mean evidence of people is that of such a mix of certification cases.

    Each are likelihood ratios [samples, scores] and how many have them, likewise. The evidence of a score is the
    slope of its log likelihood at the share `at`. Any `at` and any ratios will do, as long as they are the same
    for all three; the truer both are, the less the shares vary.

    >>> ratios, half = np.array([[0.5, 2.0]]), np.array([[50.0, 50.0]])
    >>> weighed(0.3, (ratios, half), (ratios, np.array([[20.0, 80.0]])), (ratios, np.array([[70.0, 30.0]]))).round(4)
    array([0.4])
    """
    here, of_sick, of_healthy = (
        (counts * (ratios - 1) / (1 - at + at * ratios)).sum(axis=1) / counts.sum(axis=1)
        for ratios, counts in (people, sick, healthy)
    )
    apart = of_sick - of_healthy
    # Evidence that is the same of both kinds tells nothing; whoever asked for it is told so by its slope.
    return np.asarray(np.clip((here - of_healthy) / np.where(apart == 0, 1e-100, apart), 0, 1))


def _shares(at: float, kinds: Kinds, lines: Numbers, rows: _Rows, counts: tuple[Numbers, Numbers, Numbers]) -> Numbers:
    """`weighed` by some lines, of people, sick and healthy cases counted [samples, scores]."""
    here, sick, healthy = counts
    of_people, of_cases = ratios_of(lines, rows.z, kinds.odds), ratios_of(lines, kinds.z, kinds.odds)
    return weighed(at, (of_people, here), (of_cases, sick), (of_cases, healthy))


def _ends(resampled: Numbers, value: float, cases: int) -> tuple[float, float]:
    """Which shares of the resamples lie below the interval, and below its upper end.

    Corrected for the bias of the resamples, whose middle need not be the estimate, and moved outwards where so few
    cases tell, as Student's t is wider than the normal law.
    """
    few = max(cases, 2)
    reach = float(special.stdtrit(few - 1, (1 + CONFIDENCE) / 2)) * np.sqrt(few / (few - 1))
    # Half of those that are the estimate itself; and never all of them, of which the normal law knows nothing.
    below = float(np.clip(((resampled < value).mean() + (resampled <= value).mean()) / 2, 0.01, 0.99))
    middle = 2 * float(special.ndtri(below))
    return float(special.ndtr(middle - reach)), float(special.ndtr(middle + reach))


def _check(scores: Numbers, distinct: Numbers) -> None:
    if len(scores) < FEWEST_ROWS:
        raise NotIdentified(f"rows: should be at least {FEWEST_ROWS} to tell a prevalence, got {len(scores)}.")
    if len(distinct) == 1:
        raise NotIdentified(f"rows: should have different scores to tell a prevalence, got {scores[0]:.6g} for all.")


def _resamples(
    kinds: Kinds, line: Numbers, rows: _Rows, value_and_at: tuple[float, float], seed: int
) -> tuple[Numbers, float]:
    """The estimate in each resample of rows and certification cases, and how well a mix of the value fits.

    Raises NotIdentified if higher scores do not mean more sick in 39 of 40 of them.
    """
    random = np.random.default_rng(seed)
    value, at = value_and_at
    gaps = _Gaps.of(kinds, rows)
    found, slopes, apart = [], [], []
    for _ in range(RESAMPLES // AT_ONCE):
        sick, healthy = _redrawn(kinds.sick, random), _redrawn(kinds.healthy, random)
        here = rows.drawn(random)
        lines = refitted(line, kinds, sick, healthy)
        shares = _shares(at, kinds, lines, rows, (here, sick, healthy))
        found.append(shares)
        slopes.append(lines[:, 0])
        apart.append(gaps.between(here, sick, healthy, shares))
    if np.quantile(np.concatenate(slopes), (1 - CONFIDENCE) / 2) <= 0:
        raise NotIdentified(
            "curve: should show that the scores tell the sick from the healthy, got"
            f" {int(kinds.sick.sum())} sick and {int(kinds.healthy.sum())} healthy cases that do not."
        )
    gap = gaps.between(rows.counts[None], kinds.sick[None], kinds.healthy[None], np.array([value]))
    return np.concatenate(found), _fit(gap, np.concatenate(apart))


def _redrawn(counts: Numbers, random: np.random.Generator) -> Numbers:
    """As many cases drawn again, and counted [samples, scores]."""
    return random.multinomial(int(counts.sum()), counts / counts.sum(), size=AT_ONCE).astype(np.float64)


@dataclass(frozen=True)
class _Gaps:
    """Which bin each logit of people and of certification cases belongs to, as 0 and 1 [scores, bins]."""

    people: Numbers
    cases: Numbers

    @classmethod
    def of(cls, kinds: Kinds, rows: _Rows) -> Self:
        pooled = np.concatenate([rows.z[rows.place], np.repeat(kinds.z, (kinds.sick + kinds.healthy).astype(int))])
        edges = np.unique(np.quantile(pooled, np.arange(1, BINS) / BINS))
        people, cases = (np.eye(len(edges) + 1)[np.searchsorted(edges, z, side="right")] for z in (rows.z, kinds.z))
        return cls(people, cases)

    def between(self, here: Numbers, sick: Numbers, healthy: Numbers, shares: Numbers) -> Numbers:
        """What share of people each bin holds beyond that of the mix of sick and healthy cases [samples, bins]."""
        found, of_sick, of_healthy = (
            (counts / counts.sum(axis=1, keepdims=True)) @ bins
            for counts, bins in ((here, self.people), (sick, self.cases), (healthy, self.cases))
        )
        return np.asarray(found - shares[:, None] * of_sick - (1 - shares[:, None]) * of_healthy)


def _fit(gap: Numbers, apart: Numbers) -> float:
    """How often the largest gap of a resample, from the gap that is there, is as large as that gap from none."""
    spread = apart.std(axis=0)
    told = spread > 0
    far = (np.abs(gap) / np.where(told, spread, 1))[:, told].max(initial=0)
    chance = (np.abs(apart - gap) / np.where(told, spread, 1))[:, told].max(axis=1, initial=0)
    return float((1 + (chance >= far).sum()) / (1 + len(chance)))
