"""The pixels of a DICOM file -> its picture, as it is stored."""

from __future__ import annotations

import io
import struct
from copy import copy
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from models.bad_dicom import BadDicom, named
from models.dicom import BIG_ENDIAN, DELIMITER, IMPLICIT, ITEM, JPEG, MOST_ITEMS, RLE, Header
from models.shades import Greys


def picture(header: Header) -> PIL.Image.Image:
    """The pixels of a file, unpacked, as they are stored: mode L or RGB; nothing turns them.

    Raises BadDicom saying what was got.
    """
    with named():
        return _picture(header)


def _picture(header: Header) -> PIL.Image.Image:
    shades = Greys.of(header.found, header.stored, signed=header.signed).table() if header.samples == 1 else None
    if header.syntax == JPEG:
        opened = _jpeg(header)
        return opened if shades is None else PIL.Image.fromarray(shades[np.asarray(opened)])
    pixels = _pixels(header)
    if shades is not None:
        return PIL.Image.fromarray(shades[pixels])
    upper = pixels if header.allocated == 8 else (pixels >> (header.stored - 8)).astype(np.uint8)
    # Pillow's YCbCr is that of the standard (PS3.3, C.7.6.3.1.2), in whole numbers.
    mode = "RGB" if header.kind == "RGB" else "YCbCr"
    return PIL.Image.frombytes(mode, (header.columns, header.rows), upper.tobytes()).convert("RGB")


def _frame(header: Header) -> bytes:
    """The one frame of encapsulated pixels, of however many fragments.

    Source: DICOM PS3.5, annex A.4.
    """
    fragments: list[bytes] = []
    place = 8
    while header.rest[place : place + 4] == ITEM and len(fragments) <= MOST_ITEMS:
        begin, size = place + 8, int.from_bytes(header.rest[place + 4 : place + 8], "little")
        place = begin + size
        fragments.append(header.rest[begin:place])
    if header.rest[place : place + 4] != DELIMITER:
        raise BadDicom("a truncated DICOM file, or one of too many fragments")
    # The first is a table of where the frames begin.
    return b"".join(fragments[1:])


def _jpeg(header: Header) -> PIL.Image.Image:
    """A JPEG in its wrapping is decoded as one without, so that it gets the same bits."""
    opened = JpegImageFile(io.BytesIO(_frame(header)))
    wanted = "L" if header.samples == 1 else "RGB"
    if opened.size != (header.columns, header.rows) or opened.mode != wanted or header.stored != 8:
        raise BadDicom("a DICOM file that says another size or depth than the JPEG in it")
    told = opened.info.keys() & {"jfif", "adobe_transform"} or [part[0] for part in opened.layer] == list(b"RGB")
    if header.kind == "RGB" and not told:
        # Nothing in the JPEG says so, and it would be taken for YCbCr: its samples are taken as they are.
        opened.draft("YCbCr", opened.size)
        return PIL.Image.frombytes("RGB", opened.size, opened.tobytes())
    opened.load()
    return opened


def _pixels(header: Header) -> NDArray[Any]:
    """The stored samples, uint8 or uint16, without a sign: [rows, columns] or [rows, columns, 3]."""
    bare: NDArray[Any] = _runs(header) if header.syntax == RLE else _plain(header)
    # Bits beyond those that are stored once held overlays.
    return bare if header.stored == header.allocated else bare & bare.dtype.type((1 << header.stored) - 1)


def _plain(header: Header) -> NDArray[Any]:
    from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415  # loaded when the first such file comes

    # Behind the tag come what kind of value it is, two bytes for nothing, and its length; or that alone.
    begin = 4 if header.syntax == IMPLICIT else 8
    size = int.from_bytes(header.rest[begin - 4 : begin], "big" if header.syntax == BIG_ENDIAN else "little")
    values = header.rest[begin : begin + size]
    share = 2 if header.kind == "YBR_FULL_422" else header.samples
    wanted = header.rows * header.columns * share * header.allocated // 8
    if len(values) != wanted + wanted % 2:
        raise BadDicom(f"a DICOM file with {len(values):,} bytes of pixels in place of {wanted:,}")
    found, words = copy(header.found), header.rest[:2] == b"OW" or header.syntax == IMPLICIT
    found.add_new("PixelData", "OW" if words else "OB", values)
    pixels, _ = get_decoder(header.syntax).as_array(found, index=0, raw=True)
    own = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
    return own.view(f"u{header.allocated // 8}")


def _runs(header: Header) -> NDArray[Any]:
    """Runs, unpacked: a segment a byte of a sample, the highest first.

    They are what Pillow knows from TIFF, which unpacks no more than asked for; pydicom, written in Python, took
    seven seconds for 5 MB of short ones.

    Source: DICOM PS3.5, annex G.
    """
    frame, count, deep = _frame(header), header.rows * header.columns, header.allocated // 8
    segments, *offsets = struct.unpack("<16L", frame[:64])
    if segments != header.samples * deep:
        raise BadDicom(f"a DICOM file with {segments} segments of pixels in place of {header.samples * deep}")
    ends = [*offsets[1:segments], len(frame)]
    samples = np.empty((count, header.samples, deep), np.uint8)
    for place, (begin, end) in enumerate(zip(offsets[:segments], ends, strict=True)):
        # No sample takes more than two bytes.
        if end - begin > 2 * count + 2:
            raise BadDicom("a DICOM file that unpacks to more pixels than it says")
        plane = PIL.Image.frombytes("L", (count, 1), frame[begin:end], "packbits", "L")
        samples[:, place // deep, deep - 1 - place % deep] = np.frombuffer(plane.tobytes(), np.uint8)
    shape = (header.rows, header.columns, header.samples)[: 2 if header.samples == 1 else 3]
    return np.ascontiguousarray(samples.view(f"<u{deep}").reshape(shape), f"u{deep}")
