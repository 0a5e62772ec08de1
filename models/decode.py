"""A photograph as it comes from a camera -> the pixels a network takes. One recipe for training, service and files."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.ExifTags import Base
from PIL.Image import Resampling, Transpose
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from models import unpack
from models.bad_dicom import BadDicom
from models.dicom import Header, is_dicom
from models.disc import cut_to_disc

if TYPE_CHECKING:
    from models.image import Image

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


def pixels(asked: Image, data: bytes) -> NDArray[np.uint8]:
    """A file's content -> uint8 [height, width, 3], the same bits wherever it is asked.

    Raises BadPhotograph, a ValueError, saying the rule and what was got.
    """
    rgb = _rgb(_decoded(asked, data))
    if asked.crop == "disc":
        rgb = cut_to_disc(rgb, bad=asked.bad)
    return np.array(rgb.resize((asked.width, asked.height), Resampling.BILINEAR), dtype=np.uint8)


def _decoded(asked: Image, data: bytes) -> PIL.Image.Image:
    """The picture, upright; no pixel is unpacked before its size is known and allowed."""
    if not data:
        raise asked.bad("an empty file")
    if len(data) > asked.most_bytes:
        raise asked.bad(f"{len(data):,} bytes")
    reader = next((reader for begin, reader in READERS.items() if data.startswith(begin)), None)
    if reader is None and is_dicom(data):
        return _of_dicom(asked, data)
    if reader is None:
        raise asked.bad("a file of another kind")
    try:
        picture = reader(io.BytesIO(data))
        size = picture.size
    except Exception as error:  # noqa: BLE001  # a decoder may trip over damaged bytes in any way
        raise asked.bad(f"a damaged or truncated one ({_short(error)})") from None
    _check_size(asked, *size)
    try:
        picture.load()
        return _upright(picture)
    except Exception as error:  # noqa: BLE001  # as above
        raise asked.bad(f"a damaged or truncated one ({_short(error)})") from None


def _of_dicom(asked: Image, data: bytes) -> PIL.Image.Image:
    try:
        header = Header.read(data)
        _check_size(asked, header.columns, header.rows)
        return unpack.picture(header)
    except BadDicom as error:
        raise asked.bad(str(error)) from None


def _check_size(asked: Image, width: int, height: int) -> None:
    if width * height > asked.most_pixels or min(width, height) < asked.least_side:
        raise asked.bad(f"{width} x {height} pixels")


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
