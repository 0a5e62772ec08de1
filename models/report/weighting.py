"""The section of what weighting and other losses change, if that was compared."""

from __future__ import annotations

from models.comparison import Comparison
from models.report.page import Section, Source, table


def weighting(comparison: Comparison | None, manifest: Source) -> tuple[Section, ...]:
    """Every candidate's figures and their differences from the plain model; no section without a comparison."""
    if comparison is None:
        return ()
    text = (
        (
            f"Each on the same people, budget and seeds: {comparison.basis}, none of them of the test part."
            f" {comparison.dealt} Differences are paired by person and by seed, with 95 % intervals."
        ),
        *comparison.words,
        *(f"{name} could not be trained: {why}" for name, why in comparison.refused.items()),
    )
    blocks = [
        table(
            str(figure),
            ("", "what it is", "mean of the seeds", "less the plain model", "verdict"),
            [
                (
                    each.name,
                    each.what,
                    (f"{found.value:.4f}", f"[{found.low:.4f}, {found.high:.4f}]"),
                    (f"{found.difference.value:+.4f}", f"[{found.difference.low:+.4f}, {found.difference.high:+.4f}]")
                    if found.difference
                    else "",
                    found.difference.verdict if found.difference else "",
                )
                for each in comparison.candidates
                for found in (each.found[place],)
            ],
            [manifest],
        )
        for place, figure in enumerate(comparison.figures)
    ]
    return (Section("weighting", "What weighting and losses change", text, tuple(blocks)),)
