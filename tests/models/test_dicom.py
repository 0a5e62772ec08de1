"""A DICOM photograph is seen as its pixels are elsewhere, or refused by name; whom it shows is never told."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_windowing
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from models.image import BadPhotograph, Image
from models.shades import Greys
from tests.dicoms import PLAIN, SECRETS, dicom, wrapped
from tests.photographs import fundus, jpeg, png

WHOLE = Image(name="photograph", height=240, width=320)
SMALL = Image(name="photograph", height=24, width=32, least_side=8)
PICTURE = fundus(1)
PIXELS = np.asarray(PICTURE)
GREY = np.asarray(PICTURE.convert("L"))
DEEP = np.random.default_rng(0).integers(0, 1 << 16, size=(240, 320), dtype=np.uint16)
SYNTAXES = (*PLAIN, RLELossless)
syntaxes = pytest.mark.parametrize("syntax", SYNTAXES, ids=[syntax.name for syntax in SYNTAXES])


def got(data: bytes, image: Image = WHOLE) -> str:
    with pytest.raises(BadPhotograph) as caught:
        image.array(data)
    return caught.value.got


def grey(data: bytes) -> NDArray[np.uint8]:
    found = WHOLE.array(data)
    assert np.array_equal(found[..., 0], found[..., 1])
    assert np.array_equal(found[..., 0], found[..., 2])
    return found[..., 0]


@syntaxes
def test_colours_are_those_of_the_same_pixels_in_a_png(syntax: str) -> None:
    for image in (WHOLE, Image(name="p", height=48, width=40, crop="disc")):
        assert np.array_equal(image.array(dicom(PIXELS, syntax=syntax)), image.array(png(PICTURE)))


@syntaxes
def test_luminance_and_chrominance_become_rgb(syntax: str) -> None:
    converted = PICTURE.convert("YCbCr")
    found = WHOLE.array(dicom(np.asarray(converted), "YBR_FULL", syntax=syntax))
    assert np.array_equal(found, np.asarray(converted.convert("RGB")))
    assert np.abs(found.astype(int) - PIXELS).max() <= 3


def test_two_pixels_may_share_their_chrominance() -> None:
    both = np.asarray(PICTURE.convert("YCbCr"))
    shared = np.repeat(both[:, ::2], 2, axis=1)
    shared[..., 0] = both[..., 0]
    words = np.stack([both[:, ::2, 0], both[:, 1::2, 0], both[:, ::2, 1], both[:, ::2, 2]], axis=2)
    found = WHOLE.array(dicom(both, "YBR_FULL_422", data=words.tobytes()))
    assert np.array_equal(found, np.asarray(PIL.Image.fromarray(shared, "YCbCr").convert("RGB")))


def test_colours_may_lie_plane_after_plane() -> None:
    planes = PIXELS.transpose(2, 0, 1).tobytes()
    assert np.array_equal(WHOLE.array(dicom(PIXELS, data=planes, PlanarConfiguration=1)), PIXELS)


@syntaxes
def test_greys_are_those_of_the_same_pixels_in_a_png(syntax: str) -> None:
    assert np.array_equal(grey(dicom(GREY, "MONOCHROME2", syntax=syntax)), GREY)
    assert np.array_equal(grey(dicom(GREY, "MONOCHROME1", syntax=syntax)), 255 - GREY)
    as_png = WHOLE.array(png(PIL.Image.fromarray(DEEP)))[..., 0]
    assert np.array_equal(grey(dicom(DEEP, "MONOCHROME2", syntax=syntax)), as_png)


@syntaxes
def test_the_upper_eight_of_the_stored_bits_are_kept(syntax: str) -> None:
    twelve = {"BitsStored": 12, "HighBit": 11}
    # What lies beyond the stored bits is no part of the picture.
    above = (DEEP >> 4) | 0xA000
    assert np.array_equal(grey(dicom(above, "MONOCHROME2", syntax=syntax, **twelve)), DEEP >> 8)
    signed = (DEEP.astype(np.int32) - (1 << 15)).astype(np.int16)
    assert np.array_equal(grey(dicom(signed, "MONOCHROME2", syntax=syntax)), DEEP >> 8)
    colours = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]], axis=2)
    assert np.array_equal(WHOLE.array(dicom(colours, syntax=syntax)), colours >> 8)


def test_a_falling_rescale_turns_the_greys_over() -> None:
    assert np.array_equal(
        grey(dicom(GREY, "MONOCHROME2", RescaleSlope=-2, RescaleIntercept=9)), grey(dicom(GREY, "MONOCHROME1"))
    )


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(128, 256), (100, 50), (70.5, 3.5), (20, 1)])
def test_a_window_is_what_pydicom_makes_of_it(function: str, centre: float, width: float) -> None:
    seen = Dataset()
    seen.PhotometricInterpretation, seen.BitsStored, seen.PixelRepresentation = "MONOCHROME2", 8, 0
    seen.WindowCenter, seen.WindowWidth, seen.VOILUTFunction = centre, width, function
    wanted = np.rint(apply_windowing(GREY, seen))
    elements = {name: seen[name].value for name in ("WindowCenter", "WindowWidth", "VOILUTFunction")}
    assert np.array_equal(grey(dicom(GREY, "MONOCHROME2", **elements)), wanted)
    assert np.array_equal(grey(dicom(GREY, "MONOCHROME1", **elements)), 255 - wanted)


def test_a_window_is_of_the_rescaled_numbers_and_the_first_of_several() -> None:
    # PS3.3 C.11.2.1.2.1, number by number.
    def shade(stored: int) -> int:
        number, centre, width = 0.5 * stored - 1000, 40, 400
        if number <= centre - 0.5 - (width - 1) / 2:
            return 0
        if number > centre - 0.5 + (width - 1) / 2:
            return 255
        return round(((number - (centre - 0.5)) / (width - 1) + 0.5) * 255)

    told = {"RescaleSlope": 0.5, "RescaleIntercept": -1000, "WindowCenter": [40, 1], "WindowWidth": [400, 2]}
    signed = (DEEP >> 3).astype(np.int16) - 4096
    found = grey(dicom(signed, "MONOCHROME2", **told))
    assert np.array_equal(found, np.vectorize(shade)(signed))
    assert 0 < found.mean() < 255


@pytest.mark.parametrize("fragments", [1, 3])
def test_a_jpeg_gets_the_bits_that_it_gets_alone(fragments: int) -> None:
    for options in ({}, {"subsampling": 0, "quality": 60}):
        data = jpeg(PICTURE, **options)
        assert np.array_equal(WHOLE.array(wrapped(data, (240, 320, 3), fragments=fragments)), WHOLE.array(data))
    data = jpeg(PICTURE.convert("L"))
    assert np.array_equal(WHOLE.array(wrapped(data, (240, 320), "MONOCHROME2")), WHOLE.array(data))
    assert np.array_equal(WHOLE.array(wrapped(data, (240, 320), "MONOCHROME1")), 255 - WHOLE.array(data))


def test_a_jpeg_of_rgb_that_does_not_say_so_is_taken_as_the_file_says() -> None:
    # Pillow writes these samples as they are and calls them YCbCr; without its JFIF mark nothing says what they are.
    data = jpeg(PIL.Image.merge("YCbCr", PICTURE.split()), quality=100, subsampling=0)
    at = data.index(b"\xff\xe0")
    bare = data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]
    found = WHOLE.array(wrapped(bare, (240, 320, 3), "RGB"))
    assert np.abs(found.astype(int) - PIXELS).max() <= 3
    assert np.abs(WHOLE.array(wrapped(bare, (240, 320, 3))).astype(int) - PIXELS).max() > 50


def runs(*segments: bytes) -> bytes:
    ends = np.cumsum([64, *map(len, segments)]).tolist()
    offsets = [*ends[: len(segments)], *[0] * (15 - len(segments))]
    return encapsulate([struct.pack("<16L", len(segments), *offsets) + b"".join(segments)])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (dicom(PIXELS, NumberOfFrames=2), "a DICOM file of several frames"),
        (dicom(None), "a DICOM file without pixels after at most 262,144 bytes, or a truncated one"),
        (dicom(PIXELS)[:-2], "a DICOM file with 230,398 bytes of pixels in place of 230,400"),
        (dicom(PIXELS)[:400], "a DICOM file without pixels after at most 262,144 bytes, or a truncated one"),
        (dicom(PIXELS)[:132], "a DICOM file in an unknown transfer syntax"),
        (dicom(PIXELS, syntax=DeflatedExplicitVRLittleEndian, data=b""), "a DICOM file in Deflated Explicit VR Little"),
        (
            dicom(PIXELS, syntax=JPEG2000Lossless, data=encapsulate([b"x"])),
            "a DICOM file in JPEG 2000 Image Compression",
        ),
        (dicom(GREY, "PALETTE COLOR"), "a DICOM file whose 1 samples a pixel are none of MONOCHROME1, "),
        (dicom(PIXELS, "YBR_ICT"), "a DICOM file whose 3 samples a pixel are none of MONOCHROME1, "),
        (dicom(GREY, "RGB"), "a DICOM file whose 1 samples a pixel are none of MONOCHROME1, "),
        (dicom(GREY, "MONOCHROME2", Rows=None), "a DICOM file without Rows that can be read"),
        (dicom(GREY, "MONOCHROME2", BitsStored=4, HighBit=3), "a DICOM file with 4 of 8 bits a sample"),
        (dicom(GREY, "MONOCHROME2", HighBit=6), "a DICOM file whose samples do not begin at the lowest bit"),
        (dicom(PIXELS.astype(np.int16)), "a DICOM file whose colours may be negative"),
        (
            dicom(GREY, "MONOCHROME2", WindowCenter=5, WindowWidth=0),
            "a DICOM file whose rescale or window means nothing",
        ),
        (dicom(GREY, "MONOCHROME2", RescaleSlope=0, RescaleIntercept=1), "a DICOM file whose rescale or window means "),
        (dicom(GREY, "MONOCHROME2", VOILUTSequence=[Dataset()]), "a DICOM file whose greys are seen through a lookup"),
        (dicom(PIXELS, Rows=50_000, Columns=50_000), "50000 x 50000 pixels"),
        (dicom(PIXELS, Rows=63), "320 x 63 pixels"),
        (dicom(PIXELS, Rows=120), "a DICOM file with 230,400 bytes of pixels in place of 115,200"),
        (wrapped(jpeg(PICTURE), (64, 64, 3)), "a DICOM file that says another size or depth than the JPEG in it"),
        (
            wrapped(jpeg(PICTURE), (240, 320), "MONOCHROME2"),
            "a DICOM file that says another size or depth than the JPEG",
        ),
        (wrapped(jpeg(PICTURE)[:2000], (240, 320, 3)), "a damaged or truncated DICOM file"),
        (wrapped(jpeg(PICTURE), (240, 320, 3))[:-20], "a truncated DICOM file, or one of too many fragments"),
        (wrapped(b"no JPEG", (240, 320, 3)), "a damaged or truncated DICOM file"),
        (dicom(GREY, "MONOCHROME2", syntax=RLELossless, data=runs(b"\x81\x00" * 100_000)), "a DICOM file that unpacks"),
        (dicom(GREY, "MONOCHROME2", syntax=RLELossless, data=runs(b"\x81\x00" * 99)), "a damaged or truncated DICOM"),
        (
            dicom(GREY, "MONOCHROME2", syntax=RLELossless, data=runs(b"", b"")),
            "a DICOM file with 2 segments of pixels in",
        ),
    ],
)
def test_what_can_not_be_read_is_refused_by_name(data: bytes, text: str) -> None:
    assert got(data).startswith(text)


def test_a_deflated_file_is_refused_before_it_is_unpacked() -> None:
    head = dicom(PIXELS, syntax=DeflatedExplicitVRLittleEndian, data=b"")
    bomb = zlib.compressobj(9, wbits=-15)
    data = head + bomb.compress(bytes(20_000_000)) + bomb.flush()
    assert got(data) == "a DICOM file in Deflated Explicit VR Little Endian"


def test_a_header_of_very_many_elements_is_refused_before_they_are_read() -> None:
    whole = dicom(PIXELS)
    at = whole.index(b"\x10\x00\x10\x00PN")
    tiny, item = b"\x09\x00\x10\x00LO\x00\x00", b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
    sequence = b"\x09\x00\x10\x00SQ\x00\x00\xff\xff\xff\xff"
    assert got(whole[:at] + tiny * 100_000 + whole[at:]).startswith("a DICOM file without pixels after at most 262,144")
    assert got(whole[:at] + sequence + item * 9000 + whole[at:]) == "a DICOM file of more than 1,000 items"
    nested = (sequence + item[:4] + b"\xff" * 4) * 900
    assert got(whole[:at] + nested + whole[at:]) == "a damaged or truncated DICOM file"
    many = dicom(GREY, "MONOCHROME2", syntax=RLELossless, data=(item[:4] + b"\x90\1\0\0" + bytes(400)) * 2000)
    assert got(many) == "a truncated DICOM file, or one of too many fragments"


def test_a_picture_that_only_looks_like_dicom_is_none() -> None:
    assert got(b"\0" * 128 + b"DICM") == "a DICOM file in an unknown transfer syntax"
    assert got(dicom(PIXELS)[1:]) == "a file of another kind"


def changed(data: bytes, random: np.random.Generator) -> bytes:
    """A file with some bytes changed, most of them in its header, or cut off."""
    made = bytearray(data)
    if random.random() < 0.2:
        return bytes(made[: random.integers(len(made))])
    for place in random.integers(
        128, min(len(made), 1100) if random.random() < 0.7 else len(made), random.integers(1, 5)
    ):
        made[place] = random.integers(256)
    if random.random() < 0.2:
        made[random.integers(132, 1000) : 0] = random.bytes(random.integers(1, 9))
    return bytes(made)


def test_whatever_is_damaged_is_refused_by_name_and_nobody_is_named(caplog: pytest.LogCaptureFixture) -> None:
    picture = fundus(1, size=(64, 48))
    pixels, grey_ones = np.asarray(picture), np.asarray(picture.convert("L")).astype(np.uint16)
    window = {"WindowCenter": [100, 20], "WindowWidth": [50, 3], "RescaleSlope": 2, "RescaleIntercept": -5}
    files = [dicom(pixels, syntax=syntax) for syntax in SYNTAXES]
    files += [dicom(grey_ones, "MONOCHROME2", **window), wrapped(jpeg(picture), (48, 64, 3), fragments=2)]
    random, refused = np.random.default_rng(0), 0
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        for _ in range(120):
            for data in files:
                try:
                    assert SMALL.array(changed(data, random)).shape == (24, 32, 3)
                except BadPhotograph as error:
                    refused += 1
                    _names_nobody(str(error))
    assert refused > 300
    assert not [record for record in caplog.records if record.name.startswith("pydicom")]
    _names_nobody(caplog.text + "".join(str(each.message) for each in warned))


def _names_nobody(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text
        assert secret[:5] not in text


@pytest.mark.parametrize("name", ["WindowCenter", "NumberOfFrames", "PhotometricInterpretation", "Rows"])
def test_a_value_that_stands_in_the_wrong_place_is_not_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    # As if somebody had written a name where the pixels are told of.
    data = dicom(GREY, "MONOCHROME2", WindowCenter=100, WindowWidth=50, NumberOfFrames=1)
    tags: dict[str, Any] = {
        "WindowCenter": (b"\x28\x00\x50\x10", b"DS"),
        "NumberOfFrames": (b"\x28\x00\x08\x00", b"IS"),
        "PhotometricInterpretation": (b"\x28\x00\x04\x00", b"CS"),
        "Rows": (b"\x28\x00\x10\x00", b"US"),
    }
    tag, kind = tags[name]
    at = data.index(tag + kind)
    size = struct.unpack("<H", data[at + 6 : at + 8])[0]
    broken = data[: at + 6] + struct.pack("<H", 12) + SECRETS[0].encode() + data[at + 8 + size :]
    # pydicom itself does tell.
    assert SECRETS[0] in str(dcmread(io.BytesIO(broken)).get_item(tuple(struct.unpack("<HH", tag))).value)
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        _names_nobody(got(broken))
    _names_nobody(caplog.text + "".join(str(each.message) for each in warned))


def test_the_greys_of_every_number_are_monotone() -> None:
    table = Greys(bits=12, signed=False, inverse=False, slope=1.5, window=(900, 700)).table()
    assert (table.shape, table.dtype, int(table[0]), int(table[-1])) == ((4096,), np.uint8, 0, 255)
    assert (np.diff(table.astype(int)) >= 0).all()
