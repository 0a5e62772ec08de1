"""A bundle tuned for a site: estimated or certified, written as the next version, and compared with the last."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from models.bundle import Bundle, write_bundle
from models.card import card
from models.contract import Contract
from models.differences import Differences, Elsewhere, Tuned
from models.labelled import SiteRows
from models.next_version import Version
from models.prevalence import PrevalenceEstimate, estimate
from models.retune import with_labels, with_prevalence
from models.scorer import Scorer


def tune(
    bundle: Bundle,
    rows: SiteRows,
    *,
    contract: Contract | None = None,
    prevalence: float | Literal["auto"] | None = None,
    site: str,
    reason: str | None = None,
    out: Path | None,
) -> Tuned:
    """Tune a bundle for a site's rows, and write the next version to the folder `out`, if one is named.

    With labels the rows certify; without, their scores tell the prevalence unless it is named.

    Raises Unreachable, NotIdentified, BadInput or BadBundle as `with_labels`, `with_prevalence` and `estimate` do;
    nothing is then written.
    """
    elsewhere, made = None, None
    if rows.targets is None:
        found = prevalence if isinstance(prevalence, float) else _estimated(bundle, rows)
        elsewhere = Elsewhere.of(bundle, found)
        if out is not None:
            made = with_prevalence(bundle, found, rows=rows, contract=contract, site=site, reason=reason)
    else:
        made = with_labels(bundle, rows, contract=contract, prevalence=prevalence, site=site, reason=reason)
    return _written(bundle, rows, elsewhere, made, out)


def _estimated(bundle: Bundle, rows: SiteRows) -> PrevalenceEstimate:
    return estimate(Scorer(bundle).score(rows.inputs).probability, bundle.manifest.curve, groups=rows.patients)


def _written(
    bundle: Bundle, rows: SiteRows, elsewhere: Elsewhere | None, made: Version | None, out: Path | None
) -> Tuned:
    if made is None or out is None:
        found = elsewhere.prevalence if elsewhere else None
        notes = (found.doubt,) if isinstance(found, PrevalenceEstimate) and not found.trusted else ()
        return Tuned(elsewhere=elsewhere, folder=None, differences=None, notes=notes)
    new = write_bundle(out, model=made.model, manifest=made.manifest, card=card(made.manifest))
    return Tuned(
        elsewhere=elsewhere,
        folder=str(out),
        differences=Differences.between(bundle, new, rows),
        notes=made.notes,
    )
