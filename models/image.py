"""Which photographs a model takes, and how one becomes the pixels of its network."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.value import Value


class BadPhotograph(ValueError):
    """Send another file: `got` says what this one is instead of a photograph of the kind that `rule` asks for."""

    def __init__(self, rule: str, got: str) -> None:
        self.rule, self.got = rule, got
        super().__init__(f"A photograph {rule}, got {got}.")


class Image(Value):
    """The photograph of a row, and how it becomes the pixels a network takes.

    It is decoded, put upright as EXIF says (DICOM stays as it is stored), made RGB (transparency and colour profiles
    are left out, of 16 bits the upper 8 are kept unless DICOM names a window), cropped, and stretched to `height` x
    `width`, smoothed where it shrinks (Pillow's bilinear filter, whole-number arithmetic). Scaling of the values is
    part of the graph.

    >>> Image(name="photograph", height=224, width=224).rule
    'should be a JPEG, PNG or DICOM photograph of at most 5,000,000 bytes and 40,000,000 pixels,
    at least 64 on each side'
    """

    name: str = Field(min_length=1, description="as in the table and in a request")
    meaning: str = Field("", description="what it shows of a person, in words")
    height: int = Field(ge=8, le=4096, description="rows of pixels the network takes")
    width: int = Field(ge=8, le=4096, description="columns of pixels the network takes")
    crop: Literal["none", "disc"] = Field(
        "none", description="disc: cut to the square around the bright disc of a fundus photograph"
    )
    most_bytes: int = Field(5_000_000, ge=1, description="of a file; as base64 it then fits a request of 8 MB")
    most_pixels: int = Field(40_000_000, ge=1, description="of a picture, told from its first bytes")
    least_side: int = Field(64, ge=1, description="pixels that height and width of a picture have at least")

    @property
    def rule(self) -> str:
        """What a file must be, as it stands in a refusal."""
        return (
            f"should be a JPEG, PNG or DICOM photograph of at most {self.most_bytes:,} bytes and {self.most_pixels:,}"
            f" pixels, at least {self.least_side} on each side"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the pixels: height, width and the three colours."""
        return self.height, self.width, 3

    def array(self, data: bytes) -> NDArray[np.uint8]:
        """A file's content -> uint8 [height, width, 3], the same bits wherever it is asked.

        Raises BadPhotograph, a ValueError, saying the rule and what was got.
        """
        from models.decode import pixels  # noqa: PLC0415  # models of tables do without

        return pixels(self, data)

    def bad(self, got: str) -> BadPhotograph:
        """The refusal of a file that is `got` instead."""
        return BadPhotograph(self.rule, got)
