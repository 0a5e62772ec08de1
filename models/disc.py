"""Where on a photograph the fundus is: a bright disc on black."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import PIL.Image

# A pixel is bright if one of its colours is above this, of 255: black of a camera, packed as JPEG, stays below.
DARK = 16
# The disc is looked for on a picture of about this many pixels a side.
LOOKED_AT = 512
# A disc is at least this share of the shorter side; anything smaller is a reflection or a date that was printed in.
LEAST = 0.25
# A square as large as the picture up to this share is the picture: it was cropped before.
SAME = 0.02


def cut_to_disc(picture: PIL.Image.Image, *, bad: Callable[[str], ValueError] = ValueError) -> PIL.Image.Image:
    """An RGB picture cut to the square around the largest bright part, black where the square reaches beyond it.

    A picture that was cut before comes out as it is, and one that is bright to its edges is only made square.

    Raises `bad` with what was got if no part is bright, or only a small one.

    >>> picture = PIL.Image.new("RGB", (300, 200))
    >>> picture.paste((180, 90, 40), (120, 30, 220, 130))
    >>> cut_to_disc(picture).size
    (100, 100)
    """
    left, top, right, bottom = _box(picture, bad)
    side = max(right - left, bottom - top)
    left, top = left - (side - (right - left)) // 2, top - (side - (bottom - top)) // 2
    edges = (left, top, picture.width - left - side, picture.height - top - side)
    if max(map(abs, edges)) <= SAME * side:
        return picture
    return picture.crop((left, top, left + side, top + side))


def _box(picture: PIL.Image.Image, bad: Callable[[str], ValueError]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the largest bright part, in pixels."""
    from scipy import ndimage  # noqa: PLC0415  # a sixth of the start of a service, most of which see no photograph

    step = max(1, min(picture.size) // LOOKED_AT)
    small = np.asarray(picture.reduce(step))
    parts, count = ndimage.label(small.max(axis=2) > DARK)
    if not count:
        raise bad("one that is dark all over")
    largest = int(np.bincount(parts.ravel())[1:].argmax())
    rows, columns = ndimage.find_objects(parts)[largest]
    left, top = columns.start * step, rows.start * step
    right, bottom = min(columns.stop * step, picture.width), min(rows.stop * step, picture.height)
    if max(right - left, bottom - top) < LEAST * min(picture.size):
        raise bad(f"one with a bright part of only {right - left} x {bottom - top} pixels")
    return left, top, right, bottom
