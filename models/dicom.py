"""What a DICOM file says of its one picture. Nothing of it but what the pixels need is looked at."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from models.bad_dicom import BadDicom, named

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
        with named():
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
