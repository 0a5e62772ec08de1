"""A few generated rows with the answers of a file, by which any machine can check that it answers alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.errors import BadBundle
from models.generate import generate_images, generate_inputs
from models.inputs import Inputs
from models.manifest import Probe
from models.schema import Schema
from models.scorer import Graph


def make_probes(runtime: Graph, schema: Schema, rows: int, seed: int) -> tuple[Probe, ...]:
    """So many rows, generated from a seed, with the answers of a finished graph.

    Of an image only the seed is kept.
    """
    made = generate_inputs(schema, rows, seed)
    answers = runtime.run(made)
    answered = zip(made.columns, answers["probability"], answers["positive"], strict=True)
    return tuple(
        Probe(
            columns=tuple(None if np.isnan(cell) else float(cell) for cell in cells),
            probability=float(probability),
            positive=bool(positive),
            image_seed=None if schema.image is None else seed + row,
        )
        for row, (cells, probability, positive) in enumerate(answered)
    )


def probe_inputs(schema: Schema, probes: Sequence[Probe]) -> Inputs:
    """The rows of probes as the graph takes them, their images generated again.

    Raises BadBundle if the seed of an image is missing.
    """
    columns = np.array([probe.columns for probe in probes], dtype=np.float32)
    if schema.image is None:
        return Inputs(columns)
    seeds = [probe.image_seed for probe in probes if probe.image_seed is not None]
    if len(seeds) < len(probes):
        raise BadBundle(f"Every probe of a model with an image should have an image_seed, got {len(seeds)}.")
    return Inputs(columns, np.concatenate([generate_images(schema.image, 1, seed) for seed in seeds]))
