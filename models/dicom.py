"""A DICOM file -> its one picture, as it is stored. Nothing of it but what the pixels need is looked at."""

from __future__ import annotations

import io
import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from models.shades import BadDicom, Greys

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

# A file begins with 128 bytes that mean nothing, and these.
PREAMBLE, MAGIC = 128, b"DICM"
# What the pixels need: neither names nor numbers of a patient are among these, and other elements are passed over.
ELEMENTS = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "ModalityLUTSequence",
    "RescaleIntercept",
    "RescaleSlope",
    "VOILUTSequence",
    "VOILUTFunction",
    "WindowCenter",
    "WindowWidth",
)
# To read 5 MB of the smallest sequences there are took two minutes; the header of a camera has some kilobytes.
MOST_HEADER, MOST_ITEMS = 1 << 18, 1000
# How the element of the pixels begins, where the lower byte comes first and where it comes last.
PIXELS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
ITEM, TURNED_ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00", b"\xfe\xff\xdd\xe0"
IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
JPEG, RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"
PLAIN = (IMPLICIT, EXPLICIT, BIG_ENDIAN)
GREY, COLOURS = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "YBR_FULL", "YBR_FULL_422")


def is_dicom(data: bytes) -> bool:
    """Whether a file begins as DICOM does."""
    return data[PREAMBLE : PREAMBLE + len(MAGIC)] == MAGIC


@contextmanager
def _named() -> Iterator[None]:
    """Whatever goes wrong is BadDicom, and none of pydicom's words are in it: they quote the file."""
    _hush()
    try:
        yield
    except BadDicom:
        raise
    except Exception:  # noqa: BLE001  # a decoder may trip over damaged bytes in any way
        raise BadDicom("a damaged or truncated DICOM file") from None


def _hush() -> None:
    """Keep pydicom silent: it warns of what it meets, and logs it, with the values, which may be a patient's.

    This holds for the whole process: warnings can not be kept back for one thread alone.
    """
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


def _read(data: bytes) -> tuple[FileDataset, bytes]:
    """The elements that the pixels need, and what follows them from the pixels on: no more is looked at.

    Raises BadDicom if the file is not of a kind that is read.
    """
    from pydicom import dcmread  # noqa: PLC0415  # loaded when the first such file comes: half a second
    from pydicom.filereader import read_dataset  # noqa: PLC0415  # the same
    from pydicom.uid import UID  # noqa: PLC0415  # the same

    head = data[:MOST_HEADER]
    if max(head.count(ITEM), head.count(TURNED_ITEM)) > MOST_ITEMS:
        raise BadDicom(f"a DICOM file of more than {MOST_ITEMS:,} items")
    file = io.BytesIO(head)
    file.seek(PREAMBLE + len(MAGIC))
    meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, *_: tag.group != 2)
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if syntax not in {*PLAIN, JPEG, RLE}:
        # Before the rest is read: of a deflated file that would already unpack it, to any size.
        named = UID(syntax).name
        # An unknown one is its own name, and might be anything.
        raise BadDicom(f"a DICOM file in {'an unknown transfer syntax' if named == syntax else named}")
    file.seek(0)
    found = dcmread(file, specific_tags=list(ELEMENTS), stop_before_pixels=True)
    tag, rest = PIXELS[syntax == BIG_ENDIAN], data[file.tell() :]
    if not rest.startswith(tag):
        raise BadDicom(f"a DICOM file without pixels after at most {MOST_HEADER:,} bytes, or a truncated one")
    return found, rest[len(tag) :]


@dataclass(frozen=True)
class Header:
    """What a DICOM file says of its pixels, which are not unpacked yet: `rest` begins behind their tag."""

    found: FileDataset
    rest: bytes
    syntax: str
    rows: int
    columns: int
    samples: int
    kind: str
    allocated: int
    stored: int
    signed: bool

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The header of a file, of which no pixel is unpacked.

        Raises BadDicom saying what was got.
        """
        with _named():
            return cls._of(*_read(data))

    @classmethod
    def _of(cls, found: FileDataset, rest: bytes) -> Self:
        def whole(name: str) -> int:
            value = found.get(name)
            if not isinstance(value, int):
                raise BadDicom(f"a DICOM file without {name} that can be read")
            return int(value)

        kind = found.get("PhotometricInterpretation")
        kinds = {1: GREY, 3: COLOURS}.get(samples := whole("SamplesPerPixel"), ())
        if kind not in kinds:
            raise BadDicom(f"a DICOM file whose {samples} samples a pixel are none of {', '.join((*GREY, *COLOURS))}")
        # An empty value is as good as none.
        if found.get("NumberOfFrames") is not None and whole("NumberOfFrames") != 1:
            raise BadDicom("a DICOM file of several frames")
        header = cls(
            found,
            rest,
            str(found.file_meta.TransferSyntaxUID),
            rows=whole("Rows"),
            columns=whole("Columns"),
            samples=samples,
            kind=str(kind),
            allocated=whole("BitsAllocated"),
            stored=whole("BitsStored"),
            signed=whole("PixelRepresentation") != 0,
        )
        if not 8 <= header.stored <= header.allocated or header.allocated not in {8, 16}:
            raise BadDicom(f"a DICOM file with {header.stored} of {header.allocated} bits a sample")
        if found.get("HighBit") is not None and whole("HighBit") != header.stored - 1:
            raise BadDicom("a DICOM file whose samples do not begin at the lowest bit")
        if header.signed and samples == 3:
            raise BadDicom("a DICOM file whose colours may be negative")
        return header

    def picture(self) -> PIL.Image.Image:
        """The pixels, unpacked, as they are stored: mode L or RGB; nothing turns them.

        Raises BadDicom saying what was got.
        """
        with _named():
            return self._picture()

    def _picture(self) -> PIL.Image.Image:
        shades = Greys.of(self.found, self.stored, signed=self.signed).table() if self.samples == 1 else None
        if self.syntax == JPEG:
            opened = self._jpeg()
            return opened if shades is None else PIL.Image.fromarray(shades[np.asarray(opened)])
        pixels = self._pixels()
        if shades is not None:
            return PIL.Image.fromarray(shades[pixels])
        upper = pixels if self.allocated == 8 else (pixels >> (self.stored - 8)).astype(np.uint8)
        # Pillow's is the transformation of the standard (PS3.3, C.7.6.3.1.2), in whole numbers.
        return PIL.Image.frombytes("RGB" if self.kind == "RGB" else "YCbCr", self._size, upper.tobytes()).convert("RGB")

    @property
    def _size(self) -> tuple[int, int]:
        return self.columns, self.rows

    def _frame(self) -> bytes:
        """The one frame of encapsulated pixels, of however many fragments.

        Source: DICOM PS3.5, annex A.4.
        """
        fragments: list[bytes] = []
        place = 8
        while self.rest[place : place + 4] == ITEM and len(fragments) <= MOST_ITEMS:
            begin, size = place + 8, int.from_bytes(self.rest[place + 4 : place + 8], "little")
            place = begin + size
            fragments.append(self.rest[begin:place])
        if self.rest[place : place + 4] != DELIMITER:
            raise BadDicom("a truncated DICOM file, or one of too many fragments")
        # The first is a table of where the frames begin.
        return b"".join(fragments[1:])

    def _jpeg(self) -> PIL.Image.Image:
        """A JPEG in its wrapping is decoded as one without, so that it gets the same bits."""
        opened = JpegImageFile(io.BytesIO(self._frame()))
        wanted = "L" if self.samples == 1 else "RGB"
        if opened.size != self._size or opened.mode != wanted or self.stored != 8:
            raise BadDicom("a DICOM file that says another size or depth than the JPEG in it")
        told = opened.info.keys() & {"jfif", "adobe_transform"} or [part[0] for part in opened.layer] == list(b"RGB")
        if self.kind == "RGB" and not told:
            # Nothing in the JPEG says so, and it would be taken for YCbCr: its samples are taken as they are.
            opened.draft("YCbCr", opened.size)
            return PIL.Image.frombytes("RGB", opened.size, opened.tobytes())
        opened.load()
        return opened

    def _pixels(self) -> NDArray[Any]:
        """The stored samples, uint8 or uint16, without a sign: [rows, columns] or [rows, columns, 3]."""
        bare: NDArray[Any] = self._runs() if self.syntax == RLE else self._plain()
        # Bits beyond those that are stored once held overlays.
        return bare if self.stored == self.allocated else bare & bare.dtype.type((1 << self.stored) - 1)

    def _plain(self) -> NDArray[Any]:
        from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415  # as above

        # Behind the tag come what kind of value it is, two bytes for nothing, and its length; or that alone.
        begin = 4 if self.syntax == IMPLICIT else 8
        size = int.from_bytes(self.rest[begin - 4 : begin], "big" if self.syntax == BIG_ENDIAN else "little")
        values = self.rest[begin : begin + size]
        share = 2 if self.kind == "YBR_FULL_422" else self.samples
        wanted = self.rows * self.columns * share * self.allocated // 8
        if len(values) != wanted + wanted % 2:
            raise BadDicom(f"a DICOM file with {len(values):,} bytes of pixels in place of {wanted:,}")
        found, words = copy(self.found), self.rest[:2] == b"OW" or self.syntax == IMPLICIT
        found.add_new("PixelData", "OW" if words else "OB", values)
        pixels, _ = get_decoder(self.syntax).as_array(found, index=0, raw=True)
        own = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
        return own.view(f"u{self.allocated // 8}")

    def _runs(self) -> NDArray[Any]:
        """Runs, unpacked: a segment a byte of a sample, the highest first.

        They are what Pillow knows from TIFF, which unpacks no more than asked for; pydicom, written in Python, took
        seven seconds for 5 MB of short ones.

        Source: DICOM PS3.5, annex G.
        """
        frame, count, deep = self._frame(), self.rows * self.columns, self.allocated // 8
        segments, *offsets = struct.unpack("<16L", frame[:64])
        if segments != self.samples * deep:
            raise BadDicom(f"a DICOM file with {segments} segments of pixels in place of {self.samples * deep}")
        ends = [*offsets[1:segments], len(frame)]
        samples = np.empty((count, self.samples, deep), np.uint8)
        for place, (begin, end) in enumerate(zip(offsets[:segments], ends, strict=True)):
            # No sample takes more than two bytes.
            if end - begin > 2 * count + 2:
                raise BadDicom("a DICOM file that unpacks to more pixels than it says")
            plane = PIL.Image.frombytes("L", (count, 1), frame[begin:end], "packbits", "L")
            samples[:, place // deep, deep - 1 - place % deep] = np.frombuffer(plane.tobytes(), np.uint8)
        shape = (self.rows, self.columns, self.samples)[: 2 if self.samples == 1 else 3]
        return np.ascontiguousarray(samples.view(f"<u{deep}").reshape(shape), f"u{deep}")
