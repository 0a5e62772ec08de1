"""The models of a study beside each other: what each promises, and does."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from models.facts.crossing import NO_TEST
from models.manifest import Manifest

NEARLY_EVERYBODY = 0.95


def summary(manifests: Sequence[Manifest]) -> Table:
    """What the models of a study promise and do, a column a model, and below it what its figures are worth."""
    grid = Table(
        "",
        *(manifest.model for manifest in manifests),
        title=manifests[0].study,
        title_justify="left",
        caption="\n".join(_remarks(manifests)) or None,
        caption_justify="left",
    )
    points = [manifest.point for manifest in manifests]
    grid.add_row("promise", *(point.in_words for point in points))
    grid.add_row("certified", *(", ".join(map(str, point.certificates)) for point in points))
    tested = any(manifest.evidence for manifest in manifests)
    for part in ("certification", *(["test"] if tested else [])):
        found = [
            manifest.point.measured if part == "certification" else manifest.evidence and manifest.evidence.measured
            for manifest in manifests
        ]
        for figure in ("recall", "specificity", "precision"):
            cells = [str(getattr(measured, figure)) if measured else "-" for measured in found]
            grid.add_row(f"{figure}, {part}", *cells)
    if tested:
        grid.add_row("area under ROC, test", *(_area(manifest) for manifest in manifests))
        grid.add_row("kept on the test part", *(_kept(manifest) for manifest in manifests))
    return grid


def _remarks(manifests: Sequence[Manifest]) -> list[str]:
    """What is to be known of the figures, a line each."""
    found = []
    if any(manifest.cross_fitted for manifest in manifests):
        found.append(
            "Certification cases taught too: each counts at the worse of two scores, of the copies that never saw it"
            " and of the delivered model."
        )
    if not any(manifest.evidence for manifest in manifests):
        found.append(NO_TEST)
    return found


def _area(manifest: Manifest) -> str:
    found = manifest.evidence
    return (
        f"{found.area_under_curve:.4f} [{found.area_interval[0]:.4f}, {found.area_interval[1]:.4f}]" if found else "-"
    )


def _kept(manifest: Manifest) -> str:
    return "-" if manifest.evidence is None else ("yes" if manifest.evidence.kept else "NO")


def empty_promise(manifest: Manifest) -> str | None:
    """A warning where a promise is kept by flagging nearly everybody: it is true, and of no use."""
    counts = manifest.point.measured.counts
    flagged = (counts.hits + counts.alarms) / (counts.positives + counts.negatives)
    if flagged <= NEARLY_EVERYBODY:
        return None
    return (
        f"{manifest.study}/{manifest.model}: keeps its promise by flagging {flagged:.1%} of the certification"
        " cases. Ask for less, or give it more to tell people apart by."
    )
