"""What resampled figures say of each candidate: value, interval, and a verdict against the plain model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.comparison import PLAIN, Difference, Figure, Found, holm
from training.comparing.resampling import Resampled, chance, interval


def verdicts(figures: Sequence[Figure], drawn: Resampled) -> dict[str, tuple[Found, ...]]:
    """By the name of a candidate what was found of it, a figure each.

    A verdict is what the 95 % interval of the difference says. Of many candidates some differ by luck: which
    differences hold though all are counted is said beside it (Holm, over all candidates by one figure).
    """
    found: dict[str, list[Found]] = {name: [] for name in drawn.names}
    for place, figure in enumerate(figures):
        for name, each in _by(figure, drawn, place).items():
            found[name].append(each)
    return {name: tuple(each) for name, each in found.items()}


def _by(figure: Figure, drawn: Resampled, place: int) -> dict[str, Found]:
    plain = drawn.names.index(PLAIN)
    measured, resampled = drawn.measured[:, place], drawn.drawn[:, :, place]
    others = [other for other in range(len(drawn.names)) if other != plain]
    apart = resampled - resampled[:, [plain]]
    holds = dict(zip(others, holm([chance(apart[:, other]) for other in others]), strict=True))
    found = {}
    for other, name in enumerate(drawn.names):
        low, high = interval(resampled[:, other])
        found[name] = Found(
            value=float(measured[other].mean()),
            low=low,
            high=high,
            seeds=tuple(map(float, measured[other])),
            difference=None
            if other == plain
            else _difference(figure, measured[other] - measured[plain], apart[:, other], holds=holds[other]),
        )
    return found


def _difference(
    figure: Figure, measured: NDArray[np.float64], drawn: NDArray[np.float64], *, holds: bool
) -> Difference:
    low, high = interval(drawn)
    verdict = figure.verdict(low, high)
    return Difference(
        value=float(measured.mean()),
        low=low,
        high=high,
        verdict=verdict,
        chance=chance(drawn),
        holds=holds and verdict != "no difference",
    )
