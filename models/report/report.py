"""The report of a bundle: all facts as JSON, and as one page for people."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Literal, Self

from jinja2 import Environment, StrictUndefined
from pydantic import Field

from models.bundle import CARD, GRAPH, MANIFEST, Bundle, sha256
from models.facts.facts import Facts
from models.guidelines.every import EVERY_GUIDELINE
from models.guidelines.guideline import Answered, answered
from models.manifest import Digest
from models.report import appendix, declared, drawn, measured
from models.report.page import Plot, Section, manifest_source
from models.report.pulls import pulls
from models.report.weighting import weighting
from models.value import Value

HERE = Path(__file__).parent
HTML, JSON = "report.html", "report.json"
LIMITS = "limits"


class Report(Value):
    """All facts of a bundle, the digests of its files, and what guidelines ask for."""

    format: Literal[1] = 1
    bundle: dict[str, Digest] = Field(description="SHA-256 of each file of the bundle")
    facts: Facts
    guidelines: tuple[Answered, ...]

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """The report of an opened bundle."""
        facts = Facts.of(bundle.manifest)
        return cls(
            bundle={MANIFEST: bundle.digest, GRAPH: sha256(bundle.graph), CARD: sha256(bundle.card.encode())},
            facts=facts,
            guidelines=tuple(answered(guideline, facts) for guideline in EVERY_GUIDELINE),
        )


def write_report(bundle: Bundle, out: Path) -> tuple[Path, Path]:
    """Write `report.html` and `report.json` of a bundle into a folder; the same bundle gives the same bytes."""
    report = Report.of(bundle)
    out.mkdir(parents=True, exist_ok=True)
    page, document = out / HTML, out / JSON
    page.write_bytes(html(report).encode())
    document.write_bytes(f"{report.model_dump_json(indent=1)}\n".encode())
    return page, document


def html(report: Report) -> str:
    """One self-contained page: no script, nothing fetched, and a policy that forbids both."""
    found = sections(report)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((HERE / "template.html").read_text(encoding="utf-8"))
    template.globals["is_plot"] = lambda block: isinstance(block, Plot)
    body = template.render(report=report, facts=report.facts, sections=found)
    styled, classes = _classes(body)
    style = f"{(HERE / 'style.css').read_text(encoding='utf-8')}{classes}"
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # Put in last, and once: text of the bundle could not stand in for them.
    return styled.replace("@POLICY@", f"'sha256-{digest}'", 1).replace("@STYLE@", style, 1)


def sections(report: Report) -> tuple[Section, ...]:
    """The page from top to bottom."""
    facts, manifest = report.facts, manifest_source(report.bundle[MANIFEST])
    found = (
        measured.summary(facts),
        declared.use(facts, manifest),
        declared.background(facts, manifest),
        declared.promise(facts),
        measured.measured(facts),
        drawn.curves(facts),
        drawn.probabilities(facts, manifest),
        drawn.comparison(facts),
        *weighting(facts.comparison, manifest),
        measured.undecided(facts),
        measured.groups(facts),
        declared.inputs(facts, manifest),
        declared.data(facts, manifest),
        declared.making(facts, manifest),
        pulls(facts, manifest),
        declared.change(facts, manifest),
        measured.methods(facts),
        Section(LIMITS, "What is not known", ("This bundle does not tell:",), points=facts.lacking),
    )
    titles = {section.anchor: section.title for section in found}
    return (
        *found,
        appendix.guidelines(report.guidelines, manifest, titles),
        appendix.origins(facts, dict(report.bundle), manifest),
    )


def _classes(body: str) -> tuple[str, str]:
    """Styles of single elements as classes, so that the policy need not allow any that is not known beforehand."""
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        return f'class="{names.setdefault(match[1], f"s{len(names)}")}"'

    body = re.sub(r'style="([^"]*)"', named, body)
    return body, "".join(f".{name}{{{rules}}}\n" for rules, name in names.items())
