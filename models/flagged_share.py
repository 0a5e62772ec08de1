"""What answers given to two kinds of people carry of precision and NPV.

Of the sick h of n+ are flagged, of the healthy a of n-. Given that h + a are flagged, h is nearly binomial with the
share n+ TPR / (n+ TPR + n- FPR): exactly so for Poisson counts, and binomial ones vary less. So the Clopper-Pearson
bound of h among h + a, at the whole risk, bounds that share, and with it TPR / FPR and the precision at any
prevalence. NPV is the mirror: the healthy among those cleared.

Two places need care, and exact enumeration (`benchmarks/precision_bound.py`) finds no third. To see one hit at least
is likelier than for a Poisson count, by a factor of up to -log(1 - risk) / risk; the bound of a single hit is therefore
risk / answers, by Markov's inequality. Beyond a risk of a quarter two hits are likelier too, so none above it is used.

Sources: Clopper & Pearson, Biometrika 1934; Przyborowski & Wilenski, Biometrika 1940 (two Poisson counts, given
their sum); Anderson & Samuels, 5th Berkeley Symposium 1967 (tails of binomial and Poisson counts).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models import special

# A Poisson count of mean 1 is 2 or more with chance 0.264: at a risk below that, two hits are never too likely.
MOST_RISK = 0.25
Floats = NDArray[np.float64]


def least_right(right: ArrayLike, wrong: ArrayLike, risk: float) -> Floats:
    """Least share of right answers to be expected, from counts of `right` and `wrong` ones; 0 without a right one.

    >>> least_right([0, 1, 19, 57], [3, 1, 0, 3], 0.05).round(4).tolist()
    [0.0, 0.025, 0.8541, 0.8758]
    """
    hits, alarms, used = np.asarray(right, dtype=float), np.asarray(wrong, dtype=float), min(risk, MOST_RISK)
    bound = special.betaincinv(np.maximum(hits, 1.0), alarms + 1, used)
    return np.select([hits == 0, hits == 1], [np.zeros_like(bound), used / (1 + alarms)], bound)


def least_share(
    right: ArrayLike, wrong: ArrayLike, *, of: tuple[ArrayLike, ArrayLike], prevalence: float, risk: float
) -> Floats:
    """The least share of right answers where `prevalence` of the people are those for whom it is right.

    `right` answers were given to the first of the two kinds, of whom there are `of` many, `wrong` ones to the second:
    hits and alarms for a precision; clears and misses, at the share of the healthy, for an NPV. 0 where a kind has
    no case.

    >>> least_share([57], [3], of=(60, 600), prevalence=0.1, risk=0.05).round(4).tolist()
    [0.8868]
    """
    least = least_right(right, wrong, risk)
    rightly, wrongly = (np.asarray(count, dtype=float) for count in of)
    good, bad = prevalence * wrongly * least, (1 - prevalence) * rightly * (1 - least)
    return np.asarray(good / np.maximum(good + bad, np.finfo(float).tiny))
