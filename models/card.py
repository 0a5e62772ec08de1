"""The card of a model: its manifest in words and tables."""

from __future__ import annotations

from collections.abc import Callable

from models.manifest import Evidence, Manifest
from models.operating_point import Measured
from models.schema import Numeric


def card(manifest: Manifest) -> str:
    """The text of `CARD.md`, made from nothing but the manifest."""
    return "\n".join(
        [
            f"# {manifest.study}/{manifest.model}",
            "",
            *([manifest.purpose, ""] if manifest.purpose else []),
            f"Screens for **{manifest.target.name}**: {manifest.target.meaning or 'no further meaning given'}.",
            "An aid to a decision that a clinician takes; not a diagnosis.",
            "",
            *_operating_point(manifest),
            *_evidence(manifest),
            *_probabilities(manifest),
            *_columns(manifest),
            *_origin(manifest),
        ]
    )


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A markdown table and an empty line."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines] + [""]


def _operating_point(manifest: Manifest) -> list[str]:
    point = manifest.point
    return [
        "## Operating point",
        "",
        (f"Promise: **{point.in_words}**. Certified: {', '.join(map(str, point.certificates))} (Clopper-Pearson)."),
        f"Rows with a probability of {point.threshold:.6g} or more are flagged.",
        "",
    ]


def _evidence(manifest: Manifest) -> list[str]:
    columns: dict[str, Measured] = {"certification": manifest.point.measured}
    lines = []
    if manifest.evidence:
        columns["test"] = manifest.evidence.measured
        lines = _verdict(manifest, manifest.evidence)
    figures: dict[str, Callable[[Measured], str]] = {
        "recall": lambda measured: str(measured.recall),
        "specificity": lambda measured: str(measured.specificity),
        "precision": lambda measured: f"{measured.precision} at prevalence {measured.prevalence:.4g}",
        "flagged sick / all sick": lambda measured: f"{measured.counts.hits:,} / {measured.counts.positives:,}",
        "flagged healthy / all healthy": lambda measured: f"{measured.counts.alarms:,} / {measured.counts.negatives:,}",
    }
    rows = [[name, *(figure(measured) for measured in columns.values())] for name, figure in figures.items()]
    return [
        "## Measured",
        "",
        *lines,
        *table(["figure [95 % interval]", *columns], rows),
        *_prevalences(list(columns.values())[-1], list(columns)[-1]),
    ]


def _verdict(manifest: Manifest, evidence: Evidence) -> list[str]:
    low, high = evidence.area_interval
    kept = "kept" if evidence.kept else "**not kept**"
    return [
        (
            f"The promise ({manifest.point.in_words}) was {kept} on the {evidence.part.rows:,} test cases."
            f" Area under the ROC curve: {evidence.area_under_curve:.4f} [{low:.4f}, {high:.4f}]."
        ),
        "",
    ]


def _prevalences(measured: Measured, part: str) -> list[str]:
    """Precision moves with prevalence, so it is never stated for one alone."""
    counts = measured.counts
    own = counts.prevalence
    rows = [[f"{prevalence:.4g}", str(counts.precision_at(prevalence))] for prevalence in (own / 10, own / 2, own)]
    return [
        f"At the same threshold, recall and specificity as in the {part} part, precision where fewer are sick:",
        "",
        *table(["prevalence", "precision [95 % interval]"], rows),
    ]


def _probabilities(manifest: Manifest) -> list[str]:
    made, evidence = manifest.calibration, manifest.evidence
    states = {"after undo, validation": made.undone, "after map, validation": made.fitted}
    if evidence:
        states["test"] = evidence.reliability
    rows = [
        [name, *map(_figure, (state.observed_over_expected, state.slope, state.intercept)), f"{state.brier:.4f}"]
        for name, state in states.items()
        if state
    ]
    return [
        "## Probabilities",
        "",
        (
            f"Stated at prevalence {manifest.prevalence:.4g}. Taken away from every logit: {made.loss_log_ratio:.4f}"
            f" for the loss weights, {made.sampling_log_ratio:.4f} for the sampling; then {made.slope:.4f} x logit"
            f" {'+' if made.intercept >= 0 else '-'} {abs(made.intercept):.4f}, fitted on the validation part."
        ),
        "",
        *table(["cases", "observed / expected", "slope", "intercept", "Brier score"], rows),
    ]


def _figure(number: float | None) -> str:
    return "not measurable" if number is None else f"{number:.3f}"


def _columns(manifest: Manifest) -> list[str]:
    rows = [
        [
            column.name,
            column.meaning,
            column.unit if isinstance(column, Numeric) else "",
            column.rule.removeprefix("should be "),
            "filled in" if column.missing == "impute" else "refused",
        ]
        for column in manifest.columns.columns
    ]
    return ["## Columns", "", *table(["name", "meaning", "unit", "may be", "if empty"], rows)]


def _origin(manifest: Manifest) -> list[str]:
    origin = manifest.provenance
    parts = [[part.name, f"{part.rows:,}", f"{part.positives:,}"] for part in origin.parts]
    return [
        "## Origin",
        "",
        *table(["part", "rows", "positives"], parts),
        *[f"Data: {name}, SHA-256 `{digest}`." for name, digest in origin.data.items()],
        (
            f"Seed {origin.seed}, {origin.epochs} epochs;"
            f" {', '.join(f'{name} {version}' for name, version in origin.versions.items())}."
        ),
        (
            f"Network and file differ by {manifest.parity.largest_difference:.2g} at most in a logit"
            f" ({manifest.parity.rows:,} rows), in no decision."
        ),
        "",
    ]
