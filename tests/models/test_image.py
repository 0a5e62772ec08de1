from __future__ import annotations

import contextlib
import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from models.image import BadPhotograph, Image
from tests.photographs import fundus, jpeg, png, real

PLAIN = Image(name="photograph", height=40, width=56)
WHOLE = Image(name="photograph", height=240, width=320)
RULE = (
    "should be a JPEG, PNG or DICOM photograph of at most 5,000,000 bytes and 40,000,000 pixels,"
    " at least 64 on each side"
)


def shrunk(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """A triangle over twice the step, cell by cell: what smoothing bilinear shrinking means, in float64."""

    def weights(before: int, after: int) -> NDArray[np.float64]:
        step = before / after
        made = np.zeros((after, before))
        for place in range(after):
            middle = (place + 0.5) * step
            for cell in range(before):
                made[place, cell] = max(0.0, 1 - abs((cell + 0.5 - middle) / max(step, 1.0)))
            made[place] /= made[place].sum()
        return made

    rows, columns = weights(picture.shape[0], height), weights(picture.shape[1], width)
    shorter = np.tensordot(rows, picture.astype(np.float64), axes=(1, 0))
    return np.tensordot(shorter, columns, axes=(1, 1)).swapaxes(1, 2)


def got(image: Image, data: bytes) -> str:
    with pytest.raises(BadPhotograph) as caught:
        image.array(data)
    assert str(caught.value) == f"A photograph {image.rule}, got {caught.value.got}."
    assert isinstance(caught.value, ValueError)
    return caught.value.got


def chunked(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, each with a sum that is right."""
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_photograph_of_the_right_size_is_taken_bit_for_bit() -> None:
    picture = fundus(1)
    found = WHOLE.array(png(picture))
    assert (found.dtype, found.shape) == (np.uint8, (240, 320, 3))
    assert np.array_equal(found, np.asarray(picture))
    with PIL.Image.open(io.BytesIO(jpeg(picture))) as opened:
        assert np.array_equal(WHOLE.array(jpeg(picture)), np.asarray(opened))


@pytest.mark.parametrize("size", [(40, 56), (300, 20), (17, 400)])
def test_another_size_is_smoothed_as_a_slow_loop_does_it(size: tuple[int, int]) -> None:
    height, width = size
    picture = fundus(2)
    noisy = np.asarray(picture) ^ np.random.default_rng(0).integers(0, 64, size=(240, 320, 3), dtype=np.uint8)
    found = Image(name="p", height=height, width=width).array(png(PIL.Image.fromarray(noisy)))
    # Pillow rounds to whole numbers once a direction.
    assert np.abs(found - shrunk(noisy, height, width)).max() <= 1.01


def test_real_photographs_are_what_pillow_itself_makes_of_them() -> None:
    for path in real(8):
        with PIL.Image.open(path) as opened:
            wanted = np.asarray(opened.convert("RGB").resize((224, 224), PIL.Image.Resampling.BILINEAR))
        for crop in ("none", "disc"):
            image = Image(name="photograph", height=224, width=224, crop=crop)
            assert np.array_equal(image.array(path.read_bytes()), wanted)


def test_the_same_file_gives_the_same_bits_in_every_thread() -> None:
    data = jpeg(fundus(3, size=(1600, 1200)))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(PLAIN.array, [data] * 12))
    assert all(np.array_equal(each, found[0]) for each in found)


@pytest.mark.parametrize("kind", [jpeg, png])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_held_askew_is_put_upright(kind: object, orientation: int) -> None:
    upright = np.asarray(fundus(4, size=(96, 128)))
    # How the sensor sees an upright picture, for each value of the tag (EXIF 2.32, 4.6.4 A, tag 0x0112).
    seen = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: upright.swapaxes(0, 1)[::-1],
        7: upright.swapaxes(0, 1)[::-1, ::-1],
        8: upright.swapaxes(0, 1)[:, ::-1],
    }[orientation]
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    options = {"exif": exif.tobytes(), **({"quality": 100, "subsampling": 0} if kind is jpeg else {})}
    data = kind(PIL.Image.fromarray(np.ascontiguousarray(seen)), **options)  # type: ignore[operator]
    found = Image(name="p", height=128, width=96).array(data)
    assert np.abs(found.astype(int) - upright).max() <= (12 if kind is jpeg else 0)


def test_an_orientation_that_does_not_exist_changes_nothing() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 9
    assert np.array_equal(WHOLE.array(png(fundus(1), exif=exif.tobytes())), np.asarray(fundus(1)))


def test_every_way_to_write_a_picture_becomes_rgb() -> None:
    picture = fundus(5)
    pixels = np.asarray(picture)
    grey = np.asarray(picture.convert("L"))
    assert np.array_equal(WHOLE.array(png(picture.convert("L"))), np.repeat(grey[..., None], 3, axis=2))
    assert np.array_equal(WHOLE.array(png(picture.convert("RGBA"))), pixels)
    assert np.array_equal(WHOLE.array(png(picture.convert("LA"))), np.repeat(grey[..., None], 3, axis=2))
    seen_through = PIL.Image.fromarray(np.dstack([pixels, np.full(pixels.shape[:2], 7, dtype=np.uint8)]))
    assert np.array_equal(WHOLE.array(png(seen_through)), pixels)
    palette = picture.quantize(64)
    assert np.array_equal(WHOLE.array(png(palette)), np.asarray(palette.convert("RGB")))
    assert np.array_equal(WHOLE.array(png(palette, transparency=b"\x00\x07")), np.asarray(palette.convert("RGB")))
    halves = picture.convert("1")
    assert set(np.unique(WHOLE.array(png(halves)))) == {0, 255}
    cmyk = WHOLE.array(jpeg(picture.convert("CMYK"), quality=100, subsampling=0))
    assert np.abs(cmyk.astype(int) - pixels).mean() < 3


def test_of_sixteen_bits_the_upper_eight_are_kept_in_grey_and_in_colour() -> None:
    high = np.random.default_rng(0).integers(0, 256, size=(240, 320), dtype=np.uint16)
    deep = (high << 8) | 200
    assert np.array_equal(WHOLE.array(png(PIL.Image.fromarray(deep)))[..., 1], high)
    lines = b"".join(b"\x00" + np.repeat(row[:, None], 3, axis=1).astype(">u2").tobytes() for row in deep)
    header = struct.pack(">IIBBBBB", 320, 240, 16, 2, 0, 0, 0)
    data = chunked((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    assert np.array_equal(WHOLE.array(data)[..., 2], high)


def test_what_is_no_photograph_is_refused_by_what_it_is() -> None:
    picture = fundus(6)
    assert PLAIN.rule == RULE
    assert got(PLAIN, b"") == "an empty file"
    assert got(PLAIN, b"age,eye\n61,left\n") == "a file of another kind"
    gif = io.BytesIO()
    picture.save(gif, "GIF")
    assert got(PLAIN, gif.getvalue()) == "a file of another kind"
    assert got(PLAIN, jpeg(picture)[:3]).startswith("a damaged or truncated one (")
    assert got(PLAIN, png(picture)[:8]).startswith("a damaged or truncated one (")
    assert got(PLAIN, png(picture.resize((63, 200)))) == "63 x 200 pixels"
    assert got(PLAIN, png(picture.resize((200, 63)))) == "200 x 63 pixels"
    assert got(PLAIN.model_copy(update={"most_bytes": 100}), jpeg(picture)) == f"{len(jpeg(picture)):,} bytes"
    assert PLAIN.model_copy(update={"most_bytes": len(jpeg(picture))}).array(jpeg(picture)).any()
    assert PLAIN.model_copy(update={"most_pixels": 320 * 240}).array(jpeg(picture)).any()
    assert got(PLAIN.model_copy(update={"most_pixels": 320 * 240 - 1}), jpeg(picture)) == "320 x 240 pixels"


@pytest.mark.parametrize("kind", [jpeg, png])
def test_a_file_that_was_cut_off_anywhere_is_refused_and_never_half_seen(kind: object) -> None:
    data = kind(fundus(7))  # type: ignore[operator]
    for end in range(12, len(data) - 16, 97):
        assert got(PLAIN, data[:end]).startswith(("a damaged or truncated one (", "a file of another kind"))


def test_a_bomb_of_pixels_is_refused_by_its_first_bytes_and_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    bomb = chunked((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was unpacked"))
    assert got(PLAIN, bomb) == "100000 x 100000 pixels"


def test_a_bomb_of_text_beside_the_picture_is_refused() -> None:
    data = png(fundus(8))
    begin = data.index(b"IDAT") - 4
    text = b"Comment\x00\x00" + zlib.compress(bytes(200_000_000), 9)
    body = b"zTXt" + text
    bomb = data[:begin] + struct.pack(">I", len(text)) + body + struct.pack(">I", zlib.crc32(body)) + data[begin:]
    assert len(bomb) < PLAIN.most_bytes
    assert got(PLAIN, bomb).startswith("a damaged or truncated one (")


@settings(deadline=None, max_examples=400)
@given(st.sampled_from([jpeg, png]), st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=8))))
def test_damaged_bytes_give_pixels_or_a_refusal_and_nothing_else(
    kind: object, damages: list[tuple[int, bytes]]
) -> None:
    data = bytearray(kind(fundus(9)))  # type: ignore[operator]
    for place, damage in damages:
        data[place : place + len(damage)] = damage
    with contextlib.suppress(BadPhotograph):
        assert PLAIN.array(bytes(data)).shape == (40, 56, 3)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"height": 0}, "Input should be greater than or equal to 8"),
        ({"width": 5000}, "Input should be less than or equal to 4096"),
        ({"name": ""}, "String should have at least 1 character"),
        ({"crop": "square"}, "Input should be 'none' or 'disc'"),
        ({"most_bytes": 0}, "Input should be greater than or equal to 1"),
    ],
)
def test_a_recipe_that_can_not_be_followed_is_refused(fields: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        Image.model_validate({"name": "p", "height": 40, "width": 40} | fields)
