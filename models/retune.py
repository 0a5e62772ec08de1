"""A bundle's operating point made anew for a site, without training: the next version of the bundle."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.calibration import Reliability
from models.conservative import at_prevalence, conservative, least_to_spare
from models.contract import Contract
from models.curve import Curve
from models.errors import BadBundle, BadInput, Refusal, shown
from models.graph import float32
from models.grouping import subgroups
from models.inputs import Inputs
from models.labelled import SiteRows
from models.likelihood_ratio import NotIdentified
from models.manifest import Manifest, Part
from models.next_version import Cases, Version, chosen, next_version, restated, restated_cases
from models.prevalence import PrevalenceEstimate
from models.scorer import Graph
from models.words import share, share_of


def with_labels(
    bundle: Bundle,
    rows: SiteRows,
    *,
    contract: Contract | None = None,
    prevalence: float | Literal["auto"] | None = None,
    site: str,
    reason: str | None = None,
) -> Version:
    """The next version, certified on labelled rows of a site, with the cases of the version before as guide.

    `contract` is by default the bundle's own, `prevalence` the one that the contract names or else the share of
    the sick among the rows; "auto" is that share for any contract. The calibration stays as it is.

    Raises Unreachable if the rows do not carry the contract, BadInput if contract and prevalence disagree or the
    rows are those the bundle was made of, BadBundle if its history is not whole.
    """
    manifest = _whole(bundle)
    targets = rows.targets
    assert targets is not None
    if rows.digest in manifest.provenance.data.values():
        rule = "should not be a file that the bundle was made of: its cases certify nothing twice"
        raise BadInput([Refusal(rows.file, rule, f"SHA-256 {rows.digest}")])
    own = float(targets.mean(dtype=np.float64))
    wanted = own if prevalence == "auto" else prevalence
    asked = contract or manifest.contract
    if wanted is not None:
        named = asked.prevalence_named
        if contract is not None and named not in {None, wanted}:
            rule = f"should be that of the contract, {named:g}, or be left out"
            raise BadInput([Refusal("--prevalence", rule, f"{wanted:g}")])
        asked = at_prevalence(asked, wanted)
    at = wanted or asked.prevalence_named or own
    answers = Graph(bundle.graph).run(rows.inputs, prevalence=float32(at))["probability"]
    members = {each.column: each.members(manifest.columns, rows.columns, rows.table) for each in manifest.groupings}
    cases = Cases(
        prevalence=at,
        curve=Curve.of(answers, targets, prevalence=at),
        guide=restated(manifest.curve, manifest.prevalence, at),
        groups=subgroups(members, answers, targets, prevalence=at),
    )

    others = tuple(part for part in manifest.provenance.parts if part.name != "certification")
    part = Part(name="certification", rows=len(rows), positives=int(targets.sum()))
    made = next_version(
        bundle,
        (asked, cases, chosen(asked, cases)),
        ask=lambda one: (one if wanted is None else at_prevalence(one, wanted),),
        release=(site, reason or f"certified on {len(rows)} labelled rows of {rows.file}", rows),
        parts=(*others, part),
    )
    said = (*_calibrated(bundle, rows.inputs, targets, own), *_dependent(rows), *made.notes)
    return Version(made.model, made.manifest, said)


def with_prevalence(
    bundle: Bundle,
    found: PrevalenceEstimate | float,
    *,
    rows: SiteRows,
    contract: Contract | None = None,
    site: str,
    reason: str | None = None,
) -> Version:
    """The next version for a site of which no more is known than the prevalence: estimated, or named.

    The bundle's own contract is certified again, on the cases of the version before, at the end of the interval
    at which it asks most; a `contract` by hand at the prevalence it names. Probabilities are stated at that
    prevalence, for which the threshold is certified, and at the estimate where the contract names none.

    Raises Unreachable if the cases do not carry the contract there, NotIdentified if the interval has no such
    end or the people differ by more than their prevalence, BadBundle if the history is not whole.
    """
    manifest = _whole(bundle)
    if isinstance(found, PrevalenceEstimate) and not found.trusted:
        raise NotIdentified(f"prevalence: should be that of people who differ by it alone. {found.doubt}")
    value, low, high = (found, found, found) if isinstance(found, float) else (found.value, found.low, found.high)

    def ask(one: Contract) -> tuple[Contract, ...]:
        return (one,) if one is contract else conservative(one, low, high)

    tried = []
    for each in ask(contract or manifest.contract):
        cases = restated_cases(manifest, each.prevalence_named or value)
        tried.append((each, cases, chosen(each, cases)))
    how = "named" if isinstance(found, float) else "estimated"
    why = reason or f"prevalence {how} for {len(rows)} rows of {rows.file}"
    best = tried[least_to_spare([point for _, _, point in tried])]
    made = next_version(bundle, best, ask=ask, release=(site, why, rows), parts=manifest.provenance.parts)
    notes = []
    if best[1].prevalence != value:
        notes.append(f"Probabilities are stated at {best[1].prevalence:.4g}, for which the contract is certified.")
    if isinstance(found, PrevalenceEstimate) and best[0].prevalence_named is not None and best[0] is not contract:
        both = best[0].confidence + found.confidence - 1
        notes.append(
            f"The certificate takes that prevalence as given. The interval it is the end of holds the true one with"
            f" {found.confidence:.12g}, so both together hold with {both:.12g} at least."
        )
    return Version(made.model, made.manifest, (*notes, *made.notes))


def next_folder(bundle: Bundle, site: str) -> Path:
    """Where the next version goes unless somebody says otherwise: beside the bundle."""
    folder = bundle.folder.resolve()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", site)
    return folder.with_name(f"{folder.name}-{name}-v{bundle.manifest.version + 1}")


def _whole(bundle: Bundle) -> Manifest:
    """The manifest of a bundle whose history tells every version before it.

    Raises BadBundle if one is missing.
    """
    manifest = bundle.manifest
    told = [release.version for release in manifest.history]
    if told != list(range(1, manifest.version)):
        raise BadBundle(
            f"{bundle.folder}: history: should tell every version before version {manifest.version},"
            f" got {', '.join(map(str, told)) or 'none'}."
        )
    return manifest


def _calibrated(bundle: Bundle, rows: Inputs, targets: NDArray[np.float32], own: float) -> tuple[str, ...]:
    """How far the probabilities can be taken at their word at the site, stated at its own share of the sick."""
    found = Reliability.of(Graph(bundle.graph).run(rows, prevalence=float32(own))["logit"], targets)
    slope = "not told by these cases" if found.slope is None else f"{found.slope:.3f}"
    told_here = (
        f"The calibration stays as it was. At the site's own share of sick, {own:.4g}, observed over expected is"
        f" {found.observed_over_expected:.3f} and the slope {slope}; both would best be 1."
    )
    return (told_here,)


def _dependent(rows: SiteRows) -> tuple[str, ...]:
    patients = len(rows) if rows.patients is None else int(rows.patients.max()) + 1
    if patients == len(rows):
        return ()
    return (f"The {len(rows)} rows are of {patients} patients; the certificate takes rows for independent.",)


def told(text: str | None) -> float | Literal["auto"] | None:
    """A prevalence as a person writes it: auto, 0.03 or 3 %.

    Raises BadInput if it is none.

    >>> told("3 %"), told("auto"), told(None)
    (0.03, 'auto', None)
    """
    if text is None or text == "auto":
        return "auto" if text else None
    match = re.fullmatch(share("prevalence"), text.strip())
    found = share_of(match, "prevalence") if match else 0.0
    if not 0 < float32(found) < 1:
        raise BadInput([Refusal("--prevalence", "should be auto, or a share between 0 and 1", shown(text))])
    return found
