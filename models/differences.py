"""What is different between two versions of a bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from pydantic import Field

from models.bundle import Bundle
from models.curve import Count, Curve
from models.figures import Figures
from models.labelled import SiteRows
from models.manifest import Digest
from models.operating_point import Measured
from models.prevalence import PrevalenceEstimate
from models.scorer import Scorer
from models.turn import Setting
from models.value import Value


class Side(Value):
    """One version: where it works, what it promises, and what was measured on its certification cases."""

    version: int
    bundle: Digest
    threshold: float
    clear_below: float
    prevalence: float
    contract: str
    promised: str
    certified: tuple[str, ...]
    points: tuple[str, ...] = Field(description="names of all points, the default first")
    positives: Count = Field(description="certification cases")
    negatives: Count
    figures: Figures

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """What a bundle says of itself."""
        manifest, point = bundle.manifest, bundle.manifest.point
        return cls(
            version=manifest.version,
            bundle=bundle.digest,
            threshold=point.threshold,
            clear_below=point.clear_below,
            prevalence=manifest.prevalence,
            contract=str(manifest.contract),
            promised=point.in_words,
            certified=tuple(map(str, point.certificates)),
            points=tuple(each.name for each in manifest.points),
            positives=manifest.curve.positive_count,
            negatives=manifest.curve.negative_count,
            figures=Scorer(bundle).turn().figures,
        )


class Differences(Value):
    """Two versions of a bundle beside each other, and what the change means for the rows of a site."""

    old: Side
    new: Side
    rows: Count = Field(description="of the site")
    changed: Count = Field(description="rows whose answer is another")
    old_here: Measured | None = Field(description="the old point on the labelled rows; None without labels")
    new_here: Measured | None = Field(description="the new one on the same rows, on which it was chosen")

    @classmethod
    def between(cls, old: Bundle, new: Bundle, site: SiteRows) -> Self:
        """Compare two versions, and their answers to the rows of a site, each at its own default."""
        before, after = (Scorer(bundle).score(site.inputs) for bundle in (old, new))
        changed = (before.positive != after.positive) | (before.negative != after.negative)
        here: list[Measured | None] = [None, None]
        if site.targets is not None:
            # Of decisions, so that both are on one scale.
            here = [
                Measured.of(Curve.of(scores.positive, site.targets), 1.0, prevalence=new.manifest.prevalence)
                for scores in (before, after)
            ]
        return cls(
            old=Side.of(old),
            new=Side.of(new),
            rows=len(site),
            changed=int(changed.sum()),
            old_here=here[0],
            new_here=here[1],
        )

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """What is compared, as the old version has it, and as the new one has it."""
        lines = [(name, told(self.old), told(self.new)) for name, told in TOLD.items()]
        if self.old_here and self.new_here:
            for name in ("recall", "specificity", "precision"):
                old, new = (str(getattr(measured, name)) for measured in (self.old_here, self.new_here))
                lines.append((f"{name}, site's rows", old, new))
        return lines


def _figure(name: str) -> Callable[[Side], str]:
    return lambda side: str(getattr(side.figures, name))


TOLD: dict[str, Callable[[Side], str]] = {
    "version": lambda side: f"{side.version}",
    "threshold": lambda side: f"{side.threshold:.6g}",
    "clear below": lambda side: f"{side.clear_below:.6g}",
    "prevalence": lambda side: f"{side.prevalence:.6g}",
    "contract": lambda side: side.contract,
    "promise": lambda side: side.promised,
    "certified": lambda side: "; ".join(side.certified),
    "points": lambda side: ", ".join(side.points),
    "cases": lambda side: f"{side.positives:,} positives, {side.negatives:,} negatives",
    **{name: _figure(name) for name in ("recall", "specificity", "precision", "npv", "flagged")},
    "bundle": lambda side: side.bundle,
}


class Elsewhere(Value):
    """What the released point of a bundle does where the prevalence is another."""

    prevalence: PrevalenceEstimate | float = Field(description="estimated, or named")
    threshold: float = Field(description="at the prevalence itself; of a recall it moves along")
    figures: tuple[Figures, ...] = Field(
        description="at the prevalence, and at the ends of its interval inside 0 and 1"
    )

    @classmethod
    def of(cls, bundle: Bundle, prevalence: PrevalenceEstimate | float) -> Self:
        """What the released point does there, measured on its certification cases."""
        shares = [prevalence] if isinstance(prevalence, float) else [prevalence.value, prevalence.low, prevalence.high]
        turned = [Scorer(bundle).turn(Setting(prevalence=share)) for share in shares if 0 < share < 1]
        return cls(prevalence=prevalence, threshold=turned[0].threshold, figures=tuple(each.figures for each in turned))


class Tuned(Value):
    """What came out of tuning a bundle for a site."""

    elsewhere: Elsewhere | None = Field(description="what the released point does there; None with labels")
    folder: str | None = Field(description="of the new version; None if none was asked for")
    differences: Differences | None = Field(description="old and new version; None without a new one")
    notes: tuple[str, ...]
