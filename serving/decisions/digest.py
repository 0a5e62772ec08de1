"""Which input a decision was made on: the SHA-256 of a row as the graph takes it."""

from __future__ import annotations

import hashlib

import numpy as np

from models.inputs import Inputs

LITTLE = np.dtype("<f4")


def digests(inputs: Inputs) -> list[str]:
    """The SHA-256 of every row as the graph takes it.

    It covers a line of text, `columns float32 [8]`, and the bytes of the columns; where there is a photograph, also
    `image uint8 [224, 224, 3]` and its bytes. Numbers are little-endian, an empty cell is the quiet NaN 0x7fc00000.
    """
    head = b"columns float32 [%d]\n" % inputs.columns.shape[1]
    if inputs.image is None:
        return [hashlib.sha256(head + row).hexdigest() for row in row_bytes(inputs)]
    middle = f"image uint8 {list(inputs.image.shape[1:])}\n".encode()
    return [
        hashlib.sha256(head + row + middle + photograph.tobytes()).hexdigest()
        for row, photograph in zip(row_bytes(inputs), inputs.image, strict=True)
    ]


def row_bytes(inputs: Inputs) -> list[bytes]:
    """The columns of every row, float32 in little-endian order."""
    rows, width = inputs.columns.shape
    data, step = inputs.columns.astype(LITTLE, copy=False).tobytes(), 4 * width
    return [data[row * step : (row + 1) * step] for row in range(rows)]
