"""A photograph as somebody sends it (bytes, a file, base64 text) -> its pixels."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import shown
from models.image import Image


def pixels(image: Image, cell: object) -> NDArray[np.uint8]:
    """A cell of a row -> uint8 [height, width, 3]: bytes are a file's content, text is that in base64.

    Raises BadPhotograph saying the rule and what was got.
    """
    match cell:
        case bytes():
            return image.array(cell)
        case Path():
            return image.array(_read(image, cell))
        case str():
            return image.array(_decoded(image, cell))
        case _:
            raise image.bad(shown(cell))


def _read(image: Image, path: Path) -> bytes:
    if "\0" in str(path):
        raise image.bad(f"{shown(str(path))}, which is no name of a file")
    try:
        if path.exists() and not path.is_file():
            raise image.bad(f"{path}, which is no file")
        # Not read before it is known to be no larger than allowed.
        size = path.stat().st_size
        if size > image.most_bytes:
            raise image.bad(f"{size:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise image.bad(f"{path}, which can not be read ({error.strerror or error})") from None


def _decoded(image: Image, text: str) -> bytes:
    if len(text) // 4 * 3 - 2 > image.most_bytes:
        raise image.bad(f"{len(text):,} characters of base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise image.bad(f"{shown(text[:40])}, which is no base64") from None
