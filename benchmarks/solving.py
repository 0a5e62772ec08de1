"""How long does it take to solve what a request asks for? `python -m benchmarks.solving` writes it into docs/turning.md.

Every kind of setting is solved from the shipped screen, and from the same bundle with the curve of 100,000 cases that
all score differently. *First* is the median of several solutions; *again* is what the same setting costs a server that
has met it before.
"""

from __future__ import annotations

import timeit
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks import section
from models.bundle import open_bundle
from models.curve import Curve
from models.manifest import Manifest
from models.scorer import Scorer
from models.turn import Setting, turn

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "turning.md"
CASES, REPEATS, AGAIN = 100_000, 9, 1000
ASKED = (
    None,
    "careful",
    0.01,
    "recall >= 0.95",
    "specificity >= 0.4",
    "precision >= 0.5 at prevalence 8 %",
    "NPV >= 0.98 at prevalence 8 %",
    "a miss costs 5 alarms at prevalence 8 %",
    "flag at most 50 %",
    "recall >= 0.9 and specificity >= 0.3, then the fewest alarms",
    "recall >= 0.9 in every sex",
)


def main(
    page: Annotated[Path, typer.Option(help="page that the figures are written into")] = PAGE,
) -> None:
    """Solve everything on both curves."""
    bundle = open_bundle(ROOT / "models" / "covid" / "screen")
    shipped, large = bundle.manifest, distinct(bundle.manifest)
    scorer = Scorer(bundle)
    rows = []
    for asked in ASKED:
        setting = Setting.told(asked)
        scorer.turn(setting)
        again = min(timeit.repeat(lambda to=setting: scorer.turn(to), number=AGAIN, repeat=REPEATS)) / AGAIN
        words = f"`{asked}`" if asked else "as released"
        rows.append(
            [words, *(microseconds(first(manifest, setting)) for manifest in (shipped, large)), microseconds(again)]
        )
    head = ["setting", f"first, {len(shipped.curve.thresholds)} thresholds", f"first, {CASES:,} thresholds", "again"]
    text = f"\n{section.table(head, rows)}\n"
    section.write(page, "solving", text)
    Console().print(text, markup=False, soft_wrap=True)


def first(manifest: Manifest, setting: Setting) -> float:
    """Seconds of one solution from the bundle, in the middle of several."""
    number = 20 if len(manifest.curve.thresholds) < CASES / 2 else 1
    return float(np.median(timeit.repeat(lambda: turn(manifest, setting), number=number, repeat=REPEATS))) / number


def distinct(manifest: Manifest) -> Manifest:
    """The manifest with the curve and guide of so many cases as nobody ships: no two score alike."""
    random = np.random.default_rng(0)
    sick = (random.random(CASES) < manifest.prevalence).astype(int)
    scores = 1 / (1 + np.exp(4 - random.normal(3.0 * sick, 1.5)))
    curve = Curve.of(scores, sick, prevalence=manifest.prevalence)
    return manifest.model_copy(update={"curve": curve, "guide": curve})


def microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f} µs"


if __name__ == "__main__":
    typer.run(main)
