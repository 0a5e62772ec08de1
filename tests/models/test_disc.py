from __future__ import annotations

import io

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest
from numpy.typing import NDArray

from models.disc import cut_to_disc
from models.image import BadPhotograph, Image
from tests.photographs import fundus, jpeg, png, real


def brightest_square(picture: PIL.Image.Image) -> tuple[int, int, int]:
    """Left, top and side of the square around all that is bright, where nothing else is."""
    rows, columns = np.nonzero(np.asarray(picture).max(axis=2) > 16)
    left, top = int(columns.min()), int(rows.min())
    width, height = int(columns.max()) + 1 - left, int(rows.max()) + 1 - top
    side = max(width, height)
    return left - (side - width) // 2, top - (side - height) // 2, side


def disc(size: tuple[int, int], middle: tuple[int, int], radius: int) -> PIL.Image.Image:
    picture = PIL.Image.new("RGB", size)
    x, y = middle
    PIL.ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), fill=(180, 90, 40))
    return picture


@pytest.mark.parametrize("seed", range(10))
def test_the_square_around_the_disc_is_cut_out(seed: int) -> None:
    picture = fundus(seed)
    left, top, side = brightest_square(picture)
    wanted = picture.crop((left, top, left + side, top + side))
    assert np.array_equal(np.asarray(cut_to_disc(picture)), np.asarray(wanted))


@pytest.mark.parametrize("seed", range(4))
def test_a_large_photograph_is_cut_to_within_a_few_pixels(seed: int) -> None:
    picture = fundus(seed, size=(3000, 2300))
    left, top, side = brightest_square(picture)
    cut = cut_to_disc(picture)
    assert cut.width == cut.height
    assert side <= cut.width <= side + 2 * 4
    small = np.asarray(cut.resize((100, 100))).astype(int)
    exact = np.asarray(picture.crop((left, top, left + side, top + side)).resize((100, 100))).astype(int)
    assert np.abs(small - exact).mean() < 3


@pytest.mark.parametrize("size", [(320, 240), (1500, 1100), (3000, 2300)])
@pytest.mark.parametrize("seed", range(4))
def test_a_photograph_that_was_cut_before_comes_out_the_same(seed: int, size: tuple[int, int]) -> None:
    once = cut_to_disc(fundus(seed, size=size))
    assert cut_to_disc(once) is once
    with_noise = PIL.Image.open(io.BytesIO(jpeg(once, quality=60)))
    assert cut_to_disc(with_noise) is with_noise


def test_real_photographs_which_were_cut_before_come_out_the_same() -> None:
    for path in real(100):
        with PIL.Image.open(path) as opened:
            assert cut_to_disc(opened) is opened


def test_a_real_photograph_on_a_wide_black_ground_is_found_again() -> None:
    for path in real(20):
        with PIL.Image.open(path) as opened:
            wide = PIL.Image.new("RGB", (900, 700))
            wide.paste(opened, (251, 102))
        whole = Image(name="p", height=512, width=512, crop="disc")
        found, wanted = whole.array(png(wide)), whole.array(path.read_bytes())
        assert np.array_equal(found, wanted)


def test_a_disc_that_is_cut_off_above_and_below_is_padded_with_black_to_a_square() -> None:
    cut = np.asarray(cut_to_disc(disc((400, 200), (200, 100), 150)))
    assert cut.shape == (301, 301, 3)
    middle = cut[50:251]
    assert cut[:50].max() == 0
    assert (middle[100, 1:-1] == (180, 90, 40)).all()


def test_a_date_in_a_corner_and_specks_are_no_part_of_the_disc() -> None:
    plain = disc((400, 300), (150, 150), 100)
    marked = plain.copy()
    draw = PIL.ImageDraw.Draw(marked)
    draw.text((330, 280), "2020-04-01", fill="white")
    for place in range(5):
        draw.point((390, 20 * place), fill="white")
    found: NDArray[np.uint8] = np.asarray(cut_to_disc(marked))
    assert np.array_equal(found, np.asarray(cut_to_disc(plain)))


def test_a_photograph_without_a_disc_is_refused_by_what_it_shows() -> None:
    image = Image(name="p", height=40, width=40, crop="disc")

    def got(picture: PIL.Image.Image) -> str:
        with pytest.raises(BadPhotograph) as caught:
            image.array(png(picture))
        return caught.value.got

    assert got(PIL.Image.new("RGB", (200, 100), (16, 16, 16))) == "one that is dark all over"
    assert got(disc((400, 300), (100, 100), 20)) == "one with a bright part of only 41 x 41 pixels"
    assert image.array(png(PIL.Image.new("RGB", (200, 100), (17, 0, 0)))).any()
