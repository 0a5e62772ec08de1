"""A photograph as it comes from a camera -> the pixels a network takes. One recipe for training, service and files."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.ExifTags import Base
from PIL.Image import Resampling, Transpose
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from pydantic import Field

from models import unpack
from models.bad_dicom import BadDicom
from models.dicom import Header, is_dicom
from models.disc import cut_to_disc
from models.value import Value

# What such a file begins with, and what reads it. Pillow's own `open` would warn of a large picture by itself, and
# take a JPEG that holds several for another format.
READERS: Mapping[bytes, Callable[[io.BytesIO], PIL.Image.Image]] = {
    b"\xff\xd8\xff": JpegImageFile,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
}
# How EXIF says that a camera was held, and what puts the picture upright.
UPRIGHT: Mapping[int, Transpose] = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


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
        rgb = _rgb(self._decoded(data))
        if self.crop == "disc":
            rgb = cut_to_disc(rgb, bad=self.bad)
        return np.array(rgb.resize((self.width, self.height), Resampling.BILINEAR), dtype=np.uint8)

    def bad(self, got: str) -> BadPhotograph:
        """The refusal of a file that is `got` instead."""
        return BadPhotograph(self.rule, got)

    def _decoded(self, data: bytes) -> PIL.Image.Image:
        """The picture, upright; no pixel is unpacked before its size is known and allowed."""
        if not data:
            raise self.bad("an empty file")
        if len(data) > self.most_bytes:
            raise self.bad(f"{len(data):,} bytes")
        reader = next((reader for begin, reader in READERS.items() if data.startswith(begin)), None)
        if reader is None and is_dicom(data):
            return self._of_dicom(data)
        if reader is None:
            raise self.bad("a file of another kind")
        try:
            picture = reader(io.BytesIO(data))
            size = picture.size
        except Exception as error:  # noqa: BLE001  # a decoder may trip over damaged bytes in any way
            raise self.bad(f"a damaged or truncated one ({_short(error)})") from None
        self._check_size(*size)
        try:
            picture.load()
            return _upright(picture)
        except Exception as error:  # noqa: BLE001  # as above
            raise self.bad(f"a damaged or truncated one ({_short(error)})") from None

    def _of_dicom(self, data: bytes) -> PIL.Image.Image:
        try:
            header = Header.read(data)
            self._check_size(header.columns, header.rows)
            return unpack.picture(header)
        except BadDicom as error:
            raise self.bad(str(error)) from None

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self.most_pixels or min(width, height) < self.least_side:
            raise self.bad(f"{width} x {height} pixels")


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    turn = UPRIGHT.get(picture.getexif().get(Base.Orientation, 1))
    return picture if turn is None else picture.transpose(turn)


def _rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    if picture.mode.startswith("I"):
        # Pillow would cut such greys off at 255; colours of 16 bits it halves itself, as is done here.
        grey = np.asarray(picture).astype(np.int64) >> 8
        return PIL.Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if picture.mode in {"P", "PA"}:
        picture = picture.convert("RGBA")
    return picture.convert("RGB")


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0][:60]
