"""Does a bundle still say, on this machine, what it said when it was made?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.bundle import Bundle
from models.probes import probe_inputs
from models.scorer import Graph

# Another processor may round the last bits of a probability; a decision it may not change.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, whether it was as it should be, and what was found."""

    name: str
    passed: bool
    found: str


def verify(bundle: Bundle) -> list[Check]:
    """Check an opened bundle, whose files are known to agree, against itself and this machine."""
    return [_files(bundle), _points(bundle), *_probes(bundle)]


def _files(bundle: Bundle) -> Check:
    return Check("files agree", passed=True, found=f"graph, card and manifest, digest {bundle.digest}")


def _points(bundle: Bundle) -> Check:
    """Each point's counts are those of the curve, from which all other figures follow."""
    manifest = bundle.manifest
    wrong = [
        f"points.{place}"
        for place, point in enumerate(manifest.points)
        if point.measured.counts != manifest.curve.at(point.threshold)
        or (point.cleared is not None and point.cleared != manifest.curve.at(point.clear_below))
    ]
    return Check(
        "figures follow from the curve",
        passed=not wrong,
        found=", ".join(wrong) or f"{len(manifest.points)} of {len(manifest.points)}",
    )


def _probes(bundle: Bundle) -> list[Check]:
    probes = bundle.manifest.probes
    if not probes:
        return []
    answers = Graph(bundle.graph).run(probe_inputs(bundle.manifest.columns, probes))
    apart = float(np.abs(answers["probability"] - np.array([probe.probability for probe in probes])).max())
    flipped = int((answers["positive"] != np.array([probe.positive for probe in probes])).sum())
    return [
        Check("probabilities as recorded", passed=apart <= TOLERANCE, found=f"largest difference {apart:.2g}"),
        Check("decisions as recorded", passed=not flipped, found=f"{flipped} of {len(probes)} differ"),
    ]
