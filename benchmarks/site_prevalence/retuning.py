"""A bundle certified again on labelled rows of sites where its scores mean something else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import polars as pl
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from rich.progress import track
from scipy import special, stats

from benchmarks.site_prevalence.people import APART, OWN
from models import graph
from models.bundle import Bundle
from models.calibration import Calibration
from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import Unreachable
from models.labelled import SiteRows
from models.manifest import Manifest, Parity, Provenance, Target
from models.retune import with_labels
from models.schema import Numeric, Schema

CHUNK = 25
BEYOND_CHANCE = 1e-3
# What became of the logits on the way to the site: another device, another way to ask.
SCALE = 0.7
OFFSETS = {"recall": -1.5, "precision": 1.0}
ROWS, SICK = 1_000, 0.15
CONTRACTS: dict[str, Contract] = {
    "recall": Recall(at_least=0.9),
    "precision": Precision(at_least=0.5, prevalence=0.1),
}


def _draw(random: np.random.Generator, rows: int, share: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits as they are where the model was made, and who is sick."""
    sick = random.random(rows) < share
    scores = random.normal(APART * sick, 1)
    return (APART * scores - APART**2 / 2 + special.logit(OWN)).astype(np.float32), sick.astype(np.float32)


@cache
def released(name: str) -> Bundle:
    """A bundle whose only column is its logit, certified where it was made."""
    contract = CONTRACTS[name]
    schema = Schema(columns=(Numeric(name="logit", low=-1000, high=1000),))
    random = np.random.default_rng(0)
    (cases, sick), (others, of_others) = _draw(random, 6_000, OWN), _draw(random, 6_000, OWN)
    curve, guide = (
        Curve.of(special.expit(logits.astype(np.float64)), kinds, prevalence=OWN)
        for logits, kinds in ((cases, sick), (others, of_others))
    )
    point = contract.choose(curve, guide=guide)
    manifest = Manifest(
        study="drawn", model=name, columns=schema, target=Target(name="sick"), prevalence=OWN,
        calibration=Calibration(prevalence=OWN), contract=contract, points=(point,), curve=curve, guide=guide,
        parity=Parity(rows=0, largest_difference=0, tolerance=0), probes=(),
        provenance=Provenance(study={}, data={}, parts=(), epochs=0, seed=0, versions={}),
    )  # fmt: skip
    network = helper.make_model(
        helper.make_graph(
            [helper.make_node("Gather", ["columns", "zero"], ["raw.sick"], axis=1)],
            "logit",
            [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["rows", 1])],
            [helper.make_tensor_value_info("raw.sick", TensorProto.FLOAT, ["rows"])],
            [numpy_helper.from_array(np.array(0, dtype=np.int64), "zero")],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    made: onnx.ModelProto = graph.finish(
        network, schema=schema, target="sick", symptoms=[], calibration=manifest.calibration, prevalence=OWN
    )
    baked = graph.bake(made, threshold=point.threshold)
    return Bundle(Path(name), "0" * 64, manifest, graph.as_bytes(baked), "")


def does(manifest: Manifest, offset: float) -> tuple[float, float]:
    """The shares of the sick and of the healthy that its point truly flags at the site."""
    limit = special.logit(manifest.point.threshold) - special.logit(manifest.prevalence) + special.logit(OWN)
    kinds = (APART**2 / 2, -(APART**2) / 2)
    first, second = (
        float(special.ndtr((SCALE * (middle + special.logit(OWN)) + offset - limit) / (SCALE * APART)))
        for middle in kinds
    )
    return first, second


def figure(name: str, manifest: Manifest) -> float:
    """What a contract is about, as it truly is at the site."""
    caught, alarmed = does(manifest, OFFSETS[name])
    if name == "recall":
        return caught
    assert manifest.contract.prevalence_named is not None
    sick, healthy = manifest.contract.prevalence_named * caught, (1 - manifest.contract.prevalence_named) * alarmed
    return sick / (sick + healthy)


@dataclass(frozen=True)
class Retuned:
    """One contract at all sites: what was truly reached, None where the site's rows did not carry it."""

    name: str
    reached: tuple[float | None, ...]

    @property
    def contract(self) -> Contract:
        return CONTRACTS[self.name]

    @property
    def asked(self) -> float:
        return self.contract.promises[0].bound

    @property
    def before(self) -> float:
        """What the released point truly does at the site."""
        return figure(self.name, released(self.name).manifest)

    @property
    def certified(self) -> list[float]:
        return [one for one in self.reached if one is not None]

    @property
    def broken(self) -> int:
        return sum(one < self.asked for one in self.certified)

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share of sites with a broken promise (Clopper-Pearson, 95 %)."""
        found = stats.binomtest(self.broken, len(self.reached)).proportion_ci(method="exact")
        return float(found.low), float(found.high)

    @property
    def sound(self) -> bool:
        """Whether the promise was not broken more often than allowed, chance set aside."""
        risk = 1 - self.contract.confidence
        tested = stats.binomtest(self.broken, len(self.reached), risk, alternative="greater")
        return bool(tested.pvalue >= BEYOND_CHANCE)


def repeat(name: str, seeds: Sequence[np.random.SeedSequence]) -> list[float | None]:
    """Tune for one site a seed."""
    return [_once(name, np.random.default_rng(seed), str(seed.spawn_key)) for seed in seeds]


def _once(name: str, random: np.random.Generator, file: str) -> float | None:
    logits, sick = _draw(random, ROWS, SICK)
    columns = (SCALE * logits + OFFSETS[name])[:, None].astype(np.float32)
    rows = SiteRows(file, "1" * 64, columns, sick, None, pl.DataFrame())
    try:
        made = with_labels(released(name), rows, site="drawn")
    except Unreachable:
        return None
    return figure(name, made.manifest)


def run(repeats: int, seed: int) -> list[Retuned]:
    """Each contract at so many sites, shared among the processors."""
    found = []
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        for place, name in enumerate(CONTRACTS):
            seeds = np.random.SeedSequence([seed, 1_000 + place]).spawn(repeats)
            chunks = [seeds[start : start + CHUNK] for start in range(0, repeats, CHUNK)]
            done = pool.map(repeat, [name] * len(chunks), chunks)
            reached = [one for chunk in track(done, f"sites, labelled: {name}", len(chunks)) for one in chunk]
            found.append(Retuned(name, tuple(reached)))
    return found
