"""Photographs for tests: drawn ones, and the real ones where there are any."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest


def fundus(seed: int, *, size: tuple[int, int] = (320, 240), red: int | None = None) -> PIL.Image.Image:
    """A red disc on black with vessels and a bright spot, not in the middle; `red` of 255, drawn by chance if None."""
    random = np.random.default_rng(seed)
    picture = PIL.Image.new("RGB", size)
    draw = PIL.ImageDraw.Draw(picture)
    radius = int(min(size) * random.uniform(0.35, 0.45))
    x, y = (int(random.uniform(radius + 2, side - radius - 2)) for side in size)
    colour = (int(random.integers(60, 240)) if red is None else red, int(random.integers(40, 90)), 30)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    spot = radius // 6
    draw.ellipse((x + radius // 2 - spot, y - spot, x + radius // 2 + spot, y + spot), fill=(250, 230, 170))
    for _ in range(6):
        angles, lengths = random.uniform(0, 2 * np.pi, 3), random.uniform(0, 0.8, 3) * radius
        ends = [(x + int(r * np.cos(a)), y + int(r * np.sin(a))) for a, r in zip(angles, lengths, strict=True)]
        draw.line([(x + radius // 2, y), *ends], fill=(40, 10, 10), width=2)
    return picture


def jpeg(picture: PIL.Image.Image, **options: object) -> bytes:
    return _file(picture, "JPEG", **{"quality": 92, **options})


def png(picture: PIL.Image.Image, **options: object) -> bytes:
    return _file(picture, "PNG", **options)


def _file(picture: PIL.Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def real(count: int) -> list[Path]:
    """The first real photographs of FULCRUM_DATA; without them the test skips itself and says so."""
    folder = Path(os.environ.get("FULCRUM_DATA", "")) / "retina" / "images"
    if not os.environ.get("FULCRUM_DATA") or not folder.is_dir():
        pytest.skip("no photographs: FULCRUM_DATA names no folder with retina/images")
    return sorted(folder.glob("*.jpg"))[:count]
