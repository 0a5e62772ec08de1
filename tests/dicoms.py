"""DICOM files for tests, full of what names a patient."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    OphthalmicPhotography8BitImageStorage,
    RLELossless,
)

# Nobody's: what must be seen nowhere.
SECRETS = ("Nemo^Quintus", "NEMO-4711", "19011231", "Nowhere Clinic")
PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


def dicom(
    pixels: NDArray[Any] | None,
    kind: str = "RGB",
    *,
    syntax: str = ExplicitVRLittleEndian,
    data: bytes | None = None,
    **elements: Any,
) -> bytes:
    """A file of these pixels, [rows, columns] or [rows, columns, 3]; `elements` by keyword, None leaves out.

    `data` stands for the pixels as they are written, if it is given.
    """
    made = Dataset()
    made.PatientName, made.PatientID, made.PatientBirthDate, made.InstitutionName = SECRETS
    made.SOPClassUID, made.SOPInstanceUID = OphthalmicPhotography8BitImageStorage, "1.2.3.4711"
    made.PhotometricInterpretation = kind
    if pixels is not None:
        made.Rows, made.Columns = pixels.shape[:2]
        made.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
        made.BitsAllocated = made.BitsStored = pixels.dtype.itemsize * 8
        made.HighBit = made.BitsStored - 1
        made.PixelRepresentation = int(pixels.dtype.kind == "i")
        if pixels.ndim == 3:
            made.PlanarConfiguration = 0
    little = syntax != ExplicitVRBigEndian
    if data is None and pixels is not None and syntax in PLAIN:
        data = pixels.astype(pixels.dtype.newbyteorder("<" if little else ">")).tobytes()
    if data is not None:
        data += b"\0" * (len(data) % 2)
        made.add_new("PixelData", "OB" if little and made.get("BitsAllocated") != 16 else "OW", data)
        made["PixelData"].is_undefined_length = syntax not in PLAIN
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    if syntax == RLELossless and data is None and pixels is not None:
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.compress(RLELossless, pixels, encoding_plugin="pydicom", generate_instance_uid=False)
    for name, value in elements.items():
        if value is None:
            del made[name]
        else:
            setattr(made, name, value)
    if data is not None and not little and made.get("BitsAllocated") == 8:
        # Words of two bytes are turned round, as the standard has it.
        made["PixelData"].value = np.frombuffer(data, "u2").byteswap().tobytes()
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=little)
    return file.getvalue()


def wrapped(
    jpeg: bytes, shape: tuple[int, ...], kind: str = "YBR_FULL_422", *, fragments: int = 1, **elements: Any
) -> bytes:
    """A file around a JPEG of that many rows and columns."""
    blank = np.zeros(shape, np.uint8)
    data = encapsulate([jpeg], fragments_per_frame=fragments)
    return dicom(blank, kind, syntax=JPEGBaseline8Bit, data=data, **elements)
