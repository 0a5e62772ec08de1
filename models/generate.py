"""Rows that a schema allows, made by chance, images too: for probes, parity and tests."""

from __future__ import annotations

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.Image import Resampling

from models.image import Image
from models.inputs import Inputs
from models.schema import Schema

EMPTY = 0.1
# Of a generated image: so many blobs a side at most, and noise of so many of 255 steps.
BLOBS, NOISE = 8, 12


def generate(schema: Schema, rows: int, seed: int) -> NDArray[np.float32]:
    """Encoded rows, float32 [rows, columns]; a tenth of the cells that may be empty are.

    Whole-number columns take each value alike, others are uniform over their range, its ends included.
    """
    random = np.random.default_rng(seed)
    low, high = schema.bounds.astype(np.float64)
    uniform = low + (high - low) * random.random((rows, len(low)))
    places = low + np.floor(random.random((rows, len(low))) * (high - low + 1))
    values = np.where(schema.whole, np.minimum(places, high), uniform).astype(np.float32)
    ends = random.random(values.shape)
    values = np.where(ends < 0.01, schema.bounds[0], np.where(ends > 0.99, schema.bounds[1], values))
    empty = (random.random(values.shape) < EMPTY) & schema.may_be_empty
    clipped = np.clip(values, schema.bounds[0], schema.bounds[1])
    return np.where(empty, np.float32(np.nan), clipped).astype(np.float32)


def generate_inputs(schema: Schema, rows: int, seed: int) -> Inputs:
    """Rows as the graph takes them, with an image each where the schema asks for one."""
    image = generate_images(schema.image, rows, seed) if schema.image else None
    return Inputs(generate(schema, rows, seed), image)


def generate_images(image: Image, rows: int, seed: int) -> NDArray[np.uint8]:
    """Coloured blobs with noise, uint8 [rows, height, width, 3], the same bits on every machine.

    Row by row the seed is one higher, so one image can be made again by itself:

    >>> image = Image(name="photograph", height=16, width=16)
    >>> bool((generate_images(image, 3, seed=5)[2] == generate_images(image, 1, seed=7)[0]).all())
    True
    """
    made = [_blobs(image, np.random.default_rng(seed + row)) for row in range(rows)]
    return np.array(made, dtype=np.uint8).reshape(rows, *image.shape)


def _blobs(image: Image, random: np.random.Generator) -> NDArray[np.int64]:
    """One image, in whole numbers throughout; from picture to picture brightness, contrast and grain differ."""
    blobs = int(random.integers(1, BLOBS + 1))
    low, high = np.sort(random.integers(0, 256, size=(2, 3)), axis=0)
    coarse = random.integers(low, high + 1, size=(blobs, blobs, 3), dtype=np.uint8)
    smooth = PIL.Image.fromarray(coarse).resize((image.width, image.height), Resampling.BICUBIC)
    noise = random.integers(-NOISE, NOISE + 1, size=image.shape)
    return np.clip(np.asarray(smooth) + noise, 0, 255)
